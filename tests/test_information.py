"""Known values, edge rules, shapes and error messages of `xentlib.information`."""

import math
import re

import mpmath
import numpy as np
import pytest
from scipy.special import softmax

import xentlib as x

F32 = np.float32
inf, nan = math.inf, math.nan

# The running example, the codes of Bob and Alice (dog, cat, fish, bird), and the table-tennis match
LANDSCAPE, GUESS = [1, 0, 0], [0.4, 0.1, 0.5]
BOB, ALICE = [1 / 2, 1 / 4, 1 / 8, 1 / 8], [1 / 8, 1 / 2, 1 / 4, 1 / 8]
WIN = 63 / 64

# Quinlan (1986): outlook, temperature, humidity, windy, play
DAYS = [
    day.split()
    for day in """sunny hot high no N
sunny hot high yes N
overcast hot high no P
rain mild high no P
rain cool normal no P
rain cool normal yes N
overcast cool normal yes P
sunny mild high no N
sunny cool normal no P
rain mild normal no P
sunny mild normal yes P
overcast mild high yes P
overcast hot normal no P
rain mild high yes N""".splitlines()
]


def play_tennis_counts(attribute):
    """counts[branch, class] of the fourteen days, split by one attribute."""
    _, branch = np.unique([day[attribute] for day in DAYS], return_inverse=True)
    counts = np.zeros((branch.max() + 1, 2), int)
    np.add.at(counts, (branch, [int(day[-1] == "P") for day in DAYS]), 1)
    return counts


# --- Known values ---------------------------------------------------------------------------------

NUDGED = softmax(np.log(GUESS) - [-0.6, 0.1, 0.5])  # the logits after one step of length 1

KNOWN = {
    # seed 0
    "landscape, cross-entropy": (lambda: x.cross_entropy(LANDSCAPE, GUESS), 0.916291),
    "landscape, cross-entropy in bits": (
        lambda: x.cross_entropy(LANDSCAPE, GUESS, base=2),
        1.321928,
    ),
    "landscape, KL": (lambda: x.kl_divergence(LANDSCAPE, GUESS), 0.916291),
    "landscape, KL in bits": (lambda: x.kl_divergence(LANDSCAPE, GUESS, base=2), 1.321928),
    "landscape, reverse KL": (lambda: x.kl_divergence(GUESS, LANDSCAPE), inf),
    "landscape, information of the truth": (lambda: x.information_content(0.4), 0.916291),
    "landscape, negative log-likelihood": (lambda: x.negative_log_likelihood(GUESS, 0), 0.916291),
    "landscape, after a step": (lambda: x.cross_entropy(LANDSCAPE, NUDGED), 0.431935),
    "codes, Bob's entropy": (lambda: x.entropy(BOB, base=2), 1.75),
    "codes, Alice's entropy": (lambda: x.entropy(ALICE, base=2), 1.75),
    "codes, Bob in Alice's code": (lambda: x.cross_entropy(BOB, ALICE, base=2), 2.375),
    "codes, Alice in Bob's code": (lambda: x.cross_entropy(ALICE, BOB, base=2), 2.25),
    "codes, Bob's extra bits": (lambda: x.kl_divergence(BOB, ALICE, base=2), 0.625),
    "codes, Alice's extra bits": (lambda: x.kl_divergence(ALICE, BOB, base=2), 0.5),
    # seed 1
    "die": (lambda: x.entropy(np.full(6, 1 / 6), base=2), 2.584963),
    "one face of a die": (lambda: x.information_content(1 / 6, base=2), 2.584963),
    "fair coin": (lambda: x.entropy([0.5, 0.5], base=2), 1),
    "triangle, the detour": (
        lambda: x.kl_divergence([0.5, 0.5], [0.7, 0.3]) + x.kl_divergence([0.7, 0.3], [0.9, 0.1]),
        0.240840,
    ),
    "triangle, the direct way": (lambda: x.kl_divergence([0.5, 0.5], [0.9, 0.1]), 0.510826),
    "7 heads in 10, gap to the fair coin": (
        lambda: x.kl_divergence([0.7, 0.3], [0.5, 0.5]),
        0.082283,
    ),
    "7 heads in 10, the gap in the loss": (
        lambda: x.binary_cross_entropy(0.7, 0.5) - x.binary_cross_entropy(0.7, 0.7),
        0.082283,
    ),
    "play tennis, outlook": (lambda: x.information_gain(play_tennis_counts(0), base=2), 0.246750),
    "play tennis, temperature": (
        lambda: x.information_gain(play_tennis_counts(1), base=2),
        0.029223,
    ),
    "play tennis, humidity": (lambda: x.information_gain(play_tennis_counts(2), base=2), 0.151836),
    "play tennis, windy": (lambda: x.information_gain(play_tennis_counts(3), base=2), 0.048127),
    "iris, the tied root split": (
        lambda: x.information_gain([[50, 0, 0], [0, 50, 50]], base=2),
        0.918296,
    ),
    "digits, 80% a nine": (lambda: x.information_content(0.8), 0.223144),
    "digits, 5% an eight": (lambda: x.information_content(0.05), 2.995732),
    "two of four, entropy": (lambda: x.entropy([0.5, 0.5, 0, 0], base=2), 1),
    "two of four, uniform code": (lambda: x.cross_entropy([0.5, 0.5, 0, 0], [0.25] * 4, base=2), 2),
    "two of four, extra": (lambda: x.kl_divergence([0.5, 0.5, 0, 0], [0.25] * 4, base=2), 1),
    "wrong code, entropy": (lambda: x.entropy([0.5, 0.25, 0.25], base=2), 1.5),
    "wrong code, length": (
        lambda: x.cross_entropy([0.5, 0.25, 0.25], [0.25, 0.25, 0.5], base=2),
        1.75,
    ),
    "wrong code, extra": (
        lambda: x.kl_divergence([0.5, 0.25, 0.25], [0.25, 0.25, 0.5], base=2),
        0.25,
    ),
    # seed 2
    "three classes, cross-entropy": (
        lambda: x.cross_entropy([0.1, 0.2, 0.7], [0.3, 0.3, 0.4]),
        1.002595,
    ),
    "three classes, entropy": (lambda: x.entropy([0.1, 0.2, 0.7]), 0.801819),
    "three classes, KL": (lambda: x.kl_divergence([0.1, 0.2, 0.7], [0.3, 0.3, 0.4]), 0.200777),
    "binary loss of four": (
        lambda: x.binary_cross_entropy([1, 0, 1, 1], [0.9, 0.2, 0.7, 0.4]).mean(),
        0.400367,
    ),
    # seed 3
    "two-headed coin": (lambda: x.binary_entropy(1, base=2), 0),
    "fair coin, elementwise": (lambda: x.binary_entropy(0.5, base=2), 1),
    "a difference of entropies is not KL": (
        lambda: x.binary_entropy(0.9) - x.binary_entropy(0.5),
        -0.368064,
    ),
    "dog .1": (lambda: x.kl_divergence([1, 0], [0.1, 0.9]), 2.302585),
    "dog .5": (lambda: x.kl_divergence([1, 0], [0.5, 0.5]), 0.693147),
    "dog .6": (lambda: x.kl_divergence([1, 0], [0.6, 0.4]), 0.510826),
    "dog .9": (lambda: x.kl_divergence([1, 0], [0.9, 0.1]), 0.105361),
    "dog .99": (lambda: x.kl_divergence([1, 0], [0.99, 0.01]), 0.010050),
    "dog 1": (lambda: x.kl_divergence([1, 0], [1, 0]), 0),
    # seed 4
    "63 wins of 64, a win": (lambda: x.information_content(WIN, base=2), 0.022720),
    "63 wins of 64, a loss": (lambda: x.information_content(1 - WIN, base=2), 6),
    "63 wins of 64, entropy": (lambda: x.entropy([WIN, 1 - WIN], base=2), 0.116115),
    "63 wins of 64, elementwise": (lambda: x.binary_entropy(WIN, base=2), 0.116115),
    "63 wins of 64, add one": (
        lambda: x.entropy(x.normalize([63, 1], pseudocount=1), base=2),
        0.195909,
    ),
    "softmax loss": (lambda: x.cross_entropy([0, 1, 0], [0.1, 0.8, 0.1]), 0.223144),
    "the same as three binary losses": (
        lambda: x.binary_cross_entropy([0, 1, 0], [0.1, 0.8, 0.1]).sum(),
        0.433865,
    ),
    "sure and wrong": (lambda: x.binary_cross_entropy(0, 0.9), 2.302585),
    "balanced pictures": (lambda: x.entropy(x.normalize([2500] * 4), base=2), 2),
    "7000 and three 1000s": (
        lambda: x.entropy(x.normalize([7000, 1000, 1000, 1000]), base=2),
        1.356780,
    ),
    "70% iPhones": (lambda: x.binary_entropy(0.7, base=2), 0.881291),
    # the syllabus
    "ten classes, before learning": (lambda: x.cross_entropy(np.eye(10)[3], [0.1] * 10), 2.302585),
}


@pytest.mark.parametrize("name", KNOWN)
def test_the_number_printed_in_the_book_is_produced(name):
    compute, expected = KNOWN[name]
    assert compute() == pytest.approx(expected, rel=0, abs=5.01e-7)  # six digits are printed


def test_the_nudged_prediction_is_the_one_in_the_book():
    np.testing.assert_allclose(NUDGED, [0.649251, 0.080602, 0.270146], rtol=0, atol=5e-7)


def test_a_bit_is_log_2_nats_and_a_hartley_log_10():
    assert x.entropy([0.5, 0.5]) == math.log(2)
    assert x.entropy([0.5, 0.5], base=2) == 1
    assert x.entropy([0.1] * 10, base=10) == pytest.approx(1)


def test_normalize_gives_relative_frequencies_and_laplace_adds_one():
    np.testing.assert_allclose(x.normalize([63, 1]), [63 / 64, 1 / 64])
    np.testing.assert_allclose(x.normalize([63, 1], pseudocount=1), [64 / 66, 2 / 66])
    np.testing.assert_allclose(x.normalize([0, 0], pseudocount=0.5), [0.5, 0.5])


def test_normalize_over_two_axes_makes_a_joint_table():
    np.testing.assert_array_equal(
        x.normalize([[1, 1], [0, 2]], axis=(-2, -1)), [[0.25] * 2, [0, 0.5]]
    )
    np.testing.assert_array_equal(x.normalize([[1, 1], [0, 2]], axis=0), [[1, 1 / 3], [0, 2 / 3]])


def test_perplexity_of_k_equal_outcomes_is_k_and_of_a_wrong_model_more():
    assert x.perplexity(np.full(6, 1 / 6)) == pytest.approx(6, rel=1e-15)
    assert x.perplexity([1, 0]) == 1
    assert x.perplexity([0.5, 0.5, 0, 0], [0.25] * 4) == pytest.approx(4, rel=1e-15)
    assert x.perplexity([1, 0], [0, 1]) == inf


def test_given_names_the_axis_of_the_known_variable():
    pxy = [[0.5, 0], [0.25, 0.25]]  # X = 0 settles Y; Y = 1 settles X
    for rows in (0, -2):
        assert x.conditional_entropy(pxy, given=rows, base=2) == 0.5
    for columns in (1, -1):
        assert x.conditional_entropy(pxy, given=columns, base=2) == pytest.approx(
            0.688722, abs=5e-7
        )


def test_one_hot_puts_all_the_probability_on_the_label():
    np.testing.assert_array_equal(x.one_hot([[2], [0]], 3), [[[0, 0, 1]], [[1, 0, 0]]])
    np.testing.assert_array_equal(x.one_hot(1, 2), [0, 1])
    np.testing.assert_array_equal(x.one_hot(np.uint8([0, 0]), 1), [[1], [1]])


def test_smooth_labels_mixes_with_the_uniform_distribution():
    np.testing.assert_allclose(x.smooth_labels([1.0, 0, 0, 0], 0.1), [0.925, 0.025, 0.025, 0.025])
    targets = x.one_hot([[2], [0]], 3)
    np.testing.assert_array_equal(x.smooth_labels(targets, 0), targets)
    np.testing.assert_array_equal(x.smooth_labels(targets, 1), np.full((2, 1, 3), 1 / 3))
    np.testing.assert_allclose(x.smooth_labels(targets, 0.3).sum(axis=-1), 1)
    assert x.smooth_labels(targets.astype(F32), np.float64(0.1)).dtype == F32


def test_reductions_of_the_negative_log_likelihood():
    q, labels = [[0.5, 0.5], [0.25, 0.75]], [1, 0]
    nll = x.negative_log_likelihood
    np.testing.assert_array_equal(nll(q, labels, base=2, reduction="none"), [1, 2])
    assert nll(q, labels, base=2, reduction="sum") == 3
    assert nll(q, labels, base=2) == nll(q, labels, base=2, reduction="mean") == 1.5


def test_labels_of_any_integer_dtype_and_of_many_classes():
    q = np.full((2, 300), 1 / 300)
    for dtype in (np.uint8, np.int16, np.uint64):
        assert x.negative_log_likelihood(q, np.array([0, 255], dtype)) == pytest.approx(
            math.log(300)
        )


# --- Edge rules -----------------------------------------------------------------------------------


def test_an_outcome_that_never_happens_adds_nothing():
    assert x.entropy([1, 0, 0]) == 0
    assert x.cross_entropy([1, 0], [0.5, 0.5]) == x.cross_entropy([1, 0, 0], [0.5, 0.5, 0])
    assert x.kl_divergence([0.5, 0.5, 0], [0.25, 0.25, 0.5]) == math.log(2)
    assert x.binary_cross_entropy(0, 0) == x.binary_cross_entropy(1, 1) == 0
    assert x.joint_entropy([[1, 0], [0, 0]]) == x.mutual_information([[1, 0], [0, 0]]) == 0


def test_a_model_that_excludes_what_can_happen_is_infinitely_wrong():
    p, q = [0.5, 0.5], [1, 0]
    assert x.cross_entropy(p, q) == x.kl_divergence(p, q) == x.perplexity(p, q) == inf
    assert x.binary_cross_entropy(0.5, 0) == x.binary_cross_entropy(0.5, 1) == inf
    assert x.binary_cross_entropy(1, 0) == x.binary_cross_entropy(0, 1) == inf
    assert x.information_content(0) == inf
    assert x.negative_log_likelihood([p, q], [0, 1]) == inf
    assert x.cross_entropy(p, q, base=2) == inf


def test_the_jensen_shannon_divergence_is_finite_for_disjoint_supports():
    assert x.js_divergence([1, 0], [0, 1], base=2) == 1


ZEROS = {
    "information_content": lambda base: x.information_content([1.0], base=base),
    "entropy": lambda base: x.entropy([1.0, 0], base=base),
    "cross_entropy": lambda base: x.cross_entropy([1.0, 0], [1.0, 0], base=base),
    "kl_divergence": lambda base: x.kl_divergence([0.3, 0.7], [0.3, 0.7], base=base),
    "js_divergence": lambda base: x.js_divergence([0.3, 0.7], [0.3, 0.7], base=base),
    "binary_entropy": lambda base: x.binary_entropy([0.0, 1.0], base=base),
    "binary_cross_entropy": lambda base: x.binary_cross_entropy([0.0, 1.0], [0.0, 1.0], base=base),
    "joint_entropy": lambda base: x.joint_entropy([[1.0, 0]], base=base),
    "conditional_entropy": lambda base: x.conditional_entropy(np.eye(2) / 2, given=0, base=base),
    "mutual_information": lambda base: x.mutual_information([[0.5, 0.5]], base=base),
    "information_gain": lambda base: x.information_gain([[3, 3], [5, 5]], base=base),
    "negative_log_likelihood": lambda base: x.negative_log_likelihood([1.0, 0], 0, base=base),
}


@pytest.mark.parametrize("base", [None, 2])
@pytest.mark.parametrize("name", ZEROS)
def test_zero_is_exact_and_not_negative(name, base):
    value = np.asarray(ZEROS[name](base))
    assert (value == 0).all()
    assert not np.signbit(value).any()


def test_one_class_carries_no_information():
    one = [[1.0]]
    assert x.entropy(one) == x.cross_entropy(one, one) == x.kl_divergence(one, one) == 0
    assert x.js_divergence(one, one) == x.mutual_information(one) == x.joint_entropy(one) == 0
    assert x.perplexity(one) == 1
    np.testing.assert_array_equal(x.normalize([[7]]), one)


def test_nothing_is_clipped_at_the_smallest_numbers():
    tiny = 5e-324
    assert x.information_content(tiny) == pytest.approx(744.4400719213812, rel=1e-15)
    assert x.cross_entropy([1, 0], [tiny, 1]) == pytest.approx(744.4400719213812, rel=1e-15)
    assert x.kl_divergence([1, 0], [tiny, 1]) == pytest.approx(744.4400719213812, rel=1e-15)
    assert 0 <= x.js_divergence([tiny, 1], [0, 1]) < 1e-300


@pytest.mark.parametrize(("small", "dtype"), [(1e-200, float), (1e-30, F32)])
def test_mutual_information_is_finite_where_the_product_of_the_marginals_underflows(small, dtype):
    pxy = np.array([[1, 0], [0, small]], dtype)
    assert x.mutual_information(pxy) == pytest.approx(-small * math.log(small), rel=1e-6)


def test_the_root_of_the_jensen_shannon_divergence_exists_for_near_ties():
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(3), 1000)
    q = x.normalize(p * (1 + 1e-9 * rng.normal(size=p.shape)))
    assert (np.sqrt(x.js_divergence(p, q)) < 1e-7).all()


@pytest.mark.parametrize("p", [1e-300, 1e-20, 1e-9, 0.3, 0.5, 1 - 1e-9, 1 - 2**-53])
def test_binary_functions_keep_all_digits_near_0_and_1(p):
    with mpmath.workdps(50):
        a, b = mpmath.mpf(p), mpmath.mpf(0.3)
        entropy = -a * mpmath.log(a) - (1 - a) * mpmath.log1p(-a)
        cross = -a * mpmath.log(b) - (1 - a) * mpmath.log1p(-b)
        reverse = -b * mpmath.log(a) - (1 - b) * mpmath.log1p(-a)
    assert x.binary_entropy(p) == pytest.approx(float(entropy), rel=1e-14, abs=0)
    assert x.binary_cross_entropy(p, 0.3) == pytest.approx(float(cross), rel=1e-14, abs=0)
    assert x.binary_cross_entropy(0.3, p) == pytest.approx(float(reverse), rel=1e-14, abs=0)
    if p < 0.5:  # -log(1 - p) by itself: the loss of a good model
        assert x.binary_cross_entropy(0, p) == pytest.approx(
            float(-mpmath.log1p(-a)), rel=1e-14, abs=0
        )


# --- Dtypes, shapes, axes -------------------------------------------------------------------------

Q = np.array([[0.5, 0.25, 0.25], [0.125, 0.125, 0.75]])
P = np.array([[0.25, 0.25, 0.5], [0, 1, 0]])

CALLS = {
    "information_content": (lambda p: x.information_content(p), (P,)),
    "entropy": (lambda p: x.entropy(p), (P,)),
    "cross_entropy": (lambda p, q: x.cross_entropy(p, q), (P, Q)),
    "kl_divergence": (lambda p, q: x.kl_divergence(p, q), (P, Q)),
    "js_divergence": (lambda p, q: x.js_divergence(p, q), (P, Q)),
    "perplexity": (lambda p: x.perplexity(p), (P,)),
    "perplexity of a model": (lambda p, q: x.perplexity(p, q), (P, Q)),
    "binary_entropy": (lambda p: x.binary_entropy(p), (P,)),
    "binary_cross_entropy": (lambda p, q: x.binary_cross_entropy(p, q), (P, Q)),
    "joint_entropy": (lambda p: x.joint_entropy(p), (P / 2,)),
    "conditional_entropy": (lambda p: x.conditional_entropy(p, given=1), (P / 2,)),
    "mutual_information": (lambda p: x.mutual_information(p), (P / 2,)),
    "information_gain": (lambda n: x.information_gain(n), (P * 8,)),
    "normalize": (lambda n: x.normalize(n, pseudocount=1), (P * 8,)),
    "negative_log_likelihood": (lambda q: x.negative_log_likelihood(q, [0, 2]), (Q,)),
}
calls = pytest.mark.parametrize(("call", "inputs"), CALLS.values(), ids=CALLS)


@calls
@pytest.mark.parametrize("base", [None, 2])
@pytest.mark.parametrize(
    ("given", "expected"),
    [(np.float16, F32), (F32, F32), (np.float64, np.float64), (np.longdouble, np.float64)],
)
def test_float32_stays_float32_and_float16_becomes_it(call, inputs, given, expected, base):
    exact = call(*inputs)
    result = call(*(a.astype(given) for a in inputs))
    assert result.dtype == expected
    np.testing.assert_allclose(result, exact, rtol=1e-6 if expected is F32 else 0, atol=0)
    scaled = x.entropy(Q.astype(given), base=base)
    assert (
        scaled.dtype
        == scaled[0].dtype
        == x.entropy(Q[0].astype(given), base=base).dtype
        == expected
    )


def test_the_wider_floating_dtype_wins_and_integers_follow():
    one_hot, q = np.array([1, 0, 0]), Q[0]
    assert x.cross_entropy(one_hot, q.astype(F32)).dtype == F32
    assert x.cross_entropy(one_hot.astype(bool), q.astype(np.float16)).dtype == F32
    assert x.cross_entropy(q, q.astype(F32)).dtype == np.float64
    assert x.binary_cross_entropy(1, F32(0.25)).dtype == F32
    assert x.entropy(one_hot).dtype == x.normalize(np.uint8([200, 100])).dtype == np.float64
    assert x.one_hot([0], 2).dtype == np.float64


def test_small_integer_counts_do_not_wrap_around():
    np.testing.assert_allclose(x.normalize(np.uint8([200, 200])), [0.5, 0.5])
    assert x.information_gain(np.int8([[100, 0], [0, 100]]), base=2) == 1


@pytest.mark.parametrize("axis", [0, 1])
def test_long_float32_sums_are_right_along_either_axis(axis):
    n = 50_000
    counts = np.full((n, 2) if axis == 0 else (2, n), 0.1, F32)
    p = x.normalize(counts, axis=axis)
    np.testing.assert_allclose(x.entropy(p, axis=axis), math.log(n), rtol=1e-6)


@calls
def test_inputs_are_not_changed_and_nothing_shares_their_memory(call, inputs):
    frozen = [a.copy() for a in inputs]
    for a in frozen:
        a.setflags(write=False)
    result = call(*frozen)
    for a, before in zip(frozen, inputs, strict=True):
        np.testing.assert_array_equal(a, before)
        assert not np.shares_memory(result, a)


@calls
def test_lists_and_tuples_are_arrays_too(call, inputs):
    expected = call(*inputs)
    np.testing.assert_array_equal(call(*(a.tolist() for a in inputs)), expected)
    np.testing.assert_array_equal(call(*(tuple(map(tuple, a)) for a in inputs)), expected)
    np.testing.assert_array_equal(call(*(np.asfortranarray(a) for a in inputs)), expected)


@pytest.mark.parametrize("leading", [(), (1,), (4,), (2, 3), (2, 1, 3, 1)])
def test_the_class_axis_goes_and_any_leading_dimensions_stay(leading):
    p = np.broadcast_to(P[0], (*leading, 3))
    table = np.broadcast_to(P / 2, (*leading, 2, 3))
    assert x.entropy(p).shape == x.perplexity(p).shape == leading
    assert x.cross_entropy(p, Q[0]).shape == x.js_divergence(Q[0], p).shape == leading
    assert x.kl_divergence(p, p, keepdims=True).shape == (*leading, 1)
    assert x.information_content(p).shape == x.binary_entropy(p).shape == p.shape
    assert x.joint_entropy(table).shape == x.mutual_information(table).shape == leading
    assert x.conditional_entropy(table, given=0).shape == leading
    assert x.information_gain(table).shape == leading
    assert x.normalize(table).shape == table.shape
    labels = np.zeros(leading, int)
    assert x.one_hot(labels, 3).shape == p.shape
    assert x.negative_log_likelihood(p, labels, reduction="none").shape == leading
    assert np.shape(x.negative_log_likelihood(p, labels)) == ()


def test_scalars_come_back_as_scalars():
    for value in (
        x.information_content(0.5),
        x.entropy([1]),
        x.binary_entropy(0.5),
        x.binary_cross_entropy(1, 0.5),
        x.mutual_information([[1]]),
        x.negative_log_likelihood([0.5, 0.5], 0, reduction="none"),
    ):
        assert isinstance(value, np.float64)


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2, -3])
@pytest.mark.parametrize(
    ("measure", "arguments"),
    [
        (x.entropy, 1),
        (x.perplexity, 1),
        (x.perplexity, 2),
        (x.cross_entropy, 2),
        (x.kl_divergence, 2),
        (x.js_divergence, 2),
    ],
)
def test_axis_and_keepdims_only_say_where_the_classes_are(measure, arguments, axis):
    inputs = np.random.default_rng(0).dirichlet(np.ones(5), (arguments, 2, 3))
    moved = np.moveaxis(inputs, -1, axis if axis < 0 else axis + 1)
    result = measure(*moved, axis=axis)
    np.testing.assert_allclose(result, measure(*inputs), rtol=1e-14)
    kept = measure(*moved, axis=axis, keepdims=True)
    np.testing.assert_array_equal(kept, np.expand_dims(result, axis))


def test_leading_dimensions_broadcast_with_the_class_axis_taken_out_first():
    p, q = Q[0], np.stack([P[0]] * 5, axis=1)  # (3,) and (3, 5), classes on axis 0
    expected = x.cross_entropy(Q[0], P[0])
    np.testing.assert_allclose(x.cross_entropy(p, q, axis=0), [expected] * 5)
    assert x.kl_divergence(p, q, axis=0, keepdims=True).shape == (1, 5)
    assert x.js_divergence(np.ones((4, 1, 2)) / 2, np.ones((7, 2)) / 2).shape == (4, 7)
    assert x.binary_cross_entropy(np.ones((4, 1)), np.ones(7)).shape == (4, 7)


# --- Errors ---------------------------------------------------------------------------------------

HALF = [0.5, 0.5]
TABLE = [[0.25, 0.25], [0.25, 0.25]]
RAGGED = [[0.5, 0.5], [1]]
MASKED = np.ma.array([0.5, 0.5], mask=[0, 1])


def nll(q, labels, **options):
    return lambda: x.negative_log_likelihood(q, labels, **options)


ERRORS = {
    # not an array of real numbers: the same for every argument, so once for each
    "masked": (lambda: x.entropy(MASKED), "p is a masked array; choose"),
    "masked q": (lambda: x.cross_entropy(HALF, MASKED), "q is a masked array"),
    "masked table": (lambda: x.joint_entropy(np.ma.array(TABLE)), "pxy is a masked array"),
    "masked counts": (lambda: x.normalize(MASKED), "counts is a masked array"),
    "masked labels": (
        nll([HALF] * 2, np.ma.array([0, 1], mask=[0, 1])),
        "labels is a masked array",
    ),
    "ragged": (lambda: x.entropy(RAGGED), "p must be an array, but its rows differ in length"),
    "ragged labels": (
        nll([HALF] * 2, [[0], [0, 1]]),
        "labels must be an array, but its rows differ",
    ),
    "strings": (lambda: x.entropy(["a"]), "p must hold real numbers, got dtype <U1"),
    "complex": (lambda: x.entropy([1 + 0j]), "p must hold real numbers, got dtype complex128"),
    "objects": (lambda: x.entropy([None]), "p must hold real numbers, got None"),
    "dates": (lambda: x.normalize(["2000-01-01"]), "counts must hold real numbers, got dtype <U10"),
    "None for q": (
        lambda: x.kl_divergence(HALF, None),
        "q must hold real numbers, got None",
    ),
    "empty": (lambda: x.entropy([]), r"p is empty: it has shape \(0,\)"),
    "no rows": (
        lambda: x.cross_entropy(HALF, np.ones((0, 2))),
        r"q is empty: it has shape \(0, 2\)",
    ),
    "no probabilities": (lambda: x.information_content([]), "p is empty"),
    "no coins": (lambda: x.binary_entropy([]), "p is empty"),
    "no predictions": (lambda: x.binary_cross_entropy([1], []), "q is empty"),
    "no table": (lambda: x.mutual_information([[]]), "pxy is empty"),
    "no counts": (lambda: x.information_gain([[]]), "counts is empty"),
    "nothing to normalize": (lambda: x.normalize([]), "counts is empty"),
    "no labels": (lambda: x.one_hot([], 3), r"labels is empty: it has shape \(0,\)"),
    # elementwise probabilities
    "negative": (
        lambda: x.information_content([0.5, -0.1]),
        "p must hold .* 0 and 1, got -0.1; call",
    ),
    "above 1": (
        lambda: x.information_content(1.5),
        "p must hold .* 0 and 1, got 1.5; call normalize",
    ),
    "the first of two": (lambda: x.information_content([0.5, 2, 3]), "p .*, got 2.0; call"),
    "NaN": (lambda: x.information_content(nan), "p must hold probabilities .*, got nan"),
    "inf": (lambda: x.information_content(inf), "p must hold probabilities .*, got inf"),
    "coin negative": (lambda: x.binary_entropy(-0.1), "p must hold probabilities .*, got -0.1"),
    "coin NaN": (lambda: x.binary_entropy([[0.5, nan]]), "p must hold probabilities .*, got nan"),
    "coin above 1": (lambda: x.binary_entropy(1.0001), "p must hold .*, got 1.0001; call"),
    "label 2": (lambda: x.binary_cross_entropy([0, 2], HALF), "p must hold .*, got 2;"),
    "logit for q": (lambda: x.binary_cross_entropy([0, 1], [0.5, -3]), "q must hold .*, got -3.0"),
    "coins apart": (
        lambda: x.binary_cross_entropy(HALF, [0.5] * 3),
        r"p and q do not broadcast: their shapes are \(2,\) and \(3,\)",
    ),
    # distributions
    "a number": (lambda: x.entropy(1.0), "p must hold a distribution, got the single number 1.0"),
    "entry negative": (lambda: x.entropy([1.5, -0.5]), "p must hold probabilities, got -0.5"),
    "entry NaN": (lambda: x.kl_divergence(HALF, [nan, 1]), "q must hold probabilities, got nan"),
    "entry -inf": (lambda: x.js_divergence([-inf, 1], HALF), "p must hold probabilities, got -inf"),
    "entry inf": (lambda: x.entropy([inf, 0]), "p must sum to 1, got a sum of inf"),
    "huge entries": (lambda: x.entropy([1e308] * 2), "p must sum to 1, got a sum of inf"),
    "entry above 1": (lambda: x.perplexity([1.5]), "p must sum to 1, got a sum of 1.5"),
    "counts": (
        lambda: x.entropy([[1, 0], [3, 4]]),
        r"p must sum to 1, got a sum of 7.0 \(shape \(2, 2\)\); call normalize\(\)",
    ),
    "q is counts": (lambda: x.perplexity(HALF, [3, 4]), "q must sum to 1, got a sum of 7.0"),
    "predictions do not sum to 1": (nll([[0.4, 0.4]], [0]), "q must sum to 1, got a sum of 0.8"),
    "predictions negative": (nll([[1.5, -0.5]], [0]), "q must hold probabilities, got -0.5"),
    "classes on the other axis": (lambda: x.entropy([[1, 0], [1, 0]], axis=0), "p must sum to 1"),
    "no such axis": (
        lambda: x.entropy(HALF, axis=1),
        r"axis must name an axis of p, which has shape \(2,\), got 1",
    ),
    "no such axis in q": (
        lambda: x.cross_entropy(TABLE / np.float64(0.5), HALF, axis=-2),
        "axis must name an axis of q, .*, got -2",
    ),
    "axis float": (lambda: x.entropy(HALF, axis=0.0), "axis must name an axis of p, .*, got 0.0"),
    "axis None": (lambda: x.entropy(HALF, axis=None), "axis must name an axis of p, .*, got None"),
    "two axes": (lambda: x.entropy(TABLE, axis=(0, 1)), r"axis must name .*, got \(0, 1\)"),
    "other classes": (
        lambda: x.cross_entropy(HALF, [0.2, 0.3, 0.5]),
        "p has 2 classes and q has 3; both must range over the same classes",
    ),
    "one class does not broadcast": (
        lambda: x.kl_divergence([1], HALF),
        "p has 1 classes and q has 2",
    ),
    "leading dimensions apart": (
        lambda: x.js_divergence([HALF] * 2, [HALF] * 3),
        r"p and q do not broadcast: with the classes last they are \(2, 2\) and \(3, 2\)",
    ),
    # tables
    "not a table": (
        lambda: x.joint_entropy(HALF),
        r"pxy must be a table with two axes or more, got shape \(2,\)",
    ),
    "not a table, conditional": (lambda: x.conditional_entropy(1, given=0), "pxy must be a table"),
    "not a table, mutual": (lambda: x.mutual_information(HALF), "pxy must be a table"),
    "table negative": (lambda: x.joint_entropy([[2, -1]]), "pxy must hold probabilities, got -1.0"),
    "table NaN": (lambda: x.mutual_information([[nan, 1]]), "pxy must hold probabilities, got nan"),
    "table of rows": (
        lambda: x.mutual_information([HALF, HALF]),
        r"pxy must sum to 1, got a sum of 2.0 \(shape \(2, 2\)\)",
    ),
    "second table": (
        lambda: x.joint_entropy([TABLE, [HALF, HALF]]),
        "pxy must sum to 1, .* of 2.0",
    ),
    "conditional of rows": (
        lambda: x.conditional_entropy([HALF] * 2, given=0),
        "pxy must sum to 1",
    ),
    "given": (
        lambda: x.conditional_entropy(TABLE, given=2),
        "given must be 0 .* or 1 .*, got 2",
    ),
    "given None": (
        lambda: x.conditional_entropy(TABLE, given=None),
        "given must be 0 .*, got None",
    ),
    "given a name": (
        lambda: x.conditional_entropy(TABLE, given="X"),
        "given must be 0 .*, got 'X'",
    ),
    # counts
    "counts negative": (
        lambda: x.normalize([1, -2]),
        "counts must be finite and not negative, got -2",
    ),
    "counts NaN": (lambda: x.normalize([1, nan]), "counts must be finite .*, got nan"),
    "counts inf": (lambda: x.normalize([1, inf]), "counts must be finite .*, got inf"),
    "gain negative": (lambda: x.information_gain([[1, -2]]), "counts must be finite .*, got -2"),
    "gain of a list": (lambda: x.information_gain([1, 2]), "counts must be a table with two axes"),
    "a single count": (lambda: x.normalize(3), "counts must have at least one axis, .* number 3"),
    "a slice of zeros": (
        lambda: x.normalize([[1, 2], [0, 0]]),
        "counts has a slice that sums to 0;",
    ),
    "a table of zeros": (
        lambda: x.information_gain([[0, 0]]),
        "counts has a slice that sums to 0;",
    ),
    "huge counts": (
        lambda: x.normalize([1e308] * 2),
        "counts are too large to be added in float64; scale",
    ),
    "huge pseudocount": (
        lambda: x.normalize([1e308], pseudocount=1e308),
        "counts are too large to be added",
    ),
    "pseudocount negative": (
        lambda: x.normalize(HALF, pseudocount=-1),
        "pseudocount must be a number of at least 0, got -1",
    ),
    "pseudocount NaN": (lambda: x.normalize(HALF, pseudocount=nan), "pseudocount .*, got nan"),
    "pseudocount inf": (lambda: x.normalize(HALF, pseudocount=inf), "pseudocount .*, got inf"),
    "pseudocount True": (lambda: x.normalize(HALF, pseudocount=True), "pseudocount .*, got True"),
    "pseudocount list": (lambda: x.normalize(HALF, pseudocount=[1]), r"pseudocount .*, got \[1\]"),
    "normalize, no such axis": (
        lambda: x.normalize(HALF, axis=1),
        r"axis must name axes of counts, which has shape \(2,\), got 1",
    ),
    "normalize, axis float": (
        lambda: x.normalize(HALF, axis=0.5),
        "axis must name axes .*, got 0.5",
    ),
    "normalize, axis twice": (lambda: x.normalize(TABLE, axis=(0, -2)), r"axis .*, got \(0, -2\)"),
    # labels
    "labels float": (nll([HALF], [0.0]), "labels must be whole numbers .*, got dtype float64"),
    "labels bool": (nll([HALF], [True]), "labels must be whole numbers .*, got dtype bool"),
    "labels strings": (
        lambda: x.one_hot(["a"], 2),
        "labels must be whole numbers .*, got dtype <U1",
    ),
    "label too large": (nll([HALF] * 2, [0, 2]), "labels must lie between 0 and 1, got 2"),
    "label negative": (nll([HALF] * 2, [0, -1]), "labels must lie between 0 and 1, got -1"),
    "one-hot too large": (lambda: x.one_hot([0, 3], 3), "labels must lie between 0 and 2, got 3"),
    "one-hot negative": (lambda: x.one_hot(-1, 3), "labels must lie between 0 and 2, got -1"),
    "labels too few": (
        nll([HALF] * 2, [0]),
        r"labels must hold one class .* have shape \(2,\), got shape \(1,\)",
    ),
    "labels one-hot": (nll([HALF], [[1, 0]]), r"labels .* have shape \(1,\), got shape \(1, 2\)"),
    "labels empty": (nll([HALF], []), r"labels is empty: it has shape \(0,\)"),
    "reduction": (
        nll([HALF], [0], reduction="avg"),
        "reduction must be 'mean', 'sum' or 'none', got 'avg'",
    ),
    "reduction None": (nll([HALF], [0], reduction=None), "reduction must be .*, got None"),
    "reduction std": (nll([HALF], [0], reduction="std"), "reduction must be .*, got 'std'"),
    "targets are counts": (
        lambda: x.smooth_labels([2.0, 1], 0.1),
        "targets must sum to 1, got .* 3",
    ),
    "targets a number": (lambda: x.smooth_labels(1, 0.1), "targets must hold a distribution"),
    "alpha above 1": (lambda: x.smooth_labels(HALF, 1.5), "alpha must be .* 0 and 1, got 1.5"),
    "alpha negative": (lambda: x.smooth_labels(HALF, -0.1), "alpha must be .*, got -0.1"),
    "alpha NaN": (lambda: x.smooth_labels(HALF, nan), "alpha must be .*, got nan"),
    "alpha None": (lambda: x.smooth_labels(HALF, None), "alpha must be .*, got None"),
    "no classes": (lambda: x.one_hot([0], 0), "n_classes must be a whole .* at least 1, got 0"),
    "classes negative": (lambda: x.one_hot([0], -2), "n_classes must be .*, got -2"),
    "classes float": (lambda: x.one_hot([0], 2.0), "n_classes must be .*, got 2.0"),
    "classes True": (lambda: x.one_hot([0], True), "n_classes must be .*, got True"),
    "classes None": (lambda: x.one_hot([0], None), "n_classes must be .*, got None"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_bad_input_names_the_argument_and_the_offence(name):
    call, message = ERRORS[name]
    with pytest.raises(ValueError, match="^" + message):
        call()


WITH_BASE = {
    "information_content": lambda base: x.information_content(0.5, base=base),
    "entropy": lambda base: x.entropy(HALF, base=base),
    "cross_entropy": lambda base: x.cross_entropy(HALF, HALF, base=base),
    "kl_divergence": lambda base: x.kl_divergence(HALF, HALF, base=base),
    "js_divergence": lambda base: x.js_divergence(HALF, HALF, base=base),
    "binary_entropy": lambda base: x.binary_entropy(0.5, base=base),
    "binary_cross_entropy": lambda base: x.binary_cross_entropy(0.5, 0.5, base=base),
    "joint_entropy": lambda base: x.joint_entropy(TABLE, base=base),
    "conditional_entropy": lambda base: x.conditional_entropy(TABLE, given=0, base=base),
    "mutual_information": lambda base: x.mutual_information(TABLE, base=base),
    "information_gain": lambda base: x.information_gain(TABLE, base=base),
    "negative_log_likelihood": lambda base: x.negative_log_likelihood(HALF, 0, base=base),
}
BASES = [0, -2, 1, 0.5, nan, inf, -inf, True, "2", [2], np.float64(1), np.array(2), 1j]


@pytest.mark.parametrize("base", BASES, ids=repr)
@pytest.mark.parametrize("name", WITH_BASE)
def test_a_base_that_is_no_number_above_1_is_refused(name, base):
    with pytest.raises(ValueError, match=r"^base must be .* got " + re.escape(repr(base)) + "$"):
        WITH_BASE[name](base)


@pytest.mark.parametrize("base", [2, 2.0, np.int64(2), F32(2), 1.5, math.e, 10**400])
def test_any_number_above_1_is_a_base(base):
    assert x.information_content(0.5, base=base) == pytest.approx(math.log(2) / math.log(base))
