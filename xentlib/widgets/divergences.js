// ---- Divergences: KL(p‖q) and KL(q‖p), term by term, on one scale ----

const KL_TOP = 4; // bits shown; beyond, a gauge is full and says so
const PRESETS = [
  ["p = q", [[0.5, 0.25, 0.25], [0.5, 0.25, 0.25]]],
  ["swapped", [[0.5, 0.25, 0.25], [0.25, 0.25, 0.5]]],
  ["q too sure", [[0.5, 0.25, 0.25], [0.9, 0.05, 0.05]]],
  ["q rules one out", [[0.5, 0.25, 0.25], [0.5, 0.5, 0]]],
  ["the landscape", [[1, 0, 0], [0.4, 0.1, 0.5]]],
];

// A term of the sum, with its sign.
const signed = (bits) => {
  const size = fixed(Math.abs(bits), 3);
  return size === "∞" ? "+∞" : `${+size === 0 ? "" : bits < 0 ? "−" : "+"}${size} bits`;
};

function render({ model, el }) {
  const root = html(el, "div", { className: "xent-figure xent-divergences" });
  const presets = presetButtons(root, model, ["p", "q"], PRESETS);
  const drawing = canvas(root, "Two distributions p and q and their two divergences");
  const { art } = drawing;
  const sides = [["p", "q"], ["q", "p"]].map(([truth, guess], k) => {
    const title = node(art, "text", { class: `xent-title xent-${truth}` },
      `${truth}: drag a bar; below it, ${truth} log₂(${truth}/${guess})`);
    const share = rescaler();
    const chart = barChart(drawing, truth, (i, value) => send(model, truth, share(model.get(truth), i, value)));
    chart.bars.forEach(({ handle }, i) => set(handle, { "data-handle": 3 * k + i }));
    return { truth, guess, title, chart };
  });
  const grid = node(art, "g");
  const gauges = sides.map(({ truth, guess }) => ({
    name: node(art, "text", { class: `xent-title xent-${truth}`, x: 0 },
      `KL(${truth}‖${guess}), the sum: truth ${truth}, model ${guess}`),
    rect: node(art, "rect", { class: `xent-bar xent-${truth}` }),
    frame: node(art, "rect", { class: "xent-frame" }),
    inside: node(art, "text", { class: "xent-onfill xent-strong", "text-anchor": "end" }),
    beside: node(art, "text", { class: "xent-strong" }),
  }));
  const say = readout(root, "KL(p‖q) = {pq}; KL(q‖p) = {qp}.");

  let toBits;
  function layout(width, wide) {
    const boxes = wide
      ? [{ left: 34, right: width * 0.47, top: 52, bottom: 222 }, { left: width * 0.53 + 34, right: width, top: 52, bottom: 222 }]
      : [{ left: 34, right: width, top: 52, bottom: 176 }, { left: 34, right: width, top: 286, bottom: 410 }];
    sides.forEach(({ title, chart }, k) => {
      chart.layout(boxes[k]);
      set(title, { x: boxes[k].left - 34, y: boxes[k].top - 38 });
    });
    const top = wide ? 310 : 498;
    toBits = (bits) => 1 + (bits / KL_TOP) * (width - 2);
    gauges.forEach(({ name, rect, frame, inside, beside }, k) => {
      const y = top + 60 * k;
      set(name, { y: y - 8 });
      set(rect, { x: 1, y, height: 24 });
      set(frame, { x: 1, y, width: width - 2, height: 24 });
      for (const text of [inside, beside]) set(text, { y: y + 17 });
    });
    const tick = (t) => ({ 0: "start", [KL_TOP]: "end" })[t] ?? "middle";
    grid.replaceChildren();
    for (let t = 0; t <= KL_TOP; t++)
      node(grid, "text", { class: "xent-tick", x: toBits(t), y: top + 102, "text-anchor": tick(t) }, t < KL_TOP ? t : `${t} bits`);
  }

  function draw() {
    const names = model.get("names");
    const said = sides.map(({ truth, guess, chart }, k) => {
      const p = model.get(truth), q = model.get(guess);
      const terms = klTerms(p, q, 2);
      const bits = Math.max(0, sum(terms)); // below 0 only by rounding
      chart.draw(p, names);
      chart.bars.forEach((bar, i) => (bar.note.textContent = signed(terms[i])));
      const { rect, inside, beside } = gauges[k];
      const end = toBits(Math.min(bits, KL_TOP));
      const full = toBits(KL_TOP) - end < 110; // no room beside it
      const text = Number.isFinite(bits) ? `${fixed(bits, 4)} bits` : "∞";
      set(rect, { width: end - 1 });
      set(inside, { x: end - 8 });
      set(beside, { x: end + 8 });
      inside.textContent = full ? (bits > KL_TOP ? `${text} →` : text) : "";
      beside.textContent = full ? "" : text;
      const missed = terms.indexOf(Infinity);
      return missed < 0 ? text : `∞ because ${guess} gives ${names[missed]} the probability 0 and ${truth} does not`;
    });
    presets.show();
    say({ pq: said[0], qp: said[1] });
  }

  return live(model, ["p", "q", "names"], root, layout, draw);
}

export default { render };
