"""The split of a decision tree: one question about one feature, chosen by its information gain."""

import math

import numpy as np

from xentlib.information import _array, _arrays, _first, information_gain

__all__ = ["best_split"]

TIE = 1e-12  # nats: gains that differ by rounding only differ by less


def best_split(x, y, *, base=None):
    """The question "is ``x <= threshold``?" that tells most about the class ``y``.

    Thresholds lie halfway between neighbouring values of ``x``; the best one has the largest gain
    ``H(y) - H(y | x <= threshold)``.

    Parameters
    ----------
    x : array_like, shape (n,)
        One numeric feature.
    y : array_like, shape (n,)
        The classes: numbers or strings.
    base : float, optional
        Base of the logarithm: nats by default, 2 for bits, 10 for hartleys.

    Returns
    -------
    gain : scalar
        The information gain of the split.
    threshold : scalar
        The smallest one if several have the largest gain, where gains that differ by less than
        1e-12 nats count as equal. If all of `x` is equal nothing can be split: the gain is 0 and
        the threshold NaN.

    Raises
    ------
    ValueError
        If a value of `x` is NaN or infinite, if `y` does not hold one class for each value of `x`,
        or if `base` is not above 1.

    Notes
    -----
    Taught in chapter 3, "A tree on real flowers".
    Source: Breiman et al. (1984), "Classification and Regression Trees", for thresholds;
    Quinlan (1986), "Induction of Decision Trees", for the gain.
    Elsewhere: ``DecisionTreeClassifier(criterion="entropy", max_depth=1)`` of scikit-learn, in bits
    and with `x` rounded to float32.

    Examples
    --------
    >>> gain, threshold = best_split([1, 2, 4, 8], ["no", "no", "yes", "yes"], base=2)
    >>> print(gain, threshold)
    1.0 3.0
    """
    x = _feature(x)
    y = _classes(y, x.shape)
    order = np.argsort(x)
    x, y = x[order], y[order]
    below = np.cumsum(y[:, np.newaxis] == np.arange(y.max() + 1), axis=0)  # [i, k]: class k up to i
    total = below[-1]
    steps = np.flatnonzero(x[:-1] < x[1:])
    if steps.size == 0:
        return information_gain([total, 0 * total], base=base), x.dtype.type(math.nan)
    counts = np.stack([below[steps], total - below[steps]], axis=1)  # [threshold, branch, class]
    gains = information_gain(counts)
    best = np.argmax(gains >= gains.max() - TIE)  # the first that is True
    gain = information_gain(counts[best], base=base)
    return gain, _between(x[steps[best]], x[steps[best] + 1])


# What follows checks the input.


def _feature(x):
    (array,) = _arrays(x=x)
    if array.ndim != 1:
        raise ValueError(f"x must be one feature, of shape (n,), got shape {array.shape}")
    wrong = ~np.isfinite(array)
    if wrong.any():
        raise ValueError(f"x must be finite, got {_first(array, wrong)}")
    return array


def _classes(y, shape):
    """The classes as numbers from 0."""
    array = _array("y", y)
    if array.shape != shape:
        raise ValueError(
            f"y must hold one class for each value of x, so have shape {shape}, "
            f"got shape {array.shape}"
        )
    try:
        names, numbers = np.unique(array, return_inverse=True)
    except TypeError:
        raise ValueError("y must hold classes of one kind, such as numbers or strings") from None
    if (names != names).any():
        raise ValueError("y must hold classes, got NaN")
    return numbers


def _between(a, b):
    """Halfway from a to b, but below b, which rounding could reach."""
    middle = a / 2 + b / 2  # a + b could overflow
    return middle if middle < b else a
