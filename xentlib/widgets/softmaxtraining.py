"""Softmax regression, trained by gradient descent on real data with two features."""

import math
from functools import cache

import numpy as np
import traitlets

from xentlib import plots
from xentlib.losses import softmax_cross_entropy, softmax_cross_entropy_value_and_grad
from xentlib.widgets.base import Figure, Names, Numbers, at_least_0

SLOWEST, FASTEST = 0.01, 20  # learning rates
HUGE = 1e100  # of which the products are finite


@cache
def _iris():
    from sklearn.datasets import load_iris  # slow to load, and only the default data need it

    iris = load_iris()
    return iris.data[:, 2:].tolist(), iris.target.tolist()


class SoftmaxTraining(Figure):
    """Train softmax regression on two features and three classes, and watch its regions and loss.

    The logits are linear in the features, z = x W + b, where the features are standardised: mean
    0 and standard deviation 1. A step of gradient descent uses all points and subtracts
    `learning_rate` times the gradient of the mean loss, Xᵀ(Q − P)/n. All weights start at 0, where
    every class has the probability 1/3 and the loss is ln 3.

    Attributes
    ----------
    X : tuple of tuple of float
        Two features a point. The default is the petals of the 150 irises of scikit-learn.
    labels : tuple of int
        Index of the class of each point.
    names, features : tuple of str
        Names of the three classes and of the two features.
    learning_rate : float
        From 0.01 to 20.
    weights : tuple of tuple of float
        Three rows of one number a class: the weights of the two features, and the bias b.
    history : tuple of float
        The loss in nats at the start and after every step. New data start the training again from
        weights 0; new weights start a new history.

    Examples
    --------
    >>> figure = SoftmaxTraining()
    >>> figure
    SoftmaxTraining: step 0, learning rate 0.5: loss 1.0986 nats, 50 of 150 right
    >>> figure.step(100)
    >>> figure
    SoftmaxTraining: step 100, learning rate 0.5: loss 0.1831 nats, 143 of 150 right

    Taught in chapter 8.
    """

    X = Numbers((None, 2), low=-HUGE, high=HUGE).tag(sync=True)
    labels = Numbers((None,), low=0, high=2, whole=True).tag(sync=True)
    names = Names(["setosa", "versicolor", "virginica"]).tag(sync=True)
    features = Names(["petal length, cm", "petal width, cm"]).tag(sync=True)
    learning_rate = Numbers((), 0.5, low=SLOWEST, high=FASTEST).tag(sync=True)
    weights = Numbers((3, 3), np.zeros((3, 3)).tolist(), low=-HUGE, high=HUGE).tag(sync=True)
    history = Numbers((None,), [math.log(3)]).tag(sync=True)

    @traitlets.default("X")
    def _default_points(self):
        return _iris()[0]

    @traitlets.default("labels")
    def _default_labels(self):
        return _iris()[1]

    @traitlets.validate("X", "labels")
    def _check_data(self, proposal):
        value = proposal["value"]
        X, labels = (
            value if proposal["trait"].name == name else getattr(self, name)
            for name in ("X", "labels")
        )
        if len(X) != len(labels):
            raise traitlets.TraitError(
                f"SoftmaxTraining.X and labels must have one length, got {len(X)}, {len(labels)}"
            )
        if not np.all((np.ptp(X, axis=0) > 0) & (np.std(X, axis=0) > 0)):  # which may round to 0
            raise traitlets.TraitError("SoftmaxTraining.X must hold two features that vary")
        return value

    @traitlets.observe("X", "labels", "weights", "history")
    def _agree(self, change):
        """Whatever changes, the history ends with the present loss, which the picture states."""
        if math.isclose(self.history[-1], self.loss, rel_tol=1e-9, abs_tol=1e-9):
            return
        if change["name"] in ("X", "labels") and len(self.history) > 1:
            self.reset()
        else:
            self.history = [self.loss]

    @property
    def inputs(self):
        """The standardised features and a column of ones for the bias."""
        X = np.array(self.X)
        Z = (X - X.mean(axis=0)) / X.std(axis=0)
        return np.column_stack([Z, np.ones(len(Z))])

    @property
    def loss(self):
        """The mean loss in nats with the present weights."""
        return float(softmax_cross_entropy(self.inputs @ self.weights, self.labels))

    @property
    def gradient(self):
        """The gradient of the mean loss by the weights, in the weights' shape."""
        inputs = self.inputs
        _, errors = softmax_cross_entropy_value_and_grad(inputs @ self.weights, self.labels)
        return (inputs.T @ errors).tolist()

    @property
    def right(self):
        """How many points have the largest probability at their true class."""
        logits = self.inputs @ self.weights
        return int(np.sum(logits.argmax(axis=-1) == self.labels))

    def step(self, n=1):
        """Take `n` steps of gradient descent."""
        inputs, labels = self.inputs, np.array(self.labels)
        weights, history = np.array(self.weights), [*self.history]
        _, errors = softmax_cross_entropy_value_and_grad(inputs @ weights, labels)
        for _ in range(at_least_0(n)):
            weights = weights - self.learning_rate * inputs.T @ errors
            loss, errors = softmax_cross_entropy_value_and_grad(inputs @ weights, labels)
            history.append(float(loss))
        self._set(weights, history)

    def reset(self):
        """Go back to the start: all weights 0, loss ln 3."""
        self._set(np.zeros((3, 3)), [math.log(3)])

    def _set(self, weights, history):
        with self.hold_sync(), self.hold_trait_notifications():
            self.weights, self.history = weights, history

    def _summary(self):
        return (
            f"step {len(self.history) - 1}, learning rate {self.learning_rate:g}: "
            f"loss {self.loss:.4f} nats, {self.right} of {len(self.labels)} right"
        )

    def _static(self):
        return plots.softmax_training(
            self.X, self.labels, self.weights, self.history, self.names, self.features
        )
