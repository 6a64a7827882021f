// ---- CoinLikelihood: the likelihood of tosses, as cross-entropy above KL divergence ----

const MOST_NATS = 2.5; // shown; beyond, the dots wait at the top edge
const MOST_TOSSES = 500; // of each side
const COIN = 0.7; // what "toss 10" tosses

export const binaryCrossEntropy = (p, q, base) => crossEntropy([p, 1 - p], [q, 1 - q], base);

// The frequency p̂ of heads, and NLL = H(p̂, θ), H(p̂) and their difference KL(p̂‖θ), in nats.
export function coinMeasures(heads, tails, theta) {
  const p = heads / (heads + tails);
  const kl = Math.max(0, klDivergence([p, 1 - p], [theta, 1 - theta])); // not −1e-17
  return { p, nll: binaryCrossEntropy(p, theta), h: binaryCrossEntropy(p, p), kl };
}

// The θ, left and right of the minimum at p, where the convex f reaches `level`, or else 0 and 1.
export function reaches(f, p, level) {
  return [0, 1].map((end) => {
    if (f(end) <= level) return end;
    let [inside, outside] = [p, end];
    for (let step = 0; step < 60; step++) {
      const middle = (inside + outside) / 2;
      if (f(middle) > level) outside = middle;
      else inside = middle;
    }
    return inside;
  });
}

// Labels of `gap` or more apart, as near as they come to where they would be, from `low` to `high`.
export function stack(wanted, gap, low, high) {
  const places = [];
  wanted.forEach((y, i) => places.push(Math.max(y, i ? places[i - 1] + gap : low)));
  for (let i = places.length - 1; i >= 0; i--)
    places[i] = Math.min(places[i], i < places.length - 1 ? places[i + 1] - gap : high);
  return places;
}

function render({ model, el }) {
  const root = html(el, "div", { className: "xent-figure xent-coinlikelihood" });
  const controls = html(root, "div", { className: "xent-controls xent-presets" });
  set(controls, { role: "group", "aria-label": "Toss the coin" });
  const toss = (heads, tails) => {
    model.set("heads", Math.min(heads, MOST_TOSSES));
    model.set("tails", Math.min(tails, MOST_TOSSES));
    model.save_changes();
  };
  const more = (heads, tails) => toss(model.get("heads") + heads, model.get("tails") + tails);
  const ten = () => {
    const heads = Array.from({ length: 10 }, () => Math.random() < COIN).filter(Boolean).length;
    more(heads, 10 - heads);
  };
  for (const [textContent, act] of [
    ["+ heads", () => more(1, 0)], ["+ tails", () => more(0, 1)], ["toss 10", ten], ["7 of 10", () => toss(7, 3)],
  ]) control(controls, "button", { type: "button", textContent }).addEventListener("click", act);

  const { art, handles } = canvas(root, "Mean negative log-likelihood and KL divergence against the model");
  node(art, "text", { class: "xent-title", x: 0, y: 14 }, "Both are least where θ = p̂ (nats)");
  node(art, "path", { class: "xent-curve xent-q", d: "M0 36h22" });
  node(art, "text", { x: 28, y: 40 }, "mean NLL = H(p̂, q)");
  node(art, "path", { class: "xent-curve", d: "M178 36h22", "stroke-dasharray": "7 4" });
  node(art, "text", { x: 206, y: 40 }, "KL(p̂‖q)");
  const band = node(art, "path", { class: "xent-band" });
  const grid = node(art, "g");
  const xTitle = node(art, "text", { class: "xent-q", "text-anchor": "middle" }, "θ, the model’s probability of heads");
  const truth = node(art, "path", { class: "xent-outline", "stroke-dasharray": "2 4" });
  const truthLabel = node(art, "text", { class: "xent-true" });
  const upper = node(art, "path", { class: "xent-curve xent-q" });
  const lower = node(art, "path", { class: "xent-curve", "stroke-dasharray": "7 4" });
  const gap = node(art, "path", { class: "xent-outline" });
  const dot = node(art, "circle", { class: "xent-dot", r: 7, fill: "currentColor" });
  const labels = ["xent-q", "xent-p", ""].map((name) => node(art, "text", { class: `xent-strong xent-halo ${name}` }));
  const handle = slider(handles, {
    index: 0, max: 1, n: 100, page: 0.1,
    valueAt: (px) => (px - box.left) / (box.right - box.left),
    change: (theta) => send(model, "theta", theta),
  });
  set(handle, { "aria-orientation": "horizontal" });
  node(handle, "circle", { class: "xent-touch", r: 22 });
  node(handle, "circle", { class: "xent-grip xent-q", r: 9 });
  const say = readout(root, "{heads}, {tails}; θ = {theta}: NLL {nll} = H(p̂) {entropy} + KL {kl} nats.");

  let box, x, y;
  function layout(width) {
    box = { left: 34, right: width - 12, top: 80, bottom: 320 };
    x = (theta) => box.left + theta * (box.right - box.left);
    y = (nats) => box.bottom - (Math.min(nats, MOST_NATS) / MOST_NATS) * (box.bottom - box.top);
    axes(grid, box, { xTicks: [0, 0.25, 0.5, 0.75, 1], x, yTicks: [0, 0.5, 1, 1.5, 2, 2.5], y });
    set(xTitle, { x: x(0.5), y: box.bottom + 42 });
  }

  function draw() {
    const heads = model.get("heads"), tails = model.get("tails"), theta = model.get("theta");
    const { p, nll, h, kl } = coinMeasures(heads, tails, theta);
    const curve = (name) => {
      const f = (t) => coinMeasures(heads, tails, t)[name];
      const [from, to] = reaches(f, p, MOST_NATS);
      // Closer at the ends, where the curve is steep.
      const points = Array.from({ length: 161 }, (_, i) => from + ((to - from) * (1 - Math.cos((Math.PI * i) / 160))) / 2)
        .map((t) => [x(t), y(f(t))]);
      // No number may be near enough to 0 or 1 for the curve to reach the top.
      if (from > 0) points.unshift([x(from), y(MOST_NATS)]);
      if (to < 1) points.push([x(to), y(MOST_NATS)]);
      return points;
    };
    const above = curve("nll"), below = curve("kl");
    set(upper, { d: path(above) });
    set(lower, { d: path(below) });
    set(band, { d: `${path([...above, ...below.reverse()])}Z` });
    set(truth, { d: path([[x(p), box.top - 10], [x(p), box.bottom]]) });
    set(truthLabel, { x: x(p), y: box.top - 14, "text-anchor": p < 0.25 ? "start" : p > 0.75 ? "end" : "middle" });
    truthLabel.textContent = `p̂ = ${heads}/${heads + tails} = ${+p.toFixed(3)}`;

    const at = x(theta), high = y(nll), low = y(kl);
    const head = low - high > 24 ? 7 : 0;
    set(gap, {
      d: `M${at} ${high}V${low}` + (head ? `M${at - 5} ${high + 16}l5 -7l5 7M${at - 5} ${low - 14}l5 7l5 -7` : ""),
    });
    set(dot, { cx: at, cy: low });
    handle.place(at, high);
    const digits = decimals([theta]);
    handle.show(theta, "model’s probability of heads", `θ = ${fixed(theta, digits)}, NLL ${fixed(nll, 3)} nats, KL ${fixed(kl, 3)} nats`);
    const left = at + 95 > box.right || (theta > p && at - 95 > box.left);
    const heights = stack([high - 10, (high + low) / 2 + 5, low - 8], 18, box.top + 6, box.bottom - 8);
    const arrow = (nats) => (nats > MOST_NATS ? "↑ " : "");
    [`${arrow(nll)}NLL ${fixed(nll, 3)}`, `H(p̂) ${fixed(h, 3)}`, `${arrow(kl)}KL ${fixed(kl, 3)}`].forEach((text, i) => {
      labels[i].textContent = text;
      set(labels[i], { x: at + (left ? -15 : 15), y: heights[i], "text-anchor": left ? "end" : "start" });
    });
    say({
      heads: heads === 1 ? "1 head" : `${heads} heads`, tails: tails === 1 ? "1 tail" : `${tails} tails`,
      theta: fixed(theta, digits), nll: fixed(nll, 3), entropy: fixed(h, 3), kl: fixed(kl, 3),
    });
  }

  return live(model, ["heads", "tails", "theta"], root, layout, draw);
}

export default { render };
