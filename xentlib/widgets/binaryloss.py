"""Binary cross-entropy against the model's probability, for hard and soft labels."""

import math

from xentlib import plots
from xentlib.information import binary_cross_entropy
from xentlib.widgets.base import Figure, Probability


class BinaryLoss(Figure):
    """Move a model's probability q of "1", and read the loss and its slope for a label y.

    For y = 1 the loss is −ln q, for y = 0 it is −ln(1 − q). A soft label mixes the two branches;
    the loss is then least at q = y, where it is the entropy of y.

    Attributes
    ----------
    q : float
        The model's probability of "1".
    y : float
        The truth's probability of "1": the label 0 or 1, or a soft one between.

    Examples
    --------
    >>> BinaryLoss(q=0.9, y=0)
    BinaryLoss: y = 0, q = 0.9: loss 2.3026 nats, slope 10 nats per unit of q

    Taught in chapter 7, on the sigmoid and its losses.
    """

    q = Probability(0.9).tag(sync=True)
    y = Probability(0.0).tag(sync=True)

    @property
    def loss(self):
        """The loss in nats."""
        return float(binary_cross_entropy(self.y, self.q))

    @property
    def slope(self):
        """The derivative of the loss with respect to q: (1 − y)/(1 − q) − y/q."""
        terms = [(1 - self.y, 1 - self.q), (-self.y, self.q)]
        return sum(w / r if r else math.copysign(math.inf, w) for w, r in terms if w)

    def _summary(self):
        loss = f"{self.loss:.4f} nats" if math.isfinite(self.loss) else "∞"
        slope = f"{self.slope:.4g} nats per unit of q" if math.isfinite(self.slope) else "∞"
        sign = "−" if self.slope < 0 else ""
        return f"y = {self.y:.4g}, q = {self.q:.4g}: loss {loss}, slope {sign}{slope.lstrip('-')}"

    def _static(self):
        return plots.binary_loss(self.q, self.y)
