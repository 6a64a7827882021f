"""Entropy of three outcomes: bars, the triangle of all distributions, and a gauge."""

from xentlib import plots
from xentlib.information import entropy, perplexity
from xentlib.widgets.base import Distribution, Figure, Names


class EntropyShaper(Figure):
    """Shape three probabilities, by their bars or on the triangle, and read their entropy.

    Attributes
    ----------
    names : tuple of str
        The three outcomes.
    p : tuple of float
        Their probabilities.

    Examples
    --------
    >>> EntropyShaper(p=[0.5, 0.25, 0.25])
    EntropyShaper: p = (0.5, 0.25, 0.25): H = 1.5000 bits, perplexity 2.8284

    Taught in chapter 2, on entropy.
    """

    names = Names(["A", "B", "C"]).tag(sync=True)
    p = Distribution([0.5, 0.25, 0.25]).tag(sync=True)

    def _summary(self):
        p = ", ".join(f"{x:.4g}" for x in self.p)
        bits = entropy(self.p, base=2)
        return f"p = ({p}): H = {bits:.4f} bits, perplexity {perplexity(self.p):.4f}"

    def _static(self):
        return plots.entropy_triangle(self.p, self.names)
