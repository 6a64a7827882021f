"""Softmax regression, trained on the cross-entropy: a classifier with scikit-learn's interface."""

import warnings
from numbers import Integral, Real

import numpy as np
from scipy import sparse
from scipy.optimize import minimize
from scipy.sparse.linalg import LinearOperator, cg
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from xentlib import _inputs
from xentlib.activations import log_softmax, sigmoid, softmax
from xentlib.losses import (
    sigmoid_binary_cross_entropy_value_and_grad,
    softmax_cross_entropy_value_and_grad,
)

__all__ = ["SoftmaxRegression"]

as_numpy = config_context(array_api_dispatch=False)  # converts the arrays of other libraries


class SoftmaxRegression(ClassifierMixin, BaseEstimator):
    """The linear model ``q = softmax(x W + b)`` of the smallest cross-entropy.

    Training minimises ``mean cross-entropy + ||W||^2 / (2 C n)``; ``b`` bears no penalty. With
    weights of rows or classes the mean is weighted, and ``n`` is their sum. Two classes have one
    logit, that of the second class: ``q = sigmoid(x w + b)``.

    Parameters
    ----------
    C : float
        The larger, the weaker the penalty; ``numpy.inf`` for none.
    solver : {"lbfgs", "gd"}
        Quasi-Newton steps of SciPy, or plain gradient descent on all the rows.
    learning_rate : float
        A step of ``"gd"`` is so many times the gradient; ``"lbfgs"`` finds its own steps.
    max_iter : int
        The largest number of steps.
    tol : float
        Training ends when no component of the gradient is above `tol` and the weights miss the best
        by at most ``1e4 tol`` of their size, 1 % by default; with 0, ``"gd"`` always takes
        `max_iter` steps. A ``ConvergenceWarning`` says if that was not reached.
    class_weight : dict or "balanced", optional
        How often each class counts, 1 if it is not in the dict. ``"balanced"`` lets all classes
        count alike: ``n / (K n_k)`` for a class of ``n_k`` rows. Weights of rows multiply it, and
        are counted in ``n`` and ``n_k``.

    Attributes
    ----------
    classes_ : ndarray, shape (K,)
        The labels, sorted.
    coef_ : ndarray, shape (K, d)
        The weights transposed, ``W.T``; shape (1, d) if there are two classes.
    intercept_ : ndarray, shape (K,)
        The biases ``b``; shape (1,) if there are two classes.
    loss_history_ : ndarray, shape (steps + 1,)
        What is minimised, in nats, before the first step and after each.
    n_iter_ : ndarray, shape (1,)
        The number of steps taken.
    n_features_in_ : int
        The number of features ``d``.
    feature_names_in_ : ndarray, shape (d,)
        The names of the features, if all are strings.

    Notes
    -----
    Training starts at ``W = 0`` and ``b = 0``, hence at a loss of ``log K``. The features may be
    sparse. All is computed in float64, to which features of another type are copied: in float32 a
    gradient summed over many rows is not exact enough for `tol`.

    Features of very different scale should be scaled first, for instance by scikit-learn's
    ``StandardScaler``; else training may end early, with a ``ConvergenceWarning``. With ``C=inf``
    there is no finite optimum if the classes can be separated, or if all rows of a class have the
    weight 0: training ends where the gradient falls below `tol`. There is no ``warm_start``.

    A small gradient alone says little about the weights where the penalty is weak: between classes
    that can be separated, the loss hardly curves but by the penalty, ``1 / (C n)``. So the distance
    to the best weights is estimated by a Newton step.

    Taught in chapter 8, "The regularised optimum".
    Source: Bishop (2006), section 4.3.4; Hastie et al. (2009), section 4.4.
    Elsewhere: ``sklearn.linear_model.LogisticRegression``, which by default stops earlier.

    Examples
    --------
    >>> X = [[0], [1], [2], [3], [4], [5]]
    >>> y = ["cat", "cat", "dog", "dog", "bird", "bird"]
    >>> model = SoftmaxRegression().fit(X, y)
    >>> print(model.predict([[0], [5]]))
    ['cat' 'bird']
    >>> print(model.loss_history_[0].round(6))
    1.098612
    """

    def __init__(
        self,
        *,
        C=1.0,
        solver="lbfgs",
        learning_rate=0.5,
        max_iter=1000,
        tol=1e-6,
        class_weight=None,
    ):
        self.C = C
        self.solver = solver
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.tol = tol
        self.class_weight = class_weight

    @as_numpy
    def fit(self, X, y, sample_weight=None):
        """Find the weights for features ``X``, shape (n, d), and classes ``y``, shape (n,).

        Rows go by position, whatever their labels in pandas. Classes are numbers or strings;
        `sample_weight` says how often each row counts.
        """
        self._check_parameters()
        C = _float(self.C)
        _check_labels(y)
        if _inputs.has_mask(X):
            raise ValueError("X is a masked array; leave out or replace what is masked")
        X, y = validate_data(self, X, y, accept_sparse="csr", dtype=np.float64)
        weight = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        if len(self.classes_) == 1:
            only = self.classes_.tolist()[0]
            raise ValueError(f"y must hold at least 2 classes, got one class only: {only!r}")
        if self.class_weight is not None:
            weight = weight * self._class_weights(labels, weight)[labels]

        logits_shape = () if len(self.classes_) == 2 else self.classes_.shape
        shape = (1 + X.shape[1], *logits_shape)  # the intercepts come first

        def objective(theta):
            value, gradient = _objective(theta.reshape(shape), X, labels, weight, C)
            return value, gradient.ravel()

        def close(theta, value, gradient):
            theta, gradient = theta.reshape(shape), gradient.reshape(shape)
            return _close(theta, value, gradient, X, weight, C, 1e4 * self.tol)

        stop = _Stop(self.tol, close)
        descend = self._lbfgs if self.solver == "lbfgs" else self._gradient_descent
        # What overflows is found in the value, and said there.
        with np.errstate(over="ignore", under="ignore", divide="ignore", invalid="ignore"):
            if not np.isfinite(objective(np.zeros(np.prod(shape)))[0]):
                raise _not_finite(X)
            theta, gradient, history = descend(objective, stop, np.zeros(np.prod(shape)))
            found = stop.found or close(theta, history[-1], gradient)
        theta = theta.reshape(shape[0], -1)
        self.intercept_, self.coef_ = theta[0], np.ascontiguousarray(theta[1:].T)
        self.loss_history_ = np.array(history)
        self.n_iter_ = np.array([len(history) - 1], np.int32)
        self._warn_unless_converged(np.abs(gradient).max(), found)
        return self

    @as_numpy
    def decision_function(self, X):
        """The logits, shape (n, K); for two classes those of the second, shape (n,)."""
        check_is_fitted(self, "coef_")
        X = validate_data(self, X, accept_sparse="csr", dtype=np.float64, reset=False)
        with np.errstate(over="ignore", invalid="ignore"):
            logits = X @ self.coef_.T + self.intercept_
        if not np.isfinite(logits).all():
            raise _not_finite(X)
        return logits[:, 0] if len(self.classes_) == 2 else logits

    def predict(self, X):
        """The most probable class of each row."""
        best = self._logits(X).argmax(axis=-1)
        return self.classes_[best]

    def predict_proba(self, X):
        """The distribution over the classes of each row, shape (n, K)."""
        return softmax(self._logits(X))

    def predict_log_proba(self, X):
        """Log probabilities, computed from the logits: finite even where a probability is 0."""
        return log_softmax(self._logits(X))

    def _logits(self, X):
        z = self.decision_function(X)
        # two classes: softmax((0, z)) = (sigmoid(-z), sigmoid(z))
        return z if z.ndim == 2 else np.stack([np.zeros_like(z), z], axis=-1)

    def _class_weights(self, labels, weight):
        classes = self.classes_.tolist()
        if self.class_weight == "balanced":
            counts = np.bincount(labels, weight)
            return counts.sum() / (len(counts) * np.where(counts > 0, counts, np.inf))
        unknown = [name for name in self.class_weight if name not in classes]
        if unknown and any(name not in self.class_weight for name in classes):
            raise ValueError(
                f"class_weight must have classes of y as keys, which are {classes}, got {unknown}"
            )
        weights = np.array([_float(self.class_weight.get(name, 1)) for name in classes])
        if not np.any(weights[labels] * weight):
            raise ValueError(f"class_weight leaves no row a weight, got {self.class_weight}")
        return weights

    def _gradient_descent(self, objective, stop, theta):
        value, gradient = objective(theta)
        history = [value]
        while len(history) <= self.max_iter and not (self.tol and stop(theta, value, gradient)):
            theta = theta - self.learning_rate * gradient
            value, gradient = objective(theta)
            history.append(value)
            if not np.isfinite(value):
                larger_C = " a larger C," if _float(self.C) < np.inf else ""
                raise ValueError(
                    f"learning_rate is too large: with {self.learning_rate} the loss grows beyond "
                    f"all bounds in {len(history) - 1} steps; choose a smaller one,{larger_C} or "
                    "scale the features"
                )
        return theta, gradient, history

    def _lbfgs(self, objective, stop, theta):
        value, gradient = objective(theta)
        history = [value]
        if stop(theta, value, gradient):
            return theta, gradient, history

        def finite(theta):
            nonlocal gradient
            value, gradient = objective(theta)
            if not np.isfinite(value):
                raise ValueError("X is too large: the logits overflow; scale the features")
            return value, gradient

        def record(intermediate_result):  # the gradient is that of the last point, which was taken
            history.append(intermediate_result.fun)
            if stop(intermediate_result.x, intermediate_result.fun, gradient):
                raise StopIteration

        # The loss is flat around its minimum, so only the gradient says where that is.
        options = {"maxiter": self.max_iter, "maxfun": np.inf, "ftol": 0, "gtol": 0}
        result = minimize(
            finite, theta, method="L-BFGS-B", jac=True, callback=record, options=options
        )
        return result.x, result.jac, history

    def _check_parameters(self):
        if not _float(self.C) > 0:
            raise ValueError(f"C must be above 0 (numpy.inf for no penalty), got {self.C!r}")
        if self.solver not in ("lbfgs", "gd"):
            raise ValueError(f'solver must be "lbfgs" or "gd", got {self.solver!r}')
        if not 0 < _float(self.learning_rate) < np.inf:
            raise ValueError(
                f"learning_rate must be above 0 and finite, got {self.learning_rate!r}"
            )
        if not (isinstance(self.max_iter, Integral) and _float(self.max_iter) > 0):
            raise ValueError(f"max_iter must be a whole number above 0, got {self.max_iter!r}")
        if not 0 <= _float(self.tol) < np.inf:
            raise ValueError(f"tol must be 0 or above, and finite, got {self.tol!r}")
        given = self.class_weight
        if not (given is None or isinstance(given, dict) or repr(given) == "'balanced'"):
            raise ValueError(f'class_weight must be a dict, "balanced" or None, got {given!r}')
        if isinstance(given, dict) and not all(0 <= _float(w) < np.inf for w in given.values()):
            raise ValueError(f"class_weight must hold finite numbers of 0 or above, got {given!r}")

    def _warn_unless_converged(self, largest, found):
        if largest <= self.tol and found:
            return
        what, tolerance = f"above tol={self.tol}", "raise tol"
        if largest <= self.tol:
            what, tolerance = "but with so weak a penalty the weights may be far off", "lower C"
        if self.n_iter_[0] < self.max_iter:
            advice = f"the line search found no smaller loss: scale the features, or {tolerance}"
        elif self.solver == "gd":
            advice = 'raise max_iter, try another learning_rate, or use solver="lbfgs"'
        else:
            advice = "raise max_iter, scale the features, or lower C"
        warnings.warn(
            f"not converged: after {self.n_iter_[0]} steps the largest component of the gradient "
            f"is {largest:.1e}, {what}; {advice}",
            ConvergenceWarning,
            stacklevel=4,
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _float(value):
    """A parameter as a float; what is no real number becomes NaN, which passes no comparison."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return np.nan
    try:
        return float(value)
    except OverflowError:  # of a whole number with hundreds of digits
        return np.inf if value > 0 else -np.inf


def _check_labels(y):
    """In a list of both, numbers would become strings; an array of objects may hold anything."""
    objects = str(getattr(y, "dtype", "")) == "object"
    if objects or isinstance(y, (list, tuple)):
        kinds = {type(label).__name__: isinstance(label, str) for label in y}
        if not all(kinds.values()) and (objects or any(kinds.values())):
            raise ValueError(
                "Unknown label type: y must be numbers only or strings only, got objects of "
                + " and ".join(sorted(kinds))
            )


def _not_finite(X):
    values = X.data if sparse.issparse(X) else X
    if np.isfinite(values).all():
        return ValueError("X is too large: the logits overflow; scale the features")
    return ValueError(
        f"X must hold finite numbers, got {values[~np.isfinite(values)][0]}; "
        "scikit-learn's assume_finite=True let it pass"
    )


def _objective(theta, X, labels, weight, C):
    """Mean cross-entropy and penalty, with the gradient; ``theta[0]`` is b, ``theta[1:]`` is W."""
    z = _logits(theta, X)
    if not np.isfinite(z).all():
        return np.inf, np.full_like(theta, np.nan)
    if theta.ndim == 1:  # two classes
        cross_entropy = sigmoid_binary_cross_entropy_value_and_grad
    else:
        cross_entropy = softmax_cross_entropy_value_and_grad
    value, residual = cross_entropy(z, labels, sample_weight=weight)  # (Q - P) / n
    n = weight.sum()
    penalty = 1 / (C * n)
    if penalty == np.inf:
        name, got = ("C", C) if n >= 1 else ("sample_weight", f"a sum of {n}")
        raise ValueError(f"{name} is too small: the penalty 1 / (2 C n) overflows, got {got}")
    return value + penalty * np.sum(theta[1:] ** 2) / 2, _gradient(theta, X, residual, penalty)


def _logits(theta, X):
    return X @ theta[1:] + theta[:1]


def _gradient(theta, X, residual, penalty):
    """By the weights and biases, from that by the logits."""
    return np.concatenate(
        [residual.sum(axis=0, keepdims=True), X.T @ residual + penalty * theta[1:]]
    )


class _Stop:
    """Ends training where the gradient is small and the weights are close to the best."""

    def __init__(self, tol, close):
        self.goal, self.close, self.found = tol, close, True

    def __call__(self, theta, value, gradient):
        largest = np.abs(gradient).max()
        if largest > self.goal:
            return False
        self.goal = largest / 10  # where to look again
        self.found = self.close(theta, value, gradient)
        return self.found


def _close(theta, value, gradient, X, weight, C, share):
    """Whether the weights miss the best by at most a `share`, or the loss by its last digit.

    The loss curves at least as its penalty does, so that the gradient bounds their distance. Where
    the data curve it more, a Newton step tells the distance; it is found by conjugate gradients.
    """
    penalty = 1 / (C * weight.sum())
    enough = share * np.linalg.norm(theta[1:])
    if penalty == 0 or np.linalg.norm(gradient[1:]) <= penalty * enough:
        return True
    q = softmax(_logits(theta, X)) if theta.ndim == 2 else sigmoid(_logits(theta, X))
    counts = (weight / weight.sum()).reshape(-1, *[1] * (theta.ndim - 1))

    def curvature(direction):
        """The second derivatives of the loss, times a direction."""
        direction = direction.reshape(theta.shape)
        rise = q * _logits(direction, X)
        rise -= q * (rise.sum(axis=-1, keepdims=True) if theta.ndim == 2 else rise)
        return _gradient(direction, X, counts * rise, penalty).ravel()

    flat = gradient.ravel()
    rest = max(penalty * enough / np.linalg.norm(flat), 1e-8)
    step, unfinished = cg(
        LinearOperator((flat.size, flat.size), curvature), flat, rtol=rest, maxiter=100
    )
    short = np.linalg.norm(step.reshape(theta.shape)[1:]) <= enough
    gain = flat @ step / 2
    return not unfinished and bool(short or gain <= np.finfo(float).eps * value)
