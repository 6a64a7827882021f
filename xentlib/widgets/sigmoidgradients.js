// ---- SigmoidGradients: how fast cross-entropy and squared error teach a logit ----

const MOST_Z = 8; // shown, on either side

// d loss/dz for the loss −ln q(y) and for ½(q − y)², with q = σ(z), and how many times they differ.
export function sigmoidGradients(z, y) {
  const q = 1 / (1 + Math.exp(-z));
  const slope = q * (1 - q); // dq/dz
  return { q, crossEntropy: q - y, squaredError: (q - y) * slope, ratio: 1 / slope };
}

const minus = (text) => String(text).replace("-", "−");
const SUPERSCRIPT = [..."⁰¹²³⁴⁵⁶⁷⁸⁹"];

// Three decimals, or two significant digits where the number is small.
export function short(x) {
  const size = Math.abs(x);
  if (size >= 0.0995) return minus(x.toFixed(3));
  if (size >= 0.0001) return minus(+x.toPrecision(2));
  const [digits, exponent] = x.toExponential(1).split("e-");
  return `${minus(digits)}·10⁻${SUPERSCRIPT[exponent]}`;
}

function render({ model, el }) {
  const root = html(el, "div", { className: "xent-figure xent-sigmoidgradients" });
  const presets = presetButtons(root, model, "y", [["truth y = 1", 1], ["truth y = 0", 0]]);

  const { art, handles } = canvas(root, "Size of the gradients of two losses against the logit");
  node(art, "text", { class: "xent-title", x: 0, y: 14 }, "Far off, squared error hardly learns");
  const key = [["xent-q", "none", "cross-entropy: |d loss/dz| = |q − y|"], ["", "7 4", "½(q − y)²: |d loss/dz| = |q − y| q(1 − q)"]]
    .map(([name, dashes, text]) => ({
      line: node(art, "path", { class: `xent-curve ${name}`, d: "M0 -4h22", "stroke-dasharray": dashes }),
      text: node(art, "text", {}, text),
    }));
  const grid = node(art, "g");
  const band = node(art, "rect", { class: "xent-band" });
  const xTitle = node(art, "text", { class: "xent-q", "text-anchor": "middle" }, "z, the model’s logit; q = σ(z)");
  const turnLine = node(art, "path", { class: "xent-drop" });
  const turnLabel = node(art, "text", { "text-anchor": "middle" });
  const quick = node(art, "path", { class: "xent-curve xent-q" });
  const slow = node(art, "path", { class: "xent-curve", "stroke-dasharray": "7 4" });
  const guide = node(art, "path", { class: "xent-axis" });
  const quickName = node(art, "text", { class: "xent-strong xent-halo xent-q" }, "cross-entropy");
  const slowName = ["squared error:", "a bigger error,", "a smaller gradient"]
    .map((text, i) => node(art, "text", { class: `xent-halo ${i ? "" : "xent-strong"}` }, text));
  const dot = node(art, "circle", { class: "xent-dot", r: 7, fill: "currentColor" });
  const values = ["", "xent-strong xent-q", "xent-strong", ""].map((name) => node(art, "text", { class: `xent-halo ${name}` }));
  const handle = slider(handles, {
    index: 0, min: -MOST_Z, max: MOST_Z, n: 10, page: 1,
    valueAt: (px) => MOST_Z * ((2 * (px - box.left)) / (box.right - box.left) - 1),
    change: (z) => send(model, "z", z),
  });
  set(handle, { "aria-orientation": "horizontal" });
  node(handle, "circle", { class: "xent-touch", r: 22 });
  node(handle, "circle", { class: "xent-grip xent-q", r: 9 });
  const say = readout(root, "z = {z}, y = {y}: q = {q}. d loss/dz: cross-entropy {crossEntropy}, squared error {squaredError}, {ratio} times less. {turn}");

  let box, x, y;
  function layout(width, wide) {
    const top = wide ? 84 : 104;
    box = { left: 34, right: width - 12, top, bottom: top + 230 };
    x = (z) => box.left + ((z + MOST_Z) / (2 * MOST_Z)) * (box.right - box.left);
    y = (size) => box.bottom - size * (box.bottom - box.top);
    key.forEach(({ line, text }, i) => {
      const at = wide ? [i * 300, 38] : [0, 38 + 20 * i];
      set(line, { transform: `translate(${at})` });
      set(text, { x: at[0] + 28, y: at[1] });
    });
    axes(grid, box, { xTicks: [-8, -4, 0, 4, 8], x, yTicks: [0, 0.5, 1], y, label: minus });
    set(xTitle, { x: x(0), y: box.bottom + 42 });
    quickName.style.display = width < 330 ? "none" : ""; // no room beside the values
  }

  function draw() {
    const z = model.get("z"), truth = model.get("y");
    const now = sigmoidGradients(z, truth);
    const far = truth ? -1 : 1; // the side of z where the error is large
    const turn = far * Math.LN2; // there |q − y| q(1 − q) is largest, 4/27
    const [left, right] = truth ? [-MOST_Z, turn] : [turn, MOST_Z];
    set(band, { x: x(left), y: y(4 / 27), width: x(right) - x(left), height: box.bottom - y(4 / 27) });
    set(turnLine, { d: path([[x(turn), box.top], [x(turn), box.bottom]]) });
    set(turnLabel, { x: x(turn), y: box.top - 14 });
    turnLabel.textContent = `squared error is steepest at q = ${truth ? "1/3" : "2/3"}`;
    const curve = (name) => Array.from({ length: 161 }, (_, i) => (i / 80 - 1) * MOST_Z)
      .map((t) => [x(t), y(Math.abs(sigmoidGradients(t, truth)[name]))]);
    set(quick, { d: path(curve("crossEntropy")) });
    set(slow, { d: path(curve("squaredError")) });
    const anchor = (side) => ({ "text-anchor": side < 0 ? "start" : "end" });
    set(quickName, { x: x(far * MOST_Z) - 8 * far, y: box.top + 38, ...anchor(far) });
    slowName.forEach((text, i) => set(text, { x: x(turn) + 8 * far, y: y(4 / 27) - 50 + 18 * i, ...anchor(-far) }));

    const at = x(z), high = y(Math.abs(now.crossEntropy)), low = y(Math.abs(now.squaredError));
    set(guide, { d: path([[at, high], [at, low]]) });
    set(dot, { cx: at, cy: low });
    handle.place(at, high);
    const said = {
      z: minus(+z.toFixed(2)), y: truth, q: now.q.toFixed(4),
      crossEntropy: short(now.crossEntropy), squaredError: short(now.squaredError),
      ratio: now.ratio >= 100 ? now.ratio.toFixed(0) : +now.ratio.toPrecision(3),
    };
    handle.show(z, "logit z", `z = ${said.z}, cross-entropy ${said.crossEntropy}, squared error ${said.squaredError}`);
    // Where the error is small, both curves are low: the corner above them is free.
    [
      `at z = ${said.z}, q = ${said.q}`, `cross-entropy ${short(Math.abs(now.crossEntropy))}`,
      `squared error ${short(Math.abs(now.squaredError))}`, `${said.ratio} times less`,
    ].forEach((text, i) => {
      values[i].textContent = text;
      set(values[i], { x: x(-far * MOST_Z), y: box.top + 16 + 19 * i, ...anchor(-far) });
    });
    presets.show();
    const beyond = far * z > Math.LN2;
    say({ ...said, turn: beyond ? "More error, less gradient of squared error." : "More error, more gradient of both." });
  }

  return live(model, ["z", "y"], root, layout, draw);
}

export default { render };
