"""The losses from logits and their gradients: oracles, laws, tails, blocks, errors."""

import math
import tracemalloc

import mpmath
import numpy as np
import pytest
import scipy.special
import sklearn.metrics
from hypothesis import given
from hypothesis import strategies as st

import xentlib as x
from xentlib import _blocks, losses

F32 = np.float32
inf, nan = math.inf, math.nan
RNG = np.random.default_rng(1990)

N, K = 30, 4
Z = RNG.normal(size=(N, K)) * 3
Y = RNG.integers(0, K, N)
P = RNG.dirichlet(np.ones(K), N)
W = RNG.uniform(0, 2, N)

softmax, softmax_grad = x.softmax_cross_entropy, x.softmax_cross_entropy_value_and_grad
binary, binary_grad = x.sigmoid_binary_cross_entropy, x.sigmoid_binary_cross_entropy_value_and_grad

# One call each with classes and with probabilities as labels.
CASES = {
    "softmax, classes": (softmax, softmax_grad, Z, Y),
    "softmax, targets": (softmax, softmax_grad, Z, P),
    "binary, classes": (binary, binary_grad, Z[:, 0], Y % 2),
    "binary, targets": (binary, binary_grad, Z[:, 0], P[:, 0]),
}
cases = pytest.mark.parametrize(("loss", "with_grad", "z", "y"), CASES.values(), ids=CASES)
reductions = pytest.mark.parametrize("reduction", ["mean", "sum", "none"])


def equal(a, b, rtol=1e-12, atol=1e-14):
    np.testing.assert_allclose(a, b, rtol=rtol, atol=atol)


# --- Oracles --------------------------------------------------------------------------------------


def test_the_softmax_loss_is_minus_log_softmax_of_scipy():
    log_q = scipy.special.log_softmax(Z, axis=-1)
    equal(softmax(Z, Y, reduction="none"), -log_q[np.arange(N), Y])
    equal(softmax(Z, P, reduction="none"), -(P * log_q).sum(axis=-1))


def test_the_means_are_those_of_scikit_learn_with_and_without_weights():
    q, y = x.sigmoid(Z[:, 0]), Y % 2
    for w in None, W:
        assert softmax(Z, Y, sample_weight=w) == pytest.approx(
            sklearn.metrics.log_loss(Y, x.softmax(Z), sample_weight=w), rel=1e-12
        )
        assert binary(Z[:, 0], y, sample_weight=w) == pytest.approx(
            sklearn.metrics.log_loss(y, q, sample_weight=w), rel=1e-12
        )


def test_the_losses_are_the_cross_entropies_of_the_probabilities():
    equal(softmax(Z, P, reduction="none"), x.cross_entropy(P, x.softmax(Z)))
    equal(softmax(Z, Y), x.negative_log_likelihood(x.softmax(Z), Y))
    equal(binary(Z, P, reduction="none"), x.binary_cross_entropy(P, x.sigmoid(Z)), rtol=1e-10)


@pytest.mark.parametrize("y", [0, 1])
@pytest.mark.parametrize("z", [-1000.0, -700.0, -40.0, -1e-9, 0.0, 0.3, 40.0, 700.0, 1000.0])
def test_every_digit_of_loss_and_gradient_is_right_in_the_tails(z, y):
    with mpmath.workdps(900):
        sign = 1 - 2 * y
        wrong = 1 / (1 + mpmath.exp(-sign * mpmath.mpf(z)))  # the probability of the other class
        loss, slope = float(-mpmath.log1p(-wrong)), float(sign * wrong)
    exactly = {"rtol": 1e-14, "atol": 5e-324}
    for labels in y, float(y):
        value, grad = binary_grad(z, labels)
        equal(value, loss, **exactly)
        equal(grad, slope, **exactly)
    for labels in y, x.one_hot(y, 2):
        value, grad = softmax_grad([0, z], labels)
        equal(value, loss, **exactly)
        equal(grad, [-slope, slope], **exactly)


@pytest.mark.parametrize("dtype", [F32, float])
@pytest.mark.parametrize("part", [0.1, 0.39, 0.41, 0.6, 0.9, 1.1])
def test_no_exponential_leaves_the_range_of_the_dtype(dtype, part):
    info = np.finfo(dtype)
    far = dtype(part * math.log(info.max))
    z = np.array([-far, 1, 0, far], dtype)
    for y in range(4):
        with mpmath.workdps(50):
            e = [mpmath.exp(mpmath.mpf(float(v))) for v in z]
            others = mpmath.fsum(e[:y] + e[y + 1 :])
            loss = float(mpmath.log1p(others / e[y]))
            slopes = [float((v if k != y else -others) / sum(e)) for k, v in enumerate(e)]
        for labels in y, x.one_hot(y, 4).astype(dtype):
            value, grad = softmax_grad(z, labels)
            equal(value, loss, rtol=16 * info.eps, atol=info.tiny)
            equal(grad, slopes, rtol=far * 2 * info.eps, atol=info.tiny)


@pytest.mark.parametrize("dtype", [F32, float])
def test_of_many_rows_every_tiny_loss_has_its_digits(dtype):
    z = np.linspace(0, 80, 5000).astype(dtype)
    rows = np.stack([z / 2, -z / 2], axis=1)
    exact = np.log1p(np.exp(-z.astype(float)))
    rtol = 1e-15 if dtype is float else 4e-6  # half an eps of 40
    equal(softmax(rows, np.zeros(5000, int), reduction="none"), exact, rtol=rtol, atol=0)


def test_a_loss_far_below_the_machine_epsilon_is_not_rounded_to_0():
    tail = 4.248354255291589e-18
    assert binary(40, 1) == softmax([40, 0], 0) == softmax([40, 0], [1.0, 0]) == tail
    assert softmax([-20, 20, -1000], 1) == tail


# --- Gradients ------------------------------------------------------------------------------------


@cases
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@given(seed=st.integers(0, 2**32 - 1), scale=st.floats(0.1, 10))
def test_the_gradient_is_the_central_difference(loss, with_grad, z, y, reduction, seed, scale):
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, N, 3)
    z, y, w = scale * rng.normal(size=z[rows].shape), y[rows], rng.uniform(0.1, 2, 3)
    value, grad = with_grad(z, y, sample_weight=w, reduction=reduction)
    assert value == loss(z, y, sample_weight=w, reduction=reduction)
    for i in np.ndindex(z.shape):
        up, down = z.copy(), z.copy()
        up[i] += 1e-5
        down[i] -= 1e-5
        options = {"sample_weight": w, "reduction": reduction}
        slope = (loss(up, y, **options) - loss(down, y, **options)) / 2e-5
        equal(grad[i], slope, rtol=1e-6, atol=1e-8)


def test_the_gradient_is_prediction_minus_target():
    equal(softmax_grad(Z, Y, reduction="none")[1], x.softmax(Z) - x.one_hot(Y, K))
    equal(softmax_grad(Z, P)[1], (x.softmax(Z) - P) / N)
    equal(binary_grad(Z, P, reduction="sum")[1], x.sigmoid(Z) - P)
    equal(softmax_grad(Z, P)[1].sum(axis=-1), 0)


@cases
@pytest.mark.parametrize("weight", [None, W])
def test_reductions_are_the_mean_and_sum_of_the_single_losses(loss, with_grad, z, y, weight):
    each, grads = with_grad(z, y, sample_weight=weight, reduction="none")
    total = N if weight is None else weight.sum()
    for reduction, divisor in ("sum", 1), ("mean", total):
        value, grad = with_grad(z, y, sample_weight=weight, reduction=reduction)
        equal(value, each.sum() / divisor)
        equal(grad, grads / divisor)
    assert loss(z, y, sample_weight=weight) == with_grad(z, y, sample_weight=weight)[0]


# --- Laws -----------------------------------------------------------------------------------------


@reductions
def test_one_hot_targets_are_classes_and_floats_of_0_and_1_are_labels(reduction):
    for a, b in zip(
        softmax_grad(Z, Y, reduction=reduction),
        softmax_grad(Z, x.one_hot(Y, K), reduction=reduction),
        strict=True,
    ):
        equal(a, b, rtol=1e-14, atol=0)
    bits = Y % 2
    for labels in bits.astype(float), bits.astype(bool), bits.astype(np.uint8):
        for a, b in zip(
            binary_grad(Z[:, 0], bits, reduction=reduction),
            binary_grad(Z[:, 0], labels, reduction=reduction),
            strict=True,
        ):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("shift", [2**6, 2**12, -(2**12), 2**20])  # z + shift rounds nothing
@pytest.mark.parametrize("k", [2, 5, 100])
def test_large_logits_give_every_digit_that_small_ones_give(shift, k):
    z = np.round(RNG.normal(size=(20, k)) * 2**12) / 2**10
    z[3, 1] = -inf
    for y in RNG.integers(0, k, 20), RNG.dirichlet(np.ones(k), 20) * (z > -inf):
        y = y / y.sum(axis=1, keepdims=True) if y.ndim == 2 else y
        for a, b in zip(
            softmax_grad(z + shift, y, reduction="none"),
            softmax_grad(z, y, reduction="none"),
            strict=True,
        ):
            equal(a, b, rtol=1e-14, atol=1e-16)


@given(st.floats(-100, 100))
def test_adding_a_constant_to_the_logits_changes_nothing(shift):
    for labels in Y, P:
        value, grad = softmax_grad(Z, labels)
        moved_value, moved_grad = softmax_grad(Z + shift, labels)
        equal(moved_value, value, rtol=1e-11)
        equal(moved_grad, grad, rtol=1e-11)


def test_two_classes_with_logits_0_and_z_are_the_binary_loss():
    z, p = Z[:, 0], P[:, 0]
    rows = np.stack([np.zeros(N), z], axis=-1)
    for labels, targets in (Y % 2, Y % 2), (p, np.stack([1 - p, p], axis=-1)):
        value, grad = softmax_grad(rows, targets)
        binary_value, slope = binary_grad(z, labels)
        equal(value, binary_value)
        equal(grad, np.stack([-slope, slope], axis=-1))


@cases
def test_a_whole_weight_repeats_the_row_and_0_leaves_it_out(loss, with_grad, z, y):
    times = np.arange(N) % 4
    value, grad = with_grad(z, y, sample_weight=times)
    repeated, grads = with_grad(z.repeat(times, axis=0), y.repeat(times, axis=0))
    equal(value, repeated)
    first = np.cumsum(times)[times > 0] - 1
    rows = grads[first] * times[times > 0].reshape((-1,) + (1,) * (z.ndim - 1))
    equal(grad[times > 0], rows)
    assert (grad[times == 0] == 0).all()


@pytest.mark.parametrize("row", [[nan, 0, 1], [-inf] * 3, [inf, 0, 0], [inf, inf, nan]], ids=str)
@reductions
def test_a_row_of_weight_0_may_hold_anything(row, reduction):
    z, y = Z[:, :3].copy(), Y % 3
    z[::5], w = row, W.copy()
    w[::5] = 0
    targets = x.one_hot(y, 3)
    targets[::5] = [[nan, -1, 7]]
    ignored = np.where(w > 0, y, -100)
    kept = w > 0
    for labels in ignored, targets:
        value, grad = softmax_grad(z, labels, sample_weight=w, reduction=reduction)
        expected = softmax_grad(z[kept], y[kept], sample_weight=w[kept], reduction=reduction)
        equal(value if reduction != "none" else value[kept], expected[0])
        equal(grad[kept], expected[1])
        assert (grad[~kept] == 0).all()
        assert reduction != "none" or (value[~kept] == 0).all()
        with pytest.raises(ValueError, match=r"^(logits|labels) "):
            softmax(z, labels, sample_weight=w + 1, reduction=reduction)
    z, y = z[:, 0], y % 2
    for labels in np.where(w > 0, y, 255), np.where(w > 0, y, nan):
        value, grad = binary_grad(z, labels, sample_weight=w, reduction=reduction)
        expected = binary_grad(z[kept], y[kept], sample_weight=w[kept], reduction=reduction)
        equal(value if reduction != "none" else value[kept], expected[0])
        equal(grad[kept], expected[1])
        assert (grad[~kept] == 0).all()
        with pytest.raises(ValueError, match="labels"):
            binary(z, labels, sample_weight=w + 1, reduction=reduction)


def test_the_rows_that_count_are_checked_beside_those_that_do_not():
    for z, y, message in (
        ([[nan, 0], [0, nan]], [0, 0], "logits must hold numbers below inf, got nan"),
        ([[nan, 0], [-inf, -inf]], [0, 0], "logits has a row that is all -inf"),
        ([[nan, 0], [0, 0]], [0, 2], "labels must lie between 0 and 1, got 2"),
        ([[nan, 0], [0, 0]], [[1, 0], [0.5, 0.6]], "labels must sum to 1 in each row, got .* 1.1"),
    ):
        with pytest.raises(ValueError, match=message):
            softmax(z, np.array(y), sample_weight=[0, 1])
    with pytest.raises(ValueError, match="logits must hold numbers, got nan"):
        binary([nan, nan], [0, 0], sample_weight=[0, 1])


def test_weight_0_leaves_out_an_infinite_loss_too():
    z, w = [[0, -inf], [0, 0]], [0, 2]
    value, grad = softmax_grad(z, [1, 1], sample_weight=w)
    assert value == math.log(2)
    np.testing.assert_array_equal(grad, [[0, 0], [0.5, -0.5]])
    assert binary([-inf, 0], [1, 1], sample_weight=w) == math.log(2)
    np.testing.assert_array_equal(softmax(z, [1, 1], sample_weight=w, reduction="none")[0], 0)
    assert softmax(z, [1, 1], sample_weight=[0, 0], reduction="sum") == 0


@cases
@given(exponent=st.integers(-1000, 1000))
def test_a_mean_depends_on_the_ratios_of_the_weights_only(loss, with_grad, z, y, exponent):
    w = W + 0.5
    value, grad = with_grad(z, y, sample_weight=w)
    scaled, scaled_grad = with_grad(z, y, sample_weight=np.ldexp(w, exponent))
    assert scaled == value == loss(z, y, sample_weight=np.ldexp(w, exponent))
    np.testing.assert_array_equal(scaled_grad, grad)


@pytest.mark.parametrize("weight", [5e-324, 1e-320, 1e308, np.finfo(float).max])
@pytest.mark.parametrize("dtype", [F32, float])
def test_equal_weights_of_any_size_give_the_plain_mean(weight, dtype):
    z = np.array([[0, 20], [2, 0], [0, 2]], dtype)
    expected = softmax_grad(z, [0, 0, 0])
    for a, b in zip(softmax_grad(z, [0, 0, 0], sample_weight=[weight] * 3), expected, strict=True):
        equal(a, b, rtol=1e-6 if dtype is F32 else 1e-15, atol=0)


@cases
@pytest.mark.parametrize("reduction", ["sum", "none"])
def test_weights_beyond_the_dtype_of_the_loss_are_refused(loss, with_grad, z, y, reduction):
    single = y.astype(F32) if y.dtype.kind == "f" else y
    message = "^sample_weight must be finite in the dtype of the loss, float32, got 1e[+]39; use"
    for function in loss, with_grad:
        with pytest.raises(ValueError, match=message):
            function(z.astype(F32), single, sample_weight=[1e39] * N, reduction=reduction)
    grad = with_grad(z, y, sample_weight=[1e308] * N, reduction=reduction)[1]
    equal(grad, 1e308 * with_grad(z, y, reduction=reduction)[1])


@cases
@reductions
@pytest.mark.parametrize("dtype", [F32, float])
def test_numbers_too_small_or_too_large_never_make_numpy_raise(
    loss, with_grad, z, y, reduction, dtype
):
    y = y.astype(dtype) if y.dtype.kind == "f" else y
    w = np.where(np.arange(N) % 2, 1e-300, 1e-5)
    for factor in 1, 100, 1e4, 1e36:
        with np.errstate(all="raise"):
            value, grad = with_grad(
                (factor * z).astype(dtype), y, sample_weight=w, reduction=reduction
            )
        assert not np.isnan(value).any()
        assert np.isfinite(grad).all()


def test_a_masked_class_is_as_good_as_deleted():
    masked = np.insert(Z, 2, -inf, axis=1)
    for labels, with_gap in (Y, Y + (Y >= 2)), (P, np.insert(P, 2, 0, axis=1)):
        value, grad = softmax_grad(Z, labels)
        masked_value, masked_grad = softmax_grad(masked, with_gap)
        equal(masked_value, value, rtol=1e-15)
        equal(masked_grad, np.insert(grad, 2, 0, axis=1), rtol=1e-15)
    np.testing.assert_array_equal(binary_grad(-inf, 0), [0, 0])


def test_a_masked_class_that_is_true_costs_infinity():
    assert softmax([0, -inf], 1) == softmax([0, -inf], [0.5, 0.5]) == binary(-inf, 1) == inf
    assert binary(-inf, 0.25) == binary([0, -inf], [0, 1]) == inf
    np.testing.assert_array_equal(softmax_grad([0, -inf], 1)[1], [1, -1])


@pytest.mark.parametrize("dtype", [F32, float])
def test_at_an_infinite_logit_the_binary_loss_and_its_slope_are_their_limits(dtype):
    z = np.array([inf, inf, inf, -inf, -inf, -inf], dtype)
    y = np.array([1, 0.5, 0, 1, 0.5, 0], dtype)
    value, grad = binary_grad(z, y, reduction="none")
    np.testing.assert_array_equal(value, [0, inf, inf, inf, inf, 0])
    np.testing.assert_array_equal(grad, [0, 0.5, 1, -1, -0.5, 0])
    far = binary_grad(np.copysign(dtype(1000), z), y, reduction="none")
    np.testing.assert_array_equal(grad, far[1])
    np.testing.assert_array_equal(binary(inf, [1][0]), 0)
    assert binary([inf, 0.0], [1, 1]) == math.log(2) / 2


def test_losses_that_are_too_large_for_the_dtype_are_infinite():
    assert softmax([1e308, -1e308], 1) == inf
    assert softmax(F32([3e38, -3e38]), 1) == inf
    assert binary([1.5e308] * 2, [0, 0], reduction="sum") == inf


# --- Blocks ---------------------------------------------------------------------------------------


@cases
@reductions
@pytest.mark.parametrize("weight", [None, W, np.arange(N) % 3])
@pytest.mark.parametrize("size", [1, 100, 600])
@pytest.mark.parametrize("narrow", [0, 1000])
def test_neither_the_size_nor_the_layout_of_the_blocks_matters(
    loss, with_grad, z, y, reduction, weight, size, narrow, monkeypatch
):
    expected = with_grad(z, y, sample_weight=weight, reduction=reduction)
    monkeypatch.setattr(_blocks, "SIZE", size)
    monkeypatch.setattr(_blocks, "_processors", lambda: 3)
    monkeypatch.setattr(losses, "_NARROW", narrow)
    for order in "C", "F":
        arranged = np.asarray(z, order=order)
        result = with_grad(arranged, y, sample_weight=weight, reduction=reduction)
        for a, b in zip(result, expected, strict=True):
            equal(a, b, rtol=1e-13, atol=1e-15)


@cases
@reductions
def test_the_number_of_threads_does_not_change_the_last_digit(
    loss, with_grad, z, y, reduction, monkeypatch
):
    monkeypatch.setattr(_blocks, "SIZE", 64)
    results = []
    for threads in 1, 2, 7:
        monkeypatch.setattr(_blocks, "_processors", lambda threads=threads: threads)
        results.append(with_grad(z, y, sample_weight=W, reduction=reduction))
    for value, grad in results[1:]:
        np.testing.assert_array_equal(value, results[0][0])
        np.testing.assert_array_equal(grad, results[0][1])


def test_of_many_blocks_the_first_that_is_wrong_gives_the_message(monkeypatch):
    monkeypatch.setattr(_blocks, "SIZE", 64)
    monkeypatch.setattr(_blocks, "_processors", lambda: 3)
    y = np.where(np.arange(200) < 77, 0, np.arange(200))
    for _ in range(20):
        with pytest.raises(ValueError, match=r"labels must lie between 0 and 3, got 77$"):
            softmax(np.zeros((200, 4)), y)


@pytest.mark.parametrize("k", [2, 63, 64, 65, 300])
def test_few_and_many_classes_are_computed_alike(k):
    z, y = RNG.normal(size=(700, k)), RNG.integers(0, k, 700)
    value, grad = softmax_grad(z, y)
    equal(value, -scipy.special.log_softmax(z, axis=-1)[np.arange(700), y].mean())
    equal(grad, (scipy.special.softmax(z, axis=-1) - x.one_hot(y, k)) / 700)


def peak(function, *arguments):
    tracemalloc.start()
    function(*arguments)
    size = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return size


LAYOUTS = {
    "C": lambda a: a,
    "F": np.asfortranarray,
    "every second": lambda a: np.repeat(a, 2, axis=0)[::2],
    "backwards": lambda a: a[::-1],
    "other byte order": lambda a: a.astype(a.dtype.newbyteorder()),
    "float16": lambda a: a.astype(np.float16),
}


@pytest.mark.parametrize("shape", [(600_000, 10), (6000, 1000), (50, 128_000)])
@pytest.mark.parametrize("dtype", [F32, float])
@pytest.mark.parametrize("kind", ["softmax, classes", "softmax, targets", "binary, targets"])
def test_besides_the_gradient_a_few_MiB_for_each_thread_suffice(kind, shape, dtype, monkeypatch):
    monkeypatch.setattr(_blocks, "_processors", lambda: 2)
    loss, with_grad, *_ = CASES[kind]
    z = np.zeros(shape, dtype)
    y = np.zeros(shape[0], int) if "classes" in kind else np.full(shape, 1 / shape[1], dtype)
    assert peak(loss, z, y) < 16 * 2**20
    assert peak(with_grad, z, y) - z.nbytes < 16 * 2**20


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kind", ["softmax, classes", "softmax, targets", "binary, targets"])
def test_no_layout_of_the_logits_needs_a_copy(kind, layout, monkeypatch):
    monkeypatch.setattr(_blocks, "_processors", lambda: 2)
    loss, *_ = CASES[kind]
    z = LAYOUTS[layout](np.zeros((2_000_000, 5), F32))
    y = np.zeros(len(z), int) if "classes" in kind else LAYOUTS[layout](np.full(z.shape, F32(0.2)))
    assert peak(loss, z, y) < 16 * 2**20


def test_a_float32_mean_of_many_losses_is_as_exact_as_one_of_few():
    value = softmax(np.zeros((3_000_000, 2), F32), np.zeros(3_000_000, int))
    assert value == F32(math.log(2))
    assert value.dtype == F32


# --- Dtypes and shapes ----------------------------------------------------------------------------


@cases
@reductions
@pytest.mark.parametrize(
    ("given", "expected"), [(np.float16, F32), (F32, F32), (float, float), (np.longdouble, float)]
)
def test_float32_stays_float32_and_float16_becomes_it(
    loss, with_grad, z, y, reduction, given, expected
):
    z, y = z.astype(given), y.astype(given) if y.dtype.kind == "f" else y
    value, grad = with_grad(z, y, sample_weight=W, reduction=reduction)
    assert value.dtype == grad.dtype == expected
    exact = with_grad(z.astype(float), y, sample_weight=W, reduction=reduction)
    for a, b in zip((value, grad), exact, strict=True):
        equal(a, b, rtol=1e-5 if expected is F32 else 1e-13, atol=1e-6 if expected is F32 else 0)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("given", [np.float16, F32, float])
@pytest.mark.parametrize("k", [10, 5000])
def test_targets_of_any_floating_dtype_and_memory_order_sum_to_1(order, given, k):
    even = np.full((4, k), 1 / k, given, order=order)
    z = np.asarray(RNG.normal(size=(4, k)), order=order)
    expected = x.logsumexp(z) - z.mean(axis=-1)
    equal(softmax(z, even, reduction="none"), expected, rtol=4e-16)


@st.composite
def layouts(draw):
    """A function that stores an array in another order, with other strides, in other bytes."""
    order, byteorder = draw(st.sampled_from("CF")), draw(st.sampled_from("<>"))
    steps = draw(st.tuples(*[st.sampled_from([-2, -1, 1, 3])] * 3))

    def lay_out(a):
        steps_here = steps[: a.ndim]
        room = np.zeros([n * abs(s) for n, s in zip(a.shape, steps_here, strict=True)], order=order)
        view = room.astype(a.dtype.newbyteorder(byteorder))[
            tuple(slice(None, None, s) for s in steps_here)
        ]
        view[...] = a
        return view

    return lay_out


@given(
    st.sampled_from([np.float16, F32, float]),
    st.sampled_from([1, 4, 70]),
    layouts(),
    layouts(),
    st.integers(0, 2**32 - 1),
)
def test_the_layout_in_memory_changes_nothing(dtype, k, lay_out, lay_out_too, seed):
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(3, 5, k)).astype(dtype)
    p = rng.dirichlet(np.ones(k), (3, 5)).astype(dtype)
    y = rng.integers(0, k, (3, 5))
    for function, labels in (softmax_grad, y), (softmax_grad, p), (binary_grad, p):
        shape = y.shape if function is softmax_grad else p.shape
        weight = rng.integers(0, 3, shape).astype(float) + (np.arange(shape[-1]) == 0)
        for reduction in "mean", "none":
            options = {"sample_weight": weight, "reduction": reduction}
            expected = function(z, labels, **options)
            options["sample_weight"] = lay_out(weight)
            found = function(lay_out(z), lay_out_too(labels), **options)
            np.testing.assert_array_equal(found[0], expected[0])
            np.testing.assert_array_equal(found[1], expected[1])


WAYS = {
    "float32": lambda p: p,
    "float64": lambda p: p.astype(float),
    "a list": lambda p: p.tolist(),
    "text": lambda p: np.array([[float(f"{v:.9g}") for v in row] for row in p]),
    "longdouble": lambda p: p.astype(np.longdouble),
}


@given(st.sampled_from([2, 3, 10, 1000]), st.integers(0, 2**32 - 1), st.sampled_from(sorted(WAYS)))
def test_targets_that_were_float32_are_distributions_however_they_come(k, seed, way):
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(4, k))
    p = scipy.special.softmax(rng.normal(size=(4, k)).astype(F32), axis=1)
    exact = p / p.sum(axis=1, dtype=float, keepdims=True)
    each, grad = softmax_grad(z, WAYS[way](p), reduction="none")
    equal(each, x.cross_entropy(exact, x.softmax(z)), rtol=1e-7 if way == "text" else 1e-12)
    equal(grad.sum(axis=1), 0)
    assert (each >= x.entropy(exact) * (1 - 1e-6)).all()


def test_targets_that_float32_rounding_does_not_explain_are_refused():
    for labels in [[0.5, 0.5001]], np.array([[0.5, 0.5001]], np.longdouble), F32([[0.4999] * 2]):
        with pytest.raises(ValueError, match="labels must sum to 1 in each row, got a sum of"):
            softmax([[0.0, 1]], labels)


@pytest.mark.parametrize("dtype", [np.float16, F32, float])
def test_a_binary_label_that_exceeds_1_by_rounding_is_1(dtype):
    above = np.nextafter(dtype(1), dtype(2))
    assert above > 1
    for a, b in zip(binary_grad(2.0, above), binary_grad(2.0, 1), strict=True):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(ValueError, match=r"labels must hold probabilities .* got 1\.01"):
        binary(2.0, 1.01)


def test_the_wider_floating_dtype_wins_and_integers_are_float64():
    assert softmax(Z.astype(F32), P).dtype == softmax(Z, P.astype(F32)).dtype == np.float64
    assert softmax([[1, 2]], [0]).dtype == binary([3], [1]).dtype == np.float64


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int64, np.uint64])
def test_classes_of_any_integer_dtype(dtype):
    for z in Z, np.tile(Z, 20):
        equal(softmax(z, Y.astype(dtype)), softmax(z, Y), rtol=0)


@pytest.mark.parametrize("leading", [(), (1,), (4,), (2, 3), (2, 1, 3)])
def test_any_leading_dimensions_stay(leading):
    z, y = RNG.normal(size=(*leading, 3)), RNG.integers(0, 3, leading)
    w = np.ones(leading)
    for labels in y, x.one_hot(y, 3):
        value, grad = softmax_grad(z, labels, sample_weight=w, reduction="none")
        assert value.shape == leading
        assert grad.shape == z.shape
        assert np.shape(softmax(z, labels)) == ()
        equal(value, -np.take_along_axis(x.log_softmax(z), y[..., np.newaxis], -1)[..., 0])
    value, grad = binary_grad(z[..., 0], y % 2, sample_weight=w, reduction="none")
    assert value.shape == grad.shape == leading
    assert isinstance(binary(z[..., 0], y % 2), np.float64)


@cases
def test_inputs_are_not_changed_and_lists_are_arrays_too(loss, with_grad, z, y):
    frozen = z.copy(), y.copy(), W.copy()
    for array in frozen:
        array.setflags(write=False)
    value, grad = with_grad(*frozen[:2], sample_weight=frozen[2])
    for array, before in zip(frozen, (z, y, W), strict=True):
        np.testing.assert_array_equal(array, before)
    again, grad_again = with_grad(z.tolist(), y.tolist(), sample_weight=W.tolist())
    assert again == value
    np.testing.assert_array_equal(grad_again, grad)


def test_zeros_are_not_negative():
    for value, grad in (
        softmax_grad([5.0], 0),
        softmax_grad([5.0], [1.0]),
        softmax_grad([1000.0, -inf], 0, reduction="none"),
        softmax_grad([1000.0, -inf], [1.0, 0]),
        binary_grad([1000.0, -1000.0, -inf], [1, 0, 0]),
        binary_grad([1000.0, -1000.0, -inf], [1.0, 0, 0], reduction="none"),
    ):
        assert (np.asarray(value) == 0).all()
        assert not np.signbit(value).any()
        assert (grad == 0).all()
        assert not np.signbit(grad).any()


# --- Errors ---------------------------------------------------------------------------------------

ROW = [[0.0, 1, 2]]
ERRORS = {
    "logits NaN": (softmax, ([[0, nan]], [0]), "logits must hold numbers below inf, got nan"),
    "logits inf": (softmax, ([[0, inf]], [0]), "logits must hold numbers below inf, got inf"),
    "row masked": (softmax, ([[0, 0], [-inf, -inf]], [0, 0]), "logits has a row that is all -inf"),
    "logits both": (softmax, ([[0, 0], [inf, nan]], [0, 0]), "logits must .* below inf, got inf"),
    "targets, logits inf": (softmax, ([[inf, 0]], [[0.0, 1]]), "logits must .* below inf, got inf"),
    "binary NaN": (binary, ([0, nan], [0, 1]), "logits must hold numbers, got nan"),
    "logits empty": (softmax, (np.ones((0, 3)), []), r"logits is empty: it has shape \(0, 3\)"),
    "logits strings": (binary, (["a"], [1]), "logits must hold real numbers, got dtype <U1"),
    "logits ragged": (softmax, ([[1], [1, 2]], [0]), "logits must be an array, but its rows"),
    "logits masked array": (binary, (np.ma.array([1]), [1]), "logits is a masked array"),
    "a single logit": (softmax, (3, 0), "logits must hold one number for each class, got .* 3"),
    "labels empty": (softmax, (ROW, []), r"labels is empty: it has shape \(0,\)"),
    "labels masked array": (softmax, (ROW, np.ma.array([1])), "labels is a masked array"),
    "class too large": (softmax, (ROW, [3]), "labels must lie between 0 and 2, got 3$"),
    "class negative": (
        softmax,
        (ROW, [-1]),
        "labels must lie between 0 and 2, got -1; to leave a row out, give it sample_weight 0$",
    ),
    "one-hot integers": (
        softmax,
        (ROW, [[0, 1, 0]]),
        r"labels must be classes, so integers of shape \(1,\), or target probabilities, so floats "
        r"of shape \(1, 3\); got int64 of shape \(1, 3\); if they are one-hot, use labels.argmax",
    ),
    "one-hot bools": (softmax, (ROW, [[True, False, False]]), "labels .*; if they are one-hot"),
    "classes as floats": (
        softmax,
        (ROW, [1.0]),
        r"labels .*; got float64 of shape \(1,\); if they are classes, use labels.astype\(int\)",
    ),
    "classes as bools": (
        softmax,
        (ROW, [True]),
        r"labels .*; got bool of shape \(1,\); if they are classes, use labels.astype\(int\)$",
    ),
    "classes in a column": (
        softmax,
        (ROW, [[1]]),
        r"labels .*; got int64 of shape \(1, 1\); if they are classes, use labels\[:, 0\]$",
    ),
    "classes in columns": (
        softmax,
        ([ROW, ROW], [[[1]], [[0]]]),
        r"labels .*\(2, 1, 1\); if they are classes, use labels\[..., 0\]$",
    ),
    "other shape": (softmax, (ROW, [0, 1]), r"labels must be .*; got int64 of shape \(2,\)$"),
    "labels strings": (softmax, (ROW, ["a"]), "labels must be .*; got <U1"),
    "targets are counts": (
        softmax,
        (ROW, [[1.0, 2, 0]]),
        r"labels must sum to 1 in each row, got a sum of 3.0; call normalize\(\)",
    ),
    "class beyond all": (softmax, (ROW, np.uint64([2**64 - 1])), "labels must lie .*, got 1844"),
    "targets negative": (softmax, (ROW, [[1.5, -0.5, 0]]), "labels must hold prob.*, got -0.5"),
    "targets a little negative": (
        softmax,
        (ROW, [[1.0, 0.0, -1e-17]]),
        r"labels .*, got -1e-17; if it is a rounded 0, use numpy.maximum\(labels, 0\)$",
    ),
    "targets NaN": (
        softmax,
        (ROW, [[1, nan, 0]]),
        "labels must hold probabilities, got nan; to leave a row out, give it sample_weight 0$",
    ),
    "targets inf": (softmax, (ROW, [[1, inf, 0]]), "labels must sum to 1 in each row, got .* inf"),
    "binary label 2": (binary, ([0, 0], [1, 2]), "labels must be 0 or 1, got 2"),
    "binary label -1": (
        binary,
        ([0, 0], [1, -1]),
        r"labels must be 0 or 1, got -1; .*\(labels \+ 1\) / 2",
    ),
    "binary target": (binary, ([0.0], [1.5]), "labels must hold probabilities .*, got 1.5$"),
    "logits None": (softmax, (None, [0]), r"logits must hold real numbers, got None"),
    "logits dict": (softmax, ({"a": [0, 1]}, [0]), r"logits .* use list\(logits.values\(\)\)"),
    "labels None": (softmax, (ROW, None), "labels must be classes, .*; got object of shape"),
    "labels generator": (softmax, (ROW, iter([0])), r"labels must be a list .* use list\(labels"),
    "binary target NaN": (binary, ([0.0], [nan]), "labels must hold probabilities .*, got nan"),
    "binary shape": (
        binary,
        ([0, 0], [1]),
        r"labels must be 0 and 1 .* one for each logit, so of shape \(2,\); got int64 .* \(1,\)",
    ),
    "binary strings": (binary, ([0], ["1"]), "labels must be 0 and 1 .*; got <U1"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_bad_input_names_the_argument_and_the_offence(name):
    loss, arguments, message = ERRORS[name]
    for function in loss, softmax_grad if loss is softmax else binary_grad:
        with pytest.raises(ValueError, match="^" + message):
            function(*arguments)


@cases
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"reduction": "avg"}, "reduction must be 'mean', 'sum' or 'none', got 'avg'"),
        ({"reduction": None}, "reduction must be .*, got None"),
        ({"sample_weight": 1.0}, r"sample_weight .* have shape \(30,\), got shape \(\)"),
        ({"sample_weight": [1, 2]}, r"sample_weight .* have shape \(30,\), got shape \(2,\)"),
        ({"sample_weight": -W}, "sample_weight must be finite and not negative, got -"),
        ({"sample_weight": W * nan}, "sample_weight must be finite .*, got nan"),
        ({"sample_weight": W + inf}, "sample_weight must be finite .*, got inf"),
        ({"sample_weight": 0 * W}, "sample_weight must have a positive .* for a mean, got 0.0"),
        ({"sample_weight": ["a"] * N}, "sample_weight must hold real numbers, got dtype <U1"),
    ],
)
def test_bad_options_are_refused(loss, with_grad, z, y, options, message):
    for function in loss, with_grad:
        with pytest.raises(ValueError, match="^" + message):
            function(z, y, **options)


def test_labels_of_pandas_that_contradict_the_positions_are_refused():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(Z, columns=list("abcd"))
    classes, column = pd.Series(Y), pd.Series(Z[:, 0])
    assert softmax(frame, classes) == softmax(Z, Y)
    assert softmax(frame, pd.DataFrame(P, columns=list("abcd"))) == softmax(Z, P)
    assert binary(column, classes % 2) == binary(Z[:, 0], Y % 2)
    shuffled = np.random.default_rng(0).permutation(N)
    for call in (
        lambda: softmax(frame.iloc[shuffled], classes.iloc[::-1]),
        lambda: softmax(frame, pd.DataFrame(P, columns=list("bcda"))),
        lambda: softmax(frame.iloc[::-1], Y, sample_weight=pd.Series(W).iloc[shuffled]),
        lambda: binary(column.iloc[shuffled], classes.iloc[::-1] % 2),
    ):
        with pytest.raises(ValueError, match="taken by position, but are labelled"):
            call()
    with pytest.raises(ValueError, match=r"columns of logits are called \(1, 2, 3, 4\)"):
        softmax(pd.DataFrame(Z, columns=[1, 2, 3, 4]), Y)
