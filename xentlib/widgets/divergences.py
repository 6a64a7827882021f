"""The two divergences of two distributions, term by term."""

import math

from xentlib import plots
from xentlib.information import kl_divergence
from xentlib.widgets.base import Distribution, Figure, Names


class Divergences(Figure):
    """Shape two distributions, and compare KL(p‖q) with KL(q‖p).

    Terms can be negative; their sum cannot. It is ∞ where the model calls impossible what is not.

    Attributes
    ----------
    names : tuple of str
        The three outcomes.
    p, q : tuple of float
        Two distributions over them.

    Examples
    --------
    >>> Divergences(p=[0.5, 0.25, 0.25], q=[0.5, 0.5, 0])
    Divergences: p = (0.5, 0.25, 0.25), q = (0.5, 0.5, 0): KL(p‖q) = ∞, KL(q‖p) = 0.5000 bits

    Taught in chapter 4, on the KL divergence.
    """

    names = Names(["A", "B", "C"]).tag(sync=True)
    p = Distribution([0.5, 0.25, 0.25]).tag(sync=True)
    q = Distribution([0.9, 0.05, 0.05]).tag(sync=True)

    def _summary(self):
        p, q = (", ".join(f"{x:.4g}" for x in values) for values in (self.p, self.q))
        both = kl_divergence([self.p, self.q], [self.q, self.p], base=2)
        pq, qp = (f"{max(b, 0):.4f} bits" if math.isfinite(b) else "∞" for b in both)
        return f"p = ({p}), q = ({q}): KL(p‖q) = {pq}, KL(q‖p) = {qp}"

    def _static(self):
        return plots.two_divergences(self.p, self.q, self.names)
