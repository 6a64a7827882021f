// What the figures share. Each figure's script is joined to this one: one module, no imports.

// ---- Arithmetic, as in xentlib.information: nats unless a base is given, 0 log 0 = 0 ----

const sum = (values) => values.reduce((total, x) => total + x, 0);

export const informationContent = (p, base = Math.E) => 0 - Math.log(p) / Math.log(base);

export const crossEntropy = (p, q, base) =>
  sum(p.map((x, i) => (x > 0 ? x * informationContent(q[i], base) : 0)));

export const entropy = (p, base) => crossEntropy(p, p, base);

// The terms p log(p/q), each of either sign, and their sum.
const klTerms = (p, q, base) =>
  p.map((x, i) => (x > 0 ? x * (informationContent(q[i], base) - informationContent(x, base)) : 0));

export const klDivergence = (p, q, base) => sum(klTerms(p, q, base));

export const clamp = (x, low, high) => Math.min(Math.max(x, low), high);

// The nearest multiple of 1/n: dividing keeps 0.57 from becoming 0.5700000000000001.
export const snap = (x, n) => Math.round(x * n) / n;

// p with its i-th value set; the others share the rest in proportion, or equally if they are all 0.
export function rescale(p, i, value) {
  const others = p.filter((_, j) => j !== i);
  const rest = sum(others);
  const share = (x) => (rest > 0 ? x / rest : 1 / others.length);
  return p.map((x, j) => (j === i ? value : (1 - value) * share(x)));
}

// A `rescale` that remembers how the others shared the rest, for the way back when all were 0.
export function rescaler() {
  const before = {};
  return (p, i, value) => {
    if (p[i] < 1) before[i] = p;
    return rescale(before[i] ?? p, i, value);
  };
}

const fixed = (x, digits) => (Number.isFinite(x) ? x.toFixed(digits) : "∞");

// Two decimals where they are exact, else three.
const decimals = (values) => (values.every((x) => Math.abs(x - snap(x, 100)) < 1e-9) ? 2 : 3);

const tuple = (values) => `(${values.map((x) => fixed(x, decimals(values))).join(", ")})`;

// ---- Elements ----

const set = (element, attributes) => {
  for (const name in attributes) element.setAttribute(name, attributes[name]);
  return element;
};

function node(parent, tag, attributes = {}, text = "") {
  const element = set(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes);
  element.textContent = text;
  parent.append(element);
  return element;
}

function html(parent, tag, properties = {}) {
  const element = Object.assign(document.createElement(tag), properties);
  parent.append(element);
  return element;
}

function control(parent, tag, properties) {
  const element = html(parent, tag, properties);
  element.dataset.lmSuppressShortcuts = "true"; // or JupyterLab takes Enter and the arrow keys
  return element;
}

// A row of buttons that set a trait, or a list of traits at once, to certain values; the one in
// force is shown as pressed.
function presetButtons(root, model, trait, presets) {
  const several = Array.isArray(trait);
  const traits = [trait].flat();
  const row = html(root, "div", { className: "xent-controls xent-presets" });
  set(row, { role: "group", "aria-label": `Set ${traits.join(" and ")}` });
  const buttons = presets.map(([textContent, value]) => {
    const button = control(row, "button", { type: "button", textContent });
    button.addEventListener("click", () => {
      traits.forEach((name, i) => model.set(name, several ? value[i] : value));
      model.save_changes();
    });
    return { button, value: String(value) };
  });
  const show = () => buttons.forEach(({ button, value }) =>
    set(button, { "aria-pressed": String(traits.map((name) => model.get(name))) === value }));
  return { row, show };
}

const path = (points) => "M" + points.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L");

// A sentence whose {slots} change.
function readout(parent, template) {
  const output = html(parent, "output", { className: "xent-readout" });
  set(output, { "aria-live": "polite", "aria-atomic": "true" });
  const slots = {};
  template.split(/\{(\w+)\}/).forEach((part, i) => {
    if (i % 2 === 0) return output.append(part);
    slots[part] = html(output, "span");
    slots[part].dataset.value = part;
  });
  return (values) => {
    for (const name in values) slots[name].textContent = values[name];
  };
}

// ---- Handles: dragged by pointer; a slider is also reached and moved by keyboard ----

function draggable(handle, moveTo) {
  let grip = [0, 0]; // from the pointer to the handle's centre, so that grabbing moves nothing
  const point = (event) => {
    const box = handle.ownerSVGElement.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  handle.place = (x, y) => {
    handle.centre = [x, y];
    set(handle, { transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})` });
  };
  handle.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    handle.setPointerCapture(event.pointerId);
    handle.focus({ preventScroll: true });
    grip = point(event).map((at, i) => handle.centre[i] - at);
  });
  // Chromium overlooks touch-action inside an SVG: without this the page scrolls and the drag ends.
  handle.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false });
  handle.addEventListener("pointermove", (event) => {
    if (!handle.hasPointerCapture(event.pointerId)) return;
    const [x, y] = point(event);
    moveTo(x + grip[0], y + grip[1]);
  });
  return handle;
}

// Where a key that adds `step` leads: to a multiple of 1/n from `min` to `max`, never backwards.
export function keyed(value, step, n, min, max) {
  const next = value + step;
  const to = clamp(Number.isFinite(next) ? snap(next, n) : next, min, max);
  return (to - value) * step > 0 ? to : value;
}

// From `min` to `max` in steps of 1/n; `valueAt(x, y)` reads a value off the drawing. `right` is −1
// where a larger value lies further left, so that the arrow keys go where they point.
function slider(parent, { index, min = 0, max, n, page, valueAt, change, right = 1 }) {
  const handle = draggable(node(parent, "g"), (x, y) => change(clamp(snap(valueAt(x, y), n), min, max)));
  set(handle, {
    class: "xent-handle", role: "slider", tabindex: 0, "data-handle": index,
    "data-lm-suppress-shortcuts": "true", "aria-orientation": "vertical",
  });
  handle.reach = (low, high) => {
    [min, max] = [low, high];
    set(handle, { "aria-valuemin": min, "aria-valuemax": max });
  };
  handle.reach(min, max);
  const steps = {
    ArrowUp: 1 / n, ArrowRight: right / n, ArrowDown: -1 / n, ArrowLeft: -right / n,
    PageUp: page, PageDown: -page, Home: -Infinity, End: Infinity,
  };
  let now = min;
  handle.addEventListener("keydown", (event) => {
    if (!(event.key in steps) || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    const next = keyed(now, steps[event.key], n, min, max);
    if (next !== now) change(next);
  });
  handle.show = (value, label, text) => {
    now = value;
    set(handle, { "aria-label": label, "aria-valuenow": +clamp(now, min, max).toFixed(4), "aria-valuetext": text });
  };
  return handle;
}

// ---- Parts of drawings ----

function canvas(root, label) {
  const svg = node(root, "svg", { role: "group", "aria-label": label });
  return { svg, art: node(svg, "g", { "aria-hidden": "true" }), handles: node(svg, "g") };
}

// Grid lines and tick labels over `box` = {left, right, top, bottom}; `x` and `y` are scales.
function axes(grid, box, { xTicks = [], x, yTicks = [], y, label = String }) {
  grid.replaceChildren();
  for (const t of yTicks) {
    node(grid, "line", { class: "xent-grid", x1: box.left, x2: box.right, y1: y(t), y2: y(t) });
    node(grid, "text", { class: "xent-tick", x: box.left - 12, y: y(t) + 4, "text-anchor": "end" }, label(t));
  }
  for (const t of xTicks)
    node(grid, "text", { class: "xent-tick", x: x(t), y: box.bottom + 22, "text-anchor": "middle" }, label(t));
  node(grid, "line", { class: "xent-axis", x1: box.left, x2: box.right, y1: box.bottom, y2: box.bottom });
}

// Three bars from 0 to 1 whose tops are sliders. `symbol` is p or q.
function barChart({ art, handles }, symbol, change) {
  const grid = node(art, "g");
  let box;
  const y = (value) => box.bottom - value * (box.bottom - box.top);
  const bars = [0, 1, 2].map((index) => {
    const handle = slider(handles, {
      index, max: 1, n: 100, page: 0.1,
      valueAt: (_, at) => (box.bottom - at) / (box.bottom - box.top),
      change: (value) => change(index, value),
    });
    return {
      handle,
      touch: node(handle, "rect", { class: "xent-touch", y: -22, height: 44 }),
      grip: node(handle, "rect", { class: `xent-grip xent-${symbol}`, x: -18, y: -6, width: 36, height: 12, rx: 6 }),
      bar: node(art, "rect", { class: `xent-bar xent-${symbol}` }),
      value: node(art, "text", { class: "xent-halo", "text-anchor": "middle" }),
      name: node(art, "text", { "text-anchor": "middle" }),
      note: node(art, "text", { "text-anchor": "middle" }),
    };
  });
  return {
    bars, y,
    layout(newBox) {
      box = newBox;
      axes(grid, box, { yTicks: [0, 0.5, 1], y });
      const slot = (box.right - box.left) / 3;
      const width = Math.min(64, slot * 0.62);
      bars.forEach((b, i) => {
        b.x = box.left + (i + 0.5) * slot;
        b.width = width;
        set(b.touch, { x: -slot / 2 + 1, width: slot - 2 });
        set(b.bar, { x: b.x - width / 2, width });
        set(b.value, { x: b.x });
        set(b.name, { x: b.x, y: box.bottom + 22 });
        set(b.note, { x: b.x, y: box.bottom + 40 });
      });
    },
    draw(values, names) {
      const digits = decimals(values);
      bars.forEach((b, i) => {
        const top = y(values[i]);
        set(b.bar, { y: top, height: Math.max(0, box.bottom - top) });
        set(b.value, { y: top - 12 });
        b.value.textContent = fixed(values[i], digits);
        b.name.textContent = names[i];
        b.handle.place(b.x, top);
        b.handle.show(values[i], `${symbol}(${names[i]})`, fixed(values[i], digits));
      });
    },
  };
}

// Redraws when a trait changes, lays out anew when the width does. Returns the clean-up.
function live(model, traits, root, layout, draw) {
  let width = 0;
  const resize = () => {
    const now = root.getBoundingClientRect().width;
    if (!now || now === width) return;
    width = now;
    layout(width, width >= 600);
    draw();
  };
  const observer = new ResizeObserver(resize);
  const changed = () => width && draw();
  observer.observe(root);
  for (const trait of traits) model.on(`change:${trait}`, changed);
  resize();
  return () => {
    observer.disconnect();
    for (const trait of traits) model.off(`change:${trait}`, changed);
  };
}

const send = (model, trait, value) => {
  model.set(trait, value);
  model.save_changes();
};
