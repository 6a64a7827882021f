"""Cross-entropy from logits: the losses that classifiers minimise, and their gradients.

The logits come first, the classes lie on their last axis, and results are in nats. Labels of an
integer dtype are classes; labels of a floating dtype are target probabilities, one for each logit.
A logit of ``-inf`` masks its class. A row of weight 0 is left out, whatever it holds.

Small losses keep their digits: one of 1e-300 is right to about 13 of them in float64. float32
stays float32 (sums of losses are in float64); float16 is computed in float32, all else in float64.

The work is done in blocks of rows, about 1 MiB large, so besides the gradient there is never an
array of the size of the logits, however they lie in memory. Many blocks are shared by threads, as
many as there are processors for this process, up to 8 or ``OMP_NUM_THREADS``; but in a thread or a
process that was itself started to share work, as by joblib and Dask, one thread does all. The
result is the same, to the last digit.
"""

import math

import numpy as np
import scipy  # its submodules are loaded when they are first used

from xentlib import _inputs
from xentlib._blocks import blocks, spread

__all__ = [
    "sigmoid_binary_cross_entropy",
    "sigmoid_binary_cross_entropy_value_and_grad",
    "softmax_cross_entropy",
    "softmax_cross_entropy_value_and_grad",
]

_NARROW = 64  # classes: NumPy adds rows of fewer one number at a time
_LIMIT = {np.dtype(d): 0.4 * math.log(np.finfo(d).max) for d in (np.float32, np.float64)}


def sigmoid_binary_cross_entropy(logits, labels, *, sample_weight=None, reduction="mean"):
    """The cross-entropy of labels and ``sigmoid(z)``: ``log(1 + exp(-|z|)) + max((1-y) z, -y z)``.

    Equal to ``-y log q - (1 - y) log(1 - q)`` with ``q = sigmoid(z)``, but right to rounding for
    all ``z``.

    Parameters
    ----------
    logits : array_like
        The log-odds of "1", any shape.
    labels : array_like
        Same shape as `logits`: 0 or 1 as integers or bools, or probabilities of "1" as floats;
        what exceeds 1 by rounding to float32 counts as 1.
    sample_weight : array_like, optional
        One weight for each loss, none negative; 0 leaves the observation out, whatever its logits
        and its label are.
    reduction : {"mean", "sum", "none"}
        What to return: the weighted mean ``sum w l / sum w``, the sum ``sum w l``, or each
        ``w l``.

    Returns
    -------
    ndarray or scalar
        At an infinite logit, the limit: 0 if its label is as sure, else ``inf``.

    Raises
    ------
    ValueError
        If a logit is NaN, the labels are neither 0 and 1 nor probabilities or do not
        have the shape of `logits`, a weight is negative or not finite, there is not one for each
        loss, a mean has all weights 0, or `reduction` is unknown.

    Notes
    -----
    Taught in chapter 7, "The slope in z".
    Source: Bishop (2006), section 4.3.2.
    Elsewhere: ``torch.nn.functional.binary_cross_entropy_with_logits``,
    ``optax.sigmoid_binary_cross_entropy(logits, labels).mean()``.

    Examples
    --------
    >>> print(sigmoid_binary_cross_entropy([2, -1, 0], [1, 0, 1]).round(6))
    0.377779
    """
    return _binary(logits, labels, sample_weight, reduction, with_grad=False)[0]


def sigmoid_binary_cross_entropy_value_and_grad(
    logits, labels, *, sample_weight=None, reduction="mean"
):
    """The loss and its gradient, which is ``w (sigmoid(z) - y)``, divided by ``sum w`` in a mean.

    Parameters
    ----------
    logits : array_like
        The log-odds of "1", any shape.
    labels : array_like
        Same shape as `logits`: 0 or 1 as integers or bools, or probabilities of "1" as floats;
        what exceeds 1 by rounding to float32 counts as 1.
    sample_weight : array_like, optional
        One weight for each loss, none negative; 0 leaves the observation out, whatever its logits
        and its label are.
    reduction : {"mean", "sum", "none"}
        What to return: the weighted mean ``sum w l / sum w``, the sum ``sum w l``, or each
        ``w l``.

    Returns
    -------
    value : ndarray or scalar
        As of ``sigmoid_binary_cross_entropy``.
    grad : ndarray
        Same shape as `logits`; with ``reduction="none"``, of each loss in its own place.

    Raises
    ------
    ValueError
        If a logit is NaN, the labels are neither 0 and 1 nor probabilities or do not
        have the shape of `logits`, a weight is negative or not finite, there is not one for each
        loss, a mean has all weights 0, or `reduction` is unknown.

    Notes
    -----
    Taught in chapter 7, "The slope in z".
    Source: Bishop (2006), section 4.3.2.
    Elsewhere: ``jax.value_and_grad`` of ``optax.sigmoid_binary_cross_entropy``; ``backward()``.

    Examples
    --------
    >>> value, grad = sigmoid_binary_cross_entropy_value_and_grad([2, -1], [1, 0])
    >>> print(value.round(6), grad.round(6))
    0.220095 [-0.059601  0.134471]
    """
    return _binary(logits, labels, sample_weight, reduction, with_grad=True)


def softmax_cross_entropy(logits, labels, *, sample_weight=None, reduction="mean"):
    """The cross-entropy of labels and ``softmax(z)``: ``log sum exp(z_k) - sum p_k z_k``.

    For a class as label, the last sum is the logit of that class.

    Parameters
    ----------
    logits : array_like, shape (..., K)
        One row of logits for each observation.
    labels : array_like
        Classes from 0 to K-1 as integers, shape (...); or target probabilities as floats, shape
        (..., K), which sum to 1; what they miss by rounding to float32 is divided out.
    sample_weight : array_like, shape (...), optional
        One weight for each loss, none negative; 0 leaves the observation out, whatever its logits
        and its label are.
    reduction : {"mean", "sum", "none"}
        What to return: the weighted mean ``sum w l / sum w``, the sum ``sum w l``, or each
        ``w l``.

    Returns
    -------
    ndarray or scalar
        ``inf`` where a logit is ``-inf`` and the class has a positive target.

    Raises
    ------
    ValueError
        If a logit is NaN or ``+inf`` or a row all ``-inf``, the labels are neither classes nor
        distributions that fit `logits`, a weight is negative or not finite, there is not one for
        each loss, a mean has all weights 0, or `reduction` is unknown.

    Notes
    -----
    Taught in chapter 8, "From scores to probabilities".
    Source: Bishop (2006), section 4.3.4.
    Elsewhere: ``torch.nn.functional.cross_entropy``, with the classes on axis 1;
    ``optax.softmax_cross_entropy_with_integer_labels`` and ``optax.softmax_cross_entropy``, one
    value for each row; ``sklearn.metrics.log_loss`` wants probabilities.

    Examples
    --------
    >>> print(softmax_cross_entropy([[2, 0, 1], [0, 0, 0]], [0, 2]).round(6))
    0.753109
    >>> z = [[2, 0, 1], [0, 0, 0]]
    >>> print(softmax_cross_entropy(z, [0, 2], sample_weight=[3, 1]).round(6))
    0.580358
    """
    return _softmax(logits, labels, sample_weight, reduction, with_grad=False)[0]


def softmax_cross_entropy_value_and_grad(logits, labels, *, sample_weight=None, reduction="mean"):
    """The loss and its gradient, which is ``w (softmax(z) - p)``, divided by ``sum w`` in a mean.

    Parameters
    ----------
    logits : array_like, shape (..., K)
        One row of logits for each observation.
    labels : array_like
        Classes from 0 to K-1 as integers, shape (...); or target probabilities as floats, shape
        (..., K), which sum to 1; what they miss by rounding to float32 is divided out.
    sample_weight : array_like, shape (...), optional
        One weight for each loss, none negative; 0 leaves the observation out, whatever its logits
        and its label are.
    reduction : {"mean", "sum", "none"}
        What to return: the weighted mean ``sum w l / sum w``, the sum ``sum w l``, or each
        ``w l``.

    Returns
    -------
    value : ndarray or scalar
        As of ``softmax_cross_entropy``.
    grad : ndarray
        Same shape as `logits`; with ``reduction="none"``, of each loss in its own row.

    Raises
    ------
    ValueError
        If a logit is NaN or ``+inf`` or a row all ``-inf``, the labels are neither classes nor
        distributions that fit `logits`, a weight is negative or not finite, there is not one for
        each loss, a mean has all weights 0, or `reduction` is unknown.

    Notes
    -----
    Taught in chapter 8, "Prediction minus truth".
    Source: Bishop (2006), section 4.3.4.
    Elsewhere: ``jax.value_and_grad`` of ``optax.softmax_cross_entropy``; ``backward()``.

    Examples
    --------
    >>> value, grad = softmax_cross_entropy_value_and_grad([[2, 0, 1]], [0])
    >>> print(value.round(6), grad.round(6))
    0.407606 [[-0.334759  0.090031  0.244728]]
    """
    return _softmax(logits, labels, sample_weight, reduction, with_grad=True)


# What follows computes the losses of some rows, and their gradient, times `scale`, into `grad`.


def _binary_rows(z, y, scale, grad):
    y = _probabilities_of_1(y).astype(z.dtype, copy=False)
    if grad is not None:
        # for labels, one of the two terms is 0
        grad[...] = ((1 - y) * scipy.special.expit(z) - y * scipy.special.expit(-z)) * scale
    largest = np.finfo(z.dtype).max
    finite = np.minimum(np.maximum(z, -largest), largest)  # 0 times inf would be NaN
    losses = np.maximum((1 - y) * finite, -y * finite)
    losses += np.log1p(np.exp(-np.abs(z)))
    losses[np.isinf(z) & (y != (z > 0))] = math.inf
    return losses


def _class_rows(z, y, scale, grad):
    """The loss is the logarithm of ``1 + exp(z_j) / exp(z_y) + ...``, with all other classes j."""
    (n, k), y = z.shape, _classes(y, z.shape[1])
    if not _exponentials_are_exact(z):
        targets = np.zeros_like(z)
        targets[np.arange(n), y] = 1
        return _target_rows(z, targets, scale, grad)
    e = np.exp(z, out=grad)
    flat, at = e.ravel(), np.arange(0, n * k, k)
    at += y
    own = flat[at]
    flat[at] = 0
    # einsum is the quicker, but adds one after another
    others = np.einsum("nk->n", e) if k < _NARROW < n else np.add.reduce(e, 1)
    if grad is not None:
        factor = scale / (own + others)
        grad *= factor[:, np.newaxis]
        flat[at] = 0 - others * factor  # q - 1
    others /= own
    return _log1p(others)


def _target_rows(z, y, scale, grad):
    order = "C" if z.shape[1] < _NARROW else "F"  # few classes are worked on class by class
    z, y = np.asarray(z.T, order=order), np.asarray(_targets(y).T, z.dtype, order=order)
    largest = z.max(axis=0)
    e = z - largest
    losses = -np.where(y > 0, y * e, 0).sum(axis=0)
    losses[~np.isfinite(largest)] = math.nan
    # Beside the largest term, which is 1, tiny others would be lost: they are summed alone.
    best = e.argmax(axis=0), np.arange(len(largest))
    np.exp(e, out=e)
    e[best] = 0
    others = e.sum(axis=0)
    losses += np.log1p(others)
    if grad is not None:
        factor = scale / (1 + others)
        e *= factor
        np.subtract(e, y * scale, out=grad.T)
        grad.T[best] = (1 - y[best]) * scale - others * factor
    return losses


def _exponentials_are_exact(z):
    """Whether none is too large or too small for its quotients and sums; 0 is neither."""
    limit = _LIMIT[z.dtype]
    if z.size < 1000 and np.vdot(z, z) < limit**2:
        return True
    least = z.min()
    if least == -math.inf:
        least = z.min(where=z > -math.inf, initial=0)
    return -limit < least and z.max() < limit


def _log1p(x):
    """``numpy.log1p``; of many by ``numpy.log``, the quicker, and what ``1 + x`` rounds off."""
    if len(x) < 1000:
        return np.log1p(x)
    u = 1 + x
    return np.log(u) - ((u - 1) - x) / u


# What follows checks the input, walks through the blocks and reduces.


def _binary(logits, labels, *options, with_grad):
    z, y = _array("logits", logits, _inputs.real), _array("labels", labels, _inputs.array)
    _check_names(logits, labels, options[0])
    if y.shape != z.shape or y.dtype.kind not in "biuf":
        raise ValueError(
            f"labels must be 0 and 1 (integers or bools) or probabilities of 1 (floats), one for "
            f"each logit, so of shape {z.shape}; got {y.dtype} of shape {y.shape}"
        )
    return _by_blocks(_binary_rows, z, y, (), *options, with_grad)


def _softmax(logits, labels, *options, with_grad):
    z, y = _array("logits", logits, _inputs.real), _array("labels", labels, _inputs.array)
    if z.ndim == 0:
        raise ValueError(f"logits must hold one number for each class, got the single number {z}")
    leading, row = z.shape[:-1], z.shape[-1:]
    classes = y.dtype.kind in "iu" and y.shape == leading
    if not classes and not (y.dtype.kind == "f" and y.shape == z.shape):
        raise ValueError(
            f"labels must be classes, so integers of shape {leading}, or target probabilities, "
            f"so floats of shape {z.shape}; got {y.dtype} of shape {y.shape}"
            + _what_was_meant(y, z)
        )
    _check_names(logits, labels, options[0], -1, classes)
    return _by_blocks(_class_rows if classes else _target_rows, z, y, row, *options, with_grad)


@_inputs.quiet  # beyond the largest number lies inf
def _by_blocks(of_rows, z, y, row, sample_weight, reduction, with_grad):
    """The value, and the gradient or None, where `row` is the shape of the logits of one loss."""
    _inputs.check_reduction(reduction)
    dtype, shape = _inputs.result_dtype(z, y), z.shape[: z.ndim - len(row)]
    weight, divisor = _inputs.weights(sample_weight, shape, reduction, dtype)
    losses = np.empty(shape, dtype) if reduction == "none" else None
    grad = np.empty(z.shape, dtype) if with_grad else None

    def total(index):
        rows = np.ascontiguousarray(z[index], dtype).reshape(-1, *row)
        labels = y[index].reshape(rows.shape if y.ndim == z.ndim else -1)
        slopes = grad[index].reshape(rows.shape) if with_grad else None
        if weight is None:
            found = of_rows(rows, labels, dtype.type(1 / divisor), slopes)
        else:
            found = _weighted(of_rows, rows, labels, weight[index].ravel(), divisor, slopes)
        result = float(np.add.reduce(found, 0, np.float64))
        if math.isnan(result):
            raise ValueError(_what_is_wrong(rows[np.isnan(found)]))
        if losses is not None:
            losses[index] = found.reshape(losses[index].shape)
        return result

    value = sum(spread(total, blocks(shape, math.prod(row) * dtype.itemsize))) / divisor
    return dtype.type(value) if losses is None else losses[()], grad


def _weighted(of_rows, z, y, weight, divisor, grad):
    """The weighted losses. A row of weight 0 is left out, whatever it holds."""
    if np.count_nonzero(weight) == len(weight):
        losses = weight * of_rows(z, y, z.dtype.type(1), grad)
        if grad is not None:
            np.multiply(grad.T, (weight / divisor).astype(z.dtype), out=grad.T)
        return losses
    losses, counted = np.zeros(len(weight)), np.flatnonzero(weight)
    if grad is not None:
        grad[...] = 0
    if len(counted):
        z, y, weight = z[counted], y[counted], weight[counted]
        slopes = None if grad is None else np.empty_like(z)
        losses[counted] = _weighted(of_rows, z, y, weight, divisor, slopes)
        if grad is not None:
            grad[counted] = slopes
    return losses


def _array(name, value, checked):
    """An array of numbers; what is one needs no closer look."""
    plain = type(value) is np.ndarray and value.size and value.dtype.kind in "biuf"
    return value if plain else checked(name, value)


def _check_names(logits, labels, sample_weight, axis=None, classes=False):
    """What pandas calls rows and classes must not contradict their positions."""
    if type(logits) is type(labels) is np.ndarray:
        return  # the weights alone contradict none
    if classes:
        _inputs.check_numbered("logits", logits)
        tables, rows = {"logits": logits}, {"labels": labels, "sample_weight": sample_weight}
    else:
        tables, rows = {"logits": logits, "labels": labels}, {"sample_weight": sample_weight}
    _inputs.check_names(axis, tables, rows)


def _probabilities_of_1(y):
    wrong = ~((y >= 0) & (y <= 1 + _inputs.tolerance(y.dtype, 1)))
    if wrong.any():
        valid = "hold probabilities between 0 and 1" if y.dtype.kind == "f" else "be 0 or 1"
        found = _what_to_do(y, wrong)
        if (np.abs(y) == 1).all():
            found = f"{_inputs.first(y, wrong)}; if they are -1 and 1, use (labels + 1) / 2"
        raise ValueError(f"labels must {valid}, got {found}")
    return np.minimum(y, 1)


def _classes(y, k):
    found = y.astype(np.intp, copy=False)
    if np.maximum.reduce(found.view(np.uintp)) >= k:  # in which negative ones are large
        wrong = (y < 0) | (y >= k)
        hint = "; subtract 1 if they count from 1" if 0 < y.min() < y.max() == k else ""
        if k == 1:
            hint = "; for one logit for each label use sigmoid_binary_cross_entropy"
        message = f"labels must lie between 0 and {k - 1}, got {_what_to_do(y, wrong)}{hint}"
        raise ValueError(message)
    return found


def _targets(y):
    """Distributions: what their sums miss by rounding is divided out."""
    y = np.ascontiguousarray(y)  # NumPy adds what is contiguous in pairs, which is exact
    wrong = ~(y >= 0)
    if wrong.any():
        raise ValueError(f"labels must hold probabilities, got {_what_to_do(y, wrong)}")
    total = y.sum(axis=1, dtype=np.float64)
    wrong = np.abs(total - 1) > _inputs.tolerance(y.dtype, y.shape[1])
    if wrong.any():
        raise ValueError(
            f"labels must sum to 1 in each row, got a sum of {_inputs.first(total, wrong)}; "
            "call normalize() if these are counts or rounded numbers"
        )
    return y if (total == 1).all() else y / total[:, np.newaxis]


def _what_to_do(y, wrong):
    """The label that is wrong, and what to do about it."""
    label = _inputs.first(y, wrong)
    if -1e-6 < label < 0:
        return f"{label}; if it is a rounded 0, use numpy.maximum(labels, 0)"
    if label < 0 or label != label:
        return f"{label}; to leave a row out, give it sample_weight 0"
    return f"{label}"


def _what_is_wrong(z):
    """Of the first row of logits that has no loss."""
    row = z[0]
    if np.ndim(row) == 0:
        return f"logits must hold numbers, got {row}"
    if (row == -math.inf).all():
        return "logits has a row that is all -inf; leave a class possible"
    return f"logits must hold numbers below inf, got {_inputs.first(row, ~(row < math.inf))}"


def _what_was_meant(y, z):
    if y.shape == z.shape and z.ndim == 1 and y.dtype.kind in "biu" and y.size > 1:
        return "; for one logit for each label use sigmoid_binary_cross_entropy"
    if y.shape == z.shape and y.dtype.kind in "biu":
        return "; if they are one-hot, use labels.argmax(axis=-1) or labels.astype(float)"
    if y.dtype.kind in "OUS":
        return "; number the classes from 0, by numpy.searchsorted(sorted_classes, labels)"
    if y.shape == z.shape[:-1] and y.dtype.kind in "bf":
        return "; if they are classes, use labels.astype(int)"
    if y.shape == (*z.shape[:-1], 1) and y.dtype.kind in "iu":
        return "; if they are classes, use " + ("labels[:, 0]" if z.ndim == 2 else "labels[..., 0]")
    return ""
