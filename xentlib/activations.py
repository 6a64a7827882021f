"""From logits to probabilities: sigmoid, softmax, their logarithms and their derivatives.

Logits are real numbers without bounds; the classes lie on the last axis. A logit of ``-inf`` gives
its class the probability 0, which masks it. At infinity a function has its limit as value; where it
has none, as a softmax with a logit of ``+inf`` or one of ``-inf`` only, ``ValueError`` is raised.

No exponential overflows, and small probabilities and losses keep their digits. Only a difference of
logits that is beyond the largest float is infinite. float32 stays float32, and sums are in float64,
whatever axis they run along; float16 is computed in float32, all else in float64. Besides the
result, there is never an array of the size of the logits (but one in `softmax_jacobian`).
"""

import math
from numbers import Integral

import numpy as np
import scipy  # its submodules are loaded when they are first used

from xentlib import _blocks, _inputs

__all__ = [
    "log_sigmoid",
    "log_softmax",
    "logsumexp",
    "sigmoid",
    "sigmoid_grad",
    "softmax",
    "softmax_jacobian",
]

_FEW = 64  # classes: fewer are worked on class by class, which vectorises
_MANY = 1024  # classes: of more, a block holds a part


@_inputs.quiet
def sigmoid(z):
    """The probability of "1" that belongs to a logit: ``1 / (1 + exp(-z))``, elementwise.

    The inverse of the log-odds ``z = log(q / (1 - q))``, and the softmax of ``(0, z)``.

    Parameters
    ----------
    z : array_like
        Logits, any shape.

    Returns
    -------
    ndarray or scalar
        Same shape as `z`, between 0 and 1.

    Raises
    ------
    ValueError
        If a value is NaN, or if `z` is empty.

    Notes
    -----
    Taught in chapter 7, "The sigmoid".
    Source: Bishop (2006), section 4.2.
    Elsewhere: ``scipy.special.expit``, ``torch.sigmoid``, ``jax.nn.sigmoid``.

    Examples
    --------
    >>> print(sigmoid([-1000, 0, 2]).round(6))
    [0.       0.5      0.880797]
    """
    return scipy.special.expit(_numbers(z))


@_inputs.quiet
def log_sigmoid(z):
    """The logarithm of the sigmoid, elementwise: ``-log(1 + exp(-z))``.

    Its negative is the loss of one binary observation: of a "1" at the logit ``z``, of a "0" at
    the logit ``-z``.

    Parameters
    ----------
    z : array_like
        Logits, any shape.

    Returns
    -------
    ndarray or scalar
        Same shape as `z`, at most 0.

    Raises
    ------
    ValueError
        If a value is NaN, or if `z` is empty.

    Notes
    -----
    Taught in chapter 7, "In numbers that are too small".
    Source: Bishop (2006), section 4.3.2.
    Elsewhere: ``scipy.special.log_expit``, ``torch.nn.functional.logsigmoid``,
    ``jax.nn.log_sigmoid``.

    Examples
    --------
    >>> print(log_sigmoid([-1000, 40]))
    [-1.00000000e+03 -4.24835426e-18]
    """
    logarithm = scipy.special.log_expit(_numbers(z))
    logarithm += 0.0  # without a negative zero
    return logarithm


@_inputs.quiet
def sigmoid_grad(z):
    """The slope of the sigmoid, elementwise: ``sigmoid(z) (1 - sigmoid(z))``.

    Largest at 0, where it is 1/4, and the same at ``-z``.

    Parameters
    ----------
    z : array_like
        Logits, any shape.

    Returns
    -------
    ndarray or scalar
        Same shape as `z`, between 0 and 1/4.

    Raises
    ------
    ValueError
        If a value is NaN, or if `z` is empty.

    Notes
    -----
    Taught in chapter 7, "The sigmoid".
    Source: Bishop (2006), section 4.3.2.
    Elsewhere: ``jax.vmap(jax.grad(jax.nn.sigmoid))(z)``, for a 1-d `z` only.

    Examples
    --------
    >>> print(sigmoid_grad([0, 2]).round(6))
    [0.25     0.104994]
    """
    z = _numbers(z)
    slope = scipy.special.expit(z)
    slope *= scipy.special.expit(-z)  # 1 - expit(z) would lose the right tail
    return slope


@_inputs.quiet
def logsumexp(z, *, axis=-1, keepdims=False):
    """A smooth maximum, and the logarithm of softmax's denominator: ``log sum exp(z_k)``.

    At least the largest logit, and at most ``log K`` above it.

    Parameters
    ----------
    z : array_like, shape (..., K)
        Logits.
    axis : int
        The class axis.
    keepdims : bool
        Keep the class axis, with length 1.

    Returns
    -------
    ndarray or scalar
        One value for each row of logits; the class axis is gone. ``inf`` if a logit is, ``-inf`` if
        all are.

    Raises
    ------
    ValueError
        If a value is NaN, if `z` is empty, or if it has no such `axis`.

    Notes
    -----
    Taught in chapter 8, "From scores to probabilities".
    Source: Blanchard, Higham and Higham (2021), "Accurately Computing the
    Log-Sum-Exp and Softmax Functions". Elsewhere: ``scipy.special.logsumexp``, with
    ``axis=None``; ``torch.logsumexp``, ``jax.nn.logsumexp``.

    Examples
    --------
    >>> print(logsumexp([1000, 1000]).round(6))
    1000.693147
    """

    def of_rows(z, largest, found):
        largest = np.where(np.isfinite(largest), largest, 0)
        found[...] = largest + np.log1p(_others(z, largest, found.dtype))

    z = _rows(z, axis)
    shape = list(z.shape)
    shape[axis] = 1
    found = np.empty(shape, _inputs.result_dtype(z))
    _by_blocks(of_rows, z.swapaxes(axis, -1), found.swapaxes(axis, -1)[..., 0])
    return found if keepdims else found.squeeze(axis)[()]


@_inputs.quiet
def softmax(z, *, axis=-1):
    """The distribution that belongs to a row of logits: ``q_k = exp(z_k) / sum exp(z_j)``.

    Adding the same number to every logit of a row changes nothing.

    Parameters
    ----------
    z : array_like, shape (..., K)
        Logits.
    axis : int
        The class axis.

    Returns
    -------
    ndarray
        Same shape as `z`; sums to 1 along `axis`.

    Raises
    ------
    ValueError
        If a value is NaN or ``+inf``, if all logits of a row are ``-inf``, if `z` is empty, or if
        it has no such `axis`.

    Notes
    -----
    Taught in chapter 8, "From scores to probabilities".
    Source: Bridle (1990), "Probabilistic Interpretation of Feedforward
    Classification Network Outputs". Elsewhere: ``scipy.special.softmax``, with ``axis=None``;
    ``torch.softmax``, ``jax.nn.softmax``.

    Examples
    --------
    >>> print(softmax([1000, 1001, 1002]).round(6))
    [0.090031 0.244728 0.665241]
    """

    def of_rows(z, largest, q):
        total = 0
        for classes, e in _differences(z, _possible(largest), q.dtype):
            np.exp(e, out=e)
            q[classes] = e
            total += e.sum(axis=-1, dtype=np.float64)
        q /= total[..., np.newaxis]

    return _like_logits(of_rows, z, axis)


@_inputs.quiet
def log_softmax(z, *, axis=-1):
    """The logarithm of softmax: ``log q_k = z_k - log sum exp(z_j)``.

    Its negative at the true class is the loss of one observation.

    Parameters
    ----------
    z : array_like, shape (..., K)
        Logits.
    axis : int
        The class axis.

    Returns
    -------
    ndarray
        Same shape as `z`, at most 0; ``-inf`` for a masked class, and for one whose logit lies
        further below the largest than a float can tell.

    Raises
    ------
    ValueError
        If a value is NaN or ``+inf``, if all logits of a row are ``-inf``, if `z` is empty, or if
        it has no such `axis`.

    Notes
    -----
    Taught in chapter 8, "From scores to probabilities".
    Source: Blanchard, Higham and Higham (2021), "Accurately Computing the
    Log-Sum-Exp and Softmax Functions". Elsewhere: ``scipy.special.log_softmax``, with
    ``axis=None``; ``torch.log_softmax``, ``jax.nn.log_softmax``.

    Examples
    --------
    >>> print(log_softmax([0, 1000]))
    [-1000.     0.]
    """

    def of_rows(z, largest, log_q):
        others = _others(z, _possible(largest), log_q.dtype)
        np.subtract(z, largest[..., np.newaxis], out=log_q, dtype=log_q.dtype)
        log_q -= np.log1p(others)[..., np.newaxis]

    return _like_logits(of_rows, z, axis)


@_inputs.quiet
def softmax_jacobian(z):
    """How each probability answers to each logit: ``J = diag(q) - q q'`` with ``q = softmax(z)``.

    Symmetric, and its rows sum to 0, since the probabilities always sum to 1.

    Parameters
    ----------
    z : array_like, shape (..., K)
        Logits.

    Returns
    -------
    ndarray, shape (..., K, K)
        ``J[..., i, j]`` is the derivative of ``q_i`` with respect to ``z_j``.

    Raises
    ------
    ValueError
        If a value is NaN or ``+inf``, if all logits of a row are ``-inf``, if `z` is empty, or if
        it is a single number.

    Notes
    -----
    Taught in chapter 8, "The Jacobian".
    Source: Bishop (2006), section 4.3.4.
    Elsewhere: ``jax.jacobian(jax.nn.softmax)(z)``, for one row only.

    Examples
    --------
    >>> print(softmax_jacobian([0, 0]))
    [[ 0.25 -0.25]
     [-0.25  0.25]]
    """
    q = softmax(z)
    jacobian = -q[..., :, np.newaxis] * q[..., np.newaxis, :]
    diagonal = np.einsum("...kk->...k", jacobian)  # a view, which can be written to
    diagonal[...] = 0
    diagonal[...] = -jacobian.sum(axis=-1)  # q (1 - q), with all digits also where q is near 1
    jacobian += 0.0  # without a negative zero
    return jacobian


def _numbers(z):
    (z,) = _inputs.arrays(z=z)
    wrong = np.isnan(z)
    if wrong.any():
        raise ValueError(f"z must hold numbers, got {_inputs.first(z, wrong)}")
    return z


def _rows(z, axis):
    """The logits, in their own dtype."""
    z = _inputs.real("z", z)
    if z.ndim == 0:
        raise ValueError(f"z must hold one logit for each class, got the single number {z}")
    whole = isinstance(axis, Integral) and not isinstance(axis, bool)
    if not (whole and -z.ndim <= axis < z.ndim):
        raise ValueError(f"axis must name an axis of z, which has shape {z.shape}, got {axis!r}")
    return z


def _like_logits(of_rows, z, axis):
    z = _rows(z, axis)
    found = np.empty(z.shape, _inputs.result_dtype(z))
    _by_blocks(of_rows, z.swapaxes(axis, -1), found.swapaxes(axis, -1))
    return found


def _by_blocks(of_rows, z, found):
    """Calls ``of_rows(z, largest, found)`` with blocks of the rows of `z`, the classes last."""

    def block(index):
        rows = z[index]
        if rows.shape[-1] < _FEW:
            rows = rows.astype(found.dtype, order="F")
        largest = rows.max(axis=-1).astype(found.dtype)
        if np.isnan(largest).any():
            raise ValueError("z must hold numbers, got nan")
        of_rows(rows, largest, found[index])

    row = min(z.shape[-1], _MANY) * found.itemsize
    _blocks.spread(block, _blocks.blocks(z.shape[:-1], row))


def _differences(z, largest, dtype):
    """Blocks of classes, and their logits less the largest of the row."""
    step = max(1, _blocks.SIZE // (largest.size * dtype.itemsize))
    for start in range(0, z.shape[-1], step):
        classes = (..., slice(start, start + step))
        yield classes, np.subtract(z[classes], largest[..., np.newaxis], dtype=dtype)


def _others(z, largest, dtype):
    """The sum of ``exp(z - largest)`` but for the largest, beside which tiny ones would be lost."""
    others, more = 0.0, -1
    for _, e in _differences(z, largest, dtype):
        top = e == 0
        np.exp(e, out=e)
        e[top] = 0
        others += e.sum(axis=-1, dtype=np.float64)
        more += top.sum(axis=-1)
    return others + more


def _possible(largest):
    if (largest == math.inf).any():
        raise ValueError("z must hold numbers below inf, got inf")
    if (largest == -math.inf).any():
        raise ValueError("z has a row that is all -inf; leave a class possible")
    return largest
