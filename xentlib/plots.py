"""Figures of the book: pure functions that return a matplotlib Figure.

The truth p is blue and the model q is orange. One message a figure; labels stand beside what they
name. Names are text, not formulas: a dollar sign is drawn as it is. Nothing global is changed, and
the same arguments give the same picture.
"""

import io
import math

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter
from scipy.special import expit, rel_entr, softmax

from xentlib import _inputs
from xentlib.information import (
    binary_cross_entropy,
    binary_entropy,
    conditional_entropy,
    entropy,
    information_content,
    information_gain,
    joint_entropy,
    mutual_information,
)
from xentlib.losses import softmax_cross_entropy_value_and_grad
from xentlib.trees import best_split

P_COLOR = "#1b5e9e"
Q_COLOR = "#c2570c"
INK = "#222832"
SOFT = "#d8dce1"
LINE = "#666b73"
SIZE = 13
TITLE = {"loc": "left", "fontsize": SIZE, "fontweight": "bold"}
PLAIN = FuncFormatter(lambda value, _: f"{value:g}".replace("-", "−"))
DPI = 200  # sharp on a phone
CSS_DPI = 96
LOSS_TOP = 4.0
BITS_TOP = 10.0
LIKELIHOOD_TOP = 2.5
KL_TOP = 4.0
MOST_Z = 8.0
CLASS_COLORS = ["#5a3fa8", "#0b7a68", "#b03a78"]
BELOW = {"ha": "center", "va": "top", "fontsize": SIZE}


class Picture(Figure):
    """A matplotlib figure that a notebook shows as it is, without pyplot and its global state."""

    def _repr_png_(self):
        png = io.BytesIO()
        # Without the "Software" entry the bytes do not name the version of matplotlib.
        self.savefig(png, format="png", dpi=DPI, metadata={"Software": None})
        width, height = (round(inches * CSS_DPI) for inches in self.get_size_inches())
        return png.getvalue(), {"width": width, "height": height}


def loss_bars(q, truth=0, names=("landscape", "house", "other")):
    """Draw a model's answer `q` beside its loss −ln q(truth).

    Parameters
    ----------
    q : sequence of float
        Probabilities of the classes.
    truth : int
        Index of the true class.
    names : sequence of str
        Names of the classes.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> figure = loss_bars([0.4, 0.1, 0.5])
    """
    q = _distribution("q", q)
    truth, names = _index("truth", truth, len(q)), _texts("names", names, len(q))
    figure, (left, right) = _figure(1, 2)
    x = np.arange(len(q))
    left.bar(x, q, width=0.6, color=Q_COLOR)
    left.bar(truth, 1, width=0.7, fill=False, edgecolor=P_COLOR, linewidth=2)
    for i, value in enumerate(q):
        left.text(i, value + 0.02, f"{value:.2f}", ha="center", va="bottom", fontsize=SIZE)
    left.set(ylim=(0, 1.12), yticks=[0, 0.5, 1])
    left.set_xticks(x, [f"{n}\ntrue" if i == truth else n for i, n in enumerate(names)])
    left.get_xticklabels()[truth].set(color=P_COLOR, fontweight="bold")
    left.set_title("q, the model’s answer", color=Q_COLOR, **TITLE)

    grid = np.linspace(np.exp(-LOSS_TOP), 1, 300)
    right.plot(grid, -np.log(grid), color=INK, linewidth=2)
    loss = information_content(q[truth])
    at = min(loss, LOSS_TOP)
    _mark(right, q[truth], at, f"{loss:.3f} nats" if loss < np.inf else "loss ∞", Q_COLOR)
    right.set(xlim=(0, 1), ylim=(0, LOSS_TOP * 1.12), xticks=[0, 0.5, 1], yticks=range(5))
    right.set_xlabel(f"q({names[truth]})", color=Q_COLOR)
    right.set_title("Loss = −ln q, nats", **TITLE)
    return figure


def surprise_curve(p):
    """Draw the surprise −log₂ p of an event of probability `p`, in bits.

    Below the curve, a strip is halved once for each bit until a piece of size `p` is left.

    Parameters
    ----------
    p : float
        Probability, in (0, 1].

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> figure = surprise_curve(1 / 4)
    """
    p = _probability("p", p)
    if p == 0:
        raise ValueError("p must be above 0, got 0")
    figure, (axes, strip) = _figure(rows=2, height_ratios=[6, 1])
    grid = 2.0 ** -np.linspace(0, BITS_TOP, 400)
    axes.plot(grid, -np.log2(grid), color=INK, linewidth=2)
    bits = information_content(p, base=2)
    _mark(axes, p, min(bits, BITS_TOP), f"p = {p:.3g}: {bits:.3f} bits", P_COLOR)
    axes.set(xlim=(0, 1), ylim=(0, BITS_TOP * 1.1), xticks=[0, 0.25, 0.5, 0.75, 1])
    axes.set_yticks(range(0, 11, 2))
    axes.set_xlabel("p, the probability of what happened", color=P_COLOR)
    axes.set_title("Surprise = −log₂ p, bits", **TITLE)
    strip.bar(0, 1, width=p, align="edge", color=P_COLOR)
    for question in range(1, math.ceil(min(bits, BITS_TOP)) + 1):
        left, right = max(p, 2.0**-question), 2.0 ** (1 - question)
        strip.bar(left, 1, width=right - left, align="edge", color="white", edgecolor=LINE)
        if right - left > 0.05:
            strip.text((left + right) / 2, 0.5, question, ha="center", va="center", fontsize=SIZE)
    strip.set(xlim=(0, 1), ylim=(0, 1), xticks=[], yticks=[])
    strip.axis("off")
    strip.set_title("Halve the strip until p is left", **TITLE)
    return figure


def entropy_triangle(p, names=("A", "B", "C")):
    """Draw three probabilities `p` as bars, and as a point among lines of equal entropy.

    Parameters
    ----------
    p : sequence of float
        Three probabilities.
    names : sequence of str
        Names of the outcomes.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> figure = entropy_triangle([0.5, 0.25, 0.25])
    """
    p, names = _distribution("p", p, 3), _texts("names", names, 3)
    figure, (left, right) = _figure(1, 2)
    terms = [x * information_content(x, base=2) if x else 0.0 for x in p]
    left.bar(range(3), p, width=0.6, color=P_COLOR)
    for i, value in enumerate(p):
        left.text(i, value + 0.02, f"{value:.2f}", ha="center", va="bottom", fontsize=SIZE)
    left.set(ylim=(0, 1.12), yticks=[0, 0.5, 1])
    left.set_xticks(range(3), [f"{n}\n{t:.3f} bits" for n, t in zip(names, terms, strict=True)])
    left.set_title("p, and −p log₂ p", color=P_COLOR, **TITLE)

    corners = np.array([[0, 0], [1, 0], [0.5, np.sqrt(0.75)]])
    n = 80
    weights = np.array([(i, j, n - i - j) for i in range(n + 1) for j in range(n + 1 - i)]) / n
    bits = entropy(weights, base=2)
    lines = right.tricontour(*(weights @ corners).T, bits, levels=[0.5, 1, 1.3, 1.5], colors=LINE)
    lines.set_linewidth(1)
    # Where the lines cross the axis from the middle to the upper corner; the first is the corner's.
    for level, share in [(1, 0.773), (1.3, 0.642), (1.5, 0.5)]:
        right.text(
            *(np.array([(1 - share) / 2, (1 - share) / 2, share]) @ corners),
            f"{level:g}",
            ha="center",
            va="center",
            fontsize=SIZE - 1,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
        )
    right.text(*([0, 0.1, 0.9] @ corners + [0.04, 0]), "0.5 bits", va="center", fontsize=SIZE - 1)
    right.fill(*corners.T, fill=False, edgecolor=INK, linewidth=1)
    right.plot(*(p @ corners), "o", color=P_COLOR, markersize=10, markeredgecolor="white")
    for corner, name, dy in zip(corners, names, [-0.05, -0.05, 0.04], strict=True):
        va = "top" if dy < 0 else "bottom"
        right.text(corner[0], corner[1] + dy, name, ha="center", va=va, fontsize=SIZE)
    right.set(xlim=(-0.08, 1.08), ylim=(-0.16, 1.0), aspect="equal")
    right.axis("off")
    right.set_title(f"H = {entropy(p, base=2):.3f} bits", **TITLE)
    return figure


def binary_entropy_curve():
    """Draw the entropy of a coin against its probability of heads, in bits.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> figure = binary_entropy_curve()
    """
    figure, axes = _figure()
    p = np.linspace(0, 1, 401)
    axes.plot(p, binary_entropy(p, base=2), color=P_COLOR, linewidth=2.5)
    match = 63 / 64
    bits = binary_entropy(match, base=2)
    axes.plot([0.5, match], binary_entropy([0.5, match], base=2), "o", color=P_COLOR, markersize=8)
    axes.text(0.5, 1.04, "fair coin: 1 bit", ha="center", va="bottom", fontsize=SIZE)
    axes.text(
        0.88,
        bits,
        f"table-tennis match,\np = 63/64: {bits:.3f} bits",
        ha="right",
        va="center",
        fontsize=SIZE,
    )
    axes.set(xlim=(0, 1), ylim=(0, 1.2), xticks=[0, 0.25, 0.5, 0.75, 1], yticks=[0, 0.5, 1])
    axes.set_xlabel("p, the probability of one of two outcomes", color=P_COLOR)
    axes.set_title("A fair coin is the most uncertain (entropy in bits)", **TITLE)
    return figure


def plugin_bias(sizes, means, truth, corrected=None):
    """Draw mean plug-in estimates of an entropy against the size of the sample.

    Parameters
    ----------
    sizes : sequence of int
        Sample sizes.
    means : sequence of float
        Mean plug-in estimate at each size, in nats.
    truth : float
        The entropy that is estimated, in nats.
    corrected : sequence of float, optional
        Mean corrected estimate at each size, in nats.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> figure = plugin_bias([10, 100, 1000], [1.4, 1.7, 1.78], truth=1.8)
    """
    sizes = _inputs.numbers("sizes", sizes, (None,), low=1)
    means = _inputs.numbers("means", means, sizes.shape)
    truth = _inputs.numbers("truth", truth)
    figure, axes = _figure()
    axes.axhline(truth, color=P_COLOR, linewidth=2)
    curves = [("plug-in", means, "o-", INK, (8, -12))]
    if corrected is not None:
        corrected = _inputs.numbers("corrected", corrected, sizes.shape)
        curves.append(("corrected", corrected, "s--", LINE, (8, 4)))
    for label, values, style, color, offset in curves:
        axes.plot(sizes, values, style, color=color, linewidth=2, markersize=6)
        axes.annotate(
            label,
            (sizes[0], values[0]),
            xytext=offset,
            textcoords="offset points",
            color=color,
            fontsize=SIZE,
        )
    axes.annotate(
        f"true entropy, {truth:.3f} nats",
        (1, truth),
        xycoords=("axes fraction", "data"),
        xytext=(0, 5),
        textcoords="offset points",
        ha="right",
        va="bottom",
        color=P_COLOR,
        fontsize=SIZE,
    )
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(PLAIN)
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(which="minor", length=0)
    axes.margins(y=0.18)
    axes.set_xlabel("sample size n")
    axes.set_title("Few data make entropy look small (in nats)", **TITLE)
    return figure


def tangent_bound():
    """Draw ln x under its tangent x − 1, which it meets at x = 1 only.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> figure = tangent_bound()
    """
    figure, axes = _figure()
    x = np.linspace(np.exp(-2.2), 3, 400)
    axes.plot(x, x - 1, color=LINE, linewidth=2, linestyle="--")
    axes.plot(x, np.log(x), color=INK, linewidth=2.5)
    axes.plot(1, 0, "o", color=INK, markersize=8)
    axes.text(2.2, 1.45, "x − 1", ha="right", fontsize=SIZE)
    axes.text(2.5, 0.6, "ln x", fontsize=SIZE)
    axes.text(1.1, -0.12, "they meet at x = 1", va="top", fontsize=SIZE)
    axes.set(xlim=(0, 3), ylim=(-2.2, 2.1), xticks=range(4), yticks=range(-2, 3))
    axes.set_xlabel("x")
    axes.set_title("ln x never exceeds x − 1", **TITLE)
    return figure


def code_lengths(p, lengths, names=("dog", "cat", "fish", "bird")):
    """Draw a code as columns of width p and height length: their area is the mean length in bits.

    Blue outlines stand at the ideal heights −log₂ p. What rises above them is orange; what a
    column lacks is grey.

    Parameters
    ----------
    p : sequence of float
        Probabilities of the words.
    lengths : sequence of int
        Lengths of their code words, in bits.
    names : sequence of str
        The words.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> figure = code_lengths([1 / 2, 1 / 4, 1 / 8, 1 / 8], [3, 1, 2, 3])
    """
    p = _distribution("p", p)
    lengths = _inputs.numbers("lengths", lengths, p.shape, low=1, high=40, whole=True)
    names = _texts("names", names, len(p))
    figure, axes = _figure()
    gap = np.minimum(0.003, p / 4)
    lefts, widths = np.cumsum(p) - p + gap, p - 2 * gap
    top = max(6, *lengths)
    ideals = np.minimum(information_content(p, base=2), top)
    for color, label, bottoms, tops in [
        (P_COLOR, "H(p)", 0, np.minimum(lengths, ideals)),
        (Q_COLOR, "too long", ideals, np.maximum(lengths, ideals)),
        (SOFT, "saved", lengths, np.maximum(lengths, ideals)),
    ]:
        axes.bar(lefts, tops - bottoms, widths, bottoms, align="edge", color=color, label=label)
    outline = {"align": "edge", "fill": False, "edgecolor": P_COLOR, "linewidth": 1.5}
    axes.bar(lefts, ideals, widths, **outline)
    for middle, share, length, name in zip(lefts + widths / 2, p, lengths, names, strict=True):
        if share > 0.07:
            axes.text(middle, length + 0.15, length, ha="center", fontsize=SIZE)
            axes.text(middle, -0.25, f"{name}\n{share:.3g}", ha="center", va="top", fontsize=SIZE)
    mean, bits, kraft = np.dot(p, lengths), entropy(p, base=2), np.sum(2.0**-lengths)
    verdict = "full" if kraft == 1 else "space is left" if kraft < 1 else "no prefix code"
    axes.set(xlim=(0, 1), ylim=(0, top + 1), xticks=[])
    axes.set_yticks(range(top + 1))
    axes.set_xlabel(f"width p, height in bits. Kraft sum {kraft:g}: {verdict}", labelpad=46)
    extra = f"{'+' if mean - bits > -5e-4 else '−'} extra {abs(mean - bits):.3f}"
    axes.set_title(f"Mean {mean:.3f} bits = H(p) {bits:.3f} {extra}", pad=28, **TITLE)
    _legend(axes, 3, above=1)
    return figure


def coin_likelihood(heads, tails, theta):
    """Draw the mean negative log-likelihood of tosses, and the KL divergence, against the model.

    Parameters
    ----------
    heads, tails : int
        The data, at least one toss.
    theta : float
        A model's probability of heads, which is marked.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> figure = coin_likelihood(7, 3, 0.5)
    """
    heads = _inputs.numbers("heads", heads, low=0, high=1e9, whole=True)
    tails = _inputs.numbers("tails", tails, low=0, high=1e9, whole=True)
    theta = _probability("theta", theta)
    if heads + tails == 0:
        raise ValueError("heads and tails cannot both be 0")
    figure, axes = _figure()
    p, top = heads / (heads + tails), LIKELIHOOD_TOP
    least = binary_entropy(p)
    grid = np.r_[0, expit(np.linspace(-36, 36, 2001)), 1]  # dense at the ends, where it is steep
    above = np.minimum(binary_cross_entropy(p, grid), 2 * top)
    axes.fill_between(grid, above - least, above, color=SOFT, alpha=0.5, linewidth=0)
    axes.plot(grid, above, color=Q_COLOR, linewidth=2.5, label="mean NLL = H(p̂, q)")
    axes.plot(grid, above - least, "--", color=INK, linewidth=2, label="KL(p̂‖q)")
    axes.axvline(p, color=P_COLOR, linewidth=2, linestyle=":")
    nll = binary_cross_entropy(p, theta)
    kl = max(nll - least, 0)
    high, low = min(nll, top), min(kl, top)
    axes.plot([theta, theta], [low, high], color=P_COLOR, linewidth=2.5)
    axes.plot(theta, low, "o", color=INK, markersize=8, clip_on=False, zorder=5)
    axes.plot(theta, high, "o", color=Q_COLOR, markersize=9, clip_on=False, zorder=5)
    # One label above the other, beside the dots, at least a line apart.
    places = [min(high, top - 0.15), (high + low) / 2, low + 0.16]
    for i in (1, 0):
        places[i] = max(places[i], places[i + 1] + 0.33)
    down = max(places[0] - (top - 0.15), 0)
    left = theta > 0.75 or theta > max(p, 0.25)
    values = [("NLL", nll, Q_COLOR), ("H(p̂)", least, P_COLOR), ("KL", kl, INK)]
    for (name, value, color), y in zip(values, places, strict=True):
        axes.annotate(
            f"{name} {value:.3f}" if np.isfinite(value) else f"{name} ∞",
            (theta, y - down),
            xytext=(-12 if left else 12, 0),
            textcoords="offset points",
            ha="right" if left else "left",
            va="center",
            color=color,
            fontsize=SIZE,
            fontweight="bold",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1, "alpha": 0.8},
        )
    axes.text(
        p,
        top + 0.05,
        f"p̂ = {heads}/{heads + tails} = {p:.3g}",
        ha="left" if p < 0.25 else "right" if p > 0.75 else "center",
        color=P_COLOR,
        fontsize=SIZE,
        fontweight="bold",
    )
    axes.set(xlim=(0, 1), ylim=(0, top), xticks=[0, 0.25, 0.5, 0.75, 1])
    axes.set_yticks(np.arange(0, top + 0.1, 0.5))
    axes.set_xlabel("θ, the model’s probability of heads", color=Q_COLOR)
    axes.set_title("Both are least where θ = p̂ (nats)", pad=44, **TITLE)
    _legend(axes, 2, above=1.08)
    return figure


def gain_curve(x, y, name="petal length", unit="cm"):
    """Draw the information gain of the split x ≤ t against the threshold t, in bits.

    Between two neighbouring values of `x` the gain is constant. The best thresholds, midway
    between neighbours, are marked.

    Parameters
    ----------
    x : array_like, shape (n,)
        A feature.
    y : array_like of int, shape (n,)
        The classes.
    name, unit : str
        What the feature is called, and what it is measured in.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> figure = gain_curve([1.4, 1.3, 4.7, 6.0], [0, 0, 1, 1])
    """
    best_split(x, y)  # takes the same data, and says what is wrong with them
    (name,), (unit,) = _texts("name", name, 1), _texts("unit", unit, 1)
    x, y = np.asarray(x, dtype=float), np.asarray(y)
    edges, where = np.unique(x, return_inverse=True)
    if len(edges) < 2:
        raise ValueError("x must hold at least two different values")
    classes, labels = np.unique(y, return_inverse=True)
    counts = np.zeros((len(edges), len(classes)))
    np.add.at(counts, (where, labels), 1)
    below = counts.cumsum(axis=0)[:-1]
    gains = information_gain(np.stack([below, counts.sum(axis=0) - below], axis=1), base=2)
    best = np.flatnonzero(np.isclose(gains, gains.max(), rtol=0, atol=1e-9))
    middles = (edges[:-1] + edges[1:]) / 2

    figure, axes = _figure()
    axes.stairs(gains, edges, baseline=None, color=INK, linewidth=2)
    axes.plot(middles[best], gains[best], "o", color=Q_COLOR, markersize=9, zorder=5)
    values = ", ".join(f"{t:.4g}" for t in middles[best[:3]]) + (" …" if len(best) > 3 else "")
    first = middles[best[0]]
    axes.annotate(
        f"{name} ≤ {values} {unit}".rstrip(),
        (first, gains.max()),
        xytext=(0, 9),
        textcoords="offset points",
        ha="left" if first < edges.mean() else "right",
        fontsize=SIZE,
        fontweight="bold",
    )
    axes.set(xlim=(edges[0], edges[-1]), ylim=(0, max(1.2 * gains.max(), 0.1)))
    axes.set_xlabel(f"threshold, {unit}" if unit else "threshold")
    axes.set_title(f"The best threshold gains {gains.max():.3f} bits", **TITLE)
    return figure


def block_lengths(blocks, bits, entropy):
    """Draw the bits a match that a code of blocks takes, against the size of the blocks.

    Parameters
    ----------
    blocks : sequence of int
        Matches in a block.
    bits : sequence of float
        Mean length of the code, divided by the size of the block.
    entropy : float
        Entropy of a match in bits, which no prefix-free code can go below.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> figure = block_lengths([1, 2, 3], [1, 0.523315, 0.364581], entropy=0.116115)
    """
    blocks = _inputs.numbers("blocks", blocks, (None,), low=1)
    bits = _inputs.numbers("bits", bits, blocks.shape, low=0)
    entropy = _inputs.numbers("entropy", entropy, low=0)
    figure, axes = _figure()
    axes.axhline(entropy, color=P_COLOR, linewidth=2)
    axes.plot(blocks, bits, "o-", color=Q_COLOR, linewidth=2, markersize=8)
    axes.annotate(
        f"{bits[0]:.3f}",
        (blocks[0], bits[0]),
        xytext=(10, 0),
        textcoords="offset points",
        va="center",
        fontsize=SIZE,
    )
    axes.annotate(
        f"{bits[-1]:.3f}",
        (blocks[-1], bits[-1]),
        xytext=(0, 10),
        textcoords="offset points",
        ha="center",
        fontsize=SIZE,
    )
    axes.annotate(
        f"entropy, {entropy:.3f} bits",
        (0, entropy),
        xycoords=("axes fraction", "data"),
        xytext=(4, -6),
        textcoords="offset points",
        va="top",
        color=P_COLOR,
        fontsize=SIZE,
    )
    axes.set_ylim(0, 1.1 * max(bits))
    axes.set_xticks(blocks)
    axes.margins(x=0.06)
    axes.set_xlabel("matches in a block")
    axes.set_ylabel("bits a match")
    axes.set_title("Longer blocks come closer to the entropy", **TITLE)
    return figure


def pictures(images, titles, signed=False):
    """Draw small pictures in rows of five, dark where their numbers are large.

    Parameters
    ----------
    images : sequence of array_like, each of shape (height, width)
        Numbers of at least 0, or of both signs if `signed`.
    titles : sequence of str
        One for each picture.
    signed : bool
        Blue for positive and orange for negative numbers, on one scale for all pictures.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> figure = pictures([[[0, 1], [1, 0]]], ["a cross"])
    """
    images = list(images) if np.iterable(images) else []
    if not images:
        raise ValueError("images must hold at least one picture")
    images = [_inputs.numbers("each of images", image, (None, None)) for image in images]
    titles = _texts("titles", titles, len(images))
    least = min(image.min() for image in images)
    if least < 0 and not signed:
        raise ValueError(
            f"images must not be negative, got {least:g}; pass signed=True to draw signs"
        )
    rows = math.ceil(len(images) / 5)
    figure, axes = _figure(rows, min(len(images), 5), squeeze=False)
    top = max(np.abs(image).max() for image in images)
    signs = LinearSegmentedColormap.from_list("signs", [Q_COLOR, "white", P_COLOR], 255)
    shades = {"cmap": signs, "vmin": -top} if signed else {"cmap": "gray_r", "vmin": 0}
    for ax in axes.flat:
        ax.set(xticks=[], yticks=[])
        ax.spines["bottom"].set_visible(False)
    for ax, image, title in zip(axes.flat, images, titles, strict=False):  # a row may be short
        ax.imshow(image, vmax=top, **shades)
        ax.set_title(title, fontsize=SIZE)
    return figure


def sigmoid_fit(x, y, model, xlabel="x", classes=("no", "yes")):
    """Draw labels 0 and 1 against one feature, and a model's probability of 1.

    Parameters
    ----------
    x : array_like, shape (n,)
        The feature.
    y : array_like of int, shape (n,)
        The labels.
    model : callable
        The probability of 1 at an array of values of the feature.
    xlabel : str
        Name of the feature.
    classes : sequence of str
        Names of 0 and 1.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> figure = sigmoid_fit([-1, 0, 2], [0, 0, 1], expit)
    """
    x = _inputs.numbers("x", x, (None,))
    y = _inputs.numbers("y", y, x.shape, low=0, high=1, whole=True)
    (xlabel,), classes = _texts("xlabel", xlabel, 1), _texts("classes", classes, 2)
    if not callable(model):
        raise ValueError(f"model must be a function of x, got {model!r}")
    figure, axes = _figure()
    grid = np.linspace(x.min(), x.max(), 300)
    axes.plot(
        grid, _inputs.numbers("model(x)", model(grid), grid.shape), color=Q_COLOR, linewidth=2.5
    )
    spread = 0.04 * np.sin(2.399963 * np.arange(len(x)))  # so that points do not hide each other
    axes.plot(x, y + spread, "o", color=P_COLOR, markersize=5, alpha=0.35, markeredgewidth=0)
    for label, height, side in [(0, 0.13, 1), (1, 0.87, 0)]:
        axes.text(
            side,
            height,
            f"{classes[label]}: {np.sum(y == label)}",
            transform=axes.get_yaxis_transform(),
            ha="right" if side else "left",
            va="center",
            color=P_COLOR,
            fontsize=SIZE,
        )
    axes.set(ylim=(-0.08, 1.08), yticks=[0, 0.5, 1])
    axes.set_xlabel(xlabel)
    axes.set_title(f"q, the model’s probability of {classes[1]}", color=Q_COLOR, **TITLE)
    return figure


def joint_table(pxy, x_names=("x0", "x1"), y_names=("y0", "y1")):
    """Draw a joint distribution as areas of the unit square, and its entropies as bars.

    Parameters
    ----------
    pxy : sequence of sequence of float
        Joint probabilities: two rows for X, two columns for Y.
    x_names, y_names : sequence of str
        Names of the rows and of the columns.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> figure = joint_table([[0.24, 0.06], [0.14, 0.56]])
    """
    pxy = _inputs.sum_to_1("pxy", _inputs.numbers("pxy", pxy, (2, 2)), None)
    x_names, y_names = _texts("x_names", x_names, 2), _texts("y_names", y_names, 2)
    figure, (left, right) = _figure(1, 2, width_ratios=[1, 1.35])
    px = pxy.sum(axis=1)
    start = 0.0
    for row, width, name in zip(pxy, px, x_names, strict=True):
        level = row[0] / width if width else 0
        pieces = [(0, level, row[0], 1), (level, 1 - level, row[1], 0.2)]
        for low, height, p, shade in pieces:
            _tile(left, start, low, width, height, shade)
            if width > 0.2 and height > 0.08:
                color = "white" if shade == 1 else INK
                at = start + width / 2, low + height / 2
                left.text(*at, f"{p:.3g}", color=color, ha="center", va="center", fontsize=SIZE)
        at = start + width / 2
        left.text(at, -0.04, f"{name}\n{width:.3g}", ha="center", va="top", fontsize=SIZE)
        start += width
    beside = pxy[0] / px[0] if px[0] else pxy[1]
    for name, at in zip(y_names, [beside[0] / 2, 1 - beside[1] / 2], strict=True):
        left.text(-0.05, at, name, ha="right", va="center", fontsize=SIZE)
    left.set(xlim=(0, 1), ylim=(0, 1), aspect="equal", xticks=[], yticks=[])
    left.spines[:].set_visible(False)
    left.set_anchor("N")
    left.set_title("Area = p(x, y)", color=P_COLOR, **TITLE)

    x, y = entropy(px, base=2), entropy(pxy.sum(axis=0), base=2)
    joint, both = joint_entropy(pxy, base=2), mutual_information(pxy, base=2)
    y_given_x, x_given_y = (conditional_entropy(pxy, given=axis, base=2) for axis in (0, 1))
    x_only, y_only = ("H(X|Y)", x_given_y, 0.2), ("H(Y|X)", y_given_x, 0.2)
    rows = [
        [("H(X,Y)", joint, 0.4)],
        [("H(X)", x, 0.4), y_only],
        [x_only, ("H(Y)", y, 0.4)],
        [x_only, ("I(X;Y)", both, 1), y_only],
    ]
    for at, row in enumerate(rows):
        start = 0.0
        for name, bits, shade in row:
            _tile(right, start, 3 - at, bits, 0.8, shade)
            if bits > 0.38:
                color = "white" if shade == 1 else INK
                middle = start + bits / 2, 3.4 - at
                text = f"{name}\n{bits:.3f}"
                right.text(*middle, text, color=color, ha="center", va="center", fontsize=SIZE - 1)
            start += bits
    right.set(xlim=(0, 2), ylim=(-0.1, 4), xticks=[0, 1, 2], yticks=[])
    right.set_title(f"I(X;Y) = {both:.3f} bits", **TITLE)
    return figure


def two_divergences(p, q, names=("A", "B", "C")):
    """Draw two distributions, the terms of KL(p‖q) and KL(q‖p), and the two sums in bits.

    Parameters
    ----------
    p, q : sequence of float
        Two distributions over the same outcomes.
    names : sequence of str
        Names of the outcomes.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> figure = two_divergences([0.5, 0.25, 0.25], [0.9, 0.05, 0.05])
    """
    _inputs.check_names(-1, {"p": p, "q": q})
    p = _distribution("p", p)
    q, names = _distribution("q", q, len(p)), _texts("names", names, len(p))
    figure, (left, right) = _figure(1, 2)
    sides = [("p", "q", p, q, P_COLOR), ("q", "p", q, p, Q_COLOR)]
    for k, (truth, model, true, guess, color) in enumerate(sides):
        x = np.arange(len(p)) + 0.4 * k - 0.2
        left.bar(x, true, width=0.38, color=color)
        terms = rel_entr(true, guess) / math.log(2)
        for i, (at, value) in enumerate(zip(x, true, strict=True)):
            text = f"{value:.2g}".lstrip("0") or "0"
            left.text(at, value + 0.02, text, ha="center", fontsize=SIZE - 1)
            left.text(i, -0.17 - 0.11 * k, _signed(terms[i]), color=color, **BELOW)
        bits = max(terms.sum(), 0)
        right.barh(1 - k, min(bits, KL_TOP), height=0.36, color=color)
        size = f"{bits:.4f} bits" if bits < np.inf else "∞"
        text = f"truth {truth}, model {model}\nKL({truth}‖{model}) = {size}"
        right.text(0, 1.24 - k, text, color=color, va="bottom", fontsize=SIZE)
    for i, name in enumerate(names):
        left.text(i, -0.05, name, **BELOW)
    left.set(ylim=(0, 1.12), xticks=[], yticks=[0, 0.5, 1])
    left.set_title("p, q and the terms", **TITLE)
    right.set(xlim=(0, KL_TOP), ylim=(-0.3, 1.7), xticks=range(5), yticks=[])
    right.set_title("Sums of the terms, in bits", **TITLE)
    return figure


def logit_steps(z, truth=0, step_size=1.0, names=("landscape", "house", "other")):
    """Draw logits with the step that gradient descent takes, beside their softmax.

    Parameters
    ----------
    z : sequence of float
        Logits of the classes.
    truth : int
        Index of the true class.
    step_size : float
        Learning rate: an arrow is this many times −(q − p).
    names : sequence of str
        Names of the classes.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> figure = logit_steps([2.0, 1.0, 0.0], truth=1)
    """
    z, step_size = _inputs.numbers("z", z, (None,)), _inputs.numbers("step_size", step_size, low=0)
    truth, names = _index("truth", truth, len(z)), _texts("names", names, len(z))
    figure, (left, right) = _figure(1, 2, width_ratios=[1.25, 1], sharey=True)
    q = softmax(z)
    loss, gradient = softmax_cross_entropy_value_and_grad(z, truth)
    steps = -step_size * gradient
    reach = max(3, *np.ceil(np.abs([z, z + steps]).max(axis=1)))
    for i, (start, step) in enumerate(zip(z, steps, strict=True)):
        arrow = {"arrowstyle": "->", "color": INK, "linewidth": 2, "shrinkA": 0, "shrinkB": 0}
        lane = i + 0.25
        left.annotate("", (start + step, lane), (start, lane), arrowprops=arrow)
        left.text(start + step / 2, lane + 0.05, _signed(step), **BELOW)
        text = f"{start:.2f}".replace("-", "−")
        left.text(start, i - 0.12, text, ha="center", va="bottom", fontsize=SIZE)
    left.plot(z, np.arange(len(z)), "o", color=Q_COLOR, markersize=9, zorder=5)
    left.set(xlim=(-1.12 * reach, 1.12 * reach), ylim=(len(z) - 0.45, -0.5))
    left.set_yticks(range(len(z)), [f"{n}\ntrue" if i == truth else n for i, n in enumerate(names)])
    left.get_yticklabels()[truth].set(color=P_COLOR, fontweight="bold")
    left.set_title("Logits z, next step", **TITLE)

    right.barh(range(len(z)), q, height=0.4, color=Q_COLOR)
    right.barh(truth, 1, height=0.52, fill=False, edgecolor=P_COLOR, linewidth=2)
    for i, value in enumerate(q):
        right.text(1.04, i, f"{value:.3f}", va="center", fontsize=SIZE)
    right.set(xlim=(0, 1.3), xticks=[0, 0.5, 1])
    right.tick_params(labelleft=False)
    right.set_title(f"q: loss {loss:.3f} nats", color=Q_COLOR, **TITLE)
    for ax in left, right:
        ax.grid(visible=False, axis="y")
    left.grid(axis="x", color=SOFT, linewidth=0.8)
    return figure


def softmax_training(X, labels, weights, history, names=None, features=("x₁", "x₂")):
    """Draw points of some classes with the regions of a softmax regression, and its loss.

    Parameters
    ----------
    X : array_like, shape (n, 2)
        Two features a point.
    labels : array_like of int, shape (n,)
        Index of the class of each point.
    weights : array_like, shape (3, k)
        Weights of the two features, standardised to mean 0 and standard deviation 1, and biases.
    history : sequence of float
        The loss in nats at the start and after every step.
    names : sequence of str, optional
        Names of the classes.
    features : sequence of str
        Names of the two features.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> figure = softmax_training([[0, 1], [1, 0]], [0, 1], [[-1, 1], [1, -1], [0, 0]], [0.7, 0.1])
    """
    X = _inputs.numbers("X", X, (None, 2))
    weights = _inputs.numbers("weights", weights, (3, None))
    if not 2 <= weights.shape[1] <= len(CLASS_COLORS):
        raise ValueError(f"weights must be of 2 or 3 classes, got shape {weights.shape}")
    most = weights.shape[1] - 1
    labels = _inputs.numbers("labels", labels, X.shape[:1], low=0, high=most, whole=True)
    if not np.all((np.ptp(X, axis=0) > 0) & (np.std(X, axis=0) > 0)):  # which may round to 0
        raise ValueError("X must hold two features that vary")
    history = _inputs.numbers("history", history, (None,))
    names = None if names is None else _texts("names", names, most + 1)
    features = _texts("features", features, 2)
    figure, (left, right) = _figure(1, 2, width_ratios=[1.35, 1])

    def logits(x):
        return (x - X.mean(axis=0)) / X.std(axis=0) @ weights[:2] + weights[2]

    margin = 0.08 * np.ptp(X, axis=0)
    (x0, y0), (x1, y1) = X.min(axis=0) - margin, X.max(axis=0) + [1, 2] * margin
    undecided = np.all(weights == weights[:, :1])  # all classes tie everywhere
    if not undecided:
        grid = np.stack(np.meshgrid(np.linspace(x0, x1, 400), np.linspace(y0, y1, 300)), axis=-1)
        tints = np.array([[1 - 0.2 * (1 - c) for c in to_rgb(color)] for color in CLASS_COLORS])
        tint = tints[logits(grid).argmax(axis=-1)]
        left.imshow(tint, extent=(x0, x1, y0, y1), origin="lower", aspect="auto")
    right_answers = logits(X).argmax(axis=-1) == labels
    wrong = ~right_answers & ~undecided
    for k, (color, marker) in enumerate(zip(CLASS_COLORS, "o^s", strict=True)):
        for ringed in False, True:
            at = X[(labels == k) & (wrong == ringed)]
            edge = {"edgecolors": INK if ringed else "white", "linewidths": 1.5 if ringed else 0.4}
            left.scatter(*at.T, s=30, color=color, marker=marker, zorder=3 + ringed, **edge)
        if names is not None and np.any(labels == k):
            own = X[labels == k]
            # Above its points and to the left, but inside.
            width = 0.042 * len(names[k]) * (x1 - x0)
            at = max(own[:, 0].mean() - width, x0 + margin[0] / 4)
            style = {"color": color, "fontsize": SIZE, "fontweight": "bold", "zorder": 5}
            left.text(at, own[:, 1].max() + margin[1] / 2, names[k], va="bottom", **style)
    left.set(xlim=(x0, x1), ylim=(y0, y1), xlabel=features[0])
    left.grid(visible=False)
    left.set_title(f"{right_answers.sum()} of {len(X)} right", **TITLE)
    left.set_ylabel(features[1])

    last = len(history) - 1
    chance = math.log(weights.shape[1])
    top = 1.15 * max(*history, chance)
    right.axhline(chance, color=LINE, linestyle=":")
    style = {"ha": "right", "va": "bottom", "fontsize": SIZE}
    right.text(1, chance, f"ln {weights.shape[1]}", transform=right.get_yaxis_transform(), **style)
    right.plot(range(last + 1), history, color=INK, linewidth=2)
    right.plot(last, history[-1], "o", color=INK, markersize=8, clip_on=False)
    right.set(xlim=(0, max(last, 1)), ylim=(0, top), xticks=[0, max(last, 1)])
    right.set_xlabel("steps")
    right.set_title(f"Loss {history[-1]:.3f} nats", **TITLE)
    return figure


def sigmoid_gradients(z=-5.0, y=1):
    """Draw the size of the gradients of cross-entropy and of ½(q − y)² against the logit.

    Parameters
    ----------
    z : float
        A logit from −8 to 8, which is marked.
    y : int
        The truth, 0 or 1.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> figure = sigmoid_gradients(z=-5.0, y=1)
    """
    z = _inputs.numbers("z", z, low=-MOST_Z, high=MOST_Z)
    y = _inputs.numbers("y", y, low=0, high=1, whole=True)
    figure, axes = _figure()
    far = -1 if y else 1  # the side of z where the error is large
    turn = far * math.log(2)
    grid = np.linspace(-MOST_Z, MOST_Z, 401)
    q, now = expit(grid), expit(z)
    fast, slow = np.abs(q - y), np.abs(q - y) * q * (1 - q)
    high, low = abs(now - y), abs(now - y) * now * (1 - now)
    axes.fill_between([turn, far * MOST_Z], 4 / 27, color=SOFT, alpha=0.5, linewidth=0)
    axes.axvline(turn, color=LINE, linewidth=1, linestyle="--")
    axes.plot(grid, fast, color=Q_COLOR, linewidth=2.5)
    axes.plot(grid, slow, "--", color=INK, linewidth=2)
    axes.plot([z, z], [low, high], color=INK, linewidth=1)
    axes.plot(z, low, "o", color=INK, markersize=8, clip_on=False, zorder=5)
    axes.plot(z, high, "o", color=Q_COLOR, markersize=9, clip_on=False, zorder=5)
    bold = {"fontsize": SIZE, "fontweight": "bold"}
    clear = {"bbox": {"facecolor": "white", "edgecolor": "none", "pad": 1, "alpha": 0.8}}
    inner, outer = ("right", "left") if y else ("left", "right")
    axes.text(far * 7.7, 0.86, "cross-entropy", color=Q_COLOR, ha=outer, **bold, **clear)
    edge = turn + 0.25 * far
    axes.text(edge, 0.41, "squared error:", ha=inner, **bold, **clear)
    explained = "a bigger error,\na smaller gradient"
    axes.text(edge, 0.19, explained, ha=inner, fontsize=SIZE, **clear)
    steepest = f"squared error is steepest at q = {'1/3' if y else '2/3'}"
    axes.text(turn, 1.04, steepest, ha="center", fontsize=SIZE)
    rows = [
        (f"at z = {z + 0:.3g}, q = {now:.4f}".replace("-", "−"), {"fontsize": SIZE}),
        (f"cross-entropy {high:.3g}", {"color": Q_COLOR, **bold}),
        (f"squared error {low:.3g}".replace("-", "−"), bold),
        (f"{1 / (now * (1 - now)):.5g} times less", {"fontsize": SIZE}),
    ]
    for row, (text, style) in enumerate(rows):
        axes.text(-far * MOST_Z, 0.93 - 0.1 * row, text, ha=inner, **style)
    axes.set(xlim=(-MOST_Z, MOST_Z), ylim=(0, 1), xticks=[-8, -4, 0, 4, 8])
    axes.set_yticks([0, 0.5, 1])
    axes.set_xlabel("z, the model’s logit; q = σ(z)", color=Q_COLOR)
    axes.set_ylabel("|d loss/dz|")
    axes.set_title("Far off, squared error hardly learns", pad=24, **TITLE)
    return figure


def binary_loss(q=0.9, y=0.0):
    """Draw −ln q and −ln(1 − q), and the loss of a label between them, in nats.

    Parameters
    ----------
    q : float
        The model's probability of "1", which is marked with the slope of the loss.
    y : float
        The truth's probability of "1": a label 0 or 1, or a soft one between.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> figure = binary_loss(q=0.9, y=0.0)
    """
    q, y = _probability("q", q), _probability("y", y)
    figure, axes = _figure()
    grid = np.r_[0, expit(np.linspace(-36, 36, 2001)), 1]  # dense at the ends, where it is steep
    for truth, style, color, width in [
        (1, "--", LINE, 1.5),
        (0, ":", LINE, 1.5),
        (y, "-", Q_COLOR, 2.5),
    ]:
        nats = np.minimum(binary_cross_entropy(truth, grid), 2 * LOSS_TOP)
        axes.plot(grid, nats, style, color=color, linewidth=width)
    least, loss = binary_entropy(y), binary_cross_entropy(y, q)
    axes.plot([y, y], [0, least], color=P_COLOR, linewidth=2, linestyle=":")
    axes.plot(y, least, "o", color=P_COLOR, markersize=8, clip_on=False, zorder=4)
    for truth, name, side in [(1, "y = 1: −ln q", "left"), (0, "y = 0: −ln(1 − q)", "right")]:
        weight = "bold" if y == truth else "normal"
        at = 1 - truth, LOSS_TOP + 0.25
        axes.text(*at, name, ha=side, fontsize=SIZE, fontweight=weight)
    text, high, slope = "loss ∞", LOSS_TOP, math.inf if q == 1 else -math.inf
    if np.isfinite(loss):
        slope = sum(w / r for w, r in [(1 - y, 1 - q), (-y, q)] if w)
        arrow = "↑ " if loss > LOSS_TOP else ""
        text = f"{arrow}{loss:.3f} nats\nslope {slope:.3g}".replace("-", "−")
        high = min(loss, LOSS_TOP)
    if loss <= LOSS_TOP:
        run = 0.08 / math.hypot(1, slope / 10)  # about one length on the page
        ends = np.array([q - run, q + run])
        axes.plot(ends, loss + slope * (ends - q), color=INK, linewidth=2, zorder=4)
    axes.plot(q, high, "o", color=Q_COLOR, markersize=9, clip_on=False, zorder=5)
    # Inside the V of the two branches: above a flat place, beside a steep one.
    side = "right" if slope > 2 else "left" if slope < -2 else "center"
    x, y_text = {"right": (-14, 0), "left": (14, 0), "center": (0, 16)}[side]
    axes.annotate(
        text,
        (np.clip(q, 0.1, 0.9) if side == "center" else q, min(high, LOSS_TOP - 0.9)),
        xytext=(x, y_text),
        textcoords="offset points",
        ha=side,
        fontsize=SIZE,
        fontweight="bold",
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1, "alpha": 0.8},
    )
    axes.set(xlim=(0, 1), ylim=(0, LOSS_TOP), xticks=[0, 0.25, 0.5, 0.75, 1], yticks=range(5))
    axes.set_xlabel("q, the model’s probability of “1”", color=Q_COLOR)
    title = "Sure and wrong: no limit (nats)"
    if 0 < y < 1:
        title = f"y = {y:.3g}: least at q = y, where the loss is {least:.3f} nats"
    axes.set_title(title, pad=26, **TITLE)
    return figure


def _probability(name, value):
    (p,), _ = _inputs.probabilities(**{name: _inputs.numbers(name, value)})
    return float(p)


def _distribution(name, value, size=None):
    return _inputs.sum_to_1(name, _inputs.numbers(name, value, (size,)), 0)


def _index(name, value, size):
    """The index of one of `size` classes."""
    return int(_inputs.numbers(name, value, low=0, high=size - 1, whole=True))


def _texts(name, values, size):
    """Texts as they stand: of what is between two dollar signs, matplotlib makes a formula."""
    return [text.replace("$", r"\$") for text in _inputs.texts(name, values, size)]


def _signed(bits):
    if abs(bits) == np.inf:
        return "+∞"
    return f"{bits:+.3f}".replace("-", "−") if abs(bits) >= 5e-4 else "0.000"


def _tile(axes, left, bottom, width, height, shade):
    """A blue rectangle with a white edge, as dark as `shade` says."""
    rgb = to_rgb(P_COLOR)
    color = [1 - shade * (1 - c) for c in rgb]
    axes.bar(left, height, width, bottom, align="edge", color=color, edgecolor="white")


def _figure(rows=1, columns=1, **grid):
    figure = Picture(figsize=(6, 3.4), layout="constrained", facecolor="white")
    axes = figure.subplots(rows, columns, **grid)
    for ax in np.ravel(axes):
        ax.spines[["top", "right", "left"]].set_visible(False)
        ax.spines["bottom"].set_color(INK)
        ax.tick_params(length=0, pad=8, labelsize=SIZE, labelcolor=INK)
        ax.xaxis.set_major_formatter(PLAIN)
        ax.yaxis.set_major_formatter(PLAIN)
        ax.grid(axis="y", color=SOFT, linewidth=0.8)
        ax.set_axisbelow(True)
        ax.xaxis.label.set_size(SIZE)
        ax.yaxis.label.set_size(SIZE)
    return figure, axes


def _legend(axes, columns, above):
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(-0.02, above),
        ncols=columns,
        frameon=False,
        fontsize=SIZE,
        borderaxespad=0,
        handlelength=1.5,
    )


def _mark(axes, x, y, text, color):
    axes.plot([0, x, x], [y, y, 0], color=INK, linewidth=1, linestyle=":")
    axes.plot(x, y, "o", color=color, markersize=9, clip_on=False, zorder=5)
    right = x > 0.55
    axes.annotate(
        text,
        (1 if right else x, y),  # at the right end, above the falling curve
        xytext=(4 if right else 9, 20 if right else 5),
        textcoords="offset points",
        ha="right" if right else "left",
        fontsize=SIZE,
        fontweight="bold",
    )
