"""The static figures: they draw the numbers they are given, and nothing else changes."""

import io

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from xentlib import plots

CALLS = {
    "loss_bars": lambda: plots.loss_bars([0.4, 0.1, 0.5]),
    "loss_bars, infinite": lambda: plots.loss_bars([0, 0.3, 0.7]),
    "loss_bars, certain": lambda: plots.loss_bars([0, 1, 0], truth=1, names=["a", "b", "c"]),
    "surprise_curve": lambda: plots.surprise_curve(0.25),
    "surprise_curve, certain": lambda: plots.surprise_curve(1),
    "surprise_curve, rare": lambda: plots.surprise_curve(1e-9),
    "entropy_triangle": lambda: plots.entropy_triangle([0.5, 0.25, 0.25]),
    "entropy_triangle, corner": lambda: plots.entropy_triangle([0, 0, 1]),
    "binary_entropy_curve": plots.binary_entropy_curve,
    "plugin_bias": lambda: plots.plugin_bias([10, 100], [1.4, 1.7], 1.8, corrected=[1.75, 1.79]),
    "tangent_bound": plots.tangent_bound,
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
