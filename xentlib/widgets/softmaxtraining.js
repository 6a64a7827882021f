// ---- SoftmaxTraining: softmax regression by gradient descent, on points with two features ----

const RATES = [0.01, 20];
const MOST_STEPS = 2000;
const NO_WEIGHTS = [[0, 0, 0], [0, 0, 0], [0, 0, 0]];
const MARKS = ["M-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0 -9 0Z", "M0 -5.6L5.2 4H-5.2Z", "M-4 -4H4V4H-4Z"];

// Mean and standard deviation of each of the two features.
export function moments(X) {
  return [0, 1].map((k) => {
    const mean = sum(X.map((x) => x[k])) / X.length;
    return { mean, sd: Math.sqrt(sum(X.map((x) => (x[k] - mean) ** 2)) / X.length) };
  });
}

export const standardise = (x, scales) => x.map((value, k) => (value - scales[k].mean) / scales[k].sd);

// The logits of a standardised point: two rows of weights, and the biases.
const logitsAt = ([a, b], [u, v, bias]) => bias.map((c, k) => a * u[k] + b * v[k] + c);

// The mean loss of all points, its gradient Xᵀ(Q − P)/n, and which points have another class first.
export function evaluate(Z, labels, weights) {
  const gradient = NO_WEIGHTS.map((row) => row.slice());
  let loss = 0;
  const wrong = Z.map((x, n) => {
    const z = logitsAt(x, weights);
    const top = Math.max(...z);
    const e = z.map((value) => Math.exp(value - top));
    const total = e[0] + e[1] + e[2];
    loss += top - z[labels[n]] + Math.log(total);
    for (let k = 0; k < 3; k++) {
      const error = (e[k] / total - (k === labels[n] ? 1 : 0)) / Z.length;
      gradient[0][k] += x[0] * error;
      gradient[1][k] += x[1] * error;
      gradient[2][k] += error;
    }
    return z.indexOf(top) !== labels[n];
  });
  return { loss: loss / Z.length, gradient, wrong };
}

// The weights after some steps, and the loss after each.
export function descend(Z, labels, weights, rate, steps) {
  const losses = [];
  let { gradient } = evaluate(Z, labels, weights);
  for (let n = 0; n < steps; n++) {
    weights = weights.map((row, i) => row.map((w, k) => w - rate * gradient[i][k]));
    const now = evaluate(Z, labels, weights);
    losses.push(now.loss);
    gradient = now.gradient;
  }
  return { weights, losses };
}

// The part of a convex polygon where class k has the largest logit: cut by a line for each other class.
export function region(weights, k, polygon) {
  for (const j of [0, 1, 2].filter((other) => other !== k)) {
    const lead = (x) => ((z) => z[k] - z[j])(logitsAt(x, weights));
    polygon = polygon.flatMap((to, i) => {
      const from = polygon.at(i - 1);
      const [before, after] = [lead(from), lead(to)];
      const share = before / (before - after);
      const crossing = from.map((value, axis) => value + share * (to[axis] - value));
      return [...(before < 0 !== after < 0 ? [crossing] : []), ...(after < 0 ? [] : [to])];
    });
  }
  return polygon;
}

// Multiples of 1, 2 or 5 times a power of ten in [low, high], at most `most`.
export function roundTicks(low, high, most) {
  const raw = (high - low) / most;
  const ten = 10 ** Math.floor(Math.log10(raw));
  const every = ten * [1, 2, 5, 10].find((m) => m * ten >= raw);
  const ticks = [];
  for (let i = Math.ceil(low / every - 1e-9); i * every <= high + 1e-9 * every; i++) ticks.push(+(i * every).toPrecision(6));
  return ticks;
}

function render({ model, el }) {
  const root = html(el, "div", { className: "xent-figure xent-softmaxtraining" });
  const controls = html(root, "div", { className: "xent-controls xent-presets" });
  set(controls, { role: "group", "aria-label": "Train the model" });
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const taken = () => model.get("history").length - 1;
  let frame = 0; // of the animation that runs
  let pending = 0, since = 0, saved = 0; // steps owed, time of the last frame and of the last report

  const train = (steps) => {
    steps = Math.min(steps, Math.max(MOST_STEPS - taken(), 0));
    const { weights, losses } = descend(Z, model.get("labels"), model.get("weights"), model.get("learning_rate"), steps);
    model.set("weights", weights);
    model.set("history", [...model.get("history"), ...losses]);
  };
  const stop = () => {
    if (!frame) return;
    cancelAnimationFrame(frame);
    frame = 0;
    model.save_changes();
    draw();
  };
  // Slow at first, when most happens, then faster and faster.
  const animate = (time) => {
    pending += Math.min(time - since, 100) / 1000 * (8 + 0.6 * taken());
    since = time;
    const steps = Math.floor(pending);
    pending -= steps;
    frame = requestAnimationFrame(animate);
    if (time - saved > 500) {
      saved = time;
      model.save_changes();
      tell();
    }
    if (steps) train(steps);
    if (taken() >= MOST_STEPS) stop();
  };
  const run = () => {
    if (frame) return stop();
    if (taken() >= MOST_STEPS) return;
    if (still.matches) {
      train(100);
      return model.save_changes();
    }
    since = saved = performance.now();
    pending = 1; // the first step at once
    frame = requestAnimationFrame(animate);
    draw();
  };
  const [stepButton, runButton] = [
    ["Step", () => { stop(); train(1); model.save_changes(); }],
    ["Run", run],
    ["Reset", () => {
      stop();
      model.set("weights", NO_WEIGHTS);
      send(model, "history", [Math.log(3)]);
    }],
  ].map(([textContent, act]) => {
    const button = control(controls, "button", { type: "button", textContent });
    button.addEventListener("click", act);
    return button;
  });

  const { art, handles } = canvas(root, "Points of three classes with the model’s regions, and its loss");
  node(art, "text", { class: "xent-title", x: 0, y: 14 }, "Tint: the likeliest class; ringed: wrong");
  const tints = [0, 1, 2].map((k) => node(art, "path", { class: `xent-region xent-class-${k}` }));
  const grid = node(art, "g");
  const cloud = node(art, "g");
  const nameTags = [0, 1, 2].map((k) => ({
    mark: node(art, "path", { class: `xent-mark xent-class-${k}`, d: MARKS[k] }),
    text: node(art, "text", { class: "xent-strong xent-halo" }),
  }));
  const [xTitle, yTitle] = [node(art, "text", { "text-anchor": "middle" }), node(art, "text")];
  const lossTitle = node(art, "text", { class: "xent-title" });
  const lossGrid = node(art, "g");
  const start = node(art, "path", { class: "xent-drop" });
  const startLabel = node(art, "text", { class: "xent-halo", "text-anchor": "end" }, "ln 3: no idea");
  const curve = node(art, "path", { class: "xent-curve" });
  const dot = node(art, "circle", { class: "xent-dot", r: 6, fill: "currentColor" });
  const lossLabel = node(art, "text", { class: "xent-strong xent-halo" });
  const rateTitle = node(art, "text", { class: "xent-title" });
  const rateGrid = node(art, "g");
  const logRates = RATES.map(Math.log10);
  const handle = slider(handles, {
    index: 0, min: logRates[0], max: logRates[1], n: 20, page: 0.5,
    valueAt: (px) => logRates[0] + ((px - track.left) / (track.right - track.left)) * (logRates[1] - logRates[0]),
    change: (value) => send(model, "learning_rate", +(10 ** value).toPrecision(2)),
  });
  node(handle, "circle", { class: "xent-touch", r: 22 });
  node(handle, "circle", { class: "xent-grip xent-q", r: 9 });
  const say = readout(root, "Step {step}, learning rate {rate}: loss {loss} nats, {right} of {all} right.");
  const output = root.querySelector(".xent-readout");

  let Z = [], scales, points = [], corners, toScreen, box, lossBox, track, drawn = [], drawnAxes;
  function layout(width, wide) {
    box = wide ? { left: 34, right: width * 0.57, top: 48, bottom: 314 } : { left: 34, right: width, top: 48, bottom: 276 };
    lossBox = wide ? { left: width * 0.57 + 72, right: width - 12, top: 32, bottom: 204 }
                   : { left: 34, right: width - 12, top: 364, bottom: 494 };
    track = { left: wide ? lossBox.left : 22, right: width - 14, y: lossBox.bottom + 94 };
    set(xTitle, { x: (box.left + box.right) / 2, y: box.bottom + 42 });
    set(yTitle, { x: 0, y: 36 });
    set(lossTitle, { x: lossBox.left - 34, y: lossBox.top - 18 });
    set(rateTitle, { x: track.left - (wide ? 34 : 22), y: track.y - 24 });
    const x = (rate) => track.left + ((Math.log10(rate) - logRates[0]) / (logRates[1] - logRates[0])) * (track.right - track.left);
    track.x = x;
    axes(rateGrid, { ...track, bottom: track.y }, { xTicks: [0.01, 0.1, 1, 10], x });
    for (const t of [0.01, 0.1, 1, 10])
      node(rateGrid, "line", { class: "xent-axis", x1: x(t), x2: x(t), y1: track.y - 4, y2: track.y + 4 });
    drawn = [];
    drawnAxes = null;
  }

  // The points stand still while the model moves.
  function scatter(X, labels) {
    scales = moments(X);
    Z = X.map((x) => standardise(x, scales));
    const [[x0, x1], [y0, y1]] = [0, 1].map((k) => {
      const low = Math.min(...X.map((x) => x[k])), high = Math.max(...X.map((x) => x[k]));
      return [low - 0.08 * (high - low), high + (k ? 0.16 : 0.08) * (high - low)]; // room for a name
    });
    const x = (value) => box.left + ((value - x0) / (x1 - x0)) * (box.right - box.left);
    const y = (value) => box.bottom - ((value - y0) / (y1 - y0)) * (box.bottom - box.top);
    toScreen = (z) => [x(scales[0].mean + scales[0].sd * z[0]), y(scales[1].mean + scales[1].sd * z[1])];
    corners = [[x0, y0], [x1, y0], [x1, y1], [x0, y1]].map((corner) => standardise(corner, scales));
    axes(grid, box, { xTicks: roundTicks(x0, x1, 8), x });
    for (const t of roundTicks(y0, y1, 6))
      node(grid, "text", { class: "xent-tick", x: box.left - 10, y: y(t) + 4, "text-anchor": "end" }, t);
    cloud.replaceChildren();
    points = X.map((at, n) => node(cloud, "path", {
      class: `xent-mark xent-class-${labels[n]}`, d: MARKS[labels[n]],
      transform: `translate(${x(at[0]).toFixed(1)} ${y(at[1]).toFixed(1)})`,
    }));
    nameTags.forEach(({ mark, text }, k) => {
      const own = X.filter((_, n) => labels[n] === k);
      for (const part of [mark, text]) set(part, { display: own.length ? "inline" : "none" });
      if (!own.length) return;
      // Above its points and to the left, but inside.
      const length = text.getComputedTextLength() + 16;
      const left = Math.max(x(sum(own.map((p) => p[0])) / own.length) - length, box.left + 6);
      const above = y(Math.max(...own.map((p) => p[1]))) - 12;
      set(mark, { transform: `translate(${(left + 5).toFixed(1)} ${above - 5})` });
      set(text, { x: left + 16, y: above });
    });
  }

  function lossAxes(steps, highest) {
    const right = [10, 20, 50, 100, 200, 500, 1000].find((n) => n >= steps) ?? Math.max(steps, MOST_STEPS);
    const top = [1.25, 2, 4].find((nats) => nats >= highest) ?? 1.05 * highest;
    const x = (n) => lossBox.left + (n / right) * (lossBox.right - lossBox.left);
    const y = (nats) => lossBox.bottom - (nats / top) * (lossBox.bottom - lossBox.top);
    if (drawnAxes !== `${right} ${top}`) {
      drawnAxes = `${right} ${top}`;
      axes(lossGrid, lossBox, { xTicks: [0, right / 2, right], x, yTicks: roundTicks(0, top, 5), y });
      const none = y(Math.log(3));
      set(start, { d: path([[lossBox.left, none], [lossBox.right, none]]) });
      set(startLabel, { x: lossBox.right, y: none - 6 });
    }
    return { x, y };
  }

  function tell() {
    const all = model.get("labels").length, { loss, wrong } = now;
    say({
      step: taken(), rate: model.get("learning_rate"), loss: fixed(loss, 3),
      right: all - wrong.filter(Boolean).length, all,
    });
  }

  let now = { loss: 0, wrong: [] };
  function drawModel([X, labels, names, features, weights, history]) {
    nameTags.forEach(({ text }, k) => (text.textContent = names[k]));
    if ([X, labels, names].some((value, i) => value !== drawn[i])) scatter(X, labels);
    now = evaluate(Z, labels, weights);
    // Where all classes tie everywhere there is no likeliest.
    const undecided = weights.every((row) => row.every((w) => w === row[0]));
    tints.forEach((tint, k) => {
      const part = undecided ? [] : region(weights, k, corners);
      set(tint, { d: part.length ? `${path(part.map(toScreen))}Z` : "" });
    });
    points.forEach((point, n) => point.classList.toggle("xent-wrong", !undecided && now.wrong[n]));
    xTitle.textContent = `${features[0]} →`;
    yTitle.textContent = `↑ ${features[1]}`;

    const { x, y } = lossAxes(history.length - 1, Math.max(...history));
    lossTitle.textContent = "Mean loss in nats, step by step";
    set(curve, { d: path(history.map((loss, n) => [x(n), y(loss)])) });
    const at = [x(history.length - 1), y(history.at(-1))];
    set(dot, { cx: at[0], cy: at[1] });
    const late = at[0] > (lossBox.left + lossBox.right) / 2;
    // Not on the line of ln 3 and its label.
    const below = history.at(-1) > 0.6 && history.at(-1) < 1.11;
    set(lossLabel, {
      x: clamp(at[0], lossBox.left + 10, lossBox.right), y: at[1] + (below ? 22 : -12), "text-anchor": late ? "end" : "start",
    });
    lossLabel.textContent = fixed(history.at(-1), 3);
  }

  function draw() {
    const shown = ["X", "labels", "names", "features", "weights", "history"].map((name) => model.get(name));
    if (shown.some((value, i) => value !== drawn[i])) {
      drawModel(shown);
      drawn = shown;
    }
    const rate = model.get("learning_rate");
    rateTitle.textContent = `Learning rate ${rate}: drag`;
    handle.place(track.x(rate), track.y);
    handle.show(Math.log10(rate), "learning rate", String(rate));
    set(handle, { "aria-valuemin": RATES[0], "aria-valuemax": RATES[1], "aria-valuenow": rate, "aria-orientation": "horizontal" });

    // Not disabled: that would take the focus away at the end of a run.
    for (const button of [stepButton, runButton]) set(button, { "aria-disabled": taken() >= MOST_STEPS });
    runButton.textContent = frame ? "Pause" : "Run";
    set(output, { "aria-live": frame ? "off" : "polite" }); // the end of a run is said, not its every step
    if (!frame) tell();
  }

  const hidden = () => document.hidden && stop();
  document.addEventListener("visibilitychange", hidden);
  const forget = live(model, ["weights", "history", "learning_rate", "X", "labels", "names", "features"], root, layout, draw);
  return () => {
    stop();
    document.removeEventListener("visibilitychange", hidden);
    forget();
  };
}

export default { render };
