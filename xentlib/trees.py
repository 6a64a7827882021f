"""The split of a decision tree: one question about one feature, chosen by its information gain."""

import math
from decimal import Decimal
from numbers import Integral, Real

import numpy as np
import scipy

from xentlib import _inputs
from xentlib.information import information_gain

__all__ = ["best_split"]

TIE = 1e-12  # nats: gains that differ by rounding only differ by less
EXACT = 2**53  # up to here all whole numbers are floats
NUMBER = Real, Decimal
KINDS = (bool, np.bool_), NUMBER, str, bytes


@_inputs.quiet
def best_split(x, y, *, base=None):
    """The question "is ``x <= threshold``?" that tells most about the class ``y``.

    Thresholds lie halfway between neighbouring values of ``x``; the best one has the largest gain
    ``H(y) - H(y | x <= threshold)``.

    Parameters
    ----------
    x : array_like, shape (n,)
        One numeric feature.
    y : array_like, shape (n,)
        The classes: whole numbers, truth values or strings, all of one kind.
    base : float, optional
        Base of the logarithm: nats by default, 2 for bits, 10 for hartleys.

    Returns
    -------
    gain : scalar
        The information gain of the split.
    threshold : scalar
        The smallest one if several have the largest gain, where gains that differ by less than
        1e-12 nats count as equal. Its dtype is that of `x`, or float64 for integers. Above 2**53
        floats cannot tell integers apart: then it is an integer, too, rounded down. If no number
        lies between the two neighbours it is the lower one, so ``x <= threshold`` always splits
        as the gain says. If all of `x` is equal nothing can be split: the gain is 0 and the
        threshold NaN.

    Raises
    ------
    ValueError
        If a value of `x` is NaN, infinite or too long an integer; if `y` does not hold one class
        for each value of `x`, is continuous (cut it into bins first) or of mixed kinds; if `x` and
        `y` have contradicting pandas indexes; or if `base` is not above 1.

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
    named = {"x": x, "y": y}
    x = _feature(x)
    y = _classes(y, x.shape)
    _inputs.check_names(None, named)
    order = np.argsort(x)
    x, y = x[order], y[order]
    totals = np.bincount(y)
    steps = np.flatnonzero(x[:-1] < x[1:])
    if steps.size == 0:
        return information_gain([totals, 0 * totals], base=base), x[0] * math.nan
    gains = _gains(y, totals)[steps]
    best = steps[np.argmax(gains >= gains.max() - TIE)]  # the first that is True
    below = np.bincount(y[: best + 1], minlength=totals.size)
    gain = information_gain([below, totals - below], base=base)
    return gain, _between(x[best], x[best + 1])


# What follows computes all gains at once, and checks the input.


def _gains(y, totals):
    """The gain in nats of a split after each row, for the classes in the order of the feature.

    With ``f(m) = m log m``, n times the gain is the sum of ``f`` over the branches' classes, less
    that over the branches, less that over the classes, plus ``f(n)``. A row that goes over to the
    lower branch changes the first sum by two differences of ``f``; so the sums are running sums.
    They are kept in whole numbers: floats would be rounded n times, and break ties.
    """
    n = y.size
    rows = np.arange(n + 1)
    f = scipy.special.xlogy(rows, rows)
    unit = 2.0 ** (62 - math.frexp(f[n])[1])
    f = np.rint(f * unit).astype(np.int64)
    before = np.empty(n, np.int64)  # rows of the same class that are in the lower branch already
    before[np.argsort(y, kind="stable")] = rows[:n] - np.repeat(np.cumsum(totals) - totals, totals)
    growth = np.diff(f)
    gains = growth[before]
    gains -= growth[totals[y] - before - 1]
    gains = np.cumsum(gains, out=gains)
    gains += f[n] - f[1:] - f[n - 1 :: -1]
    return gains / (unit * n)


def _between(a, b):
    """Halfway from a to b, but below b, which rounding could reach."""
    if isinstance(a, np.integer):
        return type(a)((int(a) + int(b)) // 2)
    middle = a / 2 + b / 2  # a + b could overflow
    return middle if middle < b else a


def _feature(x):
    """Floats, or integers if these are beyond the floats."""
    found = _inputs.array("x", x)
    if found.dtype.kind not in "biufO":
        numbers = "; use numpy.asarray(x).astype('int64')" if found.dtype.kind in "mM" else ""
        raise ValueError(f"x must hold real numbers, got dtype {found.dtype}{numbers}")
    found = _inputs.real("x", found)
    if found.ndim != 1:
        raise ValueError(f"x must be one feature, of shape (n,), got shape {found.shape}")
    wrong = ~np.isfinite(found)
    if wrong.any():
        raise ValueError(f"x must be finite, got {_inputs.first(found, wrong)}")
    _check_whole_numbers("x", x, found)
    whole = found.dtype.kind in "biu"
    if whole and max(-int(found.min()), int(found.max())) <= EXACT:
        return found.astype(np.float64)
    return found


def _classes(y, shape):
    """The classes as numbers from 0."""
    found = _inputs.array("y", y)
    if found.shape != shape:
        raise ValueError(
            f"y must hold one class for each value of x, so have shape {shape}, "
            f"got shape {found.shape}"
        )
    objects = found if found.dtype == object else [] if hasattr(y, "dtype") else y
    kinds = set(map(_kind, set(map(type, objects))))
    if len(kinds) > 1:
        one = objects[0]
        other = next(c for c in objects if _kind(type(c)) != _kind(type(one)))
        raise ValueError(
            f"y must hold classes of one kind, got {one!r} ({type(one).__name__}) and {other!r} "
            f"({type(other).__name__}); convert them, and leave out rows whose class is missing"
        )
    _check_whole_numbers("y", y, found)
    if found.dtype.kind == "f" or kinds == {NUMBER}:
        wrong = found % 1 != 0
        if wrong.any():
            raise ValueError(
                f"y must hold classes, got {found[wrong][0]}; if y is continuous, cut it into bins "
                "(numpy.digitize), and leave out rows whose class is missing"
            )
    try:
        names, numbers = np.unique(found, return_inverse=True)
    except TypeError:
        raise ValueError(
            f"y must hold classes that have an order, such as numbers or strings, got {found[0]!r}"
        ) from None
    wrong = names != names
    if wrong.any():
        raise ValueError(f"y must hold classes, got {names[wrong][0]}; leave these rows out")
    return numbers.astype(np.min_scalar_type(names.size))


def _kind(type_):
    return next((kind for kind in KINDS if issubclass(type_, kind)), type_)


def _check_whole_numbers(name, given, found):
    """NumPy makes floats of whole numbers that have no common integer dtype, and loses digits."""
    listed = not hasattr(given, "dtype") or given.dtype == np.dtype(object)
    if listed and found.dtype.kind == "f" and np.abs(found).max() >= EXACT:
        for number, kept in zip(given, found.tolist(), strict=True):
            if isinstance(number, Integral) and number != kept:
                raise ValueError(
                    f"{name} holds {number}, for which NumPy takes {kept}: no integer dtype holds "
                    f"all of {name}; subtract the smallest number from all"
                )
