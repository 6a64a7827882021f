// ---- JointTable: two variables as areas of the unit square, their entropies as bars that add up ----

const MOST = 2; // bits, of two fair coins
const BAR = 36, GAP = 12; // heights of the bars and between them
const PRESETS = [
  ["independent", [[0.18, 0.12], [0.42, 0.28]]], ["copy", [[0.5, 0], [0, 0.5]]],
  ["noisy channel", [[0.45, 0.05], [0.05, 0.45]]], ["rain", [[0.24, 0.06], [0.14, 0.56]]],
];

// ---- As in xentlib.information; X is down the rows of the table, Y along its columns ----

const turned = (table) => table[0].map((_, j) => table.map((row) => row[j]));

export const jointEntropy = (pxy, base) => entropy(pxy.flat(), base);

// H(Y|X) when `given` is 0, H(X|Y) when it is 1.
export const conditionalEntropy = (pxy, given, base) =>
  sum((given === 0 ? pxy : turned(pxy)).map((row) => {
    const total = sum(row);
    return total > 0 ? total * entropy(row.map((x) => x / total), base) : 0;
  }));

export const mutualInformation = (pxy, base) => // below 0 only by rounding
  Math.max(0, entropy(pxy.map(sum), base) + entropy(turned(pxy).map(sum), base) - jointEntropy(pxy, base));

// Rows of bars [name, from, to] in bits. Each row ends at H(X,Y); where H(X) and H(Y) overlap is I(X;Y).
export function informationBars(pxy) {
  const joint = jointEntropy(pxy, 2), x = entropy(pxy.map(sum), 2);
  const [yGivenX, xGivenY] = [0, 1].map((given) => conditionalEntropy(pxy, given, 2));
  const end = Math.max(xGivenY, x); // below H(X|Y) only by rounding
  return [
    [["H(X,Y)", 0, joint]],
    [["H(X)", 0, x], ["H(Y|X)", x, x + yGivenX]],
    [["H(X|Y)", 0, xGivenY], ["H(Y)", xGivenY, joint]],
    [["H(X|Y)", 0, xGivenY], ["I(X;Y)", xGivenY, end], ["H(Y|X)", end, end + yGivenX]],
  ];
}

// ---- The table as the places of three dividers: p(y0|x0), p(y0|x1), p(x0) ----

export const tableOf = ([a, b, x0]) => [[x0 * a, x0 * (1 - a)], [(1 - x0) * b, (1 - x0) * (1 - b)]];

// A column without width leaves open how it is divided: then it stays as it was `before`.
export function dividersOf(pxy, before) {
  const widths = pxy.map(sum);
  const y0 = pxy.map((row, i) => (widths[i] > 0 ? row[0] / widths[i] : before[i]));
  return [...y0, widths[0] / sum(widths)];
}

function render({ model, el }) {
  const root = html(el, "div", { className: "xent-figure xent-jointtable" });
  const presets = presetButtons(root, model, "pxy", PRESETS);
  const { art, handles } = canvas(root, "A joint distribution of X and Y, and its entropies");
  node(art, "text", { class: "xent-title xent-p", x: 0, y: 14 }, "Area = p(x, y): drag a divider");
  const cells = [0, 1, 2, 3].map((k) => ({
    rect: node(art, "rect", { class: `xent-bar xent-p xent-part ${k % 2 ? "xent-faint" : ""}` }),
    text: node(art, "text", { class: k % 2 ? "" : "xent-onfill", "text-anchor": "middle" }),
  }));
  const letters = ["X", "Y"].map((letter) => node(art, "text", { class: "xent-strong", "text-anchor": "end" }, letter));
  const xNames = [0, 1].map(() => node(art, "text", { "text-anchor": "middle" }));
  const xValues = [0, 1].map(() => node(art, "text", { "text-anchor": "middle" }));
  const yNames = [0, 1].map(() => node(art, "text", { "text-anchor": "end" }));

  const barTitle = node(art, "text", { class: "xent-title" }, "In bits: every row adds up to H(X,Y)");
  const grid = node(art, "g");
  const guides = node(art, "path", { class: "xent-drop" });
  const shades = { "I(X;Y)": "", "H(X|Y)": "xent-faint", "H(Y|X)": "xent-faint" };
  const rows = informationBars(PRESETS[0][1]).map((row) => row.map(([name]) => ({
    rect: node(art, "rect", { class: `xent-bar xent-p xent-part ${shades[name] ?? "xent-half"}` }),
    name: node(art, "text", { "text-anchor": "middle" }),
    value: node(art, "text", { "text-anchor": "middle" }),
  })));
  const both = node(art, "text", { class: "xent-strong xent-p", "text-anchor": "middle" });

  let at = [0.5, 0.5, 0.5];
  let square, bars, toBits;
  const fromLeft = (px) => (px - square.left) / square.side;
  const fromBottom = (_, py) => (square.bottom - py) / square.side;
  const move = (k, value) => send(model, "pxy", tableOf(at.map((old, m) => (m === k ? value : old))));
  const divider = (k, valueAt) => slider(handles, {
    index: k, max: 1, n: 100, page: 0.1, valueAt, change: (value) => move(k, value),
  });
  // The upright divider is seized along its whole length, but its slider is the grip above it.
  const line = draggable(node(handles, "g", { class: "xent-handle", "aria-hidden": "true" }),
    (px) => move(2, clamp(snap(fromLeft(px), 100), 0, 1)));
  const lineTouch = node(line, "rect", { class: "xent-touch", x: -10, width: 20 });
  const levels = [0, 1].map((k) => {
    const handle = divider(k, fromBottom);
    handle.touch = node(handle, "rect", { class: "xent-touch", y: -22, height: 44 });
    node(handle, "rect", { class: "xent-grip xent-p", x: -18, y: -6, width: 36, height: 12, rx: 6 });
    return handle;
  });
  const upright = divider(2, fromLeft);
  set(upright, { "aria-orientation": "horizontal" });
  node(upright, "rect", { class: "xent-touch", x: -22, y: -20, width: 44, height: 36 });
  node(upright, "rect", { class: "xent-grip xent-p", x: -6, y: -15, width: 12, height: 30, rx: 6 });
  const say = readout(root, "p = ({p}): H(X) = {x}, H(Y) = {y}, H(X,Y) = {joint} bits; X tells {both} bits about Y, and Y tells as much about X.");

  function layout(width, wide) {
    const left = 76; // room for the names of Y
    const side = Math.min(240, width - left - 20);
    square = { left, side, top: 60, bottom: 60 + side };
    bars = wide ? { left: left + side + 48, right: width - 6, top: 60 } : { left: 1, right: width - 6, top: 390 };
    bars.bottom = bars.top + 4 * BAR + 3 * GAP;
    toBits = (bits) => bars.left + (bits / MOST) * (bars.right - bars.left);
    axes(grid, { ...bars, bottom: bars.bottom + 26 }, { xTicks: [0, 1, 2], x: toBits });
    set(barTitle, { x: bars.left - 1, y: wide ? 14 : 372 });
    set(letters[0], { x: left - 40, y: square.bottom + 20 });
    set(letters[1], { x: left - 20, y: square.top - 16 });
    set(lineTouch, { height: side });
    for (const text of yNames) set(text, { x: left - 8 });
  }

  function draw() {
    const pxy = model.get("pxy"), xs = model.get("x_names"), ys = model.get("y_names");
    at = dividersOf(pxy, at);
    const { left, side, top, bottom } = square;
    const digits = decimals(pxy.flat());
    const split = left + at[2] * side;
    const columns = [[left, split], [split, left + side]];
    columns.forEach(([from, to], i) => {
      const middle = (from + to) / 2;
      const level = bottom - at[i] * side;
      [[level, bottom], [top, level]].forEach(([high, low], j) => {
        const { rect, text } = cells[2 * i + j];
        const height = low - high;
        set(rect, { x: from, y: high, width: to - from, height });
        // In the middle, but not under the grip on the divider.
        const inset = clamp(height - 15, 10, Math.max(10, height / 2));
        set(text, { x: middle, y: (j ? high + inset : low - inset) + 5 });
        text.textContent = to - from > 40 && height > 23 ? fixed(pxy[i][j], digits) : "";
      });
      const reach = Math.max(48, to - from - 20); // leaves a margin for the upright divider
      set(levels[i].touch, { x: -reach / 2, width: reach });
      const total = sum(pxy[i]);
      levels[i].place(clamp(middle, left + 18, left + side - 18), level);
      levels[i].show(at[i], `p(${ys[0]} | ${xs[i]})`, fixed(at[i], decimals([at[i]])));
      levels[i].style.display = total > 0 ? "" : "none";
      set(xNames[i], { x: middle, y: bottom + 20 });
      set(xValues[i], { x: middle, y: bottom + 38 });
      xNames[i].textContent = xs[i];
      xValues[i].textContent = fixed(total, decimals([total]));
    });
    const beside = at[2] > 0 ? at[0] : at[1];
    yNames.forEach((text, j) => {
      set(text, { y: bottom - (j ? (1 + beside) / 2 : beside / 2) * side + 4 });
      text.textContent = ys[j];
    });
    line.place(split, top);
    upright.place(split, top - 22);
    upright.show(at[2], `p(${xs[0]})`, fixed(at[2], decimals([at[2]])));

    const values = informationBars(pxy);
    values.forEach((row, r) => row.forEach(([name, from, to], k) => {
      const bar = rows[r][k];
      const [start, end] = [toBits(from), toBits(to)];
      const y = bars.top + r * (BAR + GAP);
      set(bar.rect, { x: start, y, width: Math.max(0, end - start), height: BAR });
      set(bar.name, { x: (start + end) / 2, y: y + 15 });
      set(bar.value, { x: (start + end) / 2, y: y + 30 });
      const fits = end - start > 44 && name !== "I(X;Y)"; // which is written below, always
      bar.name.textContent = fits ? name : "";
      bar.value.textContent = fits ? fixed(to - from, 3) : "";
    }));
    const gap = (after, bits) => bits > 0 ? `M${toBits(bits).toFixed(1)} ${bars.top + after * (BAR + GAP) - GAP}v${GAP}` : "";
    const [, from, to] = values[3][1];
    set(guides, { d: gap(2, to) + gap(3, to) + gap(3, from) });
    set(both, { x: Math.max(toBits((from + to) / 2), bars.left + 50), y: bars.bottom + 17 });
    both.textContent = `I(X;Y) ${fixed(to - from, 3)}`;
    presets.show();
    say({
      p: pxy.map((row) => `(${row.map((x) => fixed(x, digits)).join(", ")})`).join(", "),
      x: fixed(values[1][0][2], 3), y: fixed(entropy(turned(pxy).map(sum), 2), 3),
      joint: fixed(values[0][0][2], 3), both: fixed(to - from, 3),
    });
  }

  return live(model, ["pxy", "x_names", "y_names"], root, layout, draw);
}

export default { render };
