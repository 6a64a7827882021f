// ---- CodeLengths: columns as wide as p and as high as the code is long, and their budget ----

const MOST_BITS = 6;
const BUDGETS = 1.5; // shown; beyond, the bar ends in an arrow

const SPEAKERS = [["Bob speaks", [1 / 2, 1 / 4, 1 / 8, 1 / 8]], ["Alice speaks", [1 / 8, 1 / 2, 1 / 4, 1 / 8]]];
const CODES = [["Bob’s code", [1, 2, 3, 3]], ["Alice’s code", [3, 1, 2, 3]], ["2 bits each", [2, 2, 2, 2]]];

export const meanLength = (p, lengths) => sum(p.map((x, i) => x * lengths[i]));

export const kraftSum = (lengths) => sum(lengths.map((bits) => 2 ** -bits));

// The areas of the columns above the ideal heights −log₂ p, and of what is missing below them.
export function areas(p, lengths) {
  const over = p.map((x, i) => (x > 0 ? x * (lengths[i] - informationContent(x, 2)) : 0));
  return { long: sum(over.map((x) => Math.max(x, 0))), saved: sum(over.map((x) => Math.max(-x, 0))) };
}

export function verdict(kraft) {
  if (kraft > 1) return "no prefix code has these lengths";
  if (kraft < 1) return "space is left, some word could be shorter";
  return "the code is full, and extra = KL(p‖q) with q = 2⁻ᴸ";
}

// A small fraction where the value is one, else two decimals.
export function fraction(x) {
  for (let n = 1; n <= 16; n++)
    if (Math.abs(x * n - Math.round(x * n)) < 1e-9) return n === 1 ? `${Math.round(x)}` : `${Math.round(x * n)}/${n}`;
  return x.toFixed(2);
}

// Words where there is room for them.
function fit(text, content, room) {
  text.textContent = content;
  if (text.getComputedTextLength() > room) text.textContent = "";
}

function render({ model, el }) {
  const root = html(el, "div", { className: "xent-figure xent-codelengths" });
  const speakers = presetButtons(root, model, "p", SPEAKERS);
  const codes = presetButtons(root, model, "lengths", CODES);

  const { art, handles } = canvas(root, "Code lengths of four words, and their budget");
  node(art, "text", { class: "xent-title", x: 0, y: 14 }, "Drag the tops. Area = mean length");
  const legend = ["xent-bar xent-p", "xent-bar xent-q", "xent-cut"].map((name) => ({
    swatch: node(art, "rect", { class: name, width: 12, height: 12 }),
    text: node(art, "text"),
  }));
  const total = node(art, "text", { class: "xent-strong" });
  const grid = node(art, "g");
  const yTitle = node(art, "text", { class: "xent-tick", x: 0 }, "bits");
  const columns = [0, 1, 2, 3].map((index) => {
    const column = {
      saved: node(art, "rect", { class: "xent-cut" }),
      needed: node(art, "rect", { class: "xent-bar xent-p xent-part" }),
      long: node(art, "rect", { class: "xent-bar xent-q xent-part" }),
      ideal: node(art, "rect", { class: "xent-outline" }),
      area: node(art, "text", { class: "xent-onfill", "text-anchor": "middle" }),
      value: node(art, "text", { class: "xent-strong xent-halo", "text-anchor": "middle" }),
      name: node(art, "text", { "text-anchor": "middle" }),
      share: node(art, "text", { class: "xent-p", "text-anchor": "middle" }),
      handle: slider(handles, {
        index, min: 1, max: MOST_BITS, n: 1, page: 1,
        valueAt: (_, at) => (box.bottom - at) / bit,
        change: (bits) => send(model, "lengths", model.get("lengths").map((old, i) => (i === index ? bits : old))),
      }),
    };
    column.touch = node(column.handle, "rect", { class: "xent-touch", y: -22, height: 44 });
    column.grip = node(column.handle, "rect", { class: "xent-grip xent-q", y: -6, height: 12, rx: 6 });
    return column;
  });
  const budgetTitle = node(art, "text", { class: "xent-title", x: 0 });
  const parts = columns.map(() => ({
    rect: node(art, "rect", { class: "xent-bar xent-q xent-part" }),
    text: node(art, "text", { class: "xent-onfill", "text-anchor": "middle" }),
  }));
  const over = node(art, "rect", { class: "xent-drop" });
  const frame = node(art, "rect", { class: "xent-frame", style: "stroke-width: 2" });
  const budgetTicks = [0, 0.5, 1].map((at) => ({
    at, text: node(art, "text", { class: "xent-tick", "text-anchor": at ? "middle" : "start" }, at),
  }));
  const note = node(art, "text", { class: "xent-strong", "text-anchor": "end" });
  const say = readout(root, "Mean length {mean} bits = H(p) {entropy} {sign} extra {extra} bits. Kraft sum {kraft}: {verdict}.");

  let box, bit, x, unit, wide;
  function layout(width, isWide) {
    wide = isWide;
    const top = wide ? 82 : 104;
    box = { left: 30, right: width - 1, top, bottom: top + 36 * MOST_BITS };
    bit = 36;
    x = (share) => box.left + share * (box.right - box.left);
    const y = (bits) => box.bottom - bits * bit;
    set(yTitle, { y: top - 18 });
    axes(grid, box, { yTicks: [0, 1, 2, 3, 4, 5, 6], y });
    const places = wide ? [[0, 40], [116, 40], [260, 40], [390, 40]] : [[0, 38], [130, 38], [0, 60], [130, 60]];
    legend.forEach(({ swatch, text }, i) => {
      set(swatch, { x: places[i][0], y: places[i][1] - 11 });
      set(text, { x: places[i][0] + 18, y: places[i][1] });
    });
    set(total, { x: places[3][0], y: places[3][1] });
    for (const c of columns) {
      set(c.name, { y: box.bottom + 20 });
      set(c.share, { y: box.bottom + 38 });
      set(c.area, { y: box.bottom - 12 });
    }
    unit = (width - 2) / BUDGETS;
    const bar = box.bottom + 82;
    set(budgetTitle, { y: bar - 10 });
    set(frame, { x: 1, y: bar, width: unit, height: 26 });
    set(over, { y: bar, height: 26 });
    for (const { rect, text } of parts) {
      set(rect, { y: bar, height: 26 });
      set(text, { y: bar + 18 });
    }
    for (const { at, text } of budgetTicks) set(text, { x: 1 + at * unit, y: bar + 42 });
    set(note, { x: width - 1, y: bar + 42 });
  }

  function draw() {
    const p = model.get("p"), lengths = model.get("lengths"), names = model.get("names");
    const mean = meanLength(p, lengths), h = entropy(p, 2), kraft = kraftSum(lengths);
    const { long, saved } = areas(p, lengths);
    let before = 0, start = 0;
    columns.forEach((c, i) => {
      const [left, right] = [x(before), x(before + p[i])];
      const [width, middle] = [right - left, (left + right) / 2];
      const ideal = Math.min(informationContent(p[i], 2), MOST_BITS);
      const block = (rect, from, to) =>
        set(rect, { x: left, width, y: box.bottom - to * bit, height: Math.max(0, to - from) * bit });
      block(c.saved, lengths[i], ideal);
      block(c.needed, 0, Math.min(lengths[i], ideal));
      block(c.long, ideal, lengths[i]);
      const inset = Math.min(1, width / 2);
      set(c.ideal, { x: left + inset, width: width - 2 * inset, y: box.bottom - ideal * bit, height: ideal * bit });
      set(c.value, { x: middle, y: box.bottom - lengths[i] * bit - 12 });
      const bits = lengths[i] === 1 ? "1 bit" : `${lengths[i]} bits`;
      c.value.textContent = width > 56 ? bits : width > 12 ? lengths[i] : "";
      for (const text of [c.area, c.name, c.share]) set(text, { x: middle });
      c.area.textContent = width > 100 ? `area ${fixed(p[i] * lengths[i], 3)}` : width > 50 ? fixed(p[i] * lengths[i], 3) : "";
      fit(c.name, names[i], width);
      c.share.textContent = width > 26 ? fraction(p[i]) : "";
      set(c.touch, { x: -Math.max(width, 24) / 2, width: Math.max(width, 24) });
      const grip = clamp(width - 6, 10, 36);
      set(c.grip, { x: -grip / 2, width: grip });
      c.handle.place(middle, box.bottom - lengths[i] * bit);
      c.handle.show(lengths[i], `code length of ${names[i]}, in bits`, `${bits}, ideal ${fixed(informationContent(p[i], 2), 2)}`);
      before += p[i];

      const [from, to] = [start, start + 2 ** -lengths[i]].map((at) => 1 + Math.min(at, BUDGETS) * unit);
      set(parts[i].rect, { x: from, width: to - from });
      set(parts[i].text, { x: (from + to) / 2 });
      fit(parts[i].text, names[i], to - from - 4);
      start += 2 ** -lengths[i];
    });
    set(over, { x: 1 + unit, width: (clamp(kraft, 1, BUDGETS) - 1) * unit });
    legend[0].text.textContent = `H(p) ${fixed(h, 3)}`;
    legend[1].text.textContent = `+ too long ${fixed(long, 3)}`;
    legend[2].text.textContent = `− saved ${fixed(saved, 3)}`;
    total.textContent = `= ${fixed(mean, 3)} bits`;
    budgetTitle.textContent = `Budget: 2⁻ᴸ a word, ${kraft} of 1`;
    note.textContent = kraft > BUDGETS ? "and more →" : kraft > 1 ? "too much" : "";
    speakers.show();
    codes.show();
    say({
      mean: fixed(mean, 3), entropy: fixed(h, 3), sign: mean - h < -5e-4 ? "−" : "+",
      extra: fixed(Math.abs(mean - h), 3), kraft, verdict: verdict(kraft),
    });
  }

  return live(model, ["p", "lengths", "names"], root, layout, draw);
}

export default { render };
