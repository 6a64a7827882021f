// ---- LossBars: drag a model's answer, watch −ln q(true class) ----

const LOSS_TOP = 4; // nats shown; beyond, the dot waits at the top edge

// The true bar trades with the wrong ones in proportion. A wrong bar trades with the other wrong
// bar first, which leaves the loss alone, and with the true bar only when the other one is used up.
export function dragLossBar(q, truth, i, value, share = rescale) {
  if (i === truth) return share(q, i, value);
  const other = 3 - truth - i;
  const room = q[i] + q[other];
  const next = q.slice();
  next[i] = value;
  if (value <= room) {
    next[other] = room - value;
  } else {
    next[other] = 0;
    next[truth] = 1 - value;
  }
  return next;
}

function render({ model, el }) {
  const root = html(el, "div", { className: "xent-figure xent-lossbars" });
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
  const reset = control(controls, "button", { type: "button", textContent: "Reset" });
  reset.addEventListener("click", () => send(model, "q", [0.4, 0.1, 0.5]));

  const drawing = canvas(root, "The model's answer q and its loss");
  const { art } = drawing;
  const barTitle = node(art, "text", { class: "xent-title xent-q" }, "q, the model’s answer: drag a bar");
  const share = rescaler();
  const chart = barChart(drawing, "q", (i, value) =>
    send(model, "q", dragLossBar(model.get("q"), model.get("truth"), i, value, share)));
  const outline = node(art, "rect", { class: "xent-outline" });
  const grid = node(art, "g");
  const lossTitle = node(art, "text", { class: "xent-title" });
  const xTitle = node(art, "text", { class: "xent-q", "text-anchor": "middle" });
  const curve = node(art, "path", { class: "xent-curve" });
  const drop = node(art, "path", { class: "xent-drop" });
  const dot = node(art, "circle", { class: "xent-dot xent-q", r: 7 });
  const dotLabel = node(art, "text", { class: "xent-strong xent-halo" });
  const say = readout(root, "q = {q}, true class {truth}: loss {loss} nats = {bits} bits.");

  let box, barBox, x, y;
  function layout(width, wide) {
    const bottom = wide ? 270 : 206;
    barBox = { left: 34, right: wide ? width * 0.48 : width, top: 52, bottom };
    box = wide ? { left: width * 0.48 + 54, right: width - 12, top: 52, bottom }
               : { left: 34, right: width - 12, top: 306, bottom: 436 };
    x = (q) => box.left + q * (box.right - box.left);
    y = (nats) => box.bottom - (nats / LOSS_TOP) * (box.bottom - box.top);
    chart.layout(barBox);
    set(barTitle, { x: 0, y: 14 });
    set(lossTitle, { x: box.left - 34, y: wide ? 14 : 280 });
    set(xTitle, { x: x(0.5), y: box.bottom + 40 });
    axes(grid, box, { xTicks: [0, 0.5, 1], x, yTicks: [0, 1, 2, 3, 4], y });
    const points = [];
    for (let nats = LOSS_TOP; nats >= 0; nats -= 0.05) points.push([x(Math.exp(-nats)), y(nats)]);
    points.push([x(1), y(0)]);
    set(curve, { d: path(points) });
  }

  function draw() {
    const q = model.get("q"), truth = model.get("truth"), names = model.get("names");
    const loss = informationContent(q[truth]);
    chart.draw(q, names);
    chart.bars.forEach((b, i) => {
      b.name.classList.toggle("xent-true", i === truth);
      b.note.classList.toggle("xent-true", i === truth);
      b.note.textContent = i === truth ? "true: p = 1" : "p = 0";
      radios[i].radio.checked = i === truth;
      radios[i].text.textContent = names[i];
    });
    const t = chart.bars[truth];
    set(outline, { x: t.x - t.width / 2 - 4, width: t.width + 8, y: barBox.top, height: barBox.bottom - barBox.top });
    const at = [x(q[truth]), y(Math.min(loss, LOSS_TOP))];
    set(dot, { cx: at[0], cy: at[1] });
    set(drop, { d: path([[box.left, at[1]], at, [at[0], box.bottom]]) });
    const left = q[truth] < 0.55;
    set(dotLabel, {
      x: left ? at[0] + 14 : Math.min(at[0] + 30, box.right), y: at[1] - (left ? 6 : 16),
      "text-anchor": left ? "start" : "end",
    });
    dotLabel.textContent = `${loss > LOSS_TOP ? "↑ " : ""}${fixed(loss, 3)} nats`;
    lossTitle.textContent = `Loss = −ln q(${names[truth]}), in nats`;
    xTitle.textContent = `q(${names[truth]})`;
    say({ q: tuple(q), truth: names[truth], loss: fixed(loss, 3), bits: fixed(loss / Math.LN2, 3) });
  }

  return live(model, ["q", "truth", "names"], root, layout, draw);
}

export default { render };
