"""The loss of one answer: three bars and the curve −ln q."""

import math

from xentlib import plots
from xentlib.information import information_content
from xentlib.widgets.base import Distribution, Figure, Names, Numbers


class LossBars(Figure):
    """Drag a model's answer `q` and watch the loss −ln q(true class).

    Raising or lowering a wrong class trades with the other wrong class first: the loss does not
    move. Only the probability of the true class counts. A probability of 0 there costs ∞.

    Attributes
    ----------
    names : tuple of str
        The three classes.
    truth : int
        Index of the true class.
    q : tuple of float
        The model's probabilities.

    Examples
    --------
    >>> LossBars(truth=0, q=[0.4, 0.1, 0.5])
    LossBars: truth landscape, q = (0.4, 0.1, 0.5): loss 0.9163 nats = 1.3219 bits

    Taught in chapter 0, "How wrong is (.4, .1, .5)?".
    """

    names = Names(["landscape", "house", "other"]).tag(sync=True)
    truth = Numbers((), 0, low=0, high=2, whole=True).tag(sync=True)
    q = Distribution([0.4, 0.1, 0.5]).tag(sync=True)

    @property
    def loss(self):
        """The loss in nats."""
        return float(information_content(self.q[self.truth]))

    def _summary(self):
        q = ", ".join(f"{x:.4g}" for x in self.q)
        nats, bits = self.loss, self.loss / math.log(2)
        loss = f"{nats:.4f} nats = {bits:.4f} bits" if math.isfinite(nats) else "∞"
        return f"truth {self.names[self.truth]}, q = ({q}): loss {loss}"

    def _static(self):
        return plots.loss_bars(self.q, self.truth, self.names)
