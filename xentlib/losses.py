"""Cross-entropy from logits: the losses that classifiers minimise, and their gradients.

The logits come first, the classes lie on their last axis, and results are in nats. Labels of an
integer dtype are classes; labels of a floating dtype are target probabilities, one for each logit.
A logit of ``-inf`` masks its class.

No intermediate result loses digits: a loss of 1e-300 is as exact as one of 1000. The work is done
in blocks of rows that fit the cache of a processor, so for C-contiguous logits and labels there is,
besides the gradient itself, never an array of the logits' size. float32 stays float32 (sums are in
float64); float16 is computed in float32, all else in float64.
"""

import math

import numpy as np
import scipy  # its submodules are loaded when they are first used

from xentlib.information import _array, _check_reduction, _first

__all__ = [
    "sigmoid_binary_cross_entropy",
    "sigmoid_binary_cross_entropy_value_and_grad",
    "softmax_cross_entropy",
    "softmax_cross_entropy_value_and_grad",
]

_BLOCK = 1 << 16  # numbers in a block: 512 KiB of float64, which stays in the cache
_NARROW = 64  # fewer classes than this are worked on class by class, which vectorises


def sigmoid_binary_cross_entropy(logits, labels, *, sample_weight=None, reduction="mean"):
    """The cross-entropy of labels and ``sigmoid(z)``: ``log(1 + exp(-|z|)) + max((1-y) z, -y z)``.

    Equal to ``-y log q - (1 - y) log(1 - q)`` with ``q = sigmoid(z)``, but exact for all ``z``.

    Parameters
    ----------
    logits : array_like
        The log-odds of "1", any shape.
    labels : array_like
        Same shape as `logits`: 0 or 1 as integers or bools, or probabilities of "1" as floats.
    sample_weight : array_like, optional
        One weight for each loss, none negative; 0 leaves the observation out, though its logits
        and its label must still be valid.
    reduction : {"mean", "sum", "none"}
        What to return: the weighted mean ``sum w l / sum w``, the sum ``sum w l``, or each
        ``w l``.

    Returns
    -------
    ndarray or scalar
        ``inf`` where a logit is ``-inf`` and its label is not 0.

    Raises
    ------
    ValueError
        If a logit is NaN or ``+inf``, the labels are neither 0 and 1 nor probabilities or do not
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
        Same shape as `logits`: 0 or 1 as integers or bools, or probabilities of "1" as floats.
    sample_weight : array_like, optional
        One weight for each loss, none negative; 0 leaves the observation out, though its logits
        and its label must still be valid.
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
        If a logit is NaN or ``+inf``, the labels are neither 0 and 1 nor probabilities or do not
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
        (..., K), which sum to 1.
    sample_weight : array_like, shape (...), optional
        One weight for each loss, none negative; 0 leaves the observation out, though its logits
        and its label must still be valid.
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
        (..., K), which sum to 1.
    sample_weight : array_like, shape (...), optional
        One weight for each loss, none negative; 0 leaves the observation out, though its logits
        and its label must still be valid.
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


# What follows computes a block of rows; `scale` is what the gradient is multiplied by.


def _binary_block(z, y, scale, grad):
    if not (z < math.inf).all():
        raise ValueError(f"logits must hold numbers below inf, got {_first(z, ~(z < math.inf))}")
    y = _probabilities_of_1(y).astype(z.dtype, copy=False)
    if grad is not None:
        # for labels, one of the two terms is 0
        grad[...] = ((1 - y) * scipy.special.expit(z) - y * scipy.special.expit(-z)) * scale
    finite = np.maximum(z, np.finfo(z.dtype).min)  # 0 times -inf would be NaN
    losses = np.log1p(np.exp(-np.abs(z))) + np.maximum((1 - y) * finite, -y * finite)
    losses[(z == -math.inf) & (y > 0)] = math.inf
    return losses


def _softmax_block(z, y, scale, grad):
    (n, k), rows = z.shape, np.arange(len(z))
    narrow = k < _NARROW
    if narrow:
        z = np.asfortranarray(z)
    largest = z.max(axis=1)
    if not np.isfinite(largest).all():
        raise ValueError(_what_is_wrong(largest))
    e = np.subtract(z, largest[:, np.newaxis], order="F" if narrow else "C")
    classes = _classes(y, k) if y.ndim == 1 else e.argmax(axis=1)
    flat, at = e.ravel(order="K"), (classes * n + rows if narrow else rows * k + classes)
    d = flat[at]  # the label's logit, less the largest
    if y.ndim == 1:
        losses = -d
    else:
        y = _distributions_of(y).astype(z.dtype, copy=False)
        losses = -np.where(y > 0, y * e, 0).sum(axis=1)

    # Beside the label's own term, which can be 1, tiny others would be lost: they are summed alone.
    np.exp(e, out=e)
    flat[at] = 0
    others = e.sum(axis=1)
    losses += np.log1p(others + np.expm1(d))
    if grad is not None:
        factor = scale / (others + np.exp(d))
        e *= factor[:, np.newaxis]
        if y.ndim == 1:
            flat[at] = 0 - others * factor  # q - 1
            grad[...] = e
        else:
            rest = (1 - y[rows, classes]) * scale - others * factor
            np.subtract(e, y * np.reshape(scale, (-1, 1)), out=grad)
            grad[rows, classes] = rest
    return losses


# What follows checks the input, walks through the blocks and reduces.


def _binary(logits, labels, *options, with_grad):
    z, y = _real("logits", logits), _array("labels", labels)
    if y.shape != z.shape or y.dtype.kind not in "biuf":
        raise ValueError(
            f"labels must be 0 and 1 (integers or bools) or probabilities of 1 (floats), one for "
            f"each logit, so of shape {z.shape}; got {y.dtype} of shape {y.shape}"
        )
    z_flat, y_flat = z.reshape(-1), y.reshape(-1)
    return _by_blocks(_binary_block, z_flat, y_flat, z.shape, z.shape, *options, with_grad)


def _softmax(logits, labels, *options, with_grad):
    z, y = _real("logits", logits), _array("labels", labels)
    if z.ndim == 0:
        raise ValueError(f"logits must hold one number for each class, got the single number {z}")
    *leading, k = z.shape
    leading = tuple(leading)
    classes = y.dtype.kind in "iu" and y.shape == leading
    if not classes and not (y.dtype.kind == "f" and y.shape == z.shape):
        raise ValueError(
            f"labels must be classes, so integers of shape {leading}, or target probabilities, "
            f"so floats of shape {z.shape}; got {y.dtype} of shape {y.shape}"
            + _what_was_meant(y, z)
        )
    z_rows, y_rows = z.reshape(-1, k), y.reshape(-1) if classes else y.reshape(-1, k)
    return _by_blocks(_softmax_block, z_rows, y_rows, leading, z.shape, *options, with_grad)


@np.errstate(over="ignore", under="ignore", invalid="ignore")  # beyond the largest number lies inf
def _by_blocks(of_block, z, y, shape, grad_shape, sample_weight, reduction, with_grad):
    """The value, and the gradient or None, from blocks of the rows of `z`."""
    _check_reduction(reduction)
    floats = [a.dtype.itemsize for a in (z, y) if a.dtype.kind == "f"]
    dtype = np.dtype(np.float32 if floats and max(floats) <= 4 else np.float64)
    weight, divisor = _weights(sample_weight, shape, reduction, dtype)
    losses = np.empty(len(z), dtype) if reduction == "none" else None
    grad = np.empty(z.shape, dtype) if with_grad else None
    total, step = 0.0, max(1, _BLOCK * len(z) // z.size)
    for start in range(0, len(z), step):
        rows = slice(start, start + step)
        w = 1.0 if weight is None else weight[rows]
        scale = np.asarray(w / divisor, dtype)
        out = grad[rows] if with_grad else None
        block = of_block(z[rows].astype(dtype, copy=False), y[rows], scale, out)
        if weight is not None:
            block = np.where(w > 0, w * block, 0)
        if reduction == "none":
            losses[rows] = block
        else:
            total += float(block.sum(dtype=np.float64))
    value = losses.reshape(shape)[()] if reduction == "none" else dtype.type(total / divisor)
    return value, grad.reshape(grad_shape) if with_grad else None


def _weights(sample_weight, shape, reduction, dtype):
    """The weights, or None if all are 1, and what their sum of losses is divided by."""
    if sample_weight is None:
        return None, math.prod(shape) if reduction == "mean" else 1
    weight = _real("sample_weight", sample_weight)
    if weight.shape != shape:
        raise ValueError(
            f"sample_weight must hold one weight for each loss, so have shape {shape}, "
            f"got shape {weight.shape}"
        )
    weight = weight.astype(np.float64, copy=False).reshape(-1)
    wrong = ~((weight >= 0) & (weight < math.inf))
    if wrong.any():
        raise ValueError(
            f"sample_weight must be finite and not negative, got {_first(weight, wrong)}"
        )
    largest = weight.max()
    if reduction != "mean":
        if largest > np.finfo(dtype).max:
            raise ValueError(
                f"sample_weight must be finite in the dtype of the loss, {dtype}, got {largest}; "
                "use float64 logits or smaller weights"
            )
        return weight, 1
    if largest == 0:
        raise ValueError("sample_weight must have a positive and finite sum for a mean, got 0.0")
    # A mean depends on ratios only. Weights below 1 have a finite sum; powers of 2 round nothing.
    weight = np.ldexp(weight, -np.frexp(largest)[1])
    return weight, weight.sum()


def _real(name, value):
    """An array of real numbers in its own dtype: a conversion would copy it whole."""
    array = _array(name, value)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{name} must hold real numbers, got dtype {array.dtype}")
    return array


def _probabilities_of_1(y):
    wrong = ~((y >= 0) & (y <= 1))
    if wrong.any():
        valid = "hold probabilities between 0 and 1" if y.dtype.kind == "f" else "be 0 or 1"
        raise ValueError(f"labels must {valid}, got {_first(y, wrong)}")
    return y


def _classes(y, k):
    wrong = (y < 0) | (y >= k)
    if wrong.any():
        label = _first(y, wrong)
        hint = "; to leave a row out, give it a sample_weight of 0 and any valid class"
        raise ValueError(
            f"labels must lie between 0 and {k - 1}, got {label}{hint if label < 0 else ''}"
        )
    return y.astype(np.intp, copy=False)


def _distributions_of(y):
    wrong = ~((y >= 0) & (y < math.inf))
    if wrong.any():
        raise ValueError(f"labels must hold probabilities, got {_first(y, wrong)}")
    total = y.sum(axis=1, dtype=np.float64)  # float16 may lose half of it
    wrong = ~(np.abs(total - 1) <= math.sqrt(np.finfo(y.dtype).eps))
    if wrong.any():
        raise ValueError(
            f"labels must sum to 1 in each row, got a sum of {_first(total, wrong)}; "
            "call normalize() if these are counts"
        )
    return y


def _what_is_wrong(largest):
    if (largest == -math.inf).any():
        return "logits has a row that is all -inf; leave a class possible"
    return f"logits must hold numbers below inf, got {_first(largest, ~np.isfinite(largest))}"


def _what_was_meant(y, z):
    if y.shape == z.shape and y.dtype.kind in "biu":
        return "; if they are one-hot, use labels.argmax(axis=-1) or labels.astype(float)"
    if y.shape == z.shape[:-1] and y.dtype.kind in "bf":
        return "; if they are classes, use labels.astype(int)"
    if y.shape == (*z.shape[:-1], 1) and y.dtype.kind in "iu":
        return "; if they are classes, use " + ("labels[:, 0]" if z.ndim == 2 else "labels[..., 0]")
    return ""
