// ---- LogitSteps: gradient descent on three logits ----

const FIRST_LOGITS = [0.4, 0.1, 0.5].map(Math.log);
const LOGIT_REACH = 6; // as far as a dot is dragged, unless steps led on
const LOGIT_LIMIT = 20; // as far as steps go

export function softmax(z) {
  const top = Math.max(...z);
  const weights = z.map((x) => Math.exp(x - top));
  return weights.map((w) => w / sum(weights));
}

// −ln q(truth), from the logits.
export function logitLoss(z, truth) {
  const top = Math.max(...z), d = z[truth] - top;
  const others = sum(z.map((x, i) => (i === truth ? 0 : Math.exp(x - top))));
  return Math.log1p(others + Math.expm1(d)) - d; // a tiny loss would be lost beside 1
}

export const logitGradient = (z, truth) => softmax(z).map((q, i) => q - (i === truth ? 1 : 0));

export function steppedLogits(z, truth, size) {
  const gradient = logitGradient(z, truth);
  return z.map((x, i) => x - size * gradient[i]);
}

// How far the drawing and its sliders go to either side of 0.
export const reachOf = (z) => Math.max(LOGIT_REACH, Math.ceil(Math.max(...z.map(Math.abs))));

const beyond = (z, limit) => z.some((x) => x > limit || x < -LOGIT_LIMIT);

const withSign = (x, digits) => {
  const size = fixed(Math.abs(x), digits);
  return (+size === 0 ? "" : x < 0 ? "−" : "+") + size;
};
const withMinus = (x, digits) => withSign(x, digits).replace("+", "");

function render({ model, el }) {
  const root = html(el, "div", { className: "xent-figure xent-logitsteps" });
  const controls = html(root, "div", { className: "xent-controls" });
  const group = html(controls, "div", { className: "xent-choices" });
  set(group, { role: "radiogroup", "aria-label": "True class" });
  html(group, "span", { textContent: "True class" });
  const groupName = `truth-${Math.random()}`; // radio groups of two figures must not mix
  const radios = [0, 1, 2].map((i) => {
    const label = html(group, "label");
    const radio = control(label, "input", { type: "radio", name: groupName, value: i });
    radio.addEventListener("change", () => send(model, "truth", i));
    return { radio, text: html(label, "span") };
  });
  const row = html(controls, "div", { className: "xent-controls xent-presets" });
  set(row, { role: "group", "aria-label": "Move the logits" });
  // How many steps led to the logits shown; any other change of them starts from 0.
  let steps = 0, reached = "";
  const next = () => steppedLogits(model.get("z"), model.get("truth"), model.get("step_size"));
  const go = (z, extra, reach) => {
    if (beyond(z, reach)) return;
    steps = taken() + extra;
    reached = state(z);
    send(model, "z", z);
  };
  const state = (z) => String([z, model.get("truth")]);
  const taken = () => (state(model.get("z")) === reached ? steps : 0);
  const [stepButton, shiftButton] = [
    ["Step", () => go(next(), 1, LOGIT_LIMIT)],
    ["+1 to all", () => go(model.get("z").map((x) => x + 1), 0, LOGIT_REACH)],
    ["Reset", () => send(model, "z", FIRST_LOGITS)],
  ].map(([textContent, act]) => {
    const button = control(row, "button", { type: "button", textContent });
    button.addEventListener("click", act);
    return button;
  });

  const { art, handles } = canvas(root, "Three logits, the step that gradient descent takes, and their softmax");
  node(art, "text", { class: "xent-title", x: 0, y: 14 }, "Each step moves q towards the truth");
  const zTitle = node(art, "text", {}, "logits z: drag a dot; an arrow is a step");
  const qTitle = node(art, "text", { class: "xent-q" }, "q = softmax(z)");
  const zGrid = node(art, "g"), qGrid = node(art, "g");
  const rows = [0, 1, 2].map((index) => {
    const handle = slider(handles, {
      index, min: -LOGIT_REACH, max: LOGIT_REACH, n: 20, page: 1,
      valueAt: (px) => limit * (2 * (px - box.left) / (box.right - box.left) - 1),
      change: (value) => send(model, "z", model.get("z").map((x, i) => (i === index ? value : x))),
    });
    set(handle, { "aria-orientation": "horizontal" });
    return {
      handle,
      touch: node(handle, "circle", { class: "xent-touch", r: 22 }),
      grip: node(handle, "circle", { class: "xent-grip xent-q", r: 9 }),
      lane: node(art, "path", { class: "xent-grid" }),
      lead: node(art, "path", { class: "xent-drop" }),
      arrow: node(art, "path", { class: "xent-arrow" }),
      change: node(art, "text", { class: "xent-strong xent-halo" }),
      value: node(art, "text", { class: "xent-halo", "text-anchor": "middle" }),
      names: [node(art, "text"), node(art, "text")],
      note: node(art, "text", { class: "xent-true" }),
      outline: node(art, "rect", { class: "xent-outline" }),
      bar: node(art, "rect", { class: "xent-bar xent-q" }),
      share: node(art, "text", { class: "xent-halo" }),
      gap: node(art, "text", { class: "xent-tick" }),
    };
  });
  const say = readout(root, "{steps}: loss {loss} nats. Gradient q − p = {gradient}, sum 0.");

  let box, bars, zAt, qAt, limit = LOGIT_REACH, drawnLimit;
  function layout(width, wide) {
    box = { left: wide ? 96 : 84, right: wide ? width * 0.6 : width - 16, top: 52, bottom: wide ? 284 : 254 };
    bars = wide ? { left: width * 0.6 + 48, right: width - 52, top: 52, bottom: 284 }
                : { left: 84, right: width - 52, top: 318, bottom: 472 };
    zAt = (i) => box.top + 32 + ((box.bottom - box.top) / 3) * i;
    qAt = (i) => (wide ? zAt(i) : bars.top + 18 + ((bars.bottom - bars.top) / 3) * i);
    set(zTitle, { x: wide ? box.left - 8 : 0, y: 38 });
    set(qTitle, { x: wide ? bars.left : 0, y: wide ? 38 : bars.top - 14 });
    drawnLimit = null;
    const width1 = bars.right - bars.left;
    axes(qGrid, bars, { xTicks: [0, 0.5, 1], x: (q) => bars.left + q * width1 });
    rows.forEach(({ lane, names, note, outline, bar, gap }, i) => {
      set(lane, { d: `M${box.left} ${zAt(i)}H${box.right}` });
      set(names[0], { x: 0, y: zAt(i) + 5 });
      set(note, { x: 0, y: zAt(i) + 24 });
      set(names[1], { x: 0, y: qAt(i) + 5, display: wide ? "none" : "inline" });
      set(outline, { x: bars.left, y: qAt(i) - 14, width: width1, height: 28 });
      set(bar, { x: bars.left, y: qAt(i) - 10, height: 20 });
      set(gap, { x: bars.left + 4, y: qAt(i) + 27 });
    });
  }

  function scale(z) {
    limit = reachOf(z);
    const x = (value) => box.left + ((value / limit + 1) / 2) * (box.right - box.left);
    if (limit === drawnLimit) return x;
    drawnLimit = limit;
    const every = limit > 10 ? 5 : 2;
    const xTicks = [];
    for (let t = -every * Math.floor(limit / every); t <= limit; t += every) xTicks.push(t);
    axes(zGrid, box, { xTicks, x, label: (t) => withMinus(t, 0) });
    for (const t of xTicks)
      node(zGrid, "line", { class: "xent-grid", x1: x(t), x2: x(t), y1: box.top, y2: box.bottom });
    return x;
  }

  function draw() {
    const z = model.get("z"), truth = model.get("truth"), names = model.get("names");
    const q = softmax(z), gradient = logitGradient(z, truth), after = next();
    const x = scale(z);
    rows.forEach((r, i) => {
      const at = x(z[i]), lane = zAt(i) + 24, tip = clamp(x(after[i]), box.left - 12, box.right + 12);
      const right = tip >= at, size = Math.abs(tip - at);
      const neck = tip - Math.min(9, size) * (right ? 1 : -1), half = clamp(0.7 * size, 2.5, 6);
      const trueClass = i === truth;
      r.handle.place(at, zAt(i));
      r.handle.reach(-limit, limit);
      r.handle.show(z[i], `logit of ${names[i]}`,
        `${withMinus(z[i], 2)}, probability ${fixed(q[i], 3)}, step ${withSign(after[i] - z[i], 3)}`);
      set(r.value, { x: at, y: zAt(i) - 15 });
      r.value.textContent = withMinus(z[i], 2);
      set(r.lead, { d: `M${at} ${zAt(i)}V${lane}` });
      set(r.arrow, { d: `M${at} ${lane - 1.5}H${neck}V${lane - half}L${tip} ${lane}L${neck} ${lane + half}V${lane + 1.5}H${at}Z` });
      // The number stands before the arrow's tip, or behind its start where there is no room.
      const ahead = right ? tip + 56 < box.right : tip - 56 > box.left;
      const onRight = right === ahead;
      set(r.change, { x: (ahead ? tip : at) + (onRight ? 7 : -7), y: lane + 5, "text-anchor": onRight ? "start" : "end" });
      r.change.textContent = withSign(after[i] - z[i], 3);
      for (const name of r.names) {
        name.textContent = names[i];
        name.classList.toggle("xent-true", trueClass);
      }
      r.note.textContent = trueClass ? "true: p = 1" : "";
      set(r.outline, { display: trueClass ? "inline" : "none" });
      const end = bars.left + q[i] * (bars.right - bars.left);
      set(r.bar, { width: end - bars.left });
      set(r.share, { x: end + 7, y: qAt(i) + 5 });
      r.share.textContent = fixed(q[i], 3);
      r.gap.textContent = `q − p = ${withSign(gradient[i], 3)}`;
      radios[i].radio.checked = trueClass;
      radios[i].text.textContent = names[i];
    });
    set(stepButton, { "aria-disabled": beyond(after, LOGIT_LIMIT) });
    set(shiftButton, { "aria-disabled": beyond(z.map((value) => value + 1), LOGIT_REACH) });
    const n = taken();
    say({
      steps: n === 0 ? "Before the first step" : n === 1 ? "After 1 step" : `After ${n} steps`,
      loss: fixed(logitLoss(z, truth), 4),
      gradient: `(${gradient.map((g) => withMinus(g, 3)).join(", ")})`,
    });
  }

  return live(model, ["z", "truth", "step_size", "names"], root, layout, draw);
}

export default { render };
