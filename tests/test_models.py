"""Softmax regression against scikit-learn's own checks and model, and laws of the optimum."""

import inspect
import pickle
import re
import warnings
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from scipy.optimize import approx_fprime
from scipy.special import softmax
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from xentlib import softmax_cross_entropy
from xentlib.models import SoftmaxRegression, _close, _objective

solvers = pytest.mark.parametrize("solver", ["lbfgs", "gd"])
# At the optimum a loss can be told from a smaller one only while they differ by 1e-16, so that
# the smallest gradient that can be reached depends a little on how the machine rounds.
as_exact_as_float64_allows = pytest.mark.filterwarnings("ignore:not converged:Warning")


def digits():
    X, y = load_digits(return_X_y=True)
    return X[:1200] / 16, y[:1200], X[1200:] / 16, y[1200:]


def noisy(n_classes, n=60, d=3, seed=0):
    """Classes that overlap, so that the best weights are finite even without a penalty."""
    rng = np.random.default_rng(seed)
    y = np.r_[np.arange(n_classes), rng.integers(0, n_classes, n - n_classes)]
    return rng.normal(size=(n, d)) + 0.3 * y[:, np.newaxis], y


def parameters(model):
    """Weights and biases; those of three and more classes count only up to a common shift."""
    theta = np.column_stack([model.coef_, model.intercept_])
    return theta if len(theta) == 1 else theta - theta.mean(axis=0)


def objective(model, X, y, sample_weight=None):
    """What is minimised, from scikit-learn's log loss."""
    n = len(y) if sample_weight is None else np.sum(sample_weight)
    mean = log_loss(y, model.predict_proba(X), sample_weight=sample_weight)
    return mean + np.sum(model.coef_**2) / (2 * model.C * n)


@pytest.mark.filterwarnings("ignore:not converged:Warning")  # of gradient descent
@solvers
def test_scikit_learn_accepts_it_as_a_classifier(solver):
    check_estimator(SoftmaxRegression(solver=solver), on_skip=None)


# --- Known values: the digits ---------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:not converged:Warning")
def test_gradient_descent_on_the_digits_has_the_losses_of_the_book():
    X, y, *_ = digits()
    model = SoftmaxRegression(C=np.inf, solver="gd", max_iter=100, tol=0).fit(X, y)
    losses = model.loss_history_[[0, 1, 10, 100]]
    np.testing.assert_allclose(losses, [2.302585, 2.203793, 1.523745, 0.373519], atol=5e-7)
    assert model.loss_history_.shape == (101,)
    np.testing.assert_array_equal(model.n_iter_, [100])


@cache
def best_model_of_the_digits():
    X, y, *_ = digits()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "not converged")  # as_exact_as_float64_allows
        return SoftmaxRegression(C=1, tol=1e-10).fit(X, y)


def test_the_best_model_of_the_digits_is_that_of_scikit_learn():
    X, y, X_test, y_test = digits()
    model = best_model_of_the_digits()
    same = LogisticRegression(C=1, solver="newton-cg", tol=1e-12, max_iter=1000).fit(X, y)
    np.testing.assert_allclose(
        model.coef_ - model.coef_.mean(axis=0), same.coef_ - same.coef_.mean(axis=0), atol=1e-6
    )
    np.testing.assert_allclose(parameters(model), parameters(same), atol=1e-5)
    np.testing.assert_allclose(model.predict_proba(X_test), same.predict_proba(X_test), atol=1e-6)
    assert log_loss(y, model.predict_proba(X)) == pytest.approx(0.100975, abs=5e-7)
    assert log_loss(y_test, model.predict_proba(X_test)) == pytest.approx(0.309232, abs=5e-7)
    assert model.score(X_test, y_test) == pytest.approx(0.921273, abs=5e-7)


def test_digit_1772_is_a_nine_and_a_little_like_an_eight():
    X, y = load_digits(return_X_y=True)
    q = best_model_of_the_digits().predict_proba(X[[1772]] / 16)[0]
    assert y[1772] == q.argmax() == 9
    assert q[9] == pytest.approx(0.836094, abs=5e-7)
    assert q[8] == pytest.approx(0.044684, abs=5e-7)


# --- scikit-learn's LogisticRegression ------------------------------------------------------------


@as_exact_as_float64_allows
@pytest.mark.parametrize("n_classes", [2, 3, 5])
@pytest.mark.parametrize("C", [0.01, 1, 100, np.inf])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_best_model_is_that_of_scikit_learn(n_classes, C, weighted):
    X, y = noisy(n_classes)
    weight = np.random.default_rng(1).uniform(0, 3, len(y)) if weighted else None
    model = SoftmaxRegression(C=C, tol=1e-10).fit(X, y, weight)
    same = LogisticRegression(C=C, solver="newton-cg", tol=1e-12, max_iter=1000)
    same.fit(X, y, weight)
    assert model.coef_.shape == same.coef_.shape
    assert model.intercept_.shape == same.intercept_.shape
    assert model.n_iter_.shape == same.n_iter_.shape
    np.testing.assert_allclose(parameters(model), parameters(same), atol=1e-6)


def test_two_classes_are_described_by_the_logit_of_the_second_as_in_scikit_learn():
    X, y = load_breast_cancer(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    model = SoftmaxRegression(tol=1e-8).fit(X, y)
    same = LogisticRegression(solver="newton-cg", tol=1e-12, max_iter=1000).fit(X, y)
    assert model.coef_.shape == (1, 30)
    assert model.intercept_.shape == (1,)
    z = model.decision_function(X)
    assert z.shape == (569,)
    np.testing.assert_allclose(z, same.decision_function(X), atol=1e-4)
    np.testing.assert_allclose(model.predict_proba(X), same.predict_proba(X), atol=1e-6)
    np.testing.assert_array_equal(model.predict(X), model.classes_[(z > 0).astype(int)])
    assert model.loss_history_[0] == pytest.approx(np.log(2), rel=1e-15)


# --- The objective --------------------------------------------------------------------------------


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("C", [0.1, np.inf])
def test_the_gradient_is_that_of_finite_differences(n_classes, C):
    X, y = noisy(n_classes)
    rng = np.random.default_rng(2)
    weight = rng.uniform(0, 3, len(y))
    theta = rng.normal(size=(4,) if n_classes == 2 else (4, n_classes))

    def value(flat):
        return _objective(flat.reshape(theta.shape), X, y, weight, C)[0]

    _, gradient = _objective(theta, X, y, weight, C)
    assert gradient.shape == theta.shape
    numeric = approx_fprime(theta.ravel(), value)
    np.testing.assert_allclose(gradient.ravel(), numeric, atol=1e-6)


def test_the_first_step_follows_the_features_times_the_error():
    X, y = noisy(3)
    with pytest.warns(ConvergenceWarning):
        model = SoftmaxRegression(solver="gd", learning_rate=0.2, max_iter=1).fit(X, y)
    P, Q = np.eye(3)[y], np.full((len(y), 3), 1 / 3)
    np.testing.assert_allclose(model.coef_.T, -0.2 * X.T @ (Q - P) / len(y), atol=1e-15)
    np.testing.assert_allclose(model.intercept_, -0.2 * (Q - P).mean(axis=0), atol=1e-15)


@pytest.mark.filterwarnings("ignore:not converged:Warning")
@solvers
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("C", [0.1, np.inf])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_history_runs_from_log_k_to_the_loss_of_the_final_weights(
    solver, n_classes, C, weighted
):
    X, y = noisy(n_classes)
    weight = np.random.default_rng(3).uniform(0, 3, len(y)) if weighted else None
    for max_iter in 1, 4:
        model = SoftmaxRegression(C=C, solver=solver, max_iter=max_iter).fit(X, y, weight)
        assert model.loss_history_.shape == (max_iter + 1,) == (model.n_iter_[0] + 1,)
        assert model.loss_history_[0] == pytest.approx(np.log(n_classes), rel=1e-14)
        assert model.loss_history_[-1] == pytest.approx(objective(model, X, y, weight), rel=1e-12)


@st.composite
def problems(draw):
    n_classes = draw(st.integers(2, 4))
    X, y = noisy(n_classes, draw(st.integers(n_classes, 20)), 2, draw(st.integers(0, 10**6)))
    return X, y, draw(st.sampled_from([0.1, 1, 10]))


@pytest.mark.filterwarnings("ignore:not converged:Warning")
@given(problems())
def test_with_a_small_learning_rate_no_step_makes_the_loss_larger(problem):
    X, y, C = problem
    features = np.column_stack([np.ones(len(y)), X])
    curvature = np.linalg.norm(features, 2) ** 2 / (2 * len(y)) + 1 / (C * len(y))  # at most
    model = SoftmaxRegression(C=C, solver="gd", learning_rate=1 / curvature, max_iter=50)
    history = model.fit(X, y).loss_history_
    assert np.all(np.diff(history) <= 1e-15)
    assert history[-1] < history[0]


@given(problems())
def test_the_mean_prediction_is_the_class_frequency(problem):
    """The biases bear no penalty, so their gradient, the mean of Q - P, is 0."""
    X, y, C = problem
    model = SoftmaxRegression(C=C).fit(X, y)
    frequency = np.bincount(y) / len(y)
    np.testing.assert_allclose(model.predict_proba(X).mean(axis=0), frequency, atol=1e-6)


@given(problems())
def test_the_weights_of_each_feature_sum_to_0_over_three_or_more_classes(problem):
    X, y, C = problem
    model = SoftmaxRegression(C=C).fit(X, y)
    if len(model.classes_) > 2:
        np.testing.assert_allclose(model.coef_.sum(axis=0), 0, atol=1e-10)
        np.testing.assert_allclose(model.intercept_.sum(), 0, atol=1e-10)


@as_exact_as_float64_allows
@pytest.mark.parametrize("n_classes", [2, 3])
def test_both_solvers_find_the_same_model(n_classes):
    X, y = noisy(n_classes)
    lbfgs = SoftmaxRegression(tol=1e-9).fit(X, y)
    gd = SoftmaxRegression(solver="gd", max_iter=10_000, tol=1e-9).fit(X, y)
    np.testing.assert_allclose(gd.coef_, lbfgs.coef_, atol=1e-6)
    np.testing.assert_allclose(gd.intercept_, lbfgs.intercept_, atol=1e-6)
    assert gd.loss_history_[-1] == pytest.approx(lbfgs.loss_history_[-1], rel=1e-12)


# --- Weights of rows ------------------------------------------------------------------------------


@as_exact_as_float64_allows
@solvers
@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_weight_says_how_often_a_row_counts(solver, n_classes):
    X, y = noisy(n_classes)
    times = np.random.default_rng(4).integers(0, 4, len(y))
    times[:n_classes] = 1, *times[1:n_classes] + 1  # every class is there
    model = SoftmaxRegression(solver=solver, max_iter=10_000, tol=1e-9)
    weighted = clone(model).fit(X, y, sample_weight=times)
    repeated = clone(model).fit(np.repeat(X, times, axis=0), np.repeat(y, times))
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, atol=1e-6)
    np.testing.assert_allclose(weighted.intercept_, repeated.intercept_, atol=1e-6)
    np.testing.assert_allclose(
        weighted.loss_history_[[0, -1]], repeated.loss_history_[[0, -1]], rtol=1e-12
    )


def test_equal_weights_only_weaken_the_penalty():
    X, y = noisy(3)
    plain = SoftmaxRegression(C=2).fit(X, y)
    doubled = SoftmaxRegression(C=1).fit(X, y, sample_weight=np.full(len(y), 2))
    np.testing.assert_allclose(doubled.coef_, plain.coef_, atol=1e-12)
    free = SoftmaxRegression(C=np.inf)
    np.testing.assert_allclose(
        clone(free).fit(X, y, np.full(len(y), 2)).coef_, clone(free).fit(X, y).coef_, atol=1e-12
    )


@as_exact_as_float64_allows
@solvers
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("weighted", [False, True])
def test_balanced_classes_count_alike(solver, n_classes, weighted):
    """As weights of rows do that make the mean prediction the same for every class."""
    X, y = noisy(n_classes)
    y[y == 0] = np.random.default_rng(5).choice([0, 1], np.sum(y == 0))
    given = np.random.default_rng(6).integers(1, 4, len(y)) if weighted else np.ones(len(y))
    counts = np.bincount(y, given)
    weight = given * (given.sum() / (n_classes * counts))[y]
    model = SoftmaxRegression(solver=solver, max_iter=20_000, tol=1e-9)
    balanced = clone(model).set_params(class_weight="balanced").fit(X, y, given)
    same = clone(model).fit(X, y, weight)
    np.testing.assert_allclose(parameters(balanced), parameters(same), atol=1e-8)
    assert weight.sum() == pytest.approx(given.sum())
    mean = np.average(balanced.predict_proba(X), axis=0, weights=weight)
    np.testing.assert_allclose(mean, 1 / n_classes, atol=1e-7)


@as_exact_as_float64_allows
@pytest.mark.parametrize("class_weight", ["balanced", {0: 3, 1: 0.5}, {2: 2.5}, {}, None], ids=str)
def test_weights_of_classes_are_those_of_scikit_learn(class_weight):
    X, y = noisy(3)
    model = SoftmaxRegression(C=2, tol=1e-10, class_weight=class_weight).fit(X, y)
    same = LogisticRegression(C=2, solver="newton-cg", tol=1e-12, class_weight=class_weight)
    np.testing.assert_allclose(parameters(model), parameters(same.fit(X, y)), atol=1e-6)


def test_weights_of_classes_are_weights_of_their_rows_whatever_their_names():
    X, y = noisy(3)
    names = np.array(["0", "1", "2"])[y]
    weights = {"0": 2, "1": 1, "2": 0.25}
    model = SoftmaxRegression(class_weight=weights).fit(X, names)
    same = SoftmaxRegression().fit(X, names, [weights[name] for name in names])
    np.testing.assert_array_equal(model.coef_, same.coef_)


def test_a_balanced_class_without_any_weight_counts_for_nothing():
    X, y = noisy(3)
    weight = np.where(y == 2, 0, 1)
    model = SoftmaxRegression(class_weight="balanced").fit(X, y, weight)
    mean = np.average(model.predict_proba(X)[y < 2], axis=0, weights=1 / np.bincount(y)[y[y < 2]])
    np.testing.assert_allclose(mean, [0.5, 0.5, 0], atol=1e-4)


@pytest.mark.parametrize(
    ("class_weight", "message"),
    [
        ({0: -1}, "class_weight must hold finite numbers of 0 or above, got {0: -1}"),
        ({0: np.inf}, "class_weight must hold finite numbers of 0 or above"),
        ({0: "2"}, "class_weight must hold finite numbers of 0 or above"),
        ({"setosa": 2}, "keys, which are [0, 1, 2], got ['setosa']"),
        ({0: 0, 1: 0, 2: 0}, "class_weight leaves no row a weight"),
    ],
    ids=str,
)
def test_bad_weights_of_classes_are_refused(class_weight, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        SoftmaxRegression(class_weight=class_weight).fit(*noisy(3))


# --- Predictions ----------------------------------------------------------------------------------


@pytest.mark.parametrize("n_classes", [2, 3])
def test_predictions_all_follow_from_the_logits(n_classes):
    X, y = noisy(n_classes)
    model = SoftmaxRegression().fit(X, y)
    z = model.decision_function(X)
    q = softmax(np.column_stack([0 * z, z]) if n_classes == 2 else z, axis=1)
    np.testing.assert_allclose(model.predict_proba(X), q, rtol=1e-12)
    np.testing.assert_allclose(model.predict_log_proba(X), np.log(q), rtol=1e-10)
    np.testing.assert_array_equal(model.predict(X), q.argmax(axis=1))
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1, rtol=1e-14)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_weights_are_contiguous_and_log_probabilities_keep_their_digits(n_classes):
    X, y = noisy(n_classes)
    model = SoftmaxRegression().fit(X, y)
    assert model.coef_.flags.c_contiguous
    far = 100 * X
    best = model.predict(far)
    sure = model.predict_log_proba(far)[np.arange(len(y)), best]
    others = [softmax_cross_entropy(z, k) for z, k in zip(model._logits(far), best, strict=True)]
    assert 0 < np.min(others) < 1e-17
    np.testing.assert_allclose(-sure, others, rtol=1e-14)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_log_of_a_probability_too_small_for_a_float_is_finite(n_classes):
    X, y = noisy(n_classes)
    model = SoftmaxRegression().fit(X, y)
    far = 1e5 * X
    assert (model.predict_proba(far) == 0).any()
    log_q = model.predict_log_proba(far)
    assert np.isfinite(log_q).all()
    z = np.reshape(model.decision_function(far), (len(y), -1))
    z = z if n_classes > 2 else np.column_stack([0 * z, z])
    np.testing.assert_allclose(log_q[:, 0] - log_q[:, 1], z[:, 0] - z[:, 1], rtol=1e-12)


@solvers
def test_the_names_of_the_classes_play_no_role(solver):
    X, y = noisy(3)
    model = SoftmaxRegression(solver=solver, max_iter=5000)
    numbers = clone(model).fit(X, y)
    for names in (
        np.array(["bird", "cat", "dog"]),
        np.array(["bird", "cat", "dog"], object),
        np.array([-7, 2, 40]),
    ):
        named = clone(model).fit(X, names[y])
        np.testing.assert_array_equal(named.classes_, names)
        np.testing.assert_array_equal(named.predict(X), names[numbers.predict(X)])
        np.testing.assert_array_equal(named.coef_, numbers.coef_)
        assert named.score(X, names[y]) == numbers.score(X, y)


@solvers
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize(
    "kind", [sparse.csr_array, sparse.csc_array, sparse.coo_array, sparse.csr_matrix]
)
def test_sparse_features_give_the_same_model(solver, n_classes, kind):
    X, y = noisy(n_classes)
    X[abs(X) < 0.5] = 0
    model = SoftmaxRegression(solver=solver, max_iter=5000)
    dense, thin = clone(model).fit(X, y), clone(model).fit(kind(X), y)
    np.testing.assert_allclose(thin.coef_, dense.coef_, atol=1e-6)
    np.testing.assert_allclose(thin.predict_proba(kind(X)), dense.predict_proba(X), atol=1e-6)


def test_float32_features_are_computed_in_float64():
    X, y = noisy(3)
    X = X.astype(np.float32)
    single, double = (SoftmaxRegression().fit(x, y) for x in (X, X.astype(float)))
    np.testing.assert_array_equal(single.coef_, double.coef_)
    assert single.predict_proba(X).dtype == np.float64


# --- With the rest of scikit-learn ----------------------------------------------------------------


def test_it_works_in_pipelines_cross_validation_and_grid_search():
    X, y = load_wine(return_X_y=True)
    model = make_pipeline(StandardScaler(), SoftmaxRegression())
    same = make_pipeline(StandardScaler(), LogisticRegression(tol=1e-8))
    scores = cross_val_score(model, X, y)
    np.testing.assert_allclose(scores, cross_val_score(same, X, y))
    assert scores.mean() > 0.95
    grid = {"softmaxregression__C": [0.001, 0.1, 10]}
    search = GridSearchCV(model, grid, scoring="neg_log_loss", cv=3).fit(X, y)
    grid = {"logisticregression__C": [0.001, 0.1, 10]}
    expected = GridSearchCV(same, grid, scoring="neg_log_loss", cv=3).fit(X, y)
    np.testing.assert_allclose(
        search.cv_results_["mean_test_score"], expected.cv_results_["mean_test_score"], rtol=1e-3
    )
    assert search.best_index_ == expected.best_index_


@solvers
def test_a_second_fit_forgets_the_first(solver):
    X, y = noisy(3)
    model = SoftmaxRegression(solver=solver, max_iter=5000)
    once = clone(model).fit(X, y)
    again = clone(model).fit(X[:, :2], y > 0).fit(X, y)
    for name in ("classes_", "coef_", "intercept_", "loss_history_", "n_iter_"):
        np.testing.assert_array_equal(getattr(again, name), getattr(once, name))


def test_clones_and_pickles_are_the_same_model():
    X, y = noisy(3)
    settings = {
        "C": 3,
        "solver": "gd",
        "learning_rate": 0.25,
        "max_iter": 7000,
        "tol": 1e-5,
        "class_weight": {0: 2},
    }
    model = SoftmaxRegression(**settings)
    assert model.get_params() == clone(model).get_params() == settings
    model.fit(X, y)
    copy = pickle.loads(pickle.dumps(model))
    assert copy.get_params() == settings
    np.testing.assert_array_equal(copy.predict_proba(X), model.predict_proba(X))
    np.testing.assert_array_equal(copy.loss_history_, model.loss_history_)


def test_names_of_features_are_kept_and_compared():
    pandas = pytest.importorskip("pandas")
    X, y = noisy(3)
    table = pandas.DataFrame(X, columns=["a", "b", "c"])
    model = SoftmaxRegression().fit(table, y)
    assert list(model.feature_names_in_) == ["a", "b", "c"]
    assert model.n_features_in_ == 3
    np.testing.assert_allclose(model.coef_, SoftmaxRegression().fit(X, y).coef_, rtol=1e-10)
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(table[["c", "b", "a"]])


def test_input_is_left_as_it_was():
    X, y = noisy(3)
    weight = np.arange(len(y), dtype=float)
    before = X.copy(), y.copy(), weight.copy()
    SoftmaxRegression().fit(X, y, weight).predict_proba(X)
    for now, then in zip((X, y, weight), before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_the_docstring_tells_all_parameters_and_attributes():
    parts = re.split(r"^(\w+)\n-+\n", inspect.getdoc(SoftmaxRegression), flags=re.MULTILINE)
    told = dict(zip(parts[1::2], parts[2::2], strict=True))
    assert list(told) == ["Parameters", "Attributes", "Notes", "Examples"]
    names = {key: re.findall(r"^(\w+) : ", told[key], re.MULTILINE) for key in told}
    assert names["Parameters"] == list(inspect.signature(SoftmaxRegression).parameters)
    model = SoftmaxRegression().fit(*noisy(3))
    learnt = {name for name in vars(model) if name.endswith("_")}
    assert learnt | {"feature_names_in_"} == set(names["Attributes"])


# --- When to stop ---------------------------------------------------------------------------------


def test_gradient_descent_stops_at_the_first_gradient_below_tol():
    X, y = noisy(3)
    tol = 1e-3
    model = SoftmaxRegression(solver="gd", tol=tol).fit(X, y)
    steps = model.n_iter_[0]
    assert 1 < steps < model.max_iter

    def largest(model):
        theta = np.vstack([model.intercept_, model.coef_.T])
        return abs(_objective(theta, X, y, np.ones(len(y)), model.C)[1]).max()

    assert largest(model) < tol
    with pytest.warns(ConvergenceWarning):
        before = clone(model).set_params(max_iter=int(steps) - 1).fit(X, y)
    assert largest(before) >= tol


@solvers
def test_stopping_too_early_is_said_with_what_to_do(solver):
    X, y = noisy(3)
    message = r"not converged: after 2 steps the .* is .*, above tol=1e-06; raise max_iter,"
    with pytest.warns(ConvergenceWarning, match=message) as record:
        SoftmaxRegression(solver=solver, max_iter=2).fit(X, y)
    assert len(record) == 1
    assert record[0].filename == __file__


def test_gradient_descent_without_tol_takes_all_its_steps():
    X, y = np.zeros((4, 1)), [0, 0, 1, 1]  # nothing to learn: the gradient is 0 at once
    model = SoftmaxRegression(solver="gd", max_iter=5, tol=0).fit(X, y)
    np.testing.assert_allclose(model.loss_history_, np.full(6, np.log(2)))
    assert SoftmaxRegression(solver="gd", max_iter=5).fit(X, y).n_iter_ == 0


NO_SMALLER_LOSS = "the line search found no smaller loss: scale the features, or raise tol$"


def test_a_tol_below_what_float64_can_tell_is_said():
    X, y = noisy(3)
    with pytest.warns(ConvergenceWarning, match=NO_SMALLER_LOSS):
        model = SoftmaxRegression(tol=0).fit(X, y)
    assert model.n_iter_ < model.max_iter


def test_a_line_search_that_fails_far_from_the_optimum_is_said():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 3)), rng.integers(0, 3, 60)
    with pytest.warns(ConvergenceWarning, match=NO_SMALLER_LOSS):
        shifted = SoftmaxRegression(C=np.inf).fit(X + 1e4, y)
    scaled = SoftmaxRegression(C=np.inf).fit(StandardScaler().fit_transform(X + 1e4), y)
    assert shifted.loss_history_[-1] > scaled.loss_history_[-1] + 0.01


def weights_and_warnings(C, X, y, **settings):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = SoftmaxRegression(C=C, **settings).fit(X, y)
    return parameters(model)[:, :-1], [str(warning.message) for warning in caught]


@pytest.mark.parametrize("C", [1e4, 1e6, 1e8, 1e9])
@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_weights_held_back_by_a_weak_penalty_only_are_right_to_1_percent_or_it_is_said(
    C, scaled, n_classes
):
    """Two irises can be separated, three hardly: a small gradient is not enough to stop at."""
    X, y = load_iris(return_X_y=True)
    X, y = X[y < n_classes], y[y < n_classes]
    X = StandardScaler().fit_transform(X) if scaled else X
    best = LogisticRegression(C=C, solver="newton-cg", tol=1e-14, max_iter=10_000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what float64 allows
        best = parameters(best.fit(X, y))[:, :-1]
    weights, said = weights_and_warnings(C, X, y)
    error = np.linalg.norm(weights - best) / np.linalg.norm(best)
    # The 1 percent is an estimate, and which step is the last hangs on rounding.
    assert error < 0.015 or "with so weak a penalty the weights may be far off" in said[0]
    if scaled and C <= 1e6:
        assert not said
    if C == 1e6:
        weights, said = weights_and_warnings(C, X, y, max_iter=10_000)
        assert not said
        np.testing.assert_allclose(weights, best, atol=0.015 * np.linalg.norm(best))


@pytest.mark.parametrize("C", [1, 1e4, 1e8, 1e12, 1e100, 1e300, np.inf])
def test_weights_that_the_data_hold_back_need_no_penalty_to_be_right(C):
    X, y = noisy(3, n=300)
    weights, said = weights_and_warnings(C, X, y)
    best = LogisticRegression(C=C, solver="newton-cg", tol=1e-12, max_iter=1000).fit(X, y)
    assert not said
    np.testing.assert_allclose(weights, parameters(best)[:, :-1], rtol=1e-3, atol=1e-4)


@as_exact_as_float64_allows
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
def test_a_newton_step_tells_how_far_the_best_weights_are(n_classes, kind):
    X, y = noisy(n_classes)
    weight = np.random.default_rng(3).uniform(0, 3, len(y))
    C = 100
    best = SoftmaxRegression(C=C, tol=1e-9).fit(X, y, weight)
    theta = np.vstack([best.intercept_, best.coef_.T])
    theta = theta[:, 0] if n_classes == 2 else theta
    direction = np.random.default_rng(4).normal(size=theta.shape)
    direction *= np.linalg.norm(theta[1:]) / np.linalg.norm(direction[1:])
    X = kind(X)
    for missing in 0.0005, 0.002:
        near = theta + missing * direction
        value, gradient = _objective(near, X, y, weight, C)
        assert _close(near, value, gradient, X, weight, C, 0.001) == (missing < 0.001)


@pytest.mark.parametrize("C", [1, 1000])
@pytest.mark.parametrize("X", [np.zeros((9, 2)), np.ones((9, 2)), np.eye(9)[:, [0, 0]]], ids=str)
def test_features_that_teach_nothing_are_no_reason_to_go_on(C, X):
    weights, said = weights_and_warnings(C, X, [0, 1, 1, 2, 2, 2, 2, 0, 2])
    assert not said
    assert np.abs(weights[:, 0] - weights[:, 1]).max() < 1e-6


# --- Errors ---------------------------------------------------------------------------------------

BAD_PARAMETERS = {
    "C": (
        [0, -1, np.nan, -np.inf, "1", None, True, -(10**400)],
        "C must be above 0 (numpy.inf for no penalty)",
    ),
    "solver": (["newton", None, "GD"], 'solver must be "lbfgs" or "gd"'),
    "learning_rate": (
        [0, -0.5, np.nan, np.inf, "auto", True, 10**400],
        "learning_rate must be above 0 and finite",
    ),
    "max_iter": ([0, -1, 10.0, None, True], "max_iter must be a whole number above 0"),
    "tol": ([-1e-9, np.nan, np.inf, None, False, 10**400], "tol must be 0 or above, and finite"),
    "class_weight": (
        ["equal", [1, 2], 1, True, ("balanced",)],
        'class_weight must be a dict, "balanced" or None',
    ),
}


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [(name, v, message) for name, (values, message) in BAD_PARAMETERS.items() for v in values],
    ids=lambda value: repr(value)[:20],
)
def test_a_bad_parameter_is_named_when_fitting(name, value, message):
    X, y = noisy(2)
    model = SoftmaxRegression(**{name: value})
    with pytest.raises(ValueError, match="^" + re.escape(f"{message}, got {value!r}") + "$"):
        model.fit(X, y)


@pytest.mark.parametrize(("y", "only"), [(["a", "a"], "'a'"), ([0, 0], "0"), ([True] * 2, "True")])
def test_one_class_is_too_few(y, only):
    message = f"^y must hold at least 2 classes, got one class only: {only}$"
    with pytest.raises(ValueError, match=message):
        SoftmaxRegression().fit([[1], [2]], y)


@pytest.mark.parametrize(
    ("y", "kinds"),
    [
        ([1, "1", 2], "int and str"),
        (("a", True, "b"), "bool and str"),
        (np.array([1, "a", 2], object), "int and str"),
        (np.array(["a", 1, 2], object), "int and str"),
        (np.array([None, 1, 2], object), "NoneType and int"),
        (np.array([0, 1, 1], object), "int"),
    ],
    ids=str,
)
def test_labels_of_several_kinds_are_refused(y, kinds):
    """In an array a number beside a string would become a string."""
    message = f"y must be numbers only or strings only, got objects of {kinds}$"
    with pytest.raises(ValueError, match=message):
        SoftmaxRegression().fit([[1], [2], [3]], y)


@pytest.mark.parametrize("weight", [[1, -1, 1], [0, 0, 0], [1, 2], [1, np.nan, 1]], ids=str)
def test_bad_sample_weights_are_refused(weight):
    with pytest.raises(ValueError, match=r"(?i)sample.weight"):
        SoftmaxRegression().fit([[1], [2], [3]], [0, 1, 1], sample_weight=weight)


def test_numbers_to_predict_are_no_classes():
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        SoftmaxRegression().fit([[1], [2], [3]], [0.5, 1.5, 2.25])


def test_a_penalty_too_weak_for_a_float_is_none():
    X, y = noisy(3)
    huge, free = (SoftmaxRegression(C=C).fit(X, y) for C in (10**400, np.inf))
    np.testing.assert_array_equal(huge.coef_, free.coef_)


too_large = pytest.mark.parametrize(
    ("settings", "scale"),
    [({"C": 0.001}, 1), ({"learning_rate": 1e308}, 10), ({}, 1e200), ({}, 1e306)],
    ids=str,
)


@too_large
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
def test_a_loss_that_grows_beyond_all_bounds_is_blamed_on_the_learning_rate(
    n_classes, settings, scale, kind
):
    X, y = noisy(n_classes)
    X[0] = 0
    model = SoftmaxRegression(solver="gd", **settings)
    advice = "choose a smaller one, a larger C, or scale the features$"
    message = f"^learning_rate is too large: with {re.escape(str(model.learning_rate))} the loss"
    with pytest.raises(ValueError, match=f"{message} .*; {advice}"):
        model.fit(kind(scale * X), y)


def test_without_a_penalty_a_larger_C_is_no_advice():
    X, y = noisy(3)
    model = SoftmaxRegression(C=np.inf, solver="gd")
    with pytest.raises(ValueError, match=r"; choose a smaller one, or scale the features$"):
        model.fit(1e200 * X, y)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("C", [1, np.inf])
def test_features_too_large_for_quasi_newton_steps_are_blamed(n_classes, C):
    X, y = noisy(n_classes)
    for scale in 1e200, 1e306:
        with pytest.raises(ValueError, match=r"^X is too large: .*; scale the features$"):
            SoftmaxRegression(C=C).fit(scale * X, y)


@solvers
def test_a_penalty_too_strong_for_a_float_is_blamed_on_C(solver):
    X, y = noisy(3)
    with pytest.raises(ValueError, match=r"^C is too small: .* overflows, got 1e-320$"):
        SoftmaxRegression(C=1e-320, solver=solver).fit(X, y)


@solvers
def test_weights_too_small_for_a_float_are_blamed_not_C(solver):
    X, y = noisy(3)
    message = r"^sample_weight is too small: .* overflows, got a sum of [56]\.\d*e-319$"
    with pytest.raises(ValueError, match=message):
        SoftmaxRegression(solver=solver).fit(X, y, np.full(len(y), 1e-320))


@pytest.mark.parametrize("n_classes", [2, 3])
def test_features_too_large_to_predict_are_blamed(n_classes):
    X, y = noisy(n_classes)
    model = SoftmaxRegression().fit(X, y)
    model.coef_ *= 1000
    for method in model.decision_function, model.predict, model.predict_proba:
        with pytest.raises(ValueError, match=r"^X is too large: .*; scale the features$"):
            method(np.full((1, 3), 1e308))


@solvers
@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_assume_finite_lets_pass_is_named(solver, kind, value):
    X, y = noisy(3)
    model = SoftmaxRegression(solver=solver, max_iter=5000).fit(X, y)
    X[3, 1] = value
    with config_context(assume_finite=True):
        for method in lambda X: model.fit(X, y), model.predict_proba:
            with pytest.raises(ValueError, match=f"^X must hold finite numbers, got {value}; "):
                method(kind(X))


class Foreign:
    """An array of another library, which scikit-learn asks for its functions if told to."""

    def __init__(self, array):
        self.array, self.shape, self.ndim = array, array.shape, array.ndim

    def __len__(self):
        return len(self.array)

    def __array__(self, dtype=None, copy=None):
        return np.array(self.array, dtype)

    def __array_namespace__(self, **kwargs):
        raise AssertionError("the functions of another library are not used")


def test_arrays_of_other_libraries_are_computed_by_numpy(monkeypatch):
    X, y = noisy(3)
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")
    expected = SoftmaxRegression().fit(X, y)
    with config_context(array_api_dispatch=True):
        model = SoftmaxRegression().fit(Foreign(X), Foreign(y), Foreign(np.ones(len(y))))
        q = model.predict_proba(Foreign(X))
    np.testing.assert_array_equal(model.coef_, expected.coef_)
    np.testing.assert_array_equal(q, expected.predict_proba(X))


def test_after_a_fit_that_failed_the_model_is_not_fitted():
    X, y = noisy(3)
    model = SoftmaxRegression(C=1e-320)
    with pytest.raises(ValueError, match=r"^C is too small"):
        model.fit(X, y)
    for method in model.decision_function, model.predict, model.predict_log_proba:
        with pytest.raises(NotFittedError):
            method(X)


def test_a_mask_is_not_lost():
    X = np.ma.masked_array([[0.0], [1.0], [2.0]], mask=[[0], [1], [0]])
    with pytest.raises(ValueError, match="X is a masked array; leave out or replace"):
        SoftmaxRegression().fit(X, [0, 1, 1])
