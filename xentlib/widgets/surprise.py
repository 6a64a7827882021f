"""Information content: the curve −log₂ p and the questions it counts."""

import traitlets

from xentlib import plots
from xentlib.information import information_content
from xentlib.widgets.base import Figure, Probability


class Surprise(Figure):
    """Drag a probability along the curve −log₂ p and count the yes/no questions it is worth.

    Attributes
    ----------
    p : float
        Probability of the event, in (0, 1].

    Examples
    --------
    >>> Surprise(p=1 / 8)
    Surprise: p = 0.125: −log₂ p = 3.0000 bits = 2.0794 nats

    Taught in chapter 1, on information content.
    """

    p = Probability(0.25).tag(sync=True)

    @traitlets.validate("p")
    def _check_possible(self, proposal):
        if proposal["value"] == 0:
            raise traitlets.TraitError("Surprise.p must be above 0, got 0.0")
        return proposal["value"]

    def _summary(self):
        nats = information_content(self.p)
        bits = information_content(self.p, base=2)
        return f"p = {self.p:.4g}: −log₂ p = {bits:.4f} bits = {nats:.4f} nats"

    def _static(self):
        return plots.surprise_curve(self.p)
