"""The static figures: they draw the numbers they are given, and nothing else changes."""

import inspect
import io
import re

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from scipy.special import expit

from xentlib import plots

PETALS = [1.4, 1.3, 1.5, 4.7, 4.5, 6.0, 5.1, 5.1], [0, 0, 0, 1, 1, 2, 2, 1]
BLOCKS = range(1, 11), [1, 0.523, 0.365, 0.29, 0.24, 0.21, 0.19, 0.17, 0.16, 0.15]
FLOWERS = (
    [[1.4, 0.2], [1.5, 0.4], [4.5, 1.5], [4.0, 1.3], [6.0, 2.5], [5.1, 1.8], [4.9, 1.5]],
    [0, 0, 1, 1, 2, 2, 2],
    [[-3, 0, 3], [-3, 0, 3], [-1, 1, 0]],
)
CALLS = {
    "loss_bars": lambda: plots.loss_bars([0.4, 0.1, 0.5]),
    "loss_bars, infinite": lambda: plots.loss_bars([0, 0.3, 0.7]),
    "loss_bars, certain": lambda: plots.loss_bars([0, 1, 0], truth=1, names=["a", "b", "c"]),
    "surprise_curve": lambda: plots.surprise_curve(0.25),
    "surprise_curve, certain": lambda: plots.surprise_curve(1),
    "surprise_curve, rare": lambda: plots.surprise_curve(1e-9),
    "entropy_triangle": lambda: plots.entropy_triangle([0.5, 0.25, 0.25]),
    "entropy_triangle, corner": lambda: plots.entropy_triangle([0, 0, 1]),
    "joint_table": lambda: plots.joint_table([[0.24, 0.06], [0.14, 0.56]]),
    "joint_table, certain": lambda: plots.joint_table([[0, 0], [0, 1]]),
    "joint_table, sliver": lambda: plots.joint_table(
        [[0.01, 0], [0.5, 0.49]], x_names=["rain", "sunshine"], y_names=["clouds", "no clouds"]
    ),
    "two_divergences": lambda: plots.two_divergences([0.5, 0.25, 0.25], [0.9, 0.05, 0.05]),
    "two_divergences, infinite": lambda: plots.two_divergences([1, 0, 0], [0, 1, 0]),
    "two_divergences, beyond the scale": lambda: plots.two_divergences(
        [0.98, 0.01, 0.01], [0.01, 0.01, 0.98], names=["landscape", "house", "other"]
    ),
    "logit_steps": lambda: plots.logit_steps([-0.9, -2.3, -0.7]),
    "logit_steps, at the edge": lambda: plots.logit_steps(
        [6, 5.5, -20], truth=2, step_size=10, names=["apple", "pear", "plum"]
    ),
    "softmax_training": lambda: plots.softmax_training(*FLOWERS, [1.099, 0.7, 0.6]),
    "softmax_training, start": lambda: plots.softmax_training(
        *FLOWERS[:2], np.zeros((3, 3)), [np.log(3)], names=["setosa", "versicolor", "virginica"]
    ),
    "softmax_training, two classes": lambda: plots.softmax_training(
        [[0, 1], [1, 0]], [0, 1], [[-1, 1], [1, -1], [0, 0]], [0.7, 3.5]
    ),
    "binary_entropy_curve": plots.binary_entropy_curve,
    "plugin_bias": lambda: plots.plugin_bias([10, 100], [1.4, 1.7], 1.8, corrected=[1.75, 1.79]),
    "tangent_bound": plots.tangent_bound,
    "code_lengths": lambda: plots.code_lengths([1 / 2, 1 / 4, 1 / 8, 1 / 8], [3, 1, 2, 3]),
    "code_lengths, too short": lambda: plots.code_lengths([0.25] * 4, [1, 1, 1, 1]),
    "code_lengths, one word": lambda: plots.code_lengths([0, 0, 0.01, 0.99], [6, 6, 1, 6]),
    "coin_likelihood": lambda: plots.coin_likelihood(7, 3, 0.5),
    "coin_likelihood, infinite": lambda: plots.coin_likelihood(7, 3, 0),
    "coin_likelihood, heads only": lambda: plots.coin_likelihood(500, 0, 1),
    "coin_likelihood, tails only": lambda: plots.coin_likelihood(0, 1, 0.98),
    "sigmoid_gradients": plots.sigmoid_gradients,
    "sigmoid_gradients, sure and right": lambda: plots.sigmoid_gradients(8, 1),
    "sigmoid_gradients, sure and wrong": lambda: plots.sigmoid_gradients(8, 0),
    "binary_loss": plots.binary_loss,
    "binary_loss, infinite": lambda: plots.binary_loss(1, 0),
    "binary_loss, beyond the scale": lambda: plots.binary_loss(0.01, 1),
    "binary_loss, none": lambda: plots.binary_loss(0, 0),
    "binary_loss, soft": lambda: plots.binary_loss(0.3, 0.3),
    "gain_curve": lambda: plots.gain_curve(*PETALS),
    "gain_curve, a tie": lambda: plots.gain_curve([1, 2, 3], [0, 1, 0], name="x", unit=""),
    "gain_curve, no gain": lambda: plots.gain_curve([1, 2], [0, 0]),
    "block_lengths": lambda: plots.block_lengths(*BLOCKS, entropy=0.116115),
    "block_lengths, one": lambda: plots.block_lengths([1], [1.0], entropy=0),
    "pictures": lambda: plots.pictures(np.ones((6, 8, 8)), ["4, said 9"] * 6),
    "pictures, one": lambda: plots.pictures([[[0, 1]]], ["a"]),
    "pictures, signed": lambda: plots.pictures([[[-1, 3]]] * 10, [*"0123456789"], signed=True),
    "sigmoid_fit": lambda: plots.sigmoid_fit([-1, 0, 2], [0, 0, 1], expit),
}

each_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())


def png(figure):
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=100, metadata={"Software": None})
    return file.getvalue()


def texts(figure):
    figure.draw_without_rendering()
    found = [t for t in figure.findobj(mpl.text.Text) if t.get_visible() and t.get_text().strip()]
    hidden = [t for axes in figure.axes for t in ticks_out_of_view(axes)]
    return [t for t in found if t not in hidden]


def ticks_out_of_view(axes):
    for axis, (low, high) in [(axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())]:
        for tick in axis.get_major_ticks() + axis.get_minor_ticks():
            if not low <= tick.get_loc() <= high:
                yield tick.label1


def words(figure):
    return "\n".join(t.get_text() for t in texts(figure))


@each_call
def test_same_arguments_give_the_same_bytes_and_leave_matplotlib_alone(call):
    before = dict(mpl.rcParams)
    figure = call()
    assert isinstance(figure, Figure)
    assert png(figure) == png(call())
    assert dict(mpl.rcParams) == before


@each_call
def test_text_is_large_enough_and_inside_the_picture(call):
    figure = call()
    box = figure.bbox.padded(1)
    for text in texts(figure):
        assert text.get_fontsize() >= 10
        extent = text.get_window_extent()
        if extent.width:
            assert box.x0 <= extent.x0, text
            assert extent.x1 <= box.x1, text
            assert box.y0 <= extent.y0, text
            assert extent.y1 <= box.y1, text


@each_call
def test_ground_is_white(call):
    assert to_hex(call().get_facecolor()) == "#ffffff"


def heights(axes, color):
    return [
        b.get_height() for b in axes.patches if b.get_fill() and to_hex(b.get_facecolor()) == color
    ]


def test_loss_bars_show_q_and_its_loss():
    figure = plots.loss_bars([0.4, 0.1, 0.5])
    assert heights(figure.axes[0], plots.Q_COLOR) == [0.4, 0.1, 0.5]
    assert "0.916 nats" in words(figure)
    assert "∞" in words(plots.loss_bars([0, 0.3, 0.7]))


def test_surprise_and_entropy_are_stated():
    assert "2.000 bits" in words(plots.surprise_curve(0.25))
    assert "H = 1.500 bits" in words(plots.entropy_triangle([0.5, 0.25, 0.25]))
    assert "H = 0.000 bits" in words(plots.entropy_triangle([0, 0, 1]))


def test_the_areas_of_a_joint_table_are_its_probabilities():
    mosaic, bars = plots.joint_table([[0.24, 0.06], [0.14, 0.56]]).axes
    areas = [b.get_width() * b.get_height() for b in mosaic.patches]
    assert np.allclose(areas, [0.24, 0.06, 0.14, 0.56])
    # H(X,Y); H(X), H(Y|X); H(X|Y), H(Y); H(X|Y), I(X;Y), H(Y|X), worked out by hand
    widths = [b.get_width() for b in bars.patches]
    expected = [1.6032, 0.8813, 0.7219, 0.6452, 0.9580, 0.6452, 0.2361, 0.7219]
    assert np.allclose(widths, expected, atol=5e-5)
    assert "I(X;Y) = 0.236 bits" in words(bars.figure)
    assert "I(X;Y) = 0.000 bits" in words(plots.joint_table([[0, 0], [0, 1]]))


def test_two_divergences_show_both_with_their_terms():
    figure = plots.two_divergences([0.5, 0.25, 0.25], [0.5, 0.5, 0])
    assert heights(figure.axes[0], plots.P_COLOR) == [0.5, 0.25, 0.25]
    assert heights(figure.axes[0], plots.Q_COLOR) == [0.5, 0.5, 0]
    found = words(figure)
    assert "KL(p‖q) = ∞" in found
    assert "KL(q‖p) = 0.5000 bits" in found
    assert {"0.000", "−0.250", "+∞", "+0.500"} <= set(found.split())
    (infinite, finite) = (b.get_width() for b in figure.axes[1].patches)
    assert infinite == plots.KL_TOP
    assert finite == pytest.approx(0.5)


def test_signed_pictures_share_one_scale_with_white_at_0():
    first, second = (
        ax.images[0] for ax in plots.pictures([[[0, 1]], [[-3, 0]]], ["a", "b"], signed=True).axes
    )
    assert first.get_clim() == second.get_clim() == (-3, 3)
    assert [to_hex(c) for c in first.cmap(first.norm([-3, 0, 3]))] == [
        plots.Q_COLOR,
        "#ffffff",
        plots.P_COLOR,
    ]
    assert plots.pictures([[[0, 1]], [[0, 3]]], ["a", "b"]).axes[0].images[0].get_clim() == (0, 3)


def test_unsigned_integers_are_pictures_of_either_kind():
    for signed in False, True:
        image = plots.pictures([np.uint8([[0, 200]])], "a", signed=signed).axes[0].images[0]
        assert image.get_clim() == (-200 if signed else 0, 200)


@pytest.mark.parametrize(
    ("images", "titles", "message"),
    [
        ([], [], "images must hold at least one picture"),
        ([[[1]], [[2]]], "a", "titles must be 2 strings, got 'a'"),
        ([[[1]]], ["a", "b"], "titles must be one string, got"),
        ([[1, 2]], "a", r"each of images must be n × m numbers, got shape \(2,\)"),
        ([[[1, 2], [3]]], "a", "each of images must be an array, but its rows differ in length"),
        ([np.ones((0, 3))], "a", r"each of images is empty: it has shape \(0, 3\)"),
        ([[[0, np.nan]]], "a", "each of images must be finite, got nan"),
        ([[[0, -3]]], "a", "images must not be negative, got -3; pass signed=True"),
    ],
)
def test_pictures_that_cannot_be_drawn_are_refused(images, titles, message):
    with pytest.raises(ValueError, match=message):
        plots.pictures(images, titles)


def test_sigmoid_fit_draws_the_model_and_every_label():
    (axes,) = plots.sigmoid_fit([-1, 0, 2], [0, 0, 1], expit, classes=("benign", "bad")).axes
    curve, dots = axes.lines
    assert np.allclose(curve.get_ydata(), expit(curve.get_xdata()))
    assert np.array_equal(dots.get_xdata(), [-1, 0, 2])
    assert np.array_equal(np.round(dots.get_ydata()), [0, 0, 1])
    assert {"benign: 2", "bad: 1"} <= set(words(axes.figure).split("\n"))
    for x, y, message in [
        ([1, 2, 3], 1, "y must be 3 whole numbers, got shape ()"),
        ([1, 2, 3], [0, 1], "y must be 3 whole numbers, got shape (2,)"),
        ([[1], [2]], [[0], [1]], "x must be a list of numbers, got shape (2, 1)"),
        ([], [], "x is empty"),
        ([1, np.nan], [0, 1], "x must be finite, got nan"),
        ([1, 2, 3], [1, 2, 2], "y must be from 0 to 1, got 2"),
    ]:
        with pytest.raises(ValueError, match=re.escape(message)):
            plots.sigmoid_fit(x, y, expit)
    for model, message in [
        (None, "model must be a function of x, got None"),
        (lambda x: x[1:], "model(x) must be 300 numbers, got shape (299,)"),
        (lambda x: x * np.nan, "model(x) must be finite, got nan"),
    ]:
        with pytest.raises(ValueError, match=re.escape(message)):
            plots.sigmoid_fit([1, 2], [0, 1], model)


def test_logit_steps_state_the_loss_and_the_steps():
    figure = plots.logit_steps(np.log([0.4, 0.1, 0.5]), truth=0, step_size=2)
    found = words(figure)
    assert "loss 0.916 nats" in found
    assert {"+1.200", "−0.200", "−1.000", "0.400", "0.100", "0.500"} <= set(found.split())
    bars = [b.get_width() for b in figure.axes[1].patches if b.get_fill()]
    assert np.allclose(bars, [0.4, 0.1, 0.5])
    for z, truth, message in [
        ([1, 2], 0, "names must be 2 strings, got .*landscape"),
        ([1, 2, np.nan], 0, "z must be finite, got nan"),
        ([1, 2, -np.inf], 0, "z must be finite, got -inf"),
        ([1, 2, 3], 5, "truth must be from 0 to 2, got 5"),
        ([1, 2, 3], -1, "truth must be from 0 to 2, got -1"),
    ]:
        with pytest.raises(ValueError, match=message):
            plots.logit_steps(z, truth)


def test_softmax_training_tints_the_likeliest_class_and_rings_the_wrong():
    X, labels, weights = (np.array(x) for x in FLOWERS)
    figure = plots.softmax_training(X, labels, weights, [1.1, 0.25])
    logits = (X - X.mean(axis=0)) / X.std(axis=0) @ weights[:2] + weights[2]
    wrong = logits.argmax(axis=1) != labels
    assert 0 < wrong.sum() < len(X)
    assert f"{np.sum(~wrong)} of 7 right" in words(figure)
    assert "Loss 0.250 nats" in words(figure)
    left, right = figure.axes
    ringed = [
        c.get_offsets() for c in left.collections if to_hex(c.get_edgecolor()[0]) == plots.INK
    ]
    assert sorted(np.vstack(ringed).tolist()) == sorted(X[wrong].tolist())
    assert list(right.lines[1].get_ydata()) == [1.1, 0.25]
    (image,) = left.images
    x0, x1, y0, y1 = image.get_extent()
    rows, columns = image.get_array().shape[:2]
    tints = set()
    for (x, y), k in zip(X, logits.argmax(axis=1), strict=True):
        pixel = image.get_array()[
            int((y - y0) / (y1 - y0) * rows), int((x - x0) / (x1 - x0) * columns)
        ]
        tints.add((k, to_hex(pixel)))
    assert len(tints) == 3  # one a class
    assert not plots.softmax_training(X, labels, np.zeros((3, 3)), [1.1]).axes[0].images
    for bad, message in [
        ((X[:, :1], labels, weights), "X must be n × 2 numbers"),
        ((X, labels[1:], weights), "labels must be 7 whole numbers"),
        ((X, labels, weights[:2]), "weights must be"),
        ((X * [1, 0], labels, weights), "two features that vary"),
        (([[0, 1e-320], [1, 0]], [0, 1], weights), "two features that vary"),
        ((X, labels, weights[:, :1]), "weights must be of 2 or 3 classes"),
        ((X, labels + 1, weights), "labels must be from 0 to 2, got 3"),
        ((X, labels + 0.5, weights), "labels must be 7 whole numbers, got 0.5"),
    ]:
        with pytest.raises(ValueError, match=message):
            plots.softmax_training(*bad, [1.1])
    for history in [], 1.1, [1.1, np.nan]:
        with pytest.raises(ValueError, match=r"^history (is empty|must be a list|must be finite)"):
            plots.softmax_training(X, labels, weights, history)
    with pytest.raises(ValueError, match="names must be 3 strings"):
        plots.softmax_training(X, labels, weights, [1.1], names=["a"])


def test_the_curve_of_a_coin_passes_the_match_and_the_fair_coin():
    figure = plots.binary_entropy_curve()
    (axes,) = figure.axes
    points = axes.lines[1].get_xydata()
    assert np.allclose(points, [[0.5, 1], [63 / 64, 0.116115]], atol=1e-6)
    assert "0.116 bits" in words(figure)


def test_plugin_bias_draws_what_it_is_given():
    (axes,) = plots.plugin_bias([10, 100], [1.4, 1.7], 1.8, corrected=[1.75, 1.79]).axes
    assert axes.get_xscale() == "log"
    assert [line.get_ydata()[0] for line in axes.lines] == [1.8, 1.4, 1.75]


def test_the_tangent_is_above_the_logarithm():
    tangent, logarithm, _ = plots.tangent_bound().axes[0].lines
    assert np.all(logarithm.get_ydata() <= tangent.get_ydata())


def test_code_lengths_state_mean_entropy_and_extra():
    bob, alice = [1 / 2, 1 / 4, 1 / 8, 1 / 8], [1 / 8, 1 / 2, 1 / 4, 1 / 8]
    figure = plots.code_lengths(bob, [3, 1, 2, 3])
    assert "Mean 2.375 bits = H(p) 1.750 + extra 0.625" in words(figure)
    assert "Kraft sum 1: full" in words(figure)
    (axes,) = figure.axes
    areas = {
        name: sum(
            b.get_width() * b.get_height()
            for b in axes.patches
            if b.get_fill() and to_hex(b.get_facecolor()) == color
        )
        for name, color in [("H", plots.P_COLOR), ("long", plots.Q_COLOR), ("saved", plots.SOFT)]
    }
    assert areas["H"] + areas["saved"] == pytest.approx(1.75, abs=0.1)  # gaps between the columns
    assert areas["long"] - areas["saved"] == pytest.approx(0.625, abs=0.05)
    assert "Mean 2.250 bits = H(p) 1.750 + extra 0.500" in words(
        plots.code_lengths(alice, [1, 2, 3, 3])
    )
    overflow = words(plots.code_lengths(bob, [1, 1, 2, 3]))
    assert "H(p) 1.750 − extra 0.375" in overflow
    assert "Kraft sum 1.375: no prefix code" in overflow
    assert "Kraft sum 0.25: space is left" in words(plots.code_lengths(bob, [4, 4, 4, 4]))


def test_coin_likelihood_states_the_three_parts_and_draws_them_apart():
    figure = plots.coin_likelihood(7, 3, 0.5)
    for text in "NLL 0.693", "H(p̂) 0.611", "KL 0.082", "p̂ = 7/10 = 0.7":
        assert text in words(figure)
    above, below = figure.axes[0].lines[:2]
    inside = above.get_ydata() < plots.LIKELIHOOD_TOP
    gap = (above.get_ydata() - below.get_ydata())[inside]
    assert np.allclose(gap, 0.610864, atol=1e-6)
    for curve in above, below:
        assert curve.get_xdata()[np.argmin(curve.get_ydata())] == pytest.approx(0.7, abs=0.01)
    assert "NLL ∞" in words(plots.coin_likelihood(7, 3, 0))
    assert "NLL 0.000" in words(plots.coin_likelihood(500, 0, 1))
    with pytest.raises(ValueError, match="cannot both be 0"):
        plots.coin_likelihood(0, 0, 0.5)


@pytest.mark.parametrize(("y", "peak", "side"), [(1, -np.log(2), -1), (0, np.log(2), 1)])
def test_gradients_differ_most_far_off_and_squared_error_is_steepest_before(y, peak, side):
    figure = plots.sigmoid_gradients(side * 5.0, y)
    for text in "cross-entropy 0.993", "squared error 0.0066", "150.42 times less":
        assert text in words(figure)
    _, fast, slow, *_ = figure.axes[0].lines
    assert np.all(slow.get_ydata() <= fast.get_ydata() / 4 + 1e-12)
    assert slow.get_xdata()[np.argmax(slow.get_ydata())] == pytest.approx(peak, abs=0.04)
    assert max(slow.get_ydata()) == pytest.approx(4 / 27, abs=1e-4)
    assert "at z = 0, q" in words(plots.sigmoid_gradients(-0.0, y))
    for z, truth, name in [(8.5, 1, "z"), (np.nan, 1, "z"), (0, 0.5, "y")]:
        with pytest.raises(ValueError, match=f"{name} must"):
            plots.sigmoid_gradients(z, truth)


def test_binary_loss_states_the_loss_and_draws_its_slope():
    figure = plots.binary_loss(0.9, 0)
    assert "2.303 nats" in words(figure) and "slope 10" in words(figure)
    tangents = [line for line in figure.axes[0].lines if len(line.get_xdata()) == 2]
    rises = [np.ptp(line.get_ydata()) / np.ptp(line.get_xdata()) for line in tangents[1:]]
    assert rises == [pytest.approx(10)]
    assert "loss ∞" in words(plots.binary_loss(1, 0))
    assert "↑ 4.605 nats" in words(plots.binary_loss(0.01, 1))
    soft = plots.binary_loss(0.3, 0.3)
    assert "0.611 nats" in words(soft) and "slope 0" in words(soft)
    mixture = soft.axes[0].lines[2]
    assert mixture.get_xdata()[np.argmin(mixture.get_ydata())] == pytest.approx(0.3, abs=0.01)
    for q, y, name in [(1.1, 0, "q"), (0.5, -0.1, "y"), (np.nan, 0, "q")]:
        with pytest.raises(ValueError, match=f"{name} must "):
            plots.binary_loss(q, y)


def test_gain_curve_finds_the_best_threshold():
    figure = plots.gain_curve(*PETALS)
    (axes,) = figure.axes
    ((best, gain),) = axes.lines[0].get_xydata()
    assert (best, gain) == (pytest.approx(3.0), pytest.approx(0.954434, abs=1e-6))
    assert "The best threshold gains 0.954 bits" in words(figure)
    assert "petal length ≤ 3 cm" in words(figure)
    values, edges, _ = axes.patches[0].get_data()
    assert list(edges) == sorted(set(PETALS[0]))
    assert max(values) == gain
    assert "x ≤ 1.5, 2.5" in words(plots.gain_curve([1, 2, 3], [0, 1, 0], name="x", unit=""))
    for x, y, message in [
        ([1, 2], [0], "y must hold one class for each value of x"),
        ([1, 1], [0, 1], "x must hold at least two different values"),
        ([1, np.nan], [0, 1], "x must be finite, got nan"),
        ([1, 2], [0.5, 1], "y must hold classes, got 0.5"),
    ]:
        with pytest.raises(ValueError, match=message):
            plots.gain_curve(x, y)


def test_block_lengths_draw_what_they_are_given():
    (axes,) = plots.block_lengths(*BLOCKS, entropy=0.116115).axes
    line, dots = axes.lines
    assert list(line.get_ydata()) == [0.116115, 0.116115]
    assert dots.get_xydata().T.tolist() == [list(BLOCKS[0]), BLOCKS[1]]
    assert list(axes.get_xticks()) == list(range(1, 11))


# --- Wrong input ---

ARGUMENTS = {
    "loss_bars": {"q": [0.4, 0.1, 0.5], "truth": 0, "names": ("a", "b", "c")},
    "surprise_curve": {"p": 0.25},
    "entropy_triangle": {"p": [0.5, 0.25, 0.25], "names": ("a", "b", "c")},
    "binary_entropy_curve": {},
    "plugin_bias": {"sizes": [10, 99], "means": [1.4, 1.7], "truth": 1.8, "corrected": [1.7, 1.8]},
    "tangent_bound": {},
    "code_lengths": {"p": [0.5, 0.5], "lengths": [3, 1], "names": ("a", "b")},
    "coin_likelihood": {"heads": 7, "tails": 3, "theta": 0.5},
    "gain_curve": {"x": [1.4, 1.3, 4.7, 6], "y": [0, 0, 1, 1], "name": "x", "unit": "cm"},
    "block_lengths": {"blocks": [1, 2], "bits": [1, 0.5], "entropy": 0.1},
    "pictures": {"images": [[[0, 1]], [[1, 0]]], "titles": ["a", "b"], "signed": False},
    "sigmoid_fit": {
        "x": [-1, 0, 2],
        "y": [0, 0, 1],
        "model": expit,
        "xlabel": "x",
        "classes": ("no", "yes"),
    },
    "joint_table": {"pxy": [[0.3, 0.2], [0.1, 0.4]], "x_names": "ab", "y_names": "cd"},
    "two_divergences": {"p": [0.5, 0.3, 0.2], "q": [0.9, 0.1, 0], "names": ("a", "b", "c")},
    "logit_steps": {"z": [2, 1, 0], "truth": 1, "step_size": 1, "names": ("a", "b", "c")},
    "softmax_training": {
        "X": FLOWERS[0],
        "labels": FLOWERS[1],
        "weights": FLOWERS[2],
        "history": [1.1, 0.7],
        "names": ("a", "b", "c"),
        "features": ("x", "y"),
    },
    "sigmoid_gradients": {"z": -5, "y": 1},
    "binary_loss": {"q": 0.9, "y": 0},
}
ARGUMENTS["joint_table"] |= {"x_names": ["a", "b"], "y_names": ["c", "d"]}
OPTIONAL = {("plugin_bias", "corrected"), ("softmax_training", "names")}
NEVER = None, float("nan"), [], {}, object(), 1j, [None] * 3, [[1, 2], [3]], [1, "a", 2]
EACH = [(name, key) for name, values in ARGUMENTS.items() for key in values if key != "signed"]


def draw(name, /, **changed):
    return getattr(plots, name)(**{**ARGUMENTS[name], **changed})


def test_the_arguments_of_every_figure_are_tried_below():
    figures = {
        name: [*inspect.signature(function).parameters]
        for name, function in vars(plots).items()
        if inspect.isfunction(function) and function.__module__ == plots.__name__
        if name[0] != "_"
    }
    assert {name: [*values] for name, values in ARGUMENTS.items()} == figures


@pytest.mark.parametrize(("name", "key"), EACH)
def test_what_cannot_be_drawn_is_refused_by_name(name, key):
    for value in NEVER:
        if value is None and (name, key) in OPTIONAL:
            continue
        with pytest.raises(ValueError, match=rf"^(each of )?{key}\b.* (must|is empty)\b"):
            draw(name, **{key: value})


@pytest.mark.parametrize(
    ("name", "changed", "message"),
    [
        ("loss_bars", {"q": [0.25] * 4}, "names must be 4 strings, got ('a', 'b', 'c')"),
        ("loss_bars", {"q": [4, 1, 5]}, "q must sum to 1, got a sum of 10.0"),
        ("loss_bars", {"truth": 3}, "truth must be from 0 to 2, got 3"),
        ("loss_bars", {"truth": -1}, "truth must be from 0 to 2, got -1"),
        ("surprise_curve", {"p": 0}, "p must be above 0, got 0"),
        ("surprise_curve", {"p": 1.5}, "p must hold probabilities between 0 and 1, got 1.5"),
        ("entropy_triangle", {"p": [0.5, 0.5]}, "p must be 3 numbers, got shape (2,)"),
        ("entropy_triangle", {"p": [1, 1, 1]}, "p must sum to 1, got a sum of 3.0"),
        ("plugin_bias", {"means": [1]}, "means must be 2 numbers, got shape (1,)"),
        ("plugin_bias", {"corrected": [1] * 3}, "corrected must be 2 numbers, got shape (3,)"),
        ("plugin_bias", {"sizes": [0, 1]}, "sizes must be at least 1, got 0"),
        ("code_lengths", {"lengths": [1]}, "lengths must be 2 whole numbers, got shape (1,)"),
        ("code_lengths", {"lengths": [0, 2]}, "lengths must be from 1 to 40, got 0"),
        ("code_lengths", {"lengths": [1.5, 2]}, "lengths must be 2 whole numbers, got 1.5"),
        ("coin_likelihood", {"heads": -1}, "heads must be from 0 to 1e+09, got -1"),
        ("coin_likelihood", {"heads": 0.5}, "heads must be one whole number, got 0.5"),
        ("coin_likelihood", {"theta": 2}, "theta must hold probabilities between 0 and 1, got 2"),
        ("block_lengths", {"bits": [1] * 3}, "bits must be 2 numbers, got shape (3,)"),
        ("joint_table", {"pxy": np.full((3, 3), 1 / 9)}, "pxy must be 2 × 2 numbers, got shape"),
        ("joint_table", {"pxy": np.ones((2, 2))}, "pxy must sum to 1, got a sum of 4.0"),
        ("joint_table", {"y_names": ["a"]}, "y_names must be 2 strings, got ['a']"),
        ("two_divergences", {"q": [0.5, 0.5]}, "q must be 3 numbers, got shape (2,)"),
        ("two_divergences", {"q": [2, 0, -1]}, "q must hold probabilities, got -1.0"),
        ("logit_steps", {"step_size": -1}, "step_size must be at least 0, got -1"),
        ("sigmoid_gradients", {"z": 9}, "z must be from -8 to 8, got 9"),
        ("sigmoid_gradients", {"y": 0.5}, "y must be one whole number, got 0.5"),
        ("gain_curve", {"unit": None}, "unit must be one string, got None"),
    ],
)
def test_wrong_values_are_refused_by_name(name, changed, message):
    with pytest.raises(ValueError, match="^" + re.escape(message)):
        draw(name, **changed)


def test_a_sum_that_float32_rounding_explains_is_drawn():
    third = np.full(3, 1 / 3, "f4")
    for p in third, third.tolist():
        assert "H = 1.585 bits" in words(plots.entropy_triangle(p))
        assert "1.099 nats" in words(plots.loss_bars(p))
    assert "0.000 bits" in words(plots.surprise_curve(np.nextafter(np.float32(1), 2)))


LABELS = "names", "x_names", "y_names", "name", "unit", "titles", "xlabel", "classes", "features"
TEXTS = [(name, key) for name, key in EACH if key in LABELS]


@pytest.mark.parametrize(("name", "key"), TEXTS)
def test_names_are_drawn_as_they_are(name, key):
    single = isinstance(ARGUMENTS[name][key], str)
    for label in "$\\frac{1$ \\$5", "a_b^c $":
        value = label if single else [label] * len(ARGUMENTS[name][key])
        figure = draw(name, **{key: value})
        figure.draw_without_rendering()
        drawn = [t._preprocess_math(t.get_text()) for t in figure.findobj(mpl.text.Text)]
        assert not any(mathematics for _, mathematics in drawn)
        assert any(label in text for text, _ in drawn)
