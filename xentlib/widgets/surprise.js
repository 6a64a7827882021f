// ---- Surprise: −log₂ p, and the yes/no questions it counts ----

const MOST_BITS = 10; // shown; beyond, the dot waits at the top edge

const PRESETS = [
  ["fair coin 1/2", 1 / 2], ["die 1/6", 1 / 6], ["Brazil wins 1/64", 1 / 64], ["China wins 63/64", 63 / 64],
];

// Pieces [from, to] that are cut off a strip of width 1 until p is left: halves, then a part.
export function halvings(p, most = MOST_BITS) {
  const pieces = [];
  for (let width = 1; width > p && pieces.length < most; width /= 2)
    pieces.push([Math.max(width / 2, p), width]);
  return pieces;
}

// The point of the curve that is nearest to (x, y) on the screen, in bits.
export function nearestBits(x, y, toX, toY) {
  let best = 0, least = Infinity;
  for (let i = 0; i <= MOST_BITS * 50; i++) {
    const bits = i / 50;
    const distance = Math.hypot(toX(2 ** -bits) - x, toY(bits) - y);
    if (distance < least) [best, least] = [bits, distance];
  }
  return best;
}

function render({ model, el }) {
  const root = html(el, "div", { className: "xent-figure xent-surprise" });
  const presets = presetButtons(root, model, "p", PRESETS);
  const halve = control(presets.row, "button", { type: "button", textContent: "halve p" });
  halve.addEventListener("click", () => send(model, "p", Math.max(model.get("p") / 2, 2 ** -MOST_BITS)));

  const { svg, art, handles } = canvas(root, "Surprise in bits against probability");
  const grid = node(art, "g");
  const title = node(art, "text", { class: "xent-title", x: 0, y: 14 }, "Surprise = −log₂ p, in bits");
  const xTitle = node(art, "text", { class: "xent-p", "text-anchor": "middle" }, "p, the probability of what happened");
  const curve = node(art, "path", { class: "xent-curve" });
  const drop = node(art, "path", { class: "xent-drop" });
  const label = node(art, "text", { class: "xent-strong xent-halo" });
  const stripTitle = node(art, "text", { class: "xent-title", x: 0 }, "Halve the strip until p is left");
  const kept = node(art, "rect", { class: "xent-bar xent-p" });
  const cuts = Array.from({ length: MOST_BITS }, (_, i) => ({
    rect: node(art, "rect", { class: "xent-cut" }),
    text: node(art, "text", { class: "xent-tick", "text-anchor": "middle" }, i + 1),
  }));
  const keptText = node(art, "text", { class: "xent-onfill", "text-anchor": "middle" });
  const boxTitle = node(art, "text", { class: "xent-title", x: 0 });
  const boxes = Array.from({ length: MOST_BITS }, (_, i) => ({
    fill: node(art, "rect", { class: "xent-bar xent-p" }),
    frame: node(art, "rect", { class: "xent-frame" }),
    text: node(art, "text", { class: "xent-tick", "text-anchor": "middle" }, i + 1),
  }));
  const handle = slider(handles, {
    index: 0, max: MOST_BITS, n: 50, page: 1, right: -1,
    valueAt: (px, py) => nearestBits(px, py, x, y),
    change: (bits) => send(model, "p", 2 ** -bits),
  });
  node(handle, "circle", { class: "xent-touch", r: 22 });
  node(handle, "circle", { class: "xent-grip xent-p", r: 9 });
  const say = readout(root, "p = {p}: −log₂ p = {bits} bits: as surprising as {heads} fair-coin heads in a row ({nats} nats).");

  let box, full, x, y, boxWidth;
  const STRIP = 306, BOXES = 376;
  function layout(width) {
    box = { left: 30, right: width - 10, top: 34, bottom: 222 };
    full = { left: 1, right: width - 1 };
    x = (p) => box.left + p * (box.right - box.left);
    y = (bits) => box.bottom - (bits / MOST_BITS) * (box.bottom - box.top);
    axes(grid, box, { xTicks: [0, 0.25, 0.5, 0.75, 1], x, yTicks: [0, 2, 4, 6, 8, 10], y });
    set(xTitle, { x: x(0.5), y: box.bottom + 40 });
    const points = [];
    for (let bits = MOST_BITS; bits >= 0; bits -= 0.125) points.push([x(2 ** -bits), y(bits)]);
    set(curve, { d: path(points) });
    set(stripTitle, { y: STRIP - 10 });
    set(kept, { x: full.left, y: STRIP, height: 30 });
    set(boxTitle, { y: BOXES - 10 });
    boxWidth = (full.right - full.left) / MOST_BITS;
    boxes.forEach((b, i) => {
      const left = full.left + i * boxWidth;
      set(b.fill, { x: left, y: BOXES, height: 22 });
      set(b.frame, { x: left, y: BOXES, width: boxWidth, height: 22 });
      set(b.text, { x: left + boxWidth / 2, y: BOXES + 38 });
    });
  }

  function draw() {
    const p = model.get("p");
    const bits = informationContent(p, 2);
    const at = [x(p), y(Math.min(bits, MOST_BITS))];
    const probability = p < 0.1 ? p.toPrecision(3) : p.toFixed(3);
    handle.place(...at);
    handle.show(bits, "surprise in bits", `p = ${probability}, ${fixed(bits, 2)} bits`);
    set(drop, { d: path([[box.left, at[1]], at, [at[0], box.bottom]]) });
    const right = p > 0.7;
    set(label, { x: right ? Math.min(at[0] + 20, box.right) : at[0] + 16, y: right ? at[1] - 18 : Math.max(at[1] - 8, box.top + 4), "text-anchor": right ? "end" : "start" });
    label.textContent = `${bits > MOST_BITS ? "↑ " : ""}${fixed(bits, 2)} bits`;

    const width = full.right - full.left;
    set(kept, { width: p * width });
    keptText.textContent = p * width > 76 ? `p = ${probability}` : p * width > 16 ? "p" : "";
    set(keptText, { x: full.left + (p * width) / 2, y: STRIP + 20 });
    const pieces = halvings(p);
    cuts.forEach(({ rect, text }, i) => {
      const [from, to] = pieces[i] ?? [0, 0];
      set(rect, { x: full.left + from * width, y: STRIP, width: (to - from) * width, height: 30 });
      set(text, { x: full.left + ((from + to) / 2) * width, y: STRIP + 20 });
      text.style.display = (to - from) * width > 16 ? "" : "none";
    });
    boxTitle.textContent = `Worth ${fixed(bits, 2)} yes/no questions`;
    boxes.forEach((b, i) => set(b.fill, { width: clamp(bits - i, 0, 1) * boxWidth }));
    presets.show();
    say({ p: probability, bits: fixed(bits, 3), heads: fixed(bits, 2), nats: fixed(bits * Math.LN2, 3) });
  }

  return live(model, ["p"], root, layout, draw);
}

export default { render };
