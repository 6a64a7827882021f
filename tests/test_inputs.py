"""What all functions of probabilities share: what counts as rounded, memory layouts, messages."""

import json
import math
from collections import Counter
from decimal import Decimal
from fractions import Fraction

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

import xentlib as x

F32 = np.float32
HALF = [0.5, 0.5]

# Every function of distributions (..., K), of tables, and of single probabilities.
OF_DISTRIBUTIONS = {
    "entropy": x.entropy,
    "cross_entropy": lambda p: x.cross_entropy(p, np.flip(p, -1)),
    "kl_divergence": lambda p: x.kl_divergence(p, np.flip(p, -1)),
    "js_divergence": lambda p: x.js_divergence(p, np.flip(p, -1)),
    "perplexity": x.perplexity,
    "perplexity of a model": lambda p: x.perplexity(p, np.flip(p, -1)),
    "negative_log_likelihood": lambda p: x.negative_log_likelihood(
        p, np.zeros(np.shape(p)[:-1], int), reduction="none"
    ),
    "smooth_labels": lambda p: x.smooth_labels(p, 0.1),
}
OF_TABLES = {
    "joint_entropy": x.joint_entropy,
    "conditional_entropy, rows": lambda t: x.conditional_entropy(t, given=0),
    "conditional_entropy, columns": lambda t: x.conditional_entropy(t, given=1),
    "mutual_information": x.mutual_information,
    "information_gain": x.information_gain,
}
ELEMENTWISE = {
    "information_content": x.information_content,
    "binary_entropy": x.binary_entropy,
    "binary_cross_entropy": lambda p: x.binary_cross_entropy(p, 1 - np.asarray(p)),
}


def each(functions):
    return pytest.mark.parametrize("call", functions.values(), ids=functions)


# --- What is only rounded -------------------------------------------------------------------------


@st.composite
def float32_rows(draw):
    """Rows of a softmax computed in float32."""
    k = draw(st.sampled_from([2, 3, 10, 1000, 50_000]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    z = draw(st.sampled_from([0.1, 1, 5])) * rng.standard_normal(k).astype(F32)
    e = np.exp(z - z.max())
    one_by_one = np.cumsum(e, dtype=F32)[-1]  # the worst way to add
    return e / draw(st.sampled_from([e.sum(), one_by_one]))


WAYS = {
    "astype": lambda p: p.astype(float),
    "tolist": lambda p: p.tolist(),
    "JSON": lambda p: json.loads(json.dumps(p.tolist())),
    "text": lambda p: np.array([float(f"{value:.9g}") for value in p]),
    "longdouble": lambda p: p.astype(np.longdouble),
}


@given(float32_rows(), st.sampled_from(sorted(WAYS)))
def test_probabilities_that_were_float32_are_accepted_however_they_come(p, way):
    exact = p.astype(float) / p.sum(dtype=float)
    assert x.entropy(WAYS[way](p)) == pytest.approx(x.entropy(exact), rel=1e-8)
    assert x.entropy(p) == pytest.approx(x.entropy(exact), rel=1e-6)


@given(float32_rows())
def test_no_measure_of_rounded_probabilities_is_beyond_its_bound(p):
    for given_p in (p, p.astype(float)):
        tol = 2e-16 if given_p.dtype == float else 1e-7
        tol *= math.log(p.size)
        log_k, q = math.log(p.size), np.roll(given_p, 1)
        assert -tol <= x.entropy(given_p) <= log_k + tol
        assert 1 - tol <= x.perplexity(given_p) <= p.size * (1 + tol)
        assert x.kl_divergence(given_p, q) >= -10 * tol
        assert -tol <= x.js_divergence(given_p, q, base=2) <= 1 + tol
        assert x.cross_entropy(given_p, q) >= x.entropy(given_p) - 10 * tol
        assert x.negative_log_likelihood(given_p, int(p.argmax())) >= 0
        assert x.mutual_information(given_p.reshape(1, -1)) >= 0


@pytest.mark.parametrize("dtype", [np.float16, F32, float])
def test_a_sure_prediction_a_little_above_1_is_sure(dtype):
    above = np.nextafter(dtype(1), dtype(2))
    assert x.entropy(np.array([above, 0], dtype)) == 0
    assert x.perplexity(np.array([above, 0], dtype)) == 1
    assert x.negative_log_likelihood(np.array([[above, 0]], dtype), [0]) == 0
    assert x.information_content(above) == x.binary_entropy(above) == 0
    assert x.binary_cross_entropy(1, above) == 0
    assert x.js_divergence(np.array([above, 0], dtype), np.array([0, above], dtype), base=2) == 1


@pytest.mark.parametrize(
    "p",
    [
        np.array([0.4999, 0.4999], F32),
        np.array([0.5, 0.5001]),
        np.array([0.5, 0.5001], np.longdouble),
        np.array([0.333] * 3),
        np.array([1.03, 0], np.float16),
        [1 + 1e-5, 0],
    ],
    ids=repr,
)
def test_more_than_float32_rounding_is_refused(p):
    for call in (x.entropy, x.perplexity, lambda p: x.joint_entropy([p])):
        with pytest.raises(ValueError, match=r"must sum to 1, got a sum of .* call normalize\("):
            call(p)
    with pytest.raises(ValueError, match="q must sum to 1"):
        x.kl_divergence(np.full(len(p), 1 / len(p)), p)


@given(
    hnp.arrays(float, st.integers(2, 9), elements=st.floats(0.01, 1)),
    st.floats(-1, 1),
)
def test_what_the_sum_misses_is_divided_out(weights, share):
    p = weights / weights.sum()
    for call in OF_DISTRIBUTIONS.values():
        np.testing.assert_allclose(call(p * (1 + 1e-6 * share)), call(p), rtol=1e-12, atol=1e-14)


def test_each_argument_is_judged_by_its_own_dtype():
    rough = np.array([0.5, 0.503], np.float16)
    assert x.cross_entropy(rough, HALF).dtype == np.float64
    assert x.cross_entropy(rough, np.array(HALF, F32)).dtype == F32
    with pytest.raises(ValueError, match="q must sum to 1"):
        x.cross_entropy(rough, rough.astype(float))
    assert x.entropy(rough.astype(">f2")) == x.entropy(rough)


def test_probabilities_above_1_by_more_than_rounding_are_refused():
    for call in (x.information_content, x.binary_entropy, lambda p: x.binary_cross_entropy(p, p)):
        with pytest.raises(ValueError, match=r"between 0 and 1, got 1\.00001"):
            call(1.00001)


def test_a_tiny_negative_number_is_refused_with_what_to_do():
    rest = 1 - 0.9 - 0.1  # -2.8e-17
    with pytest.raises(ValueError, match=r"got -2.77.*; .* numpy.maximum\(p, 0\)"):
        x.entropy([0.9, 0.1, rest])
    with pytest.raises(ValueError, match=r"numpy.maximum\(p, 0\)"):
        x.information_content(rest)


# --- Memory layouts -------------------------------------------------------------------------------


@st.composite
def layouts(draw):
    """A function that stores an array in another order, with other strides, in other bytes."""
    order, byteorder = draw(st.sampled_from("CF")), draw(st.sampled_from("<>"))
    steps = draw(st.tuples(*[st.sampled_from([-2, -1, 1, 3])] * 3))
    moved, readonly = draw(st.booleans()), draw(st.booleans())

    def lay_out(a):
        steps_here = steps[: a.ndim]
        room = np.zeros([n * abs(s) for n, s in zip(a.shape, steps_here, strict=True)], order=order)
        room = room.astype(a.dtype.newbyteorder(byteorder))
        if moved:
            room = np.moveaxis(np.ascontiguousarray(np.moveaxis(room, 0, -1)), -1, 0)
        view = room[tuple(slice(None, None, s) for s in steps_here)]
        view[...] = a
        view.setflags(write=not readonly)
        return view

    return lay_out


DTYPES = np.float16, F32, np.float64


@given(st.data(), st.sampled_from(DTYPES), layouts(), st.integers(0, 2**32 - 1))
def test_the_layout_in_memory_changes_nothing(data, dtype, lay_out, seed):
    rng = np.random.default_rng(seed)
    shape = data.draw(hnp.array_shapes(min_dims=3, max_dims=3, min_side=1, max_side=6))
    t = rng.dirichlet(np.ones(shape[-1]), shape[:-1]).astype(dtype)
    for call in (OF_DISTRIBUTIONS | ELEMENTWISE).values():
        np.testing.assert_array_equal(call(lay_out(t)), call(t))
    joint = (t.astype(float) / t.sum((-2, -1), float, keepdims=True)).astype(dtype)
    for call in OF_TABLES.values():
        np.testing.assert_array_equal(call(lay_out(joint)), call(joint))
    np.testing.assert_array_equal(x.normalize(lay_out(t)), x.normalize(t))


@given(st.data(), st.sampled_from([np.float16, F32]), st.integers(0, 2**32 - 1))
def test_float32_results_are_those_of_float64_rounded_once(data, dtype, seed):
    rng = np.random.default_rng(seed)
    shape = data.draw(hnp.array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=6))
    p = rng.dirichlet(np.ones(shape[-1]), shape[:-1]).astype(dtype)
    joint = (p.astype(float) / p.sum((-2, -1), float, keepdims=True)).astype(dtype)
    cases = [(call, p) for call in OF_DISTRIBUTIONS.values()]
    cases += [(call, joint) for call in OF_TABLES.values()]
    for call, a in cases:
        scaled = a.astype(float) / a.sum(-1 if a is p else (-2, -1), float, keepdims=True)
        assert call(a).dtype == F32
        np.testing.assert_allclose(call(a), call(scaled), rtol=1e-7, atol=1e-14)


@pytest.mark.parametrize("axis", [0, 1])
def test_long_float32_tables_are_right_whichever_way_they_lie(axis):
    rng = np.random.default_rng(0)
    tall = rng.random((1_000_000, 2)).astype(F32)
    tall /= tall.sum(dtype=float)
    table = tall if axis == 0 else np.ascontiguousarray(tall.T)
    exact = x.mutual_information(tall.astype(float))
    assert x.mutual_information(table) == pytest.approx(exact, rel=1e-6)
    assert x.information_gain(table) == pytest.approx(exact, rel=1e-6)
    both = x.conditional_entropy(table, given=axis)
    assert both == pytest.approx(x.conditional_entropy(tall.astype(float), given=0), rel=1e-6)
    independent = np.full_like(table, 1 / table.size)
    assert x.mutual_information(independent) < 1e-12


def test_a_stack_of_tables_seen_through_a_moved_axis():
    w = np.random.default_rng(0).random((1000, 1000))
    w = (w / w.sum()).astype(F32)
    moved = np.moveaxis(np.stack([w, w], -1), -1, 0)
    np.testing.assert_array_equal(x.joint_entropy(moved), [x.joint_entropy(w)] * 2)


def test_jensen_shannon_of_near_float32_distributions_keeps_its_digits():
    rng = np.random.default_rng(0)
    for _ in range(50):
        p = rng.dirichlet(np.ones(4)).astype(F32)
        q = x.normalize(p * (1 + 1e-4 * rng.standard_normal(4)).astype(F32))
        p, q = (a.astype(float) / a.sum(dtype=float) for a in (x.normalize(p), q))
        # JS is the mean square of (p - q) / (p + q) under (p + q) / 2, to the second order
        near = ((p - q) ** 2 / (p + q)).sum() / 4
        assert x.js_divergence(p, q) == pytest.approx(near, rel=1e-6)
        assert x.js_divergence(p.astype(F32), q.astype(F32)) == pytest.approx(near, rel=1e-2)


# --- What people have -----------------------------------------------------------------------------


def test_fractions_decimals_and_long_integers_are_numbers():
    assert x.entropy([Fraction(1, 4)] * 4, base=2) == 2
    assert x.entropy([Decimal("0.5"), Decimal("0.5")], base=2) == 1
    np.testing.assert_array_equal(x.normalize([3 * 2**70, 2**70]), [0.75, 0.25])
    with pytest.raises(ValueError, match="counts holds a number beyond the largest float"):
        x.normalize([10**400, 1])


MESSAGES = {
    "None": (
        lambda: x.entropy(None),
        r"p must hold real numbers, got None \(NoneType\); leave out",
    ),
    "None inside": (lambda: x.entropy([0.5, None]), "p must hold real numbers, got None"),
    "dict": (lambda: x.entropy({"a": 1}), r"p .* got a dict; use list\(p.values\(\)\)"),
    "Counter": (
        lambda: x.normalize(Counter("ab")),
        r"counts .* got a Counter; use list\(counts.values\(\)\)",
    ),
    "values of a dict": (
        lambda: x.entropy({"a": 1}.values()),
        r"p .* got a dict_values; use list\(p\)",
    ),
    "generator": (lambda: x.entropy(v for v in HALF), r"p .* got a generator; use list\(p\)"),
    "set": (lambda: x.kl_divergence(HALF, {0.5}), r"q .* got a set; use list\(q\)"),
    "map": (lambda: x.negative_log_likelihood([HALF], map(int, "0")), "labels .* got a map"),
    "sparse": (lambda: x.entropy(sparse.csr_array([HALF])), r"p is a sparse .*p.toarray\(\)"),
    "observations": (lambda: x.entropy(["a", "b"]), "p must hold real .* numpy.unique"),
    "labels as text": (lambda: x.one_hot(["a"], 2), "labels must be whole .* numpy.searchsorted"),
    "a column of text": (
        lambda: x.entropy(np.array(["a", "b"], object)),
        r"p must hold real numbers, got 'a' \(str\); observations must be counted first",
    ),
    "missing": (lambda: x.entropy([0.5, math.nan]), "p .* got nan; leave out or replace what is"),
    "a coin": (lambda: x.entropy(0.5), r"p must hold a distribution, .* write \[p, 1 - p\]"),
    "classes on axis 0": (
        lambda: x.entropy([[0.1, 0.2], [0.9, 0.8]]),
        r"p must sum to 1, got a sum of 0.30.* \(shape \(2, 2\)\); along axis 0 it does",
    ),
    "classes on the last axis": (
        lambda: x.cross_entropy(HALF, np.full((3, 4, 2), 0.5), axis=0),
        "q must sum to 1, got a sum of 1.5 .* along axis 2 it does",
    ),
    "labels as floats": (
        lambda: x.one_hot([0.0, 1.0], 2),
        r"labels must be whole .*float64; use astype\(int\)$",
    ),
    "a row against a column": (
        lambda: x.binary_cross_entropy([1, 0, 1], [[0.9], [0.2], [0.7]]),
        r"p has shape \(3,\) and q has shape \(3, 1\): .* ravel\(\)",
    ),
    "classes for a distribution": (
        lambda: x.cross_entropy([0, 1, 2], [0.2, 0.3, 0.5]),
        r"p must sum to 1, .* or rounded numbers, one_hot\(\) if they are classes",
    ),
    "logits for a model": (
        lambda: x.cross_entropy([1, 0], [0.5, -2.4]),
        r"q must hold probabilities, got -2.4; call softmax\(\) if these are logits, exp\(\)",
    ),
    "a table of counts": (
        lambda: x.mutual_information([[3, 1], [0, 4]]),
        r"pxy must sum to 1, .* call normalize\(pxy, axis=\(-2, -1\)\)",
    ),
    "percentages": (lambda: x.binary_entropy(50), "p must .* got 50; call .* sigmoid"),
    "numbers as text": (lambda: x.entropy(["0.5", "0.5"]), r"p .* <U3; .* astype\(float\)"),
    "weights of classes": (
        lambda: x.negative_log_likelihood([HALF], [0], sample_weight={0: 1}),
        r"sample_weight must hold one weight for each loss, got \{0: 1\}; .*\[labels\]",
    ),
    "labels from 1": (
        lambda: x.negative_log_likelihood([HALF] * 2, [1, 2]),
        "labels must lie between 0 and 1, got 2; subtract 1 if they count from 1",
    ),
    "exchanged": (
        lambda: x.negative_log_likelihood([0, 1], [HALF, HALF]),
        "labels must hold .* q and labels may be exchanged",
    ),
    "one logit a label": (
        lambda: x.softmax_cross_entropy([0.5, 2.0], [0, 1]),
        "labels must .* use sigmoid_binary_cross_entropy",
    ),
    "a text": (lambda: x.entropy("0.5"), "p must hold real numbers, got dtype <U3"),
    "deeper than NumPy can": (
        lambda: x.entropy(eval("[" * 70 + "1" + "]" * 70)),
        "p cannot be made an array: .* exceed the maximum number of dimension",
    ),
    "a mask in a list": (
        lambda: x.entropy([np.ma.array([0.5, 0.25, 0.25], mask=[0, 0, 1])]),
        "p is a masked array",
    ),
    "a mask in a list of lists": (
        lambda: x.joint_entropy([[np.ma.array([0.5, 0.5])]]),
        "pxy is a masked array",
    ),
    "axis True": (lambda: x.entropy([HALF], axis=True), "axis must name an axis of p, .* got True"),
    "axis True in normalize": (lambda: x.normalize([HALF], axis=True), "axis must name .*got True"),
    "given True": (
        lambda: x.conditional_entropy([HALF], given=True),
        "given must be 0 .* or 1 .*, got True",
    ),
    "classes for targets": (
        lambda: x.smooth_labels([0, 1], 0.1),
        r"targets must hold distributions, got the integers \[0 1\]: .* one_hot\(\)",
    ),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_the_message_says_what_to_do(name):
    call, message = MESSAGES[name]
    with pytest.raises(ValueError, match="^" + message):
        call()


def test_an_object_that_refuses_to_be_an_array_gives_its_reason():
    class Stubborn:
        def __array__(self, dtype=None, copy=None):
            raise ValueError("still on its way")

    with pytest.raises(ValueError, match="p cannot be made an array: still on its way") as error:
        x.entropy(Stubborn())
    assert error.value.__cause__ is not None


@pytest.mark.parametrize("state", ["raise", "warn"])
def test_limits_disturb_nobody_who_watches_floating_point_errors(state):
    tiny = 5e-324
    with np.errstate(all=state):
        assert x.perplexity([1, 0], [1e-320, 1]) == math.inf
        assert x.js_divergence([tiny, 1], [0, 1]) == pytest.approx(0, abs=1e-300)
        assert x.js_divergence([tiny, 1 + 1e-9], [0, 1]) >= 0
        for p in ([tiny, 1 + 1e-9], [0.0, 1], [1e-310, 1]):
            for call in OF_DISTRIBUTIONS.values():
                call(np.array(p))
            for call in OF_TABLES.values():
                call(np.array([p]))
            for call in ELEMENTWISE.values():
                call(np.minimum(p, 1))
        assert x.information_content(0) == math.inf
        assert x.entropy(np.array([tiny, 1], F32), base=10**9) >= 0
        assert x.normalize([tiny, 1e300]).sum() == 1


# --- pandas ---------------------------------------------------------------------------------------

pd = pytest.importorskip("pandas")
P = pd.Series([0.5, 0.3, 0.2], index=list("abc"))


def test_pandas_objects_of_equal_or_no_labels_are_arrays():
    q = pd.Series([0.2, 0.3, 0.5], index=list("abc"))
    expected = x.kl_divergence(P.to_numpy(), q.to_numpy())
    assert x.kl_divergence(P, q) == expected
    assert x.kl_divergence(P, q.to_numpy()) == x.kl_divergence(P.tolist(), q) == expected
    assert x.kl_divergence(P, q.reset_index(drop=True)) == expected
    frame = pd.DataFrame([q, q], index=[7, 3])
    np.testing.assert_array_equal(x.kl_divergence(P, frame), [expected] * 2)
    np.testing.assert_array_equal(x.kl_divergence(frame.T, frame.T, axis=0), [0, 0])


PANDAS = {
    "classes in another order": lambda: x.kl_divergence(P, P[::-1]),
    "other classes": lambda: x.cross_entropy(P, P.rename({"a": "d"})),
    "columns in another order": lambda: x.js_divergence(P, pd.DataFrame([P])[list("bca")]),
    "classes along axis 0": lambda: x.kl_divergence(P.to_frame(), P[::-1].to_frame(), axis=0),
    "rows in another order": lambda: x.kl_divergence(
        pd.DataFrame([P, P], index=["u", "v"]), pd.DataFrame([P, P], index=["v", "u"])
    ),
    "counts of classes, most frequent first": lambda: x.kl_divergence(
        pd.Series([0.2, 0.3, 0.5]), pd.Series([2, 2, 2, 1, 1, 0, 0, 2, 2, 1]).value_counts(True)
    ),
    "single probabilities": lambda: x.binary_cross_entropy(P, P[::-1]),
    "shuffled rows beside a default index": lambda: x.negative_log_likelihood(
        pd.DataFrame([P, P]), pd.Series([0, 1], index=[1, 0])
    ),
    "a shuffled column": lambda: x.binary_cross_entropy(
        pd.Series([0, 1]), pd.Series([0.2, 0.7])[::-1]
    ),
    "a shuffled feature": lambda: x.best_split(pd.Series([1, 2]), pd.Series([0, 1])[::-1]),
    "shuffled labels of logits": lambda: x.softmax_cross_entropy(
        pd.DataFrame([[0.0, 1], [1, 0]]), pd.Series([0, 1])[::-1]
    ),
    "labels of other rows": lambda: x.negative_log_likelihood(
        pd.DataFrame([P, P], index=[4, 9]), pd.Series([0, 1], index=[9, 4])
    ),
    "weights of other rows": lambda: x.negative_log_likelihood(
        [HALF, HALF],
        pd.Series([0, 1], index=[4, 9]),
        sample_weight=pd.Series([1, 2], index=[9, 4]),
    ),
}


@pytest.mark.parametrize("name", PANDAS)
def test_labels_of_pandas_that_contradict_the_positions_are_refused(name):
    with pytest.raises(ValueError, match=r"are taken by position, but are labelled .*to_numpy"):
        PANDAS[name]()


def test_columns_named_by_other_numbers_are_not_class_numbers():
    q = pd.DataFrame([HALF], columns=[1, 2])
    with pytest.raises(ValueError, match=r"columns of q are called \(1, 2\), but labels count"):
        x.negative_log_likelihood(q, [1])
    assert x.negative_log_likelihood(q.set_axis([0, 1], axis=1), [1]) == math.log(2)
    assert x.negative_log_likelihood(q.set_axis(["no", "yes"], axis=1), [1]) == math.log(2)


def test_predictions_beside_labels_of_a_part_of_the_rows_go_by_position():
    labels = pd.Series([0, 1, 1], index=[20, 0, 11])
    q = pd.DataFrame([HALF] * 3)
    assert x.negative_log_likelihood(q, labels) == pytest.approx(math.log(2))
    assert x.negative_log_likelihood(q.to_numpy(), labels) == pytest.approx(math.log(2))


# --- Weights --------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), min_size=1, max_size=8))
def test_a_whole_weight_is_a_repetition(rows):
    labels, weights = np.array(rows).T
    q = np.random.default_rng(1).dirichlet(np.ones(3), len(rows))
    repeated = np.repeat(np.arange(len(rows)), weights)
    each_one = x.negative_log_likelihood(q, labels, sample_weight=weights, reduction="none")
    np.testing.assert_allclose(each_one.sum(), -np.log(q[repeated, labels[repeated]]).sum())
    total = x.negative_log_likelihood(q, labels, sample_weight=weights, reduction="sum")
    np.testing.assert_allclose(total, each_one.sum())
    if weights.any():
        mean = x.negative_log_likelihood(q, labels, sample_weight=weights)
        np.testing.assert_allclose(mean, x.negative_log_likelihood(q[repeated], labels[repeated]))
    else:
        with pytest.raises(ValueError, match=r"sample_weight must have a positive .* sum"):
            x.negative_log_likelihood(q, labels, sample_weight=weights)


def test_a_row_of_weight_0_may_hold_anything():
    q = [[0.5, 0.5], [math.nan, 7], [0.25, 0.75]]
    losses = x.negative_log_likelihood(
        q, [0, -100, 1], sample_weight=[1, 0, 1], reduction="none", base=2
    )
    np.testing.assert_allclose(losses, [1, 0, -math.log2(0.75)])
    for bad in ([1, 0, -1], [1, 0, math.nan], [1, 1], [1, 1, 1]):
        with pytest.raises(ValueError):
            x.negative_log_likelihood(q, [0, -100, 1], sample_weight=bad)
