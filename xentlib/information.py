"""Information content, entropy, divergence and cross-entropy of discrete distributions.

One convention throughout: ``p`` is the truth, ``q`` is the model, the classes lie on the last
axis, and results are in nats. ``base=2`` gives bits, ``base=10`` hartleys.

Three rules hold everywhere. An outcome that never happens adds nothing: ``0 log 0 = 0``. A model
that calls a possible outcome impossible is infinitely wrong: ``q = 0`` where ``p > 0`` gives
``inf``. And nothing is clipped or normalised for you: input that is no distribution raises
``ValueError``.

What is only rounded is a distribution: a sum may miss 1 by what rounding to float32 explains,
which is about ``1e-6 sqrt(K)`` for K classes (for float16 its own rounding, ``8e-3 sqrt(K)``), and
is then divided out, so that every law holds to the last digits. A single probability that exceeds
1 by as little counts as 1. All is computed in float64; the result of float32 or float16 input is
rounded to float32.

Series and frames of pandas are taken by position; where their labels contradict it, they are
refused.
"""

from numbers import Integral

import numpy as np
import scipy  # its submodules are loaded when they are first used

from xentlib import _inputs
from xentlib._inputs import finish, quiet

__all__ = [
    "binary_cross_entropy",
    "binary_entropy",
    "conditional_entropy",
    "cross_entropy",
    "entropy",
    "information_content",
    "information_gain",
    "joint_entropy",
    "js_divergence",
    "kl_divergence",
    "mutual_information",
    "negative_log_likelihood",
    "normalize",
    "one_hot",
    "perplexity",
    "smooth_labels",
]


@quiet
def information_content(p, *, base=None):
    """How surprising an event of probability ``p`` is: ``I = -log p``.

    A certain event carries no information; halving the probability adds one bit. The information
    of independent events adds up.

    Parameters
    ----------
    p : array_like
        Probabilities, any shape; each is taken on its own. What exceeds 1 by the rounding of a
        float32 counts as 1.
    base : float, optional
        Base of the logarithm: nats by default, 2 for bits, 10 for hartleys.

    Returns
    -------
    ndarray or scalar
        Same shape as `p`; ``inf`` where ``p`` is 0.

    Raises
    ------
    ValueError
        If a value is NaN, negative or above 1, if `p` is empty, or if `base` is not above 1.

    Notes
    -----
    Taught in chapter 1, "Rare events tell more".
    Source: MacKay (2003), section 2.4, as "Shannon information content".
    Elsewhere: ``-numpy.log(p)``.

    Examples
    --------
    >>> print(information_content(0.25, base=2))
    2.0
    >>> print(information_content([1, 1 / 6], base=2).round(4))
    [0.    2.585]
    """
    (p,), dtype = _inputs.probabilities(p=p)
    return finish(-np.log(p), base, dtype)


@quiet
def entropy(p, *, base=None, axis=-1, keepdims=False):
    """The expected information content of one draw: ``H(p) = -sum p log p``.

    Between 0 (one certain outcome) and ``log K`` (K equally likely outcomes).

    Parameters
    ----------
    p : array_like, shape (..., K)
        Distributions that sum to 1 along `axis`, up to the rounding of float32.
    base : float, optional
        Base of the logarithm: nats by default, 2 for bits, 10 for hartleys.
    axis : int
        The class axis.
    keepdims : bool
        Keep the class axis, with length 1.

    Returns
    -------
    ndarray or scalar
        One entropy for each distribution; the class axis is gone.

    Raises
    ------
    ValueError
        If `p` does not hold distributions, or `base` is not above 1.

    Notes
    -----
    Taught in chapter 2, "The average surprise".
    Source: Shannon (1948), "A Mathematical Theory of Communication".
    Elsewhere: ``scipy.stats.entropy(p)``, which normalises silently and has ``axis=0``.

    Examples
    --------
    >>> print(entropy([0.5, 0.25, 0.25], base=2))
    1.5
    """
    (p,), dtype = _inputs.distributions(axis, p=p)
    return finish(scipy.special.entr(p).sum(axis=-1), base, dtype, axis, keepdims)


@quiet
def cross_entropy(p, q, *, base=None, axis=-1, keepdims=False):
    """The expected surprise of a model ``q`` when ``p`` is true: ``H(p, q) = -sum p log q``.

    Never below ``H(p)``; the excess is ``KL(p || q)``.

    Parameters
    ----------
    p, q : array_like, shape (..., K)
        True and model distributions, whose sums are 1 up to the rounding of float32. The leading
        dimensions broadcast.
    base : float, optional
        Base of the logarithm: nats by default, 2 for bits, 10 for hartleys.
    axis : int
        The class axis of both.
    keepdims : bool
        Keep the class axis, with length 1.

    Returns
    -------
    ndarray or scalar
        One value for each pair; ``inf`` where ``q`` is 0 and ``p`` is not.

    Raises
    ------
    ValueError
        If `p` or `q` do not hold distributions, their shapes do not fit, or `base` is not above 1.

    Notes
    -----
    Opened in chapter 0, "One number for how wrong"; taught in chapter 5, "In the wrong code".
    Source: Cover and Thomas (2006), chapter 5.
    Elsewhere: ``scipy.stats.entropy(p) + scipy.stats.entropy(p, q)``;
    ``torch.nn.functional.cross_entropy`` and ``optax.softmax_cross_entropy`` want logits.

    Examples
    --------
    >>> print(cross_entropy([1, 0, 0], [0.4, 0.1, 0.5]).round(6))
    0.916291
    """
    (p, q), dtype = _inputs.distributions(axis, p=p, q=q)
    return finish(-scipy.special.xlogy(p, q).sum(axis=-1), base, dtype, axis, keepdims)


@quiet
def kl_divergence(p, q, *, base=None, axis=-1, keepdims=False):
    """What it costs to believe ``q`` when ``p`` is true: ``KL(p || q) = sum p log(p / q)``.

    Zero only for ``q = p``, otherwise positive (a tiny negative result is rounding), and not
    symmetric.

    Parameters
    ----------
    p, q : array_like, shape (..., K)
        True and model distributions, whose sums are 1 up to the rounding of float32. The leading
        dimensions broadcast.
    base : float, optional
        Base of the logarithm: nats by default, 2 for bits, 10 for hartleys.
    axis : int
        The class axis of both.
    keepdims : bool
        Keep the class axis, with length 1.

    Returns
    -------
    ndarray or scalar
        One value for each pair; ``inf`` where ``q`` is 0 and ``p`` is not.

    Raises
    ------
    ValueError
        If `p` or `q` do not hold distributions, their shapes do not fit, or `base` is not above 1.

    Notes
    -----
    Opened in chapter 0, "Closer to what, and measured from where?"; taught in chapter 4,
    "Evidence adds up".
    Source: Kullback and Leibler (1951), "On Information and Sufficiency".
    Elsewhere: ``scipy.stats.entropy(p, q)`` or ``scipy.special.rel_entr(p, q).sum()``;
    ``torch.nn.functional.kl_div(q.log(), p, reduction="sum")`` has the arguments the other way
    round, and by default divides by the number of elements.

    Examples
    --------
    >>> print(kl_divergence([0.5, 0.5], [0.75, 0.25], base=2).round(4))
    0.2075
    """
    (p, q), dtype = _inputs.distributions(axis, p=p, q=q)
    return finish(scipy.special.rel_entr(p, q).sum(axis=-1), base, dtype, axis, keepdims)


@quiet
def js_divergence(p, q, *, base=None, axis=-1, keepdims=False):
    """The Jensen-Shannon divergence ``(KL(p || m) + KL(q || m)) / 2`` with ``m = (p + q) / 2``.

    Symmetric, and finite whatever the supports: at most 1 bit. Its square root is a metric.

    Parameters
    ----------
    p, q : array_like, shape (..., K)
        Two distributions, whose sums are 1 up to the rounding of float32. The leading dimensions
        broadcast.
    base : float, optional
        Base of the logarithm: nats by default, 2 for bits, 10 for hartleys.
    axis : int
        The class axis of both.
    keepdims : bool
        Keep the class axis, with length 1.

    Returns
    -------
    ndarray or scalar
        One value for each pair.

    Raises
    ------
    ValueError
        If `p` or `q` do not hold distributions, their shapes do not fit, or `base` is not above 1.

    Notes
    -----
    Taught in chapter 4, "Two that are symmetric".
    Source: Lin (1991), "Divergence Measures Based on the Shannon Entropy".
    Elsewhere: ``scipy.spatial.distance.jensenshannon`` returns the square root of this.

    Examples
    --------
    >>> print(js_divergence([1, 0], [0, 1], base=2))
    1.0
    """
    (p, q), dtype = _inputs.distributions(axis, p=p, q=q)
    d = np.where(p == q, 0, (p - q) / (p + q))  # p = (1 + d) m and q = (1 - d) m
    near = 2 * d * np.arctanh(d) + np.log1p(-d * d)  # keeps the digits of a small d
    terms = np.where(
        np.abs(d) < 0.5,
        (p + q) * near,
        scipy.special.rel_entr(2 * p, p + q) + scipy.special.rel_entr(2 * q, p + q),
    )
    return finish(terms.sum(axis=-1) / 4, base, dtype, axis, keepdims)


@quiet
def perplexity(p, q=None, *, axis=-1, keepdims=False):
    """How many equally likely outcomes would be as uncertain: ``exp(H(p))`` or ``exp(H(p, q))``.

    Parameters
    ----------
    p : array_like, shape (..., K)
        True distributions, whose sums are 1 up to the rounding of float32.
    q : array_like, shape (..., K), optional
        Model distributions. Without them, the model is `p` itself.
    axis : int
        The class axis.
    keepdims : bool
        Keep the class axis, with length 1.

    Returns
    -------
    ndarray or scalar
        A number of outcomes, at least 1. The base of the logarithm cancels, so there is none.

    Raises
    ------
    ValueError
        If `p` or `q` do not hold distributions, or their shapes do not fit.

    Notes
    -----
    Taught in chapter 2, "Perplexity: entropy as a number of outcomes".
    Source: Jelinek et al. (1977), "Perplexity: a Measure of the Difficulty of Speech Recognition
    Tasks". Elsewhere: ``exp`` of a mean loss in nats.

    Examples
    --------
    >>> print(perplexity([0.25, 0.25, 0.25, 0.25]))
    4.0
    """
    model = p if q is None else q
    (p, q), dtype = _inputs.distributions(axis, p=p, q=model)
    nats = -scipy.special.xlogy(p, q).sum(axis=-1)
    return finish(np.exp(nats), None, dtype, axis, keepdims)


@quiet
def binary_entropy(p, *, base=None):
    """The entropy of a coin that shows 1 with probability ``p``, elementwise.

    ``H(p) = -p log p - (1 - p) log(1 - p)``

    Parameters
    ----------
    p : array_like
        Probabilities of "1", any shape. What exceeds 1 by the rounding of a float32 counts as 1.
    base : float, optional
        Base of the logarithm: nats by default, 2 for bits, 10 for hartleys.

    Returns
    -------
    ndarray or scalar
        Same shape as `p`.

    Raises
    ------
    ValueError
        If a value is NaN, negative or above 1, if `p` is empty, or if `base` is not above 1.

    Notes
    -----
    Taught in chapter 2, "A coin, from certain to fair".
    Source: Cover and Thomas (2006), example 2.1.1.
    Elsewhere: ``scipy.stats.entropy([p, 1 - p])``.

    Examples
    --------
    >>> print(binary_entropy([0, 0.5, 63 / 64], base=2).round(6))
    [0.       1.       0.116115]
    """
    (p,), dtype = _inputs.probabilities(p=p)
    return finish(scipy.special.entr(p) - scipy.special.xlog1py(1 - p, -p), base, dtype)


@quiet
def binary_cross_entropy(p, q, *, base=None):
    """The cross-entropy of two coins, elementwise: ``-p log q - (1 - p) log(1 - q)``.

    Parameters
    ----------
    p, q : array_like
        True and predicted probabilities of "1"; the shapes broadcast. A label is a `p` of 0 or 1.
    base : float, optional
        Base of the logarithm: nats by default, 2 for bits, 10 for hartleys.

    Returns
    -------
    ndarray or scalar
        The broadcast shape; ``inf`` where the model calls impossible what can happen.

    Raises
    ------
    ValueError
        If a value is NaN, negative or above 1, an input is empty, the shapes do not broadcast, or
        `base` is not above 1.

    Notes
    -----
    Taught in chapter 7, "From two classes to one number".
    Source: Cover and Thomas (2006), chapter 5, for two outcomes.
    Elsewhere: ``sklearn.metrics.log_loss`` is the mean for labels, and clips ``q``;
    ``torch.nn.functional.binary_cross_entropy(q, p)`` has the arguments the other way round and
    returns the mean.

    Examples
    --------
    >>> print(binary_cross_entropy([1, 0, 1, 1], [0.9, 0.2, 0.7, 0.4]).mean().round(6))
    0.400367
    """
    (p, q), dtype = _inputs.probabilities(p=p, q=q)
    if p.ndim != q.ndim and 1 in q.shape + p.shape and p.size == q.size > 1:
        raise ValueError(
            f"p has shape {p.shape} and q has shape {q.shape}: each of p would meet each of q; "
            "use ravel(), or give both two axes if you want that"
        )
    p, q = _inputs.broadcast(p, q)
    return finish(-scipy.special.xlogy(p, q) - scipy.special.xlog1py(1 - p, -q), base, dtype)


@quiet
def joint_entropy(pxy, *, base=None):
    """The entropy of a pair: ``H(X, Y) = -sum p(x, y) log p(x, y)``.

    Parameters
    ----------
    pxy : array_like, shape (..., X, Y)
        Joint tables; the last two axes together sum to 1, up to the rounding of float32. (Of two
        columns ``pandas.crosstab(x, y, normalize=True)`` makes one.)
    base : float, optional
        Base of the logarithm: nats by default, 2 for bits, 10 for hartleys.

    Returns
    -------
    ndarray or scalar
        One value for each table.

    Raises
    ------
    ValueError
        If `pxy` does not hold joint tables, or `base` is not above 1.

    Notes
    -----
    Taught in chapter 3, "A table for two". Source: Cover and Thomas (2006), section 2.2.
    Elsewhere: ``scipy.stats.entropy(pxy.ravel())``.

    Examples
    --------
    >>> print(joint_entropy([[0.5, 0], [0.25, 0.25]], base=2))
    1.5
    """
    pxy, dtype = _inputs.joint(pxy)
    return finish(scipy.special.entr(pxy).sum(axis=(-2, -1)), base, dtype)


@quiet
def conditional_entropy(pxy, *, given, base=None):
    """What stays uncertain of one variable when the other is known.

    ``H(Y | X) = -sum p(x, y) log p(y | x) = H(X, Y) - H(X)``

    Parameters
    ----------
    pxy : array_like, shape (..., X, Y)
        Joint tables; the last two axes together sum to 1, up to the rounding of float32. (Of two
        columns ``pandas.crosstab(x, y, normalize=True)`` makes one.)
    given : int
        The axis of the variable that is known, counted within the table: 0 (or -2) for the rows
        ``X``, which gives ``H(Y | X)``; 1 (or -1) for the columns ``Y``, which gives ``H(X | Y)``.
    base : float, optional
        Base of the logarithm: nats by default, 2 for bits, 10 for hartleys.

    Returns
    -------
    ndarray or scalar
        One value for each table.

    Raises
    ------
    ValueError
        If `pxy` does not hold joint tables, `given` names no axis, or `base` is not above 1.

    Notes
    -----
    Taught in chapter 3, "What is left to ask". Source: Cover and Thomas (2006), section 2.2.

    Examples
    --------
    >>> print(conditional_entropy([[0.5, 0], [0.25, 0.25]], given=0, base=2))
    0.5
    """
    pxy, dtype = _inputs.joint(pxy)
    whole = isinstance(given, Integral) and not isinstance(given, bool)
    if not whole or given not in (0, 1, -1, -2):
        raise ValueError(
            f"given must be 0 (the rows, X, are known) or 1 (the columns, Y), got {given!r}"
        )
    known = pxy.sum(axis=-1 if given in (0, -2) else -2, keepdims=True)
    return finish(-scipy.special.rel_entr(pxy, known).sum(axis=(-2, -1)), base, dtype)


@quiet
def mutual_information(pxy, *, base=None):
    """What one variable tells about the other: ``I(X; Y) = KL(p(x, y) || p(x) p(y))``.

    Equal to ``H(X) - H(X | Y)`` and to ``H(Y) - H(Y | X)``; zero only for independent variables.

    Parameters
    ----------
    pxy : array_like, shape (..., X, Y)
        Joint tables; the last two axes together sum to 1, up to the rounding of float32. (Of two
        columns ``pandas.crosstab(x, y, normalize=True)`` makes one.)
    base : float, optional
        Base of the logarithm: nats by default, 2 for bits, 10 for hartleys.

    Returns
    -------
    ndarray or scalar
        One value for each table.

    Raises
    ------
    ValueError
        If `pxy` does not hold joint tables, or `base` is not above 1.

    Notes
    -----
    Taught in chapter 3, "What they have in common". Source: Cover and Thomas (2006), section 2.3.
    Elsewhere: ``sklearn.metrics.mutual_info_score(None, None, contingency=counts)``.

    Examples
    --------
    >>> print(mutual_information([[0.5, 0], [0, 0.5]], base=2))
    1.0
    """
    pxy, dtype = _inputs.joint(pxy)
    px, py = pxy.sum(axis=-1, keepdims=True), pxy.sum(axis=-2, keepdims=True)
    # in two terms, as the product px * py could underflow to 0
    terms = scipy.special.rel_entr(pxy, px) - scipy.special.xlogy(pxy, py)
    return finish(np.maximum(terms.sum(axis=(-2, -1)), 0), base, dtype)  # below 0 by rounding only


@quiet
def information_gain(counts, *, base=None):
    """What a split tells about the class: ``H(class) - H(class | branch)``, from counts.

    The mutual information of branch and class, and the number by which an ID3 tree chooses.

    Parameters
    ----------
    counts : array_like, shape (..., branches, classes)
        ``counts[b, k]`` members of class ``k`` went down branch ``b``: without margins, as
        ``pandas.crosstab(branches, classes)`` makes them of two columns.
    base : float, optional
        Base of the logarithm: nats by default, 2 for bits, 10 for hartleys.

    Returns
    -------
    ndarray or scalar
        One value for each table.

    Raises
    ------
    ValueError
        If a count is NaN, infinite or negative, if a table is empty or all zero, or if `base` is
        not above 1.

    Notes
    -----
    Taught in chapter 3, "The best question".
    Source: Quinlan (1986), "Induction of Decision Trees".
    Elsewhere: the impurity decrease of ``DecisionTreeClassifier(criterion="entropy")``, in bits.

    Examples
    --------
    Fourteen days of play-tennis, split by the outlook:

    >>> print(information_gain([[2, 3], [4, 0], [3, 2]], base=2).round(6))
    0.24675
    """
    counts = _inputs.real("counts", counts)
    _inputs.check_table(counts, "counts")
    table = normalize(counts.astype(np.float64), axis=(-2, -1))
    return finish(mutual_information(table, base=base), None, _inputs.result_dtype(counts))


@quiet
def normalize(counts, *, axis=-1, pseudocount=0.0):
    """Turn counts into distributions: ``(n_k + a) / sum (n_j + a)``.

    Parameters
    ----------
    counts : array_like
        Counts or weights, none negative.
    axis : int or tuple of int
        The axis, or axes, along which the result sums to 1.
    pseudocount : float
        Added to every count: 0 gives the relative frequencies, 1 is Laplace's add-one rule.

    Returns
    -------
    ndarray
        Same shape as `counts`.

    Raises
    ------
    ValueError
        If a count is NaN, infinite or negative, if `pseudocount` is, if there is nothing to divide
        by, or if `counts` is empty.

    Notes
    -----
    Taught in chapter 1, "Rare events tell more"; the pseudocount in chapter 1,
    "Whose probability?".
    Source: Manning and Schütze (1999), section 6.2.

    Examples
    --------
    >>> print(normalize([63, 1], pseudocount=1))
    [0.96969697 0.03030303]
    """
    given = _inputs.real("counts", counts)
    _inputs.check_counts(given, "counts")
    if not (_inputs.is_real(pseudocount) and 0 <= pseudocount <= np.finfo(float).max):
        raise ValueError(f"pseudocount must be a number of at least 0, got {pseudocount!r}")
    if given.ndim == 0:
        raise ValueError(f"counts must have at least one axis, got the single number {given}")
    counts = np.array(given, np.float64, order="C") + float(pseudocount)
    try:
        if isinstance(axis, (bool, np.bool_)):
            raise TypeError
        total = counts.sum(axis=axis, keepdims=True)
    except (ValueError, TypeError):
        raise ValueError(
            f"axis must name axes of counts, which has shape {counts.shape}, got {axis!r}"
        ) from None
    if not total.all():
        raise ValueError("counts has a slice that sums to 0; leave it out or add a pseudocount")
    if not np.isfinite(total).all():
        raise ValueError("counts are too large to be added in float64; scale them down")
    return (counts / total).astype(_inputs.result_dtype(given))


@quiet
def negative_log_likelihood(q, labels, *, base=None, sample_weight=None, reduction="mean"):
    """The surprise of a model at what happened: ``-log q[n, labels[n]]``.

    Its mean over the data is the cross-entropy between the one-hot labels and the model.

    Parameters
    ----------
    q : array_like, shape (..., K)
        One predicted distribution for each observation; its sum is 1 up to the rounding of
        float32.
    labels : array_like of int, shape (...)
        The class that was observed, from 0 to K-1.
    base : float, optional
        Base of the logarithm: nats by default, 2 for bits, 10 for hartleys.
    sample_weight : array_like, shape (...), optional
        One weight for each observation, none negative; 0 leaves it out, whatever its `q` and its
        label are.
    reduction : {"mean", "sum", "none"}
        What to return: the weighted mean ``sum w l / sum w``, the sum ``sum w l``, or each
        ``w l``.

    Returns
    -------
    ndarray or scalar
        ``inf`` where a class that was observed has probability 0.

    Raises
    ------
    ValueError
        If `q` does not hold distributions, the labels are not whole numbers from 0 to K-1 or not
        one for each distribution, a weight is negative or not finite, there is not one for each
        observation, a mean has all weights 0, `reduction` is unknown, or `base` is not above 1.

    Notes
    -----
    Opened in chapter 0, "Many pictures"; taught in chapter 6, "From a product to a cross-entropy".
    Source: Bishop (2006), section 4.3.
    Elsewhere: ``sklearn.metrics.log_loss`` (clips ``q``);
    ``torch.nn.functional.nll_loss(q.log(), labels)``.

    Examples
    --------
    >>> print(negative_log_likelihood([[0.4, 0.1, 0.5]], [0], base=2).round(6))
    1.321928
    >>> q = [[0.5, 0.5], [0.75, 0.25]]
    >>> print(negative_log_likelihood(q, [0, 1], base=2, sample_weight=[2, 1]).round(6))
    1.333333
    """
    _inputs.check_reduction(reduction)
    _inputs.check_names(-1, {"q": q}, {"labels": labels, "sample_weight": sample_weight})
    _inputs.check_numbered("q", q)
    q, labels = _inputs.real("q", q), _inputs.array("labels", labels)
    if labels.shape != q.shape[:-1]:
        raise ValueError(
            f"labels must hold one class for each distribution in q, so have shape {q.shape[:-1]}, "
            f"got shape {labels.shape}"
            + ("; q and labels may be exchanged" if q.ndim < labels.ndim else "")
            + ("; for the probability of 1 alone use binary_cross_entropy" if q.ndim == 1 else "")
        )
    dtype = _inputs.result_dtype(q)
    weight, divisor = _inputs.weights(sample_weight, labels.shape, reduction, dtype)
    losses = np.zeros(labels.shape)
    counted = ... if weight is None else weight > 0
    if np.any(counted):
        (q,), _ = _inputs.distributions(-1, q=q[counted])
        labels = _inputs.class_indices(labels[counted], q.shape[-1])
        losses[counted] = -np.log(np.take_along_axis(q, labels[..., np.newaxis], axis=-1)[..., 0])
    if weight is not None:
        losses *= weight
    return finish(losses if reduction == "none" else losses.sum() / divisor, base, dtype)


def one_hot(labels, n_classes):
    """Class indices as distributions that are certain: 1 at the label, 0 elsewhere.

    Parameters
    ----------
    labels : array_like of int
        Classes from 0 to ``n_classes - 1``, any shape.
    n_classes : int
        The number of classes, K.

    Returns
    -------
    ndarray of float64, shape (..., K)

    Raises
    ------
    ValueError
        If a label is not a whole number from 0 to K-1, or `n_classes` is not a positive integer.

    Notes
    -----
    Taught in chapter 0, "Two lists of numbers".
    Source: Bishop (2006), section 4.1.3, where it is the 1-of-K coding.
    Elsewhere: ``torch.nn.functional.one_hot``, ``jax.nn.one_hot``,
    ``sklearn.preprocessing.OneHotEncoder``.

    Examples
    --------
    >>> print(one_hot([0, 2], 3))
    [[1. 0. 0.]
     [0. 0. 1.]]
    """
    whole = isinstance(n_classes, Integral) and not isinstance(n_classes, bool)
    if not whole or n_classes < 1:
        raise ValueError(f"n_classes must be a whole number of at least 1, got {n_classes!r}")
    labels = _inputs.class_indices(labels, n_classes)
    targets = np.zeros((*labels.shape, n_classes))
    np.put_along_axis(targets, labels[..., np.newaxis], 1.0, axis=-1)
    return targets


@quiet
def smooth_labels(targets, alpha):
    """Targets mixed with the uniform distribution: ``(1 - alpha) targets + alpha / K``.

    A model trained on them has no reason to become infinitely sure.

    Parameters
    ----------
    targets : array_like, shape (..., K)
        Target distributions, such as those of ``one_hot``. One row of integers is refused, as
        these may be classes.
    alpha : float
        The share of the uniform distribution, from 0 to 1.

    Returns
    -------
    ndarray
        Same shape as `targets`.

    Raises
    ------
    ValueError
        If `targets` does not hold distributions, or `alpha` is not between 0 and 1.

    Notes
    -----
    Taught in chapter 8, "Exercises".
    Source: Szegedy et al. (2016), "Rethinking the Inception Architecture for Computer Vision".
    Elsewhere: ``optax.smooth_labels``;
    ``torch.nn.functional.cross_entropy(..., label_smoothing=alpha)``.

    Examples
    --------
    >>> print(smooth_labels(one_hot([0], 4), 0.1))
    [[0.925 0.025 0.025 0.025]]
    """
    given = _inputs.real("targets", targets)
    if given.ndim == 1 and given.dtype.kind in "iu":
        raise ValueError(
            f"targets must hold distributions, got the integers {given[:5]}: if they are classes, "
            "call one_hot() first, if they are one distribution, make them floats"
        )
    (targets,), dtype = _inputs.distributions(-1, targets=given)
    if not (_inputs.is_real(alpha) and 0 <= alpha <= 1):
        raise ValueError(f"alpha must be a number between 0 and 1, got {alpha!r}")
    alpha = float(alpha)
    return ((1 - alpha) * targets + alpha / targets.shape[-1]).astype(dtype)
