"""How fast an error teaches: the gradients of two losses at a sigmoid's logit."""

from scipy.special import expit

from xentlib import plots
from xentlib.widgets.base import Figure, Numbers


class SigmoidGradients(Figure):
    """Move a logit, and compare the gradients of cross-entropy and of squared error there.

    The gradient of cross-entropy is the error q − y. That of ½(q − y)² is the error times
    q(1 − q), which is at most 1/4: it turns at q = 1/3 for y = 1, and at q = 2/3 for y = 0.
    Beyond, a bigger error has a smaller gradient.

    Attributes
    ----------
    z : float
        The logit, from −8 to 8; the model says q = σ(z).
    y : int
        The truth, 0 or 1.

    Examples
    --------
    >>> SigmoidGradients(z=-5, y=1)  # doctest: +NORMALIZE_WHITESPACE
    SigmoidGradients: z = −5, y = 1: q = 0.006693, gradient of cross-entropy −0.9933,
    of squared error −0.006604, 150.42 times less

    Taught in chapter 7, on the sigmoid and its losses.
    """

    z = Numbers((), -5.0, low=-plots.MOST_Z, high=plots.MOST_Z).tag(sync=True)
    y = Numbers((), 1, low=0, high=1, whole=True).tag(sync=True)

    def _summary(self):
        q = expit(self.z)
        error, slope = q - self.y, q * (1 - q)
        z, fast, slow = (f"{x + 0:.4g}".replace("-", "−") for x in (self.z, error, error * slope))
        return (
            f"z = {z}, y = {self.y}: q = {q:.4g}, gradient of cross-entropy {fast}, "
            f"of squared error {slow}, {1 / slope:.5g} times less"
        )

    def _static(self):
        return plots.sigmoid_gradients(self.z, self.y)
