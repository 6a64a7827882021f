// ---- EntropyShaper: three bars, the triangle of all distributions, a gauge of H ----

const LEVELS = [0.5, 1, 1.3, 1.5];
const EVEN = Math.log2(3);
const PRESETS = [
  ["½ ¼ ¼", [0.5, 0.25, 0.25]], ["⅓ ⅓ ⅓", [1 / 3, 1 / 3, 1 / 3]],
  ["½ ½ 0", [0.5, 0.5, 0]], ["0.5 0.3 0.2", [0.5, 0.3, 0.2]],
];
const LATTICE = 120; // dragging the dot meets thirds, quarters and fifths exactly

// The triangle is cut into small ones. H at their corners, in bits, is counted once for all lines.
const GRID = 96;
const corner = (i, j) => [i / GRID, j / GRID, (GRID - i - j) / GRID];
const HEIGHTS = Array.from({ length: GRID + 1 }, (_, i) =>
  Array.from({ length: GRID + 1 - i }, (_, j) => entropy(corner(i, j), 2)));

// Line segments [[a, b], …] of points of the triangle where the entropy is `level` bits: where a
// side of a small triangle crosses the level, the crossing is interpolated.
export function contour(level) {
  const segments = [];
  const cut = (...corners) => {
    const heights = corners.map(([i, j]) => HEIGHTS[i][j] - level);
    const ends = [];
    heights.forEach((h, k) => {
      const next = (k + 1) % 3;
      if (h < 0 === heights[next] < 0) return;
      const t = h / (h - heights[next]);
      const [a, b] = [corner(...corners[k]), corner(...corners[next])];
      ends.push(a.map((x, m) => x + t * (b[m] - x)));
    });
    if (ends.length) segments.push(ends);
  };
  for (let i = 0; i < GRID; i++) {
    for (let j = 0; j < GRID - i; j++) {
      cut([i, j], [i + 1, j], [i, j + 1]);
      if (i + j < GRID - 1) cut([i + 1, j + 1], [i + 1, j], [i, j + 1]);
    }
  }
  return segments;
}

// Where the entropy has fallen to `level` on the way to C, with A : B as share : 1 − share.
export function towardsC(share, level) {
  const point = (c) => [share * (1 - c), (1 - share) * (1 - c), c];
  let low = 0.5 - share / 3, high = 1; // the maximum, and the corner
  for (let step = 0; step < 50; step++) {
    const c = (low + high) / 2;
    if (entropy(point(c), 2) > level) low = c;
    else high = c;
  }
  return point(low);
}

// The distribution nearest to a point of the plane, given by its weights, which may be negative.
export function toDistribution(weights, n = LATTICE) {
  const inside = weights.map((w) => Math.max(w, 0));
  const [a, b, c] = inside.map((w) => w / sum(inside));
  const i = Math.round(a * n);
  const j = Math.min(Math.round(b * n), n - i);
  return [i / n, j / n, (n - i - j) / n];
}

function render({ model, el }) {
  const root = html(el, "div", { className: "xent-figure xent-entropyshaper" });
  const presets = presetButtons(root, model, "p", PRESETS);
  const drawing = canvas(root, "A distribution over three outcomes and its entropy");
  const { art, handles } = drawing;
  node(art, "text", { class: "xent-title xent-p", x: 0, y: 14 }, "Drag a bar; below it, −p log₂ p");
  const share = rescaler();
  const chart = barChart(drawing, "p", (i, value) => send(model, "p", share(model.get("p"), i, value)));

  const title = node(art, "text", { class: "xent-title" }, "Drag the dot; lines of equal H");
  const triangle = node(art, "path", { class: "xent-triangle" });
  const lines = LEVELS.map((level) => ({
    segments: contour(level),
    line: node(art, "path", { class: "xent-contour" }),
    text: node(art, "text", { class: "xent-tick xent-halo" }, level < 1 ? `${level} bits` : level),
  }));
  const centre = node(art, "path", { class: "xent-contour" });
  const corners = [0, 1, 2].map(() => node(art, "text"));
  const dot = draggable(node(handles, "g", { class: "xent-handle", "data-handle": "dot", "aria-hidden": "true" }),
    (px, py) => send(model, "p", toDistribution(weightsAt(px, py))));
  node(dot, "circle", { class: "xent-touch", r: 22 });
  node(dot, "circle", { class: "xent-grip xent-p", r: 8 });
  triangle.addEventListener("click", (event) => {
    const svg = drawing.svg.getBoundingClientRect();
    send(model, "p", toDistribution(weightsAt(event.clientX - svg.left, event.clientY - svg.top)));
  });

  const gaugeTitle = node(art, "text", { class: "xent-title", x: 0 });
  const gauge = [0, 1, 2].map(() => ({
    rect: node(art, "rect", { class: "xent-bar xent-p xent-part" }),
    text: node(art, "text", { class: "xent-onfill", "text-anchor": "middle" }),
  }));
  const frame = node(art, "rect", { class: "xent-frame" });
  const ticks = [[0, "0", "start"], [1, "1", "middle"], [EVEN, `log₂ 3 = ${fixed(EVEN, 3)}`, "end"]].map(
    ([value, text, anchor]) => ({
      value, text: node(art, "text", { class: "xent-tick", "text-anchor": anchor }, text),
    }));
  const say = readout(root, "p = {p}: H = {entropy} bits; between 0 and log₂ 3 = 1.585; perplexity {perplexity} equally likely outcomes.");

  let A, B, C, gaugeX;
  const at = (p) => [0, 1].map((k) => p[0] * A[k] + p[1] * B[k] + p[2] * C[k]);
  const weightsAt = (px, py) => {
    const c = (A[1] - py) / (A[1] - C[1]);
    const b = (px - A[0] - c * (C[0] - A[0])) / (B[0] - A[0]);
    return [1 - b - c, b, c];
  };

  function layout(width, wide) {
    const bottom = wide ? 290 : 196;
    chart.layout({ left: 34, right: wide ? width * 0.46 : width, top: 52, bottom });
    const height = wide ? bottom - 52 : 200;
    const half = height / Math.sqrt(3);
    const middle = wide ? width * 0.76 : width / 2;
    const base = wide ? bottom : 500;
    [A, B, C] = [[middle - half, base], [middle + half, base], [middle, base - height]];
    set(title, { x: wide ? width * 0.54 : 0, y: wide ? 14 : 268 });
    set(triangle, { d: path([A, B, C]) + "Z" });
    [[A, 26], [B, 26], [C, -14]].forEach(([[x, y], dy], i) =>
      set(corners[i], { x, y: y + dy, "text-anchor": "middle" }));
    lines.forEach(({ segments, line, text }, i) => {
      set(line, { d: segments.map((ends) => path(ends.map(at))).join("") });
      // Labels stand where the line meets the axis to C, or, for lines around a corner, the side BC.
      const outside = LEVELS[i] < 1;
      const [x, y] = at(towardsC(outside ? 0 : 0.5, LEVELS[i]));
      set(text, { x: outside ? x + 8 : x, y: y + 4, "text-anchor": outside ? "start" : "middle" });
    });
    const [x, y] = at([1 / 3, 1 / 3, 1 / 3]);
    set(centre, { d: `M${x - 4} ${y}h8M${x} ${y - 4}v8` });
    const top = wide ? 374 : 566;
    gaugeX = (bits) => 1 + (bits / EVEN) * (width - 2);
    set(gaugeTitle, { y: top - 10 });
    set(frame, { x: 1, y: top, width: width - 2, height: 24 });
    for (const { rect, text } of gauge) {
      set(rect, { y: top, height: 24 });
      set(text, { y: top + 17 });
    }
    for (const tick of ticks) set(tick.text, { x: gaugeX(tick.value), y: top + 42 });
  }

  function draw() {
    const p = model.get("p"), names = model.get("names");
    const terms = p.map((x) => entropy([x], 2));
    const h = sum(terms);
    chart.draw(p, names);
    chart.bars.forEach((b, i) => (b.note.textContent = `${fixed(terms[i], 3)} bits`));
    dot.place(...at(p));
    corners.forEach((text, i) => (text.textContent = names[i]));
    gaugeTitle.textContent = `The sum of the shares: H = ${fixed(h, 3)} bits`;
    let start = 0;
    gauge.forEach(({ rect, text }, i) => {
      const [left, right] = [gaugeX(start), gaugeX(start + terms[i])];
      set(rect, { x: left, width: right - left });
      set(text, { x: (left + right) / 2 });
      text.textContent = right - left > 8 * names[i].length + 8 ? names[i] : "";
      start += terms[i];
    });
    presets.show();
    say({ p: tuple(p), entropy: fixed(h, 3), perplexity: fixed(2 ** h, 2) });
  }

  return live(model, ["p", "names"], root, layout, draw);
}

export default { render };
