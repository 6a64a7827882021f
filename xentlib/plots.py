"""Figures of the book: pure functions that return a matplotlib Figure.

The truth p is blue and the model q is orange. One message a figure; labels stand beside what they
name. Nothing global is changed, and the same arguments give the same picture.
"""

import io
import math

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from xentlib.information import binary_entropy, entropy, information_content

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
    if not 0 < p <= 1:
        raise ValueError(f"p must lie above 0 and not above 1, got {p!r}")
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
    figure, (left, right) = _figure(1, 2)
    p = np.asarray(p, dtype=float)
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
    figure, axes = _figure()
    axes.axhline(truth, color=P_COLOR, linewidth=2)
    curves = [("plug-in", means, "o-", INK, (8, -12))]
    if corrected is not None:
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


def _mark(axes, x, y, text, color):
    axes.plot([0, x, x], [y, y, 0], color=INK, linewidth=1, linestyle=":")
    axes.plot(x, y, "o", color=color, markersize=9, clip_on=False, zorder=5)
    right = x > 0.55
    axes.annotate(
        text,
        (x, y),
        xytext=(4 if right else 9, 20 if right else 5),
        textcoords="offset points",
        ha="right" if right else "left",
        fontsize=SIZE,
        fontweight="bold",
    )
