"""The likelihood of a coin's data: cross-entropy and KL divergence fall and rise together."""

import numpy as np
import traitlets

from xentlib import plots
from xentlib.information import binary_cross_entropy, binary_entropy, kl_divergence
from xentlib.widgets.base import Figure, Numbers, Probability

MOST_TOSSES = 500  # of each side


class CoinLikelihood(Figure):
    """Toss a coin, move a model of it, and find the likelihood and the divergence at one place.

    The mean negative log-likelihood of the tosses is the cross-entropy of their frequencies and
    the model. It lies above the KL divergence by the entropy of the frequencies, whatever the
    model, so both are least where the model says the frequency.

    Attributes
    ----------
    heads, tails : int
        The data: at least one toss, at most 500 of each side.
    theta : float
        The model's probability of heads.

    Examples
    --------
    >>> CoinLikelihood(heads=7, tails=3, theta=0.5)
    CoinLikelihood: 7 heads, 3 tails, θ = 0.5: NLL 0.6931 = H(p̂) 0.6109 + KL 0.0823 nats

    Taught in chapter 6, on maximum likelihood.
    """

    heads = Numbers((), 7, low=0, high=MOST_TOSSES, whole=True).tag(sync=True)
    tails = Numbers((), 3, low=0, high=MOST_TOSSES, whole=True).tag(sync=True)
    theta = Probability(0.5).tag(sync=True)

    @traitlets.validate("heads", "tails")
    def _check_tosses(self, proposal):
        name, tosses = proposal["trait"].name, proposal["value"]
        other = {"heads": "tails", "tails": "heads"}[name]
        if tosses == 0 and getattr(self, other) == 0:
            raise traitlets.TraitError(f"CoinLikelihood.{name} and {other} cannot both be 0")
        return tosses

    def _summary(self):
        p = self.heads / (self.heads + self.tails)
        kl = max(kl_divergence([p, 1 - p], [self.theta, 1 - self.theta]), 0)  # not −1e-17
        nll, h = binary_cross_entropy(p, self.theta), binary_entropy(p)
        nll, kl = (f"{x:.4f}" if np.isfinite(x) else "∞" for x in (nll, kl))
        return (
            f"{self.heads} heads, {self.tails} tails, θ = {self.theta:.4g}: "
            f"NLL {nll} = H(p̂) {h:.4f} + KL {kl} nats"
        )

    def _static(self):
        return plots.coin_likelihood(self.heads, self.tails, self.theta)
