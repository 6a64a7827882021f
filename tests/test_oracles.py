"""xentlib against other people's code: SciPy, scikit-learn, dit and mpmath."""

import math
import warnings

import mpmath
import numpy as np
import pytest
import scipy.spatial.distance
import scipy.special
import scipy.stats
import sklearn.metrics
from sklearn.tree import DecisionTreeClassifier

import xentlib as x

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its imports age faster than its information theory
    import dit

RNG = np.random.default_rng(1948)
K = 7
P = RNG.dirichlet(np.full(K, 0.5), 40)
P[::4, :3] = 0  # a quarter of the rows exclude three classes
P /= P.sum(axis=-1, keepdims=True)
Q = RNG.dirichlet(np.full(K, 0.5), 40)
COUNTS = RNG.integers(0, 30, (20, 4, 5))
TABLES = COUNTS / COUNTS.sum(axis=(-2, -1), keepdims=True)
LABELS = RNG.integers(0, K, 40)

bases = pytest.mark.parametrize("base", [None, 2, 10])


def equal(a, b, rtol=1e-13, atol=1e-15):
    np.testing.assert_allclose(a, b, rtol=rtol, atol=atol)


# --- SciPy ----------------------------------------------------------------------------------------


@bases
def test_entropies_are_those_of_scipy_stats(base):
    entropy = scipy.stats.entropy
    equal(x.entropy(P, base=base), entropy(P, base=base, axis=-1))
    equal(x.entropy(P.T, base=base, axis=0), entropy(P.T, base=base))
    equal(x.kl_divergence(P, Q, base=base), entropy(P, Q, base=base, axis=-1))
    equal(
        x.cross_entropy(P, Q, base=base),
        entropy(P, base=base, axis=-1) + entropy(P, Q, base=base, axis=-1),
    )
    equal(x.binary_entropy(P[:, 0], base=base), entropy([P[:, 0], 1 - P[:, 0]], base=base))
    equal(x.joint_entropy(TABLES, base=base), entropy(TABLES.reshape(20, -1), base=base, axis=-1))


def test_infinities_are_those_of_scipy_stats():
    equal(x.kl_divergence(Q, P), scipy.stats.entropy(Q, P, axis=-1))
    assert np.isinf(x.kl_divergence(Q, P)).sum() == 10


def test_divergence_is_the_sum_of_rel_entr_and_not_elementwise_kl_div():
    equal(x.kl_divergence(P, Q), scipy.special.rel_entr(P, Q).sum(axis=-1))
    terms = scipy.special.kl_div(P, Q)
    assert not np.allclose(terms, scipy.special.rel_entr(P, Q))
    equal(x.kl_divergence(P, Q), terms.sum(axis=-1), rtol=1e-12)  # q - p adds up to nothing


@bases
def test_jensen_shannon_divergence_is_the_square_of_scipys_distance(base):
    distance = scipy.spatial.distance.jensenshannon(P, Q, base=base, axis=-1)
    equal(x.js_divergence(P, Q, base=base), distance**2)


def test_scipy_normalises_silently_where_this_library_refuses():
    assert scipy.stats.entropy([3, 1]) == x.entropy(x.normalize([3, 1]))
    with pytest.raises(ValueError, match="call normalize"):
        x.entropy([3, 1])


def test_expected_information_is_the_entropy_of_a_scipy_distribution():
    n, p = 20, 0.3
    pmf = scipy.stats.binom.pmf(np.arange(n + 1), n, p)
    equal(x.entropy(pmf), scipy.stats.binom.entropy(n, p), rtol=1e-12)


# --- scikit-learn ---------------------------------------------------------------------------------


def test_mean_loss_is_log_loss():
    expected = sklearn.metrics.log_loss(LABELS, Q, labels=range(K))
    equal(x.negative_log_likelihood(Q, LABELS), expected)
    equal(x.cross_entropy(x.one_hot(LABELS, K), Q).mean(), expected)
    weighted = sklearn.metrics.log_loss(LABELS, Q, labels=range(K), normalize=False)
    equal(x.negative_log_likelihood(Q, LABELS, reduction="sum"), weighted)


def test_binary_loss_is_log_loss():
    labels, q = LABELS % 2, Q[:, 0]
    equal(x.binary_cross_entropy(labels, q).mean(), sklearn.metrics.log_loss(labels, q))


def test_log_loss_clips_where_this_library_says_inf():
    q, labels = [[1.0, 0], [0.5, 0.5]], [1, 0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert math.isfinite(sklearn.metrics.log_loss(labels, q))
    assert x.negative_log_likelihood(q, labels) == math.inf


def test_mutual_information_is_that_of_the_contingency_table():
    for counts, table in zip(COUNTS, TABLES, strict=True):
        expected = sklearn.metrics.mutual_info_score(None, None, contingency=counts)
        equal(x.mutual_information(table), expected, rtol=1e-11)
        equal(x.information_gain(counts), expected, rtol=1e-11)


def test_information_gain_is_the_impurity_decrease_of_a_decision_tree_in_bits():
    features, labels = RNG.normal(size=(150, 4)), RNG.integers(0, 3, 150)
    features[:, 2] += labels
    tree = DecisionTreeClassifier(criterion="entropy", max_depth=1, random_state=0)
    tree = tree.fit(features, labels).tree_
    branch = (features[:, tree.feature[0]] > tree.threshold[0]).astype(int)
    counts = np.zeros((2, 3), int)
    np.add.at(counts, (branch, labels), 1)
    decrease = tree.impurity[0] - (tree.weighted_n_node_samples[1:] / 150) @ tree.impurity[1:]
    equal(x.information_gain(counts, base=2), decrease, rtol=1e-12)


# --- dit ------------------------------------------------------------------------------------------


def as_dit(p):
    return dit.Distribution([str(k) for k in range(len(p))], list(p))


def test_measures_of_one_variable_are_those_of_dit():
    for p, q in zip(P, Q, strict=True):
        a, b = as_dit(p), as_dit(q)
        equal(x.entropy(p, base=2), dit.shannon.entropy(a), rtol=1e-12)
        equal(x.perplexity(p), dit.other.perplexity(a), rtol=1e-12)
        equal(x.cross_entropy(p, q, base=2), dit.divergences.cross_entropy(a, b), rtol=1e-12)
        equal(
            x.kl_divergence(p, q, base=2),
            dit.divergences.kullback_leibler_divergence(a, b),
            rtol=1e-12,
        )
        equal(
            x.js_divergence(p, q, base=2),
            dit.divergences.jensen_shannon_divergence([a, b]),
            rtol=1e-12,
        )


def test_measures_of_two_variables_are_those_of_dit():
    for table in TABLES:
        outcomes = [f"{i}{j}" for i, j in np.ndindex(table.shape)]
        d = dit.Distribution(outcomes, table.ravel().tolist())
        equal(x.joint_entropy(table, base=2), dit.shannon.entropy(d), rtol=1e-12)
        for known, other in ((0, 1), (1, 0)):
            expected = dit.shannon.conditional_entropy(d, [other], [known])
            equal(x.conditional_entropy(table, given=known, base=2), expected, rtol=1e-12)
        expected = dit.shannon.mutual_information(d, [0], [1])
        equal(x.mutual_information(table, base=2), expected, rtol=1e-11)


# --- mpmath, 50 digits ----------------------------------------------------------------------------

# Each row is far from the next: nearly certain, tiny, subnormal, nearly equal
EXTREME = [
    [1 - 2**-40, 2**-40, 0],
    [1 - 2**-53, 2**-54, 2**-54],
    [1e-300, 0.25, 0.75],
    [5e-324, 0.5, 0.5],
    [1 / 3, 1 / 3 + 2**-30, 1 / 3 - 2**-30],
    [1e-9, 1e-150, 1 - 1e-9],
]


def exact(terms):
    with mpmath.workdps(50):
        return float(mpmath.fsum(terms))


def mp_log(a):
    with mpmath.workdps(50):
        return mpmath.log(mpmath.mpf(a))


@pytest.mark.parametrize("p", EXTREME)
def test_entropy_keeps_its_digits_on_extreme_input(p):
    expected = exact(-a * mp_log(a) for a in p if a > 0)
    assert x.entropy(p) == pytest.approx(expected, rel=1e-15, abs=0)
    for a in p:
        if a > 0:
            assert x.information_content(a) == pytest.approx(float(-mp_log(a)), rel=1e-15, abs=0)


@pytest.mark.parametrize("p", EXTREME)
@pytest.mark.parametrize("q", [row for row in EXTREME if 0 not in row])
def test_cross_entropy_and_divergence_keep_their_digits_on_extreme_input(p, q):
    cross = exact(-a * mp_log(b) for a, b in zip(p, q, strict=True) if a > 0)
    divergence = exact(a * (mp_log(a) - mp_log(b)) for a, b in zip(p, q, strict=True) if a > 0)
    assert x.cross_entropy(p, q) == pytest.approx(cross, rel=1e-15, abs=0)
    assert x.kl_divergence(p, q) == pytest.approx(divergence, rel=1e-15, abs=2e-16)


@pytest.mark.parametrize("p", EXTREME)
@pytest.mark.parametrize("q", EXTREME)
def test_jensen_shannon_keeps_its_digits_on_extreme_input(p, q):
    with mpmath.workdps(50):
        terms = []
        for a, b in zip(map(mpmath.mpf, p), map(mpmath.mpf, q), strict=True):
            terms += [c * (mpmath.log(c) - mpmath.log((a + b) / 2)) / 2 for c in (a, b) if c > 0]
    assert x.js_divergence(p, q) == pytest.approx(exact(terms), rel=1e-14, abs=2e-16)


@pytest.mark.parametrize("small", [1e-300, 1e-200, 1e-16, 1e-3])
def test_measures_of_a_table_keep_their_digits_on_extreme_input(small):
    table = [[1 - small, 0], [small / 2, small / 2]]
    with mpmath.workdps(50):
        pxy = [[mpmath.mpf(v) for v in row] for row in table]
        px = [mpmath.fsum(row) for row in pxy]
        py = [mpmath.fsum(column) for column in zip(*pxy, strict=True)]
        cells = [(pxy[i][j], px[i], py[j]) for i in (0, 1) for j in (0, 1) if pxy[i][j] > 0]
        given_x = mpmath.fsum(-c * mpmath.log(c / a) for c, a, _ in cells)
        shared = mpmath.fsum(c * mpmath.log(c / (a * b)) for c, a, b in cells)
    assert x.conditional_entropy(table, given=0) == pytest.approx(float(given_x), rel=1e-14, abs=0)
    assert x.mutual_information(table) == pytest.approx(float(shared), rel=1e-13, abs=2e-16)
