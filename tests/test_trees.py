"""The best split of `xentlib.trees`, against brute force and scikit-learn."""

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_iris, load_wine
from sklearn.tree import DecisionTreeClassifier

from xentlib import best_split, entropy, information_gain, normalize

TOL = 1e-12  # see test_laws
DATA = {
    f"{load.__name__[5:]}, {name}": (load().data[:, k], load().target)
    for load in (load_iris, load_wine)
    for k, name in enumerate(load().feature_names)
}
bases = pytest.mark.parametrize("base", [None, 2, 10])


def table(x, y, threshold):
    """Counts[branch, class] of a split."""
    labels = sorted(set(y))
    above = np.asarray(x) > threshold
    return [[sum((above == b) & (np.asarray(y) == k)) for k in labels] for b in (False, True)]


def thresholds(x):
    values = np.unique(x)
    return (values[:-1] + values[1:]) / 2


few_values = st.integers(-3, 3)
values = st.one_of(few_values, st.floats(-1e6, 1e6))


@st.composite
def samples(draw, value=few_values):
    """A feature and classes 0, 1, 2."""
    rows = st.tuples(value, st.integers(0, 2))
    x, y = zip(*draw(st.lists(rows, min_size=1, max_size=30)), strict=True)
    return np.array(x), np.array(y)


# --- Known values ---------------------------------------------------------------------------------


def test_the_first_question_about_an_iris():
    """A petal at most 2.45 cm long or 0.8 cm wide: both tell setosa from the rest."""
    gain, threshold = best_split(*DATA["iris, petal length (cm)"], base=2)
    assert gain == pytest.approx(0.918296, abs=5e-7)
    assert threshold == pytest.approx(2.45, rel=1e-15)
    gain, threshold = best_split(*DATA["iris, petal width (cm)"], base=2)
    assert gain == pytest.approx(0.918296, abs=5e-7)
    assert threshold == pytest.approx(0.8, rel=1e-15)


def test_a_split_that_tells_all_gains_the_entropy_of_the_class():
    gain, threshold = best_split([7, 1, 2, 9], [1, 0, 0, 1], base=2)
    assert (gain, threshold) == (1, 4.5)


def test_the_first_of_equally_good_thresholds_is_taken():
    assert best_split([1, 2, 3, 4], [0, 1, 1, 0])[1] == 1.5  # as good as 3.5
    assert best_split([1, 2, 3], [0, 0, 0]) == (0, 1.5)
    assert best_split([1, 1, 2, 2, 3, 3], [0, 1, 0, 1, 0, 1]) == (0, 1.5)


def test_rounding_does_not_choose_among_equally_good_thresholds():
    y = [1, 1, 1, 0, 0, 1, 1, 1]  # by symmetry the gains of 2.5 and 4.5 are equal
    gains = information_gain([table(range(8), y, v) for v in thresholds(range(8))])
    assert gains[4] != gains[2] == pytest.approx(gains[4], rel=1e-15)  # but they are rounded
    assert best_split(range(8), y)[1] == 2.5
    assert best_split(range(8), y, base=1 + 1e-9)[1] == 2.5  # in so small a unit rounding is large


def test_equal_values_cannot_be_split():
    gain, threshold = best_split([3, 3, 3], [0, 1, 1])
    assert gain == 0
    assert not np.signbit(gain)
    assert math.isnan(threshold)
    gain, threshold = best_split([3], ["a"], base=2)
    assert gain == 0
    assert math.isnan(threshold)


def test_classes_may_be_of_any_kind():
    x = [4, 1, 3, 2]
    expected = best_split(x, [1, 0, 1, 0])
    for y in (
        ["yes", "no", "yes", "no"],
        [True, False, True, False],
        [7.5, -1.0, 7.5, -1.0],
        np.array(["yes", "no", "yes", "no"], object),
        np.uint8([200, 3, 200, 3]),
    ):
        assert best_split(x, y) == expected == (math.log(2), 2.5)


# --- Laws -----------------------------------------------------------------------------------------


@bases
@given(sample=samples(values))
def test_the_gain_is_the_largest_of_all_thresholds_and_the_threshold_has_it(sample, base):
    x, y = sample
    gain, threshold = best_split(x, y, base=base)
    if len(set(x)) == 1:
        assert (gain, math.isnan(threshold)) == (0, True)
        return
    gains = np.array([information_gain(table(x, y, v), base=base) for v in np.unique(x)[:-1]])
    assert gain == pytest.approx(gains.max(), rel=TOL, abs=TOL)
    assert gain == information_gain(table(x, y, threshold), base=base)
    below, above = x[x <= threshold].max(), x[x > threshold].min()
    assert below <= threshold < above
    assert threshold == pytest.approx((below + above) / 2, rel=1e-15) or threshold == below
    assert below == np.unique(x)[np.argmax(gains >= gains.max() - TOL)]


@given(samples())
def test_the_gain_lies_between_0_and_the_entropy_of_the_class(sample):
    x, y = sample
    gain, _ = best_split(x, y)
    assert 0 <= gain <= entropy(normalize(np.bincount(y))) + TOL


@given(samples(), st.data())
def test_the_order_of_the_rows_and_the_names_of_the_classes_play_no_role(sample, data):
    x, y = sample
    order = data.draw(st.permutations(range(x.size)))
    names = np.array(data.draw(st.permutations(["dog", "cat", "bird"])))
    expected = best_split(x, y)
    np.testing.assert_array_equal(best_split(x[order], y[order]), expected)
    np.testing.assert_allclose(best_split(x, names[y]), expected, rtol=TOL, atol=TOL)


@given(samples(), st.sampled_from([2, 10, 1.5, 10**300]))
def test_the_base_changes_the_unit_and_not_the_threshold(sample, base):
    gain, threshold = best_split(*sample)
    in_base, same = best_split(*sample, base=base)
    assert in_base * math.log(base) == pytest.approx(gain, rel=TOL)
    np.testing.assert_array_equal(same, threshold)


@given(samples(), st.sampled_from([0.5, 2, 1024]), st.integers(-4, 4))
def test_the_threshold_moves_with_the_feature(sample, scale, shift):
    x, y = sample
    gain, threshold = best_split(x, y)
    moved = best_split(scale * x + shift, y)
    np.testing.assert_array_equal(moved, (gain, scale * threshold + shift))


@given(samples(), st.integers(2, 4))
def test_rows_that_are_all_repeated_change_nothing(sample, times):
    x, y = sample
    repeated = best_split(np.repeat(x, times), np.repeat(y, times))
    np.testing.assert_allclose(repeated, best_split(x, y), rtol=TOL, atol=TOL)


# --- scikit-learn ---------------------------------------------------------------------------------


def stump(x, y):
    """Gain in bits and threshold of scikit-learn, whose features are float32."""
    tree = DecisionTreeClassifier(criterion="entropy", max_depth=1, random_state=0)
    tree = tree.fit(np.reshape(x, (-1, 1)), y).tree_
    shares = tree.weighted_n_node_samples[1:] / len(x)
    return tree.impurity[0] - shares @ tree.impurity[1:], tree.threshold[0]


@pytest.mark.parametrize("name", DATA)
def test_splits_of_real_data_are_those_of_scikit_learn(name):
    x, y = DATA[name]
    gain, threshold = best_split(x, y, base=2)
    expected_gain, expected_threshold = stump(x, y)
    assert gain == pytest.approx(expected_gain, rel=TOL)
    assert threshold == pytest.approx(expected_threshold, rel=1e-6)


@pytest.mark.parametrize("seed", range(10))
def test_splits_of_random_data_are_those_of_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 4, 200)
    x = rng.normal(size=200) + y
    np.testing.assert_allclose(best_split(x, y, base=2), stump(x, y), rtol=1e-5)
    x = rng.integers(0, 8, 200) + y  # many values are equal
    np.testing.assert_allclose(best_split(x, y, base=2), stump(x, y), rtol=TOL)


# --- Numbers --------------------------------------------------------------------------------------

HUGE, TINY = np.finfo(float).max, 5e-324


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (1.0, np.nextafter(1, 2), 1.0),
        (np.nextafter(1, 0), 1.0, np.nextafter(1, 0)),
        (3 * TINY, 4 * TINY, 3 * TINY),
        (0.0, TINY, 0.0),
        (-TINY, TINY, 0.0),
        (-HUGE, HUGE, 0.0),
        (HUGE / 2, HUGE, HUGE * 0.75),
        (np.nextafter(HUGE, 0), HUGE, np.nextafter(HUGE, 0)),
    ],
)
def test_the_threshold_parts_neighbouring_numbers(a, b, expected):
    assert best_split([a, b], [0, 1]) == (math.log(2), expected)


def test_the_threshold_has_the_dtype_of_the_feature():
    a = np.float32(1)
    for b in (np.float32(2), np.nextafter(a, np.float32(2))):
        gain, threshold = best_split(np.array([a, b]), [0, 1])
        assert threshold.dtype == np.float32
        assert a <= threshold < b
        assert gain == math.log(2)
    assert best_split(np.float32([1, 1]), [0, 1])[1].dtype == np.float32
    assert best_split(np.uint8([200, 250]), [0, 1])[1] == 225


def test_a_hundred_thousand_rows():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 100_000)
    x = y + rng.normal(scale=0.1, size=y.size)
    gain, threshold = best_split(x, y, base=2)
    assert gain == pytest.approx(0.918, abs=0.01)
    assert threshold == pytest.approx(0.5, abs=0.1) or threshold == pytest.approx(1.5, abs=0.1)


def test_input_is_left_as_it_was():
    x, y = np.array([3.0, 1, 2]), np.array(["b", "a", "a"])
    best_split(x, y)
    np.testing.assert_array_equal(x, [3, 1, 2])
    np.testing.assert_array_equal(y, ["b", "a", "a"])


# --- Errors ---------------------------------------------------------------------------------------

ERRORS = {
    "NaN": (lambda: best_split([1, math.nan], [0, 1]), "x must be finite, got nan"),
    "inf": (lambda: best_split([1, -math.inf], [0, 1]), "x must be finite, got -inf"),
    "no rows": (lambda: best_split([], []), "x is empty: it has shape (0,)"),
    "letters": (
        lambda: best_split(["a", "b"], [0, 1]),
        "x must hold real numbers, got dtype <U1",
    ),
    "two features": (
        lambda: best_split([[1, 2], [3, 4]], [0, 1]),
        "x must be one feature, of shape (n,), got shape (2, 2)",
    ),
    "a number": (
        lambda: best_split(1, 0),
        "x must be one feature, of shape (n,), got shape ()",
    ),
    "masked": (
        lambda: best_split(np.ma.array([1, 2], mask=[0, 1]), [0, 1]),
        "x is a masked array; choose what to do with the masked values",
    ),
    "too few classes": (
        lambda: best_split([1, 2, 3], [0, 1]),
        "y must hold one class for each value of x, so have shape (3,), got shape (2,)",
    ),
    "one-hot classes": (
        lambda: best_split([1, 2], [[1, 0], [0, 1]]),
        "y must hold one class for each value of x, so have shape (2,), got shape (2, 2)",
    ),
    "no classes": (lambda: best_split([1], []), "y is empty: it has shape (0,)"),
    "class NaN": (lambda: best_split([1, 2], [0, math.nan]), "y must hold classes, got NaN"),
    "class None": (
        lambda: best_split([1, 2], ["a", None]),
        "y must hold classes of one kind, such as numbers or strings",
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_bad_input_names_the_argument_and_the_offence(name):
    call, message = ERRORS[name]
    with pytest.raises(ValueError, match="^" + re.escape(message) + r"\Z"):
        call()


@pytest.mark.parametrize("x", [[1, 2], [1, 1]], ids=["two values", "one value"])
@pytest.mark.parametrize("base", [0, 1, 0.5, math.nan, math.inf, True, "2"], ids=repr)
def test_a_base_that_is_no_number_above_1_is_refused(x, base):
    with pytest.raises(ValueError, match=r"^base must be .* got " + re.escape(repr(base)) + "$"):
        best_split(x, [0, 1], base=base)
