"""Sigmoid, softmax, their logarithms and derivatives: laws, tails, dtypes and error messages."""

import math
import re
import tracemalloc

import mpmath
import numpy as np
import pytest
import scipy.special
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import xentlib as x
from xentlib import _blocks, activations

F32 = np.float32
EPS = np.finfo(float).eps
inf, nan = math.inf, math.nan

finite = st.floats(-50, 50)
logits = hnp.arrays(float, hnp.array_shapes(min_dims=1, max_dims=3, max_side=6), elements=finite)

ELEMENTWISE = [x.sigmoid, x.log_sigmoid, x.sigmoid_grad]
ROWWISE = [x.logsumexp, x.softmax, x.log_softmax, x.softmax_jacobian]
elementwise = pytest.mark.parametrize("function", ELEMENTWISE)
rowwise = pytest.mark.parametrize("function", ROWWISE)
each = pytest.mark.parametrize("function", ELEMENTWISE + ROWWISE)


def equal(a, b, rtol=1e-12, atol=1e-15):
    np.testing.assert_allclose(a, b, rtol=rtol, atol=atol)


def central_difference(f, z, h=1e-5):
    return (f(z + h) - f(z - h)) / (2 * h)


# --- Values ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("z", [-700.0, -40.0, -1e-9, 0.0, 0.3, 40.0, 700.0])
def test_all_digits_are_right_in_both_tails(z):
    with mpmath.workdps(400):
        q = 1 / (1 + mpmath.exp(-mpmath.mpf(z)))
        expected = float(q), float(mpmath.log(q)), float(q * (1 - q))
    for function, value in zip(ELEMENTWISE, expected, strict=True):
        assert function(z) == pytest.approx(value, rel=1e-14, abs=0)


@given(st.floats(-1000, 1000))
def test_log_softmax_keeps_its_digits_where_a_class_is_nearly_sure(z):
    expected = [x.log_sigmoid(-z), x.log_sigmoid(z)]
    for shift in 0, 2**20:  # a power of two, so that only z is rounded
        moved = z + shift - shift
        if moved == z:
            equal(x.log_softmax([shift, z + shift]), expected, rtol=1e-14, atol=0)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("dtype", [F32, float])
def test_every_digit_of_log_softmax_is_that_of_mpmath(axis, dtype):
    rng = np.random.default_rng(21)
    z = (rng.normal(size=(5, 6)) * [[1], [10], [20], [40], [80]]).astype(dtype)
    z[1, 2] = -inf
    with mpmath.workdps(100):
        exact = [[mpmath.mpf(float(v)) for v in row] for row in z]
        sums = [mpmath.fsum(map(mpmath.exp, row)) for row in exact]
        expected = [
            [float(v - mpmath.log(total)) for v in row]
            for row, total in zip(exact, sums, strict=True)
        ]
    log_q = x.log_softmax(z if axis == 1 else z.T, axis=axis)
    equal(log_q if axis == 1 else log_q.T, expected, rtol=8 * np.finfo(dtype).eps, atol=0)


def test_nothing_overflows_at_a_thousand():
    np.testing.assert_array_equal(x.sigmoid([-1000, 1000]), [0, 1])
    np.testing.assert_array_equal(x.log_sigmoid([-1000, 1000]), [-1000, 0])
    np.testing.assert_array_equal(x.sigmoid_grad([-1000, 1000]), [0, 0])
    np.testing.assert_array_equal(x.softmax([-1000, 1000]), [0, 1])
    np.testing.assert_array_equal(x.log_softmax([-1000, 1000]), [-2000, 0])
    assert x.logsumexp([1000, 1000]) == pytest.approx(1000 + math.log(2), rel=1e-15)


@given(finite)
def test_sigmoid_is_the_inverse_of_the_log_odds_and_the_softmax_of_0_and_z(z):
    q = x.sigmoid(z)
    equal(x.softmax([0, z]), [x.sigmoid(-z), q])
    equal(x.log_softmax([0, z])[1], x.log_sigmoid(z))
    equal(scipy.special.logit(x.sigmoid(-abs(z))), -abs(z))


@given(finite)
def test_sigmoid_grad_is_the_slope_of_sigmoid_and_the_sigmoid_that_of_log_sigmoid(z):
    equal(x.sigmoid_grad(z), central_difference(x.sigmoid, z), rtol=1e-7, atol=1e-10)
    equal(x.sigmoid(-z), central_difference(x.log_sigmoid, z), rtol=1e-7, atol=1e-9)
    assert x.sigmoid_grad(z) == x.sigmoid_grad(-z) <= 0.25 * (1 + 4 * EPS)


@given(logits)
def test_softmax_is_the_exponential_of_log_softmax_which_is_z_less_logsumexp(z):
    equal(x.softmax(z).sum(axis=-1), 1)
    equal(x.softmax(z), np.exp(x.log_softmax(z)))
    equal(x.log_softmax(z), z - x.logsumexp(z, keepdims=True), atol=1e-13)


@given(logits, finite)
def test_adding_a_constant_to_a_row_moves_logsumexp_and_nothing_else(z, shift):
    equal(x.softmax(z + shift), x.softmax(z))
    equal(x.logsumexp(z + shift), x.logsumexp(z) + shift, atol=1e-12)


@given(hnp.arrays(float, hnp.array_shapes(max_dims=2, max_side=5), elements=st.floats(-5, 5)))
def test_the_jacobian_holds_the_derivatives_of_softmax_and_its_rows_sum_to_0(z):
    jacobian = x.softmax_jacobian(z)
    for j in range(z.shape[-1]):
        step = 1e-5 * np.eye(z.shape[-1])[j]
        slope = (x.softmax(z + step) - x.softmax(z - step)) / 2e-5
        equal(jacobian[..., j], slope, rtol=1e-7, atol=1e-10)
    equal(jacobian.sum(axis=-1), 0)
    np.testing.assert_array_equal(jacobian, np.swapaxes(jacobian, -1, -2))


def test_the_jacobian_keeps_its_digits_where_a_class_is_nearly_sure():
    tail = x.sigmoid_grad(40)
    equal(x.softmax_jacobian([40, 0]), [[tail, -tail], [-tail, tail]], rtol=1e-14, atol=0)


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2])
def test_axis_and_keepdims_are_those_of_scipy(axis):
    z = np.random.default_rng(8).normal(size=(2, 3, 4))
    for name in "softmax", "log_softmax", "logsumexp":
        equal(getattr(x, name)(z, axis=axis), getattr(scipy.special, name)(z, axis=axis))
    assert x.logsumexp(z, axis=axis, keepdims=True).ndim == 3


# --- Memory layouts, long axes, memory ------------------------------------------------------------


@st.composite
def layouts(draw):
    """A function that stores an array in another order, with other strides, in other bytes."""
    order, byteorder = draw(st.sampled_from("CF")), draw(st.sampled_from("<>"))
    steps = draw(st.tuples(*[st.sampled_from([-2, -1, 1, 3])] * 3))

    def lay_out(a):
        shape = [n * abs(step) for n, step in zip(a.shape, steps, strict=True)]
        room = np.zeros(shape, a.dtype.newbyteorder(byteorder), order)
        view = room[tuple(slice(None, None, step) for step in steps)]
        view[...] = a
        return view

    return lay_out


DTYPES = st.sampled_from([np.float16, F32, float])
OF_AN_AXIS = [x.logsumexp, x.softmax, x.log_softmax]


def in_float64(function, z, axis):
    """SciPy's, of the same numbers."""
    return getattr(scipy.special, function.__name__)(np.array(z, float), axis=axis)


@given(DTYPES, st.sampled_from([0, 1, 2]), layouts(), st.integers(0, 2**32 - 1))
def test_the_layout_in_memory_changes_no_more_than_the_order_of_a_sum(dtype, axis, lay_out, seed):
    rng = np.random.default_rng(seed)
    shape = np.array([2, 3, 4])
    shape[axis] = rng.choice([1, 5, 70, 1500])
    z = 3 * rng.normal(size=shape).astype(dtype)
    for function in OF_AN_AXIS:
        found = function(lay_out(z), axis=axis)
        rtol = 1e-14 if dtype is float else 3e-7
        equal(found, in_float64(function, z, axis), rtol=rtol, atol=rtol)
        equal(found, function(z, axis=axis), rtol=1e-14 if dtype is float else 1e-7, atol=0)
    for function in ELEMENTWISE:
        np.testing.assert_array_equal(function(lay_out(z)), function(z))


@given(
    DTYPES,
    st.sampled_from([0, 1, 2]),
    hnp.array_shapes(min_dims=3, max_dims=3, max_side=9),
    st.sampled_from([1, 50, 500]),
    st.sampled_from([1, 3, 100]),
)
def test_neither_blocks_nor_threads_matter(dtype, axis, shape, size, many):
    z = np.random.default_rng(3).normal(size=shape).astype(dtype)
    z[0, 0, 0] = 1000  # nearly sure
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_blocks, "SIZE", size)
        patch.setattr(_blocks, "_processors", lambda: 2)
        patch.setattr(activations, "_MANY", many)
        patch.setattr(activations, "_FEW", many)
        found = [function(z, axis=axis) for function in OF_AN_AXIS]
    for a, function in zip(found, OF_AN_AXIS, strict=True):
        rtol = 1e-15 if dtype is float else 2e-7
        equal(a, function(z, axis=axis), rtol=rtol, atol=0)


LONG = {
    "along axis 0": lambda a: (np.ascontiguousarray(a), 0),
    "along the last axis": lambda a: (np.ascontiguousarray(a.T), -1),
    "Fortran order": lambda a: (np.asfortranarray(a.T), -1),
    "every second": lambda a: (np.repeat(a, 2, axis=0)[::2], 0),
}


@pytest.mark.parametrize("way", LONG)
def test_sums_of_millions_of_float32_are_right_along_any_axis(way):
    rng = np.random.default_rng(0)
    z, axis = LONG[way](rng.standard_normal((500_000, 2)).astype(F32))
    for function in OF_AN_AXIS:
        # the difference to the largest logit, up to 10, is rounded, too
        equal(function(z, axis=axis), in_float64(function, z, axis), rtol=1e-6, atol=0)
    q = x.softmax(z, axis=axis)
    equal(q.sum(axis=axis, dtype=float), 1, rtol=1e-7)
    assert np.isfinite(x.entropy(q, axis=axis)).all()


def test_equal_logits_may_be_more_than_float32_can_count():
    z = np.zeros((20_000_000, 2), F32)
    assert (x.logsumexp(z, axis=0) == F32(math.log(20_000_000))).all()


@pytest.mark.parametrize("function", OF_AN_AXIS)
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize(
    ("shape", "axis"),
    [
        ((1_000_000, 10), -1),
        ((1_000_000, 10), 0),
        ((10, 1_000_000), 0),
        ((5_000_000, 2), -1),
        ((10_000, 1000), 1),
        ((100, 100_000), -1),
        ((10_000_000,), 0),
        ((100, 1000, 100), 1),
    ],
    ids=str,
)
def test_the_peak_of_memory_is_at_most_twice_the_input(function, order, shape, axis, monkeypatch):
    monkeypatch.setattr(_blocks, "_processors", lambda: 2)
    z = np.zeros(shape, F32, order)
    tracemalloc.start()
    function(z, axis=axis)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    result = z.nbytes // z.shape[axis] if function is x.logsumexp else z.nbytes
    assert peak - result < 16 * 2**20 < z.nbytes


@pytest.mark.parametrize("function", ELEMENTWISE)
def test_the_peak_of_the_sigmoids_is_at_most_twice_the_input_too(function):
    z = np.zeros(1_000_000)
    tracemalloc.start()
    function(z)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2.01 * z.nbytes or function is x.sigmoid_grad


# --- Edge rules -----------------------------------------------------------------------------------


@each
@pytest.mark.parametrize("dtype", [F32, float])
def test_no_logits_make_numpy_warn_or_raise(function, dtype):
    largest = np.finfo(dtype).max
    for z in [-largest, largest], [-largest, -largest], [-1000, 1000], [-40, -inf], [1e-40, -1e-40]:
        with np.errstate(all="raise"):
            assert not np.isnan(function(np.array(z, dtype))).any()


@pytest.mark.parametrize("dtype", [F32, float])
def test_a_difference_beyond_the_largest_float_is_infinite(dtype):
    largest = np.finfo(dtype).max
    z = np.array([-largest, largest])
    np.testing.assert_array_equal(x.log_softmax(z), [-inf, 0])
    np.testing.assert_array_equal(x.softmax(z), [0, 1])
    np.testing.assert_array_equal(x.softmax_jacobian(z), np.zeros((2, 2)))
    assert x.logsumexp(z) == largest


def test_a_logit_of_minus_infinity_masks_its_class():
    z, masked = [1.0, 2, 3], [1.0, 2, -inf, 3]
    assert x.sigmoid(-inf) == x.sigmoid_grad(-inf) == 0
    assert x.log_sigmoid(-inf) == -inf
    assert x.logsumexp(masked) == x.logsumexp(z)
    equal(x.softmax(masked), np.insert(x.softmax(z), 2, 0))
    equal(x.log_softmax(masked), np.insert(x.log_softmax(z), 2, -inf))
    assert (x.softmax_jacobian(masked)[2] == 0).all()


def test_at_infinity_a_function_has_its_limit():
    assert x.sigmoid(inf) == 1
    assert x.log_sigmoid(inf) == x.sigmoid_grad(inf) == x.sigmoid_grad(-inf) == 0
    assert x.logsumexp([-inf, -inf]) == x.logsumexp([-inf]) == -inf
    assert x.logsumexp([inf, 0]) == x.logsumexp([inf, inf]) == x.logsumexp([inf, -inf]) == inf
    rows = [[0, 0], [-inf, -inf], [inf, 1e308]]
    for z in np.array(rows), np.array([[*row, *[-inf] * 100] for row in rows]):
        for dtype in F32, float:
            with np.errstate(all="raise"):
                found = x.logsumexp(np.minimum(z, np.finfo(dtype).max).astype(dtype))
            assert found[1] == -inf
    np.testing.assert_array_equal(x.logsumexp(rows), [math.log(2), -inf, inf])
    np.testing.assert_array_equal(x.logsumexp(np.array(rows).T, axis=0), [math.log(2), -inf, inf])


@pytest.mark.parametrize("z", [[inf, 0.0], [inf, inf], [-inf, inf]], ids=str)
@pytest.mark.parametrize("function", [x.softmax, x.log_softmax, x.softmax_jacobian])
def test_a_softmax_of_an_infinite_logit_has_no_value(function, z):
    with pytest.raises(ValueError, match=r"^z must hold numbers below inf, got inf$"):
        function([[0.0, 0.0], z])


@each
def test_zeros_are_not_negative(function):
    for z in ([1000.0, -inf], [0.0]):
        value = np.asarray(function(z))
        assert not np.signbit(value[value == 0]).any()


@each
@pytest.mark.parametrize(
    ("given", "expected"),
    [(np.float16, F32), (F32, F32), (float, float), (np.longdouble, float), (np.uint8, float)],
)
def test_float32_stays_float32_and_float16_becomes_it(function, given, expected):
    z = np.array([[0, 3, 1], [2, 2, 5]])
    result = function(z.astype(given))
    assert result.dtype == expected
    equal(result, function(z), rtol=1e-6 if expected is F32 else 1e-15, atol=1e-7)


@each
def test_inputs_are_not_changed_and_lists_are_arrays_too(function):
    z = np.array([[0.5, -1, 2], [3, 0, -inf]])
    frozen = z.copy()
    frozen.setflags(write=False)
    result = function(frozen)
    np.testing.assert_array_equal(frozen, z)
    assert not np.shares_memory(result, frozen)
    np.testing.assert_array_equal(function(z.tolist()), result)


@elementwise
def test_scalars_come_back_as_scalars(function):
    assert isinstance(function(0), np.float64)
    assert isinstance(x.logsumexp([0, 1]), np.float64)


# --- Errors ---------------------------------------------------------------------------------------


@each
@pytest.mark.parametrize(
    ("z", "message"),
    [
        ([0, nan], "z must hold numbers, got nan"),
        ([[0, 1], [nan, inf]], "z must hold numbers, got nan"),
        (None, r"z must hold real numbers, got None"),
        ({"a": 1}, r"z must be a list or an array, got a dict; use list\(z.values\(\)\)"),
        ([], r"z is empty: it has shape \(0,\)"),
        (["a"], "z must hold real numbers, got dtype <U1"),
        ([1j], "z must hold real numbers, got dtype complex128"),
        ([[1], [1, 2]], "z must be an array, but its rows differ in length"),
        (np.ma.array([1, 2]), "z is a masked array"),
    ],
)
def test_bad_logits_are_refused(function, z, message):
    with pytest.raises(ValueError, match="^" + message):
        function(z)


@pytest.mark.parametrize("function", [x.softmax, x.log_softmax, x.softmax_jacobian])
def test_a_softmax_needs_a_possible_class(function):
    with pytest.raises(ValueError, match=r"^z has a row that is all -inf; leave a class possible"):
        function([[0, 1], [-inf, -inf]])


@rowwise
def test_a_single_number_is_no_row(function):
    with pytest.raises(ValueError, match=r"^z must hold one logit for each class, got .* 3$"):
        function(3)


@pytest.mark.parametrize("function", OF_AN_AXIS)
@pytest.mark.parametrize("axis", [2, -3, None, 0.5, (0,), True, False, np.True_], ids=repr)
def test_an_axis_that_is_none_is_refused(function, axis):
    message = f"axis must name an axis of z, which has shape (2, 2), got {axis!r}"
    with pytest.raises(ValueError, match="^" + re.escape(message) + "$"):
        function([[0, 1], [2, 3]], axis=axis)
