// ---- BinaryLoss: the two branches of binary cross-entropy, and their mixture ----

const LOSS_TOP = 4; // nats shown; beyond, the dot waits at the top edge
const TANGENT = 38; // pixels, to either side

export const binaryLoss = (q, y) => crossEntropy([y, 1 - y], [q, 1 - q]);

// d loss/dq = (1 − y)/(1 − q) − y/q; a term that y rules out is 0 at the ends, too.
export const binarySlope = (q, y) => (y < 1 ? (1 - y) / (1 - q) : 0) - (y > 0 ? y / q : 0);

// Up to three significant digits, with a true minus.
const short = (x) => {
  const size = Math.abs(x);
  const text = size === Infinity ? "∞" : String(size >= 100 ? Math.round(size) : +size.toPrecision(3));
  return text !== "0" && x < 0 ? `−${text}` : text;
};

function render({ model, el }) {
  const root = html(el, "div", { className: "xent-figure xent-binaryloss" });
  const presets = presetButtons(root, model, "y", [["y = 0", 0], ["y = 1", 1], ["soft: y = 0.3", 0.3]]);

  const { art, handles } = canvas(root, "Binary cross-entropy against the model's probability");
  const title = node(art, "text", { class: "xent-title", x: 0, y: 14 });
  const grid = node(art, "g");
  const xTitle = node(art, "text", { class: "xent-q", "text-anchor": "middle" }, "q, the model’s probability of “1”");
  const branches = [
    { truth: 1, text: "y = 1: −ln q", dashes: "7 4", end: "start" },
    { truth: 0, text: "y = 0: −ln(1 − q)", dashes: "2 4", end: "end" },
  ].map(({ truth, text, dashes, end }) => ({
    truth,
    line: node(art, "path", { class: "xent-contour", "stroke-dasharray": dashes }),
    name: node(art, "text", { "text-anchor": end }, text),
  }));
  const curve = node(art, "path", { class: "xent-curve xent-q" });
  const track = node(art, "path", { class: "xent-axis" });
  const trackLabel = node(art, "text", { class: "xent-p", "text-anchor": "middle" });
  const rise = node(art, "path", { class: "xent-outline", "stroke-dasharray": "2 4" });
  const least = node(art, "circle", { class: "xent-dot xent-p", r: 6 });
  const tangent = node(art, "path", { class: "xent-curve" });
  const labels = [0, 1].map(() => node(art, "text", { class: "xent-strong xent-halo" }));
  const fromTrack = (px) => (px - box.left) / (box.right - box.left);
  const [handle, truthHandle] = ["q", "y"].map((name, index) => {
    const made = slider(handles, {
      index, max: 1, n: 100, page: 0.1, valueAt: fromTrack, change: (value) => send(model, name, value),
    });
    set(made, { "aria-orientation": "horizontal" });
    node(made, "circle", { class: "xent-touch", r: 22 });
    node(made, "circle", { class: `xent-grip xent-${index ? "p" : "q"}`, r: 9 });
    return made;
  });
  const say = readout(root, "y = {y}, q = {q}: {formula} = {loss}, slope {slope} per unit of q{least}.");

  let box, x, y;
  function layout(width) {
    box = { left: 34, right: width - 12, top: 62, bottom: 302 };
    x = (q) => box.left + q * (box.right - box.left);
    y = (nats) => box.bottom - (Math.min(nats, LOSS_TOP) / LOSS_TOP) * (box.bottom - box.top);
    axes(grid, box, { xTicks: [0, 0.25, 0.5, 0.75, 1], x, yTicks: [0, 1, 2, 3, 4], y });
    set(xTitle, { x: x(0.5), y: box.bottom + 42 });
    for (const { truth, line, name } of branches) {
      set(line, { d: path(points(truth)) });
      set(name, { x: truth ? box.left : box.right, y: box.top - 18 });
    }
    set(track, { d: path([[x(0), box.bottom + 74], [x(1), box.bottom + 74]]) });
    set(trackLabel, { x: x(0.5), y: box.bottom + 106 });
  }

  // Equal steps of the logit are close where the curve is steep. It is cut at the top edge.
  function points(truth) {
    const all = Array.from({ length: 481 }, (_, i) => 1 / (1 + Math.exp(12 - i / 20)));
    const within = (q) => binaryLoss(q, truth) <= LOSS_TOP;
    return [0, ...all, 1].filter((q, i, qs) => within(q) || within(qs[i - 1] ?? q) || within(qs[i + 1] ?? q))
      .map((q) => [x(q), y(binaryLoss(q, truth))]);
  }

  function draw() {
    const q = model.get("q"), truth = model.get("y");
    const loss = binaryLoss(q, truth), slope = binarySlope(q, truth);
    const soft = truth > 0 && truth < 1, h = binaryLoss(truth, truth);
    title.textContent = soft ? "Soft label: never 0, least at q = y" : "Sure and wrong: no limit (nats)";
    for (const branch of branches) branch.name.classList.toggle("xent-strong", truth === branch.truth);
    set(curve, { d: path(points(truth)) });
    truthHandle.place(x(truth), box.bottom + 74);
    set(rise, { d: `M${x(truth)} ${y(h)}V${box.bottom + 4}m0 46v24` }); // not through the axis's words
    set(least, { cx: x(truth), cy: y(h) });
    trackLabel.textContent = soft
      ? `y = ${short(truth)}, the truth: H(y) = ${fixed(h, 3)} nats`
      : `y = ${truth}, the truth: drag it for a soft label`;

    const at = x(q), high = y(loss), within = loss <= LOSS_TOP;
    handle.place(at, high);
    const rate = (slope * (box.bottom - box.top)) / LOSS_TOP / (box.right - box.left); // on the screen
    const run = TANGENT / Math.hypot(1, rate);
    // Not beyond the ends of q, nor above the top.
    const ends = [-1, 1].map((way) => {
      const room = way < 0 ? at - box.left : box.right - at;
      const rising = Math.max(way * rate, 0); // no room above is needed where it falls
      const most = Math.min(run, room, rising ? (high - box.top) / rising : Infinity);
      return [at + way * most, high - way * rate * most];
    });
    set(tangent, { d: within ? path(ends) : "" });
    // Inside the V of the two branches: above a flat place, beside a steep one.
    const side = slope > 2 ? "end" : slope < -2 ? "start" : "middle";
    const shift = { end: -16, start: 16, middle: 0 }[side];
    const lowest = Math.max(high - (side === "middle" ? 22 : 8), box.top + 28);
    const texts = [`${within ? "" : "↑ "}${fixed(loss, 3)} nats`, `slope ${short(slope)}`];
    labels.forEach((label, i) => {
      label.textContent = texts[i];
      const low = side === "middle" ? box.left + 46 : 0, most = side === "middle" ? box.right - 46 : Infinity;
      set(label, { x: clamp(at + shift, low, most), y: lowest - 18 * (1 - i), "text-anchor": side });
    });
    const [one, zero] = [`ln ${short(q)}`, `ln(1 − ${short(q)})`];
    const nats = (size, text) => (Number.isFinite(size) ? `${text} nats` : text);
    handle.show(q, "model’s probability q of 1", `q = ${short(q)}, loss ${nats(loss, fixed(loss, 3))}, slope ${short(slope)}`);
    truthHandle.show(truth, "truth’s probability y of 1", `y = ${short(truth)}`);
    presets.show();
    say({
      y: short(truth), q: short(q),
      formula: soft ? `−${short(truth)} ${one} − ${short(1 - truth)} ${zero}` : `−${truth ? one : zero}`,
      loss: nats(loss, fixed(loss, 3)), slope: nats(slope, short(slope)),
      least: soft ? `; least at q = y: H(y) = ${fixed(h, 3)} nats` : "",
    });
  }

  return live(model, ["q", "y"], root, layout, draw);
}

export default { render };
