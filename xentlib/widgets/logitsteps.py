"""Gradient descent on three logits: every step moves probability to the truth."""

import math

import numpy as np
import traitlets

from xentlib import plots
from xentlib.activations import softmax
from xentlib.losses import softmax_cross_entropy, softmax_cross_entropy_value_and_grad
from xentlib.widgets.base import Figure, Names, Numbers, at_least_0

FIRST_LOGITS = [math.log(q) for q in (0.4, 0.1, 0.5)]
LOGIT_LIMIT = 20  # dots are dragged as far as 6; steps may go on from there


class LogitSteps(Figure):
    """Drag three logits `z`, or let gradient descent move them, and watch q = softmax(z).

    The gradient of the loss −ln q(true class) by the logits is q − p, where p is 1 at the truth
    and 0 elsewhere. A step subtracts `step_size` times that: the true logit rises, the others
    fall, and the changes sum to 0. Adding the same number to all logits changes no probability.

    Attributes
    ----------
    names : tuple of str
        The three classes.
    truth : int
        Index of the true class.
    z : tuple of float
        The logits, from −20 to 20.
    step_size : float
        Learning rate of a step, above 0 and at most 10.

    Examples
    --------
    >>> figure = LogitSteps()
    >>> figure
    LogitSteps: truth landscape, z = (−0.9163, −2.303, −0.6931), q = (0.4, 0.1, 0.5): \
loss 0.9163 nats, gradient (−0.6, 0.1, 0.5)
    >>> figure.step()
    >>> print(f"{figure.loss:.6f}")
    0.431935

    Taught in chapter 8.
    """

    names = Names(["landscape", "house", "other"]).tag(sync=True)
    truth = Numbers((), 0, low=0, high=2, whole=True).tag(sync=True)
    z = Numbers((3,), FIRST_LOGITS, low=-LOGIT_LIMIT, high=LOGIT_LIMIT).tag(sync=True)
    step_size = Numbers((), 1.0, high=10).tag(sync=True)

    @traitlets.validate("step_size")
    def _check_step_size(self, proposal):
        if proposal["value"] <= 0:
            raise traitlets.TraitError(
                f"LogitSteps.step_size must be above 0, got {proposal['value']}"
            )
        return proposal["value"]

    @property
    def q(self):
        """The probabilities softmax(z)."""
        return softmax(self.z).tolist()

    @property
    def loss(self):
        """The loss in nats."""
        return float(softmax_cross_entropy(self.z, self.truth))

    @property
    def gradient(self):
        """The gradient of the loss by the logits, q − p."""
        return softmax_cross_entropy_value_and_grad(self.z, self.truth)[1].tolist()

    def step(self, n=1):
        """Take `n` steps of gradient descent, or none if they lead beyond ±20: a TraitError."""
        z = np.array(self.z)
        for _ in range(at_least_0(n)):
            z = z - self.step_size * softmax_cross_entropy_value_and_grad(z, self.truth)[1]
        self.z = z

    def _summary(self):
        z, q, gradient = (
            ", ".join(f"{x + 0:.4g}" for x in values).replace("-", "−")
            for values in (self.z, self.q, self.gradient)
        )
        return (
            f"truth {self.names[self.truth]}, z = ({z}), q = ({q}): "
            f"loss {self.loss:.4f} nats, gradient ({gradient})"
        )

    def _static(self):
        return plots.logit_steps(self.z, self.truth, self.step_size, self.names)
