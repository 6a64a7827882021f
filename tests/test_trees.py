"""The best split of `xentlib.trees`, against brute force and scikit-learn."""

import math
import re
import tracemalloc
from decimal import Decimal
from fractions import Fraction

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
        [np.True_, False, True, np.False_],
        [7.0, -1, 7, -1.0],
        [2**70 + 1, 2**70, 2**70 + 1, 2**70],
        [2**53 + 1, 2**53, 2**53 + 1, 2**53],
        [b"yes", b"no", b"yes", b"no"],
        np.array(["yes", "no", "yes", "no"], object),
        np.array(["2021", "2020", "2021", "2020"], "datetime64[Y]"),
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


@given(st.integers(1, 2000), st.integers(1, 5), st.integers(0, 2**32))
def test_of_two_mirrored_splits_the_first_is_taken(n, n_classes, seed):
    half = np.random.default_rng(seed).integers(0, n_classes, n)
    y = np.concatenate([half, half[::-1]])  # the gains at i and at 2n - i are equal
    assert best_split(np.arange(2 * n), y)[1] < n


@pytest.mark.parametrize("n_classes", [2, 10, 1000, 30_000])
def test_many_rows_and_classes_keep_the_gain_exact(n_classes):
    rng = np.random.default_rng(n_classes)
    y = np.sort(rng.integers(0, n_classes, 30_000))
    y = np.where(rng.random(y.size) < 0.5, y, rng.integers(0, n_classes, y.size))
    gain, threshold = best_split(np.arange(y.size), y)
    counts = np.stack([np.bincount(y[np.arange(y.size) <= threshold], minlength=n_classes)] * 2)
    counts[1] = np.bincount(y, minlength=n_classes) - counts[0]
    assert gain == pytest.approx(information_gain(counts), rel=1e-14)
    for step in rng.integers(1, y.size, 30):
        below = np.bincount(y[:step], minlength=n_classes)
        assert information_gain([below, counts.sum(axis=0) - below]) <= gain + TOL


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


def neighbours(dtype, start):
    """Eight numbers of the dtype, one next to the other."""
    if np.dtype(dtype) == bool:
        return np.array([False, True])
    if np.dtype(dtype).kind in "iu":
        return np.array([start + k for k in range(8)], dtype)
    found = [np.dtype(dtype).type(start)]
    while len(found) < 8:
        found.append(np.nextafter(found[-1], found[0].dtype.type(math.inf)))
    return np.array(found, dtype)


DTYPES = ["?", "i1", "u1", "<i4", "<i8", ">i8", "<u8", "f2", "<f4", ">f4", "<f8", "g"]


@st.composite
def neighbouring_values(draw):
    dtype = np.dtype(draw(st.sampled_from(DTYPES)))
    starts = [0]
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        some = [limits.min, limits.max - 7, 2**53 - 4, -(2**53) - 4, 17 * 10**17, 2**63 - 4]
        starts += [n for n in some if limits.min <= n <= limits.max - 7]
    elif dtype.kind == "f":
        starts += [1, -1, 1024, -float(np.finfo(dtype).tiny), float(np.finfo(dtype).tiny)]
    values = neighbours(dtype, draw(st.sampled_from(starts)))
    ranks = np.array(draw(st.lists(st.integers(0, values.size - 1), min_size=1, max_size=12)))
    return values[ranks], ranks


@given(neighbouring_values(), st.data())
def test_x_at_most_the_threshold_splits_as_counted_in_every_dtype(feature, data):
    x, ranks = feature
    y = data.draw(st.lists(st.integers(0, 2), min_size=x.size, max_size=x.size))
    gain, threshold = best_split(x, y)
    expected_gain, between_ranks = best_split(ranks, y)
    assert gain == expected_gain
    if math.isnan(between_ranks):
        assert math.isnan(threshold)
        return
    below = ranks <= between_ranks
    np.testing.assert_array_equal(x <= threshold, below)  # as NumPy compares
    exact = [
        Fraction(*value.as_integer_ratio()) if x.dtype.kind == "f" else int(value) for value in x
    ]
    ratio = threshold.as_integer_ratio() if isinstance(threshold, np.floating) else (threshold, 1)
    np.testing.assert_array_equal([value <= Fraction(*map(int, ratio)) for value in exact], below)


def test_integers_that_no_float_can_tell_apart_are_told_apart():
    assert best_split([2**53, 2**53 + 1], ["a", "b"]) == (math.log(2), 2**53)
    times = 1_700_000_000_000_000_000 + 100 * np.arange(4)  # in nanoseconds
    gain, threshold = best_split(times, [0, 0, 1, 1])
    assert (gain, threshold) == (math.log(2), times[0] + 150)
    assert isinstance(threshold, np.int64)
    assert (times <= threshold).tolist() == [True, True, False, False]
    gain, threshold = best_split([2**64 - 1, 2**64 - 2], [0, 1])
    assert (gain, threshold) == (math.log(2), 2**64 - 2)
    assert best_split(np.int64([-(2**63), 2**63 - 1]), [0, 1])[1] == -1  # a sum could overflow
    assert isinstance(best_split([2**53 - 1, 2**53], [0, 1])[1], np.float64)
    assert math.isnan(best_split([2**60, 2**60], [0, 1])[1])


def test_exact_numbers_of_python_become_floats_if_these_are_equal():
    assert best_split([2**70, 2**72], [0, 1])[1] == 2**69 + 2**71
    assert best_split([Fraction(1, 2), Decimal("0.25")], [0, 1])[1] == 0.375
    assert best_split([2**63, 0.5], [0, 1])[1] == 2.0**62 + 0.25


def test_a_class_costs_no_memory():
    x = np.random.default_rng(0).random(20_000)
    for y in (np.arange(20_000) // 2, np.arange(20_000), np.arange(20_000).astype(str)):
        tracemalloc.start()
        best_split(x, y)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 200 * y.size + y.nbytes * 4


def test_no_warning_comes_from_numbers_near_the_limits():
    with np.errstate(all="raise"):
        assert best_split([TINY, 3 * TINY], [0, 1])[1] == 2 * TINY
        assert math.isnan(best_split([HUGE, HUGE], [0, 1])[1])


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
        "x is a masked array; choose what to do with the masked values: compressed() or filled()",
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
    "dates": (
        lambda: best_split(np.array(["2020", "2021"], "datetime64[D]"), [0, 1]),
        "x must hold real numbers, got dtype datetime64[D]; use numpy.asarray(x).astype('int64')",
    ),
    "complex": (
        lambda: best_split([1j, 2], [0, 1]),
        "x must hold real numbers, got dtype complex128",
    ),
    "missing": (
        lambda: best_split([1, None], [0, 1]),
        "x must hold real numbers, got None (NoneType); leave out or replace what is missing",
    ),
    "too long an integer": (
        lambda: best_split([2**64, 2**64 + 1], [0, 1]),
        f"x holds {2**64 + 1}, for which NumPy takes {2.0**64}: no integer dtype holds all of x; "
        "subtract the smallest number from all",
    ),
    "too long an integer as an object": (
        lambda: best_split(np.array([2**64, 2**64 + 1], object), [0, 1]),
        f"x holds {2**64 + 1}, for which NumPy takes {2.0**64}: no integer dtype holds all of x; "
        "subtract the smallest number from all",
    ),
    "a long integer among floats": (
        lambda: best_split([0.5, 2**53 + 1], [0, 1]),
        f"x holds {2**53 + 1}, for which NumPy takes {2.0**53}: no integer dtype holds all of x; "
        "subtract the smallest number from all",
    ),
    "a class that is too long an integer": (
        lambda: best_split([1, 2, 3], [2**63, 2**63 + 1, -1]),
        f"y holds {2**63 + 1}, for which NumPy takes {2.0**63}: no integer dtype holds all of y; "
        "subtract the smallest number from all",
    ),
    "class NaT": (
        lambda: best_split([1, 2], np.array(["2020", "NaT"], "datetime64[Y]")),
        "y must hold classes, got NaT; leave these rows out",
    ),
    "no order": (
        lambda: best_split([1, 2], [{}, {}]),
        "y must hold classes that have an order, such as numbers or strings, got {}",
    ),
    "a set of classes": (
        lambda: best_split([1, 2], {"a", "b"}),
        "y must be a list or an array, got a set; use list(y)",
    ),
}
OBJECTS = np.array([1, "1"], object)
ERRORS |= {
    f"classes {y!r}": (
        lambda y=y: best_split([1, 2], y),
        f"y must hold classes of one kind, got {y[0]!r} ({a}) and {y[1]!r} ({b}); convert them, "
        "and leave out rows whose class is missing",
    )
    for y, a, b in [
        ([1, "1"], "int", "str"),
        ([True, "True"], "bool", "str"),
        ([True, 1], "bool", "int"),
        ([np.False_, 0], "bool", "int"),
        ([1.5, "a"], "float", "str"),
        ([b"a", "a"], "bytes", "str"),
        (["a", None], "str", "NoneType"),
        (["nan", math.nan], "str", "float"),
        (OBJECTS, "int", "str"),
    ]
}
ERRORS |= {
    f"continuous {y!r}": (
        lambda y=y: best_split([1, 2], y),
        f"y must hold classes, got {y[1]}; if y is continuous, cut it into bins (numpy.digitize), "
        "and leave out rows whose class is missing",
    )
    for y in [
        [1, 1.5],
        [0, math.nan],
        [0, math.inf],
        np.float32([1, 0.25]),
        np.array([1, 0.5], object),
        [Fraction(1), Fraction(1, 3)],
        [1, Decimal("0.5")],
    ]
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


# --- pandas ---------------------------------------------------------------------------------------


def test_series_are_taken_by_position_unless_their_labels_contradict_it():
    pandas = pytest.importorskip("pandas")
    x, y = (
        pandas.Series([1.0, 2, 3], index=list("abc")),
        pandas.Series([0, 1, 1], index=list("cba")),
    )
    with pytest.raises(ValueError, match="x and y are taken by position, but are labelled"):
        best_split(x, y)
    expected = best_split([1, 2, 3], [0, 1, 1])
    assert best_split(x, y.to_numpy()) == best_split(x, y.set_axis(x.index)) == expected
    assert best_split(x, y.reindex(x.index)) == best_split([1, 2, 3], [1, 1, 0])


def test_classes_may_be_columns_of_pandas_but_none_may_be_missing():
    pandas = pytest.importorskip("pandas")
    expected = (math.log(2), 1.5)
    words, numbers = pandas.Series(["a", "b"]), pandas.Series([0, 1])
    for y in (
        words,
        words.astype("string"),
        words.astype("category"),
        words.astype(object),
        numbers.astype("Int64"),
        numbers.astype("category"),
        numbers.astype("boolean"),
        pandas.cut(pandas.Series([0.1, 0.9]), 2),
    ):
        assert best_split([1, 2], y) == expected
        with pytest.raises(ValueError, match="leave out rows whose class is missing"):
            best_split([1, 2], y.where([True, False]))
