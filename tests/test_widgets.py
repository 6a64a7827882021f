"""The interactive figures: their Python side, and their JavaScript against xentlib."""

import base64
import importlib.util
import json
import math
import re
import struct
from contextlib import ExitStack
from itertools import pairwise

import ipywidgets
import mpmath
import nbclient
import nbformat
import numpy as np
import pytest
from conftest import ROOT
from hypothesis import assume, example, given
from hypothesis import strategies as st
from py_mini_racer import MiniRacer
from scipy.optimize import approx_fprime
from scipy.special import expit, log_softmax, softmax
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from traitlets import TraitError

import xentlib
from xentlib import plots
from xentlib.widgets import (
    BinaryLoss,
    CodeLengths,
    CoinLikelihood,
    Divergences,
    EntropyShaper,
    JointTable,
    LogitSteps,
    LossBars,
    SigmoidGradients,
    SoftmaxTraining,
    Surprise,
)
from xentlib.widgets.base import HERE

FIGURES = [LossBars, Surprise, EntropyShaper, CodeLengths, CoinLikelihood, JointTable, Divergences]
FIGURES += [SigmoidGradients, BinaryLoss, LogitSteps, SoftmaxTraining]
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
WIDGET_STATE = "application/vnd.jupyter.widget-state+json"

each_figure = pytest.mark.parametrize("cls", FIGURES)


ENGINES = {}


@pytest.fixture(scope="module", autouse=True)
def engines():
    """For each figure an engine that has run its module, without what only a module may say.

    They are closed here: left to the interpreter's end, they hang it on Python 3.13.
    """
    with ExitStack() as stack:
        for cls in FIGURES:
            source = re.sub(r"^export default .*$", "", cls._esm, flags=re.MULTILINE)
            ENGINES[cls] = stack.enter_context(MiniRacer())
            ENGINES[cls].eval(re.sub(r"^export ", "", source, flags=re.MULTILINE))
        yield
        ENGINES.clear()


def js(cls, function, *args):
    call = f"{function}({', '.join(json.dumps(a) for a in args)})"
    # JSON has no infinity: a number crosses as text that both sides know.
    text = ENGINES[cls].eval(
        f"((x) => typeof x === 'number' ? String(x) : JSON.stringify(x))({call})"
    )
    return float(text) if re.fullmatch(r"-?Infinity|NaN", text) else json.loads(text)


def weights_to_probabilities(weights):
    return [w / sum(weights) for w in weights]


probabilities = st.floats(0, 1) | st.sampled_from([0.0, 0.5, 1.0, 1e-300])
distributions = (
    st.lists(probabilities, min_size=3, max_size=3)
    .filter(lambda w: sum(w) > 1e-3)
    .map(weights_to_probabilities)
)
indices = st.integers(0, 2)
tables = (
    st.lists(probabilities, min_size=4, max_size=4)
    .filter(lambda w: sum(w) > 1e-3)
    .map(weights_to_probabilities)
    .map(lambda p: [p[:2], p[2:]])
)


def is_distribution(p):
    return min(p) >= 0 and max(p) <= 1 and math.isclose(sum(p), 1, abs_tol=1e-12)


def agree(a, b):
    return a == b or math.isclose(a, b, rel_tol=1e-12, abs_tol=1e-12)


# ---- JavaScript computes what xentlib computes ----


@pytest.mark.parametrize("base", [None, 2, 10])
@given(p=distributions, q=distributions)
def test_javascript_measures_equal_xentlib(base, p, q):
    in_base = () if base is None else (base,)
    assert agree(js(LossBars, "entropy", p, *in_base), xentlib.entropy(p, base=base))
    assert agree(
        js(LossBars, "crossEntropy", p, q, *in_base), xentlib.cross_entropy(p, q, base=base)
    )
    assert agree(
        js(LossBars, "informationContent", q[0], *in_base),
        xentlib.information_content(q[0], base=base),
    )


@pytest.mark.parametrize("base", [None, 2, 10])
@given(p=distributions, q=distributions)
def test_javascript_divergence_equals_xentlib(base, p, q):
    in_base = () if base is None else (base,)
    there = js(Divergences, "klDivergence", p, q, *in_base)
    assert agree(there, xentlib.kl_divergence(p, q, base=base))


@pytest.mark.parametrize("base", [None, 2, 10])
@given(pxy=tables)
def test_javascript_measures_of_two_variables_equal_xentlib(base, pxy):
    in_base = () if base is None else (base,)
    joint, both = xentlib.joint_entropy(pxy, base=base), xentlib.mutual_information(pxy, base=base)
    assert agree(js(JointTable, "jointEntropy", pxy, *in_base), joint)
    assert agree(js(JointTable, "mutualInformation", pxy, *in_base), both)
    for given_axis in 0, 1:
        there = js(JointTable, "conditionalEntropy", pxy, given_axis, *in_base)
        assert agree(there, xentlib.conditional_entropy(pxy, given=given_axis, base=base))


def test_javascript_knows_zero_and_infinity():
    assert js(LossBars, "entropy", [1, 0, 0]) == 0
    assert js(LossBars, "crossEntropy", [1, 0, 0], [0, 0.5, 0.5]) == math.inf
    assert js(LossBars, "crossEntropy", [0, 1, 0], [0, 1, 0]) == 0
    assert js(Divergences, "klDivergence", [0.5, 0.5, 0], [0.5, 0, 0.5]) == math.inf
    assert js(Divergences, "klDivergence", [0.5, 0.5, 0], [0.25, 0.25, 0.5], 2) == 1
    assert js(JointTable, "conditionalEntropy", [[0, 0], [0.5, 0.5]], 0, 2) == 1
    assert js(JointTable, "mutualInformation", [[0, 0], [0, 1]]) == 0
    assert js(LossBars, "informationContent", 0) == math.inf
    assert js(LossBars, "Object.is", js(LossBars, "informationContent", 1), 0) is True


@given(pxy=tables)
def test_every_row_of_information_bars_ends_at_the_joint_entropy(pxy):
    rows = js(JointTable, "informationBars", pxy)
    joint = xentlib.joint_entropy(pxy, base=2)
    for row in rows:
        assert row[0][1] == 0
        assert agree(row[-1][2], joint)
        assert all(a[2] == b[1] for a, b in pairwise(row))
        assert all(start <= end or agree(start, end) for _, start, end in row)
    bars = {name: (start, end) for row in rows for name, start, end in row}
    sizes = {name: end - start for name, (start, end) in bars.items()}
    assert agree(sizes["H(X)"], xentlib.entropy(np.sum(pxy, axis=1), base=2))
    assert agree(sizes["H(Y)"], xentlib.entropy(np.sum(pxy, axis=0), base=2))
    assert agree(sizes["H(X|Y)"], xentlib.conditional_entropy(pxy, given=1, base=2))
    assert agree(sizes["H(Y|X)"], xentlib.conditional_entropy(pxy, given=0, base=2))
    assert agree(sizes["I(X;Y)"], xentlib.mutual_information(pxy, base=2))
    # Where H(X) and H(Y) overlap is I(X;Y).
    overlap = max(bars["H(X)"][0], bars["H(Y)"][0]), min(bars["H(X)"][1], bars["H(Y)"][1])
    assert np.allclose(bars["I(X;Y)"], overlap, atol=1e-12)


@pytest.mark.parametrize("cls", [JointTable, Divergences])
def test_presets_are_values_that_the_figure_takes(cls):
    presets = json.loads(ENGINES[cls].eval("JSON.stringify(PRESETS)"))
    assert len(dict(presets)) == len(presets) >= 4
    for _, value in presets:
        if cls is JointTable:
            assert np.shape(JointTable(pxy=value).pxy) == (2, 2)
        else:
            assert len(Divergences(p=value[0], q=value[1]).p) == 3


# ---- Drag rules ----


@given(pxy=tables, k=indices, value=probabilities)
def test_a_divider_moves_alone_and_keeps_a_distribution(pxy, k, value):
    before = js(JointTable, "dividersOf", pxy, [0.5, 0.5, 0.5])
    dividers = [*before[:k], value, *before[k + 1 :]]
    after = js(JointTable, "tableOf", dividers)
    assert is_distribution(after[0] + after[1])
    if k < 2:  # the other column, and the width of this one
        assert after[1 - k] == pytest.approx(pxy[1 - k], abs=1e-12)
        assert sum(after[k]) == pytest.approx(sum(pxy[k]), abs=1e-12)
    assert js(JointTable, "dividersOf", after, dividers) == pytest.approx(dividers, rel=1e-9)


@given(dividers=st.lists(st.floats(0, 1), min_size=3, max_size=3), end=st.sampled_from([0, 1]))
def test_a_column_dragged_shut_and_open_again_is_divided_as_before(dividers, end):
    shut = js(JointTable, "tableOf", [*dividers[:2], end])
    assert sum(shut[end]) == 0
    then = js(JointTable, "dividersOf", shut, dividers)
    assert then == pytest.approx([*dividers[:2], end])


@given(q=distributions, truth=indices, i=indices, value=probabilities)
def test_dragging_a_loss_bar_keeps_a_distribution(q, truth, i, value):
    after = js(LossBars, "dragLossBar", q, truth, i, value)
    assert is_distribution(after)
    assert after[i] == value


@given(q=distributions, truth=indices, other=st.integers(1, 2), share=probabilities)
def test_trading_between_wrong_classes_leaves_the_loss_unchanged(q, truth, other, share):
    i = (truth + other) % 3
    value = share * (q[i] + q[3 - truth - i])
    after = js(LossBars, "dragLossBar", q, truth, i, value)
    assert after[truth] == q[truth]


@given(q=distributions, truth=indices, other=st.integers(1, 2), value=probabilities)
def test_a_wrong_class_takes_from_the_truth_only_when_the_other_is_used_up(q, truth, other, value):
    i = (truth + other) % 3
    after = js(LossBars, "dragLossBar", q, truth, i, value)
    if after[truth] != q[truth]:
        assert after[3 - truth - i] == 0


@given(p=distributions, i=indices, value=probabilities)
def test_rescaling_keeps_the_ratio_of_the_others(p, i, value):
    after = js(EntropyShaper, "rescale", p, i, value)
    assert is_distribution(after)
    assert after[i] == value
    a, b = ((i + 1) % 3, (i + 2) % 3)
    assert after[a] * p[b] == pytest.approx(after[b] * p[a], abs=1e-12)


def test_rescaling_shares_equally_when_the_others_are_zero():
    assert js(EntropyShaper, "rescale", [1, 0, 0], 0, 0.5) == [0.5, 0.25, 0.25]


@given(a=st.floats(-3, 3), b=st.floats(-3, 3))
def test_any_point_of_the_plane_becomes_a_distribution(a, b):
    assert is_distribution(js(EntropyShaper, "toDistribution", [a, b, 1 - a - b]))


@given(i=st.integers(0, 120), j=st.integers(0, 120))
def test_lattice_points_stay_where_they_are(i, j):
    p = [i / 240, j / 240, 1 - (i + j) / 240]
    assert js(EntropyShaper, "toDistribution", p, 240) == pytest.approx(p, abs=1e-12)


@given(p=distributions, i=st.integers(0, 2), back=st.floats(0, 0.99))
def test_a_bar_dragged_to_the_end_and_back_gives_the_others_their_shares(p, i, back):
    assume(p[i] < 1)  # else there are no shares to keep
    there_and_back = f"[rescaler()].map((r) => r(r({p}, {i}, 1), {i}, {back}))[0]"
    after = json.loads(ENGINES[EntropyShaper].eval(f"JSON.stringify({there_and_back})"))
    assert np.allclose(after, js(EntropyShaper, "rescale", p, i, back))


@pytest.mark.parametrize("level", [0.5, 1, 1.3, 1.5])
def test_contours_lie_at_their_level(level):
    segments = js(EntropyShaper, "contour", level)
    assert len(segments) > 60
    points = [p for ends in segments for p in ends]
    assert np.allclose([xentlib.entropy(p, base=2) for p in points], level, atol=1e-2)
    share = 0 if level < 1 else 0.5
    label = js(EntropyShaper, "towardsC", share, level)
    assert xentlib.entropy(label, base=2) == pytest.approx(level, abs=1e-9)


@given(bits=st.floats(0, 10))
def test_the_strip_is_cut_once_for_each_begun_bit(bits):
    p = 2.0**-bits
    pieces = js(Surprise, "halvings", p)
    assert len(pieces) == math.ceil(-math.log2(p))
    edges = [1.0]
    for start, stop in pieces:
        assert stop == edges[-1]
        assert start < stop
        edges.append(start)
    assert edges[-1] == p


@given(step=st.integers(0, 500))
def test_a_point_of_the_curve_is_its_own_nearest_point(step):
    bits = step / 50
    screen = "(p) => 30 + 260 * p, (b) => 222 - 18.8 * b"
    x, y = 30 + 260 * 2**-bits, 222 - 18.8 * bits
    assert ENGINES[Surprise].eval(f"nearestBits({x}, {y}, {screen})") == pytest.approx(bits)


@given(value=st.floats(-20, 20), step=st.sampled_from([0.05, -0.05, 1, -1, math.inf, -math.inf]))
def test_a_key_moves_its_way_or_not_at_all(value, step):
    after = js(LogitSteps, "keyed", value, step, 20, -6, 6)
    assert after == value or (after - value) * step > 0
    assert after == value or -6 <= after <= 6
    if min(value, value + step) >= -6 and max(value, value + step) <= 6:
        assert after == pytest.approx(value + step, abs=0.025 + 1e-9)


def test_an_arrow_key_goes_on_from_where_the_steps_led():
    z = js(LogitSteps, "steppedLogits", [6, -1, 6], 0, 10 / 3)
    assert z[0] > 6
    reach = js(LogitSteps, "reachOf", z)
    assert reach >= max(map(abs, z))
    assert js(LogitSteps, "keyed", z[0], 1 / 20, 20, -reach, reach) > z[0]
    assert js(LogitSteps, "reachOf", [0, 1, -2]) == 6


four_words = (
    st.lists(probabilities, min_size=4, max_size=4)
    .filter(lambda w: sum(w) > 1e-3)
    .map(weights_to_probabilities)
)
code_lengths = st.lists(st.integers(1, 6), min_size=4, max_size=4)
tosses = st.tuples(st.integers(0, 500), st.integers(0, 500)).filter(any)


@given(p=four_words, lengths=code_lengths)
def test_the_columns_add_up_to_the_mean_length(p, lengths):
    mean, bits = js(CodeLengths, "meanLength", p, lengths), js(CodeLengths, "entropy", p, 2)
    assert agree(mean, float(np.dot(p, lengths)))
    assert js(CodeLengths, "kraftSum", lengths) == sum(2.0**-x for x in lengths)
    parts = js(CodeLengths, "areas", p, lengths)
    assert min(parts.values()) >= 0
    assert agree(mean, bits + parts["long"] - parts["saved"])
    if js(CodeLengths, "kraftSum", lengths) == 1:
        kl = xentlib.kl_divergence(p, 2.0 ** -np.array(lengths), base=2)
        assert agree(parts["long"] - parts["saved"], kl)


BOB, ALICE = [1 / 2, 1 / 4, 1 / 8, 1 / 8], [1 / 8, 1 / 2, 1 / 4, 1 / 8]
BOBS_CODE, ALICES_CODE = [1, 2, 3, 3], [3, 1, 2, 3]


@pytest.mark.parametrize(
    ("p", "lengths", "mean"),
    [
        (BOB, BOBS_CODE, 1.75),
        (BOB, ALICES_CODE, 2.375),
        (ALICE, BOBS_CODE, 2.25),
        (ALICE, ALICES_CODE, 1.75),
        (BOB, [2, 2, 2, 2], 2),
    ],
)
def test_two_speakers_and_their_codes(p, lengths, mean):
    assert js(CodeLengths, "meanLength", p, lengths) == mean
    assert js(CodeLengths, "entropy", p, 2) == 1.75
    assert f"mean {mean:.4f} bits = H(p) 1.7500 + extra {mean - 1.75:.4f}, Kraft sum 1" in repr(
        CodeLengths(p=p, lengths=lengths)
    )


@given(lengths=code_lengths)
def test_where_space_is_left_a_word_can_be_shorter(lengths):
    says = js(CodeLengths, "verdict", js(CodeLengths, "kraftSum", lengths))
    longest = lengths.index(max(lengths))
    shorter = [x - (i == longest) for i, x in enumerate(lengths)]
    kraft, after = (sum(2.0**-x for x in code) for code in (lengths, shorter))
    assert ("no prefix code" in says) == (kraft > 1)
    assert ("space is left" in says) == (after <= 1)
    assert ("full" in says) == (kraft == 1)


def test_fractions_of_the_columns():
    shares = [0, 1, 1 / 8, 2 / 3, 0.13, 1e-20]
    assert [js(CodeLengths, "fraction", x) for x in shares] == ["0", "1", "1/8", "2/3", "0.13", "0"]


@pytest.mark.parametrize("base", [None, 2])
@given(p=probabilities, q=probabilities)
def test_javascript_cross_entropy_of_coins_equals_xentlib(base, p, q):
    in_base = () if base is None else (base,)
    expected = xentlib.binary_cross_entropy(p, q, base=base)
    assert agree(js(CoinLikelihood, "binaryCrossEntropy", p, q, *in_base), expected)


def coin(heads, tails, theta):
    names = "p", "nll", "h", "kl"
    call = f"coinMeasures({heads}, {tails}, {theta!r})"
    values = ", ".join(f"m.{name}" for name in names)
    text = ENGINES[CoinLikelihood].eval(f"((m) => [{values}] + '')({call})")
    return dict(zip(names, map(float, text.replace("Infinity", "inf").split(",")), strict=True))


@given(tosses=tosses, theta=probabilities)
def test_likelihood_of_tosses_is_entropy_plus_divergence(tosses, theta):
    heads, tails = tosses
    p = heads / (heads + tails)
    m = coin(heads, tails, theta)
    assert m["p"] == p
    assert agree(m["nll"], xentlib.binary_cross_entropy(p, theta))
    assert agree(m["h"], xentlib.binary_entropy(p))
    assert agree(m["kl"], xentlib.kl_divergence([p, 1 - p], [theta, 1 - theta]))
    assert agree(m["nll"], m["h"] + m["kl"])
    best = coin(heads, tails, p)
    assert best["kl"] == 0
    assert best["nll"] <= m["nll"] + 1e-12


def test_seven_of_ten():
    fair, best = coin(7, 3, 0.5), coin(7, 3, 0.7)
    assert [round(fair[name], 6) for name in ("nll", "h", "kl")] == [0.693147, 0.610864, 0.082283]
    assert (round(best["nll"], 6), best["kl"]) == (0.610864, 0)
    assert coin(7, 3, 0)["nll"] == coin(7, 3, 1)["kl"] == math.inf
    assert coin(10, 0, 1)["nll"] == 0


@pytest.mark.parametrize("name", ["nll", "kl"])
@given(tosses=tosses)
def test_curves_are_drawn_until_they_leave_the_picture(name, tosses):
    heads, tails = tosses
    f = f"(theta) => coinMeasures({heads}, {tails}, theta).{name}"
    p, top = heads / (heads + tails), 2.5
    ends = json.loads(ENGINES[CoinLikelihood].eval(f"JSON.stringify(reaches({f}, {p}, {top}))"))
    assert 0 <= ends[0] <= p <= ends[1] <= 1
    for end, wall in zip(ends, (0, 1), strict=True):
        assert coin(heads, tails, end)[name] <= top
        outside = min(max(end + (1e-9 if wall else -1e-9), 0), 1)
        assert end == wall or coin(heads, tails, outside)[name] > top


@given(wanted=st.lists(st.floats(80, 320), min_size=3, max_size=3).map(sorted))
def test_labels_keep_apart_and_inside(wanted):
    places = js(CoinLikelihood, "stack", wanted, 18, 86, 312)
    assert places[0] >= 86 and places[-1] <= 312
    assert all(b - a >= 18 - 1e-9 for a, b in pairwise(places))


@given(z=st.floats(-8, 8), y=st.sampled_from([0, 1]))
def test_javascript_gradients_are_those_of_the_two_losses(z, y):
    m = js(SigmoidGradients, "sigmoidGradients", z, y)
    q = float(expit(z))
    assert agree(m["q"], q)
    assert agree(m["crossEntropy"], q - y)
    assert agree(m["squaredError"], (q - y) * q * (1 - q))

    def sigmoid(t):
        return 1 / (1 + mpmath.exp(-t))

    losses = {
        "crossEntropy": lambda t: -mpmath.log(sigmoid(t) if y else 1 - sigmoid(t)),
        "squaredError": lambda t: (sigmoid(t) - y) ** 2 / 2,
    }
    with mpmath.workdps(40):
        for name, loss in losses.items():
            assert agree(m[name], float(mpmath.diff(loss, z)))
    assert m["ratio"] >= 4
    assert m["squaredError"] * m["ratio"] == pytest.approx(m["crossEntropy"], rel=1e-12)


@given(z=st.floats(-8, 8), y=st.sampled_from([0, 1]), further=st.floats(0.01, 3))
def test_a_bigger_error_has_a_smaller_squared_error_gradient_beyond_the_turn(z, y, further):
    def sizes(at):
        m = js(SigmoidGradients, "sigmoidGradients", at, y)
        return abs(m["crossEntropy"]), abs(m["squaredError"])

    far = -1 if y else 1
    turn = far * math.log(2)
    assert sizes(turn) == (pytest.approx(2 / 3), pytest.approx(4 / 27))
    (quick, slow), (quick_on, slow_on) = sizes(z), sizes(z + far * further)
    assert quick_on > quick
    assert slow <= 4 / 27 + 1e-12
    if far * z > math.log(2):
        assert slow_on < slow
    if far * (z + far * further) < math.log(2):
        assert slow_on > slow


def test_squared_error_learns_150_times_less_at_minus_5():
    m = js(SigmoidGradients, "sigmoidGradients", -5, 1)
    assert [round(m[name], 6) for name in ("crossEntropy", "squaredError")] == [
        -0.993307,
        -0.006604,
    ]
    assert round(m["ratio"], 2) == 150.42
    texts = {-0.993307: "−0.993", -0.006604: "−0.0066", 1.13e-7: "1.1·10⁻⁷", 0.1: "0.100"}
    assert [js(SigmoidGradients, "short", x) for x in texts] == list(texts.values())


@given(q=probabilities, y=probabilities)
def test_javascript_binary_loss_and_slope_equal_python(q, y):
    figure = BinaryLoss(q=q, y=y)
    assert agree(js(BinaryLoss, "binaryLoss", q, y), figure.loss)
    assert agree(figure.loss, xentlib.binary_cross_entropy(y, q))
    slope = js(BinaryLoss, "binarySlope", q, y)
    assert not math.isnan(slope)
    assert agree(slope, figure.slope)


@given(q=st.floats(0.01, 0.99), y=probabilities)
def test_slope_of_binary_loss_is_its_derivative_and_0_at_the_truth(q, y):
    with mpmath.workdps(40):
        slope = mpmath.diff(lambda t: -y * mpmath.log(t) - (1 - y) * mpmath.log(1 - t), q)
    assert agree(js(BinaryLoss, "binarySlope", q, y), float(slope))
    assert agree(js(BinaryLoss, "binarySlope", q, q), 0)
    least = js(BinaryLoss, "binaryLoss", y, y)
    assert agree(least, xentlib.binary_entropy(y))
    assert least <= js(BinaryLoss, "binaryLoss", q, y) + 1e-12


def test_binary_loss_at_its_ends():
    assert [BinaryLoss(q=0.8, y=y).slope for y in (1, 0)] == [-1.25, pytest.approx(5)]
    assert [BinaryLoss(q=q, y=0).slope for q in (0, 1)] == [1, math.inf]
    assert [BinaryLoss(q=q, y=1).slope for q in (0, 1)] == [-math.inf, -1]
    assert [BinaryLoss(q=q, y=0.3).loss for q in (0, 1)] == [math.inf, math.inf]
    assert [js(BinaryLoss, "binaryLoss", x, x) for x in (0, 1)] == [0, 0]


# ---- Softmax and its gradient descent ----

logits = st.lists(st.floats(-20, 20), min_size=3, max_size=3)


@given(z=logits, truth=indices, size=st.floats(0.01, 10))
def test_a_step_on_logits_is_the_same_in_javascript_and_python(z, truth, size):
    figure = LogitSteps(z=z, truth=truth, step_size=size)
    assert np.allclose(js(LogitSteps, "softmax", z), softmax(z), rtol=1e-12, atol=0)
    loss = js(LogitSteps, "logitLoss", z, truth)
    assert agree(loss, figure.loss)
    assert agree(loss, -log_softmax(z)[truth])
    gradient = js(LogitSteps, "logitGradient", z, truth)
    assert gradient == pytest.approx(figure.gradient, abs=1e-12)
    after = js(LogitSteps, "steppedLogits", z, truth, size)
    assert after == pytest.approx(z - size * np.array(figure.gradient), abs=1e-12)
    if max(map(abs, after)) <= 20:
        figure.step()
        assert figure.z == pytest.approx(tuple(after), abs=1e-12)


@example(z=[20, -20, -20], truth=0)
@given(z=logits, truth=indices)
def test_a_tiny_loss_keeps_its_digits(z, truth):
    with mpmath.workdps(40):
        exact = float(mpmath.log(sum(mpmath.exp(mpmath.mpf(x) - z[truth]) for x in z)))
    for loss in LogitSteps(z=z, truth=truth).loss, js(LogitSteps, "logitLoss", z, truth):
        assert loss == pytest.approx(exact, rel=1e-12, abs=0)


@pytest.mark.parametrize("cls", [LogitSteps, SoftmaxTraining])
def test_several_steps_are_one_change_and_a_negative_number_is_none(cls):
    figure, other = cls(), cls()
    name = "z" if cls is LogitSteps else "weights"
    seen = []
    figure.observe(lambda change: seen.append(change["new"]), name)
    figure.step(3)
    for _ in range(3):
        other.step()
    assert seen == [getattr(other, name)]
    figure.step(0)
    with pytest.raises(ValueError, match="n must be at least 0 steps, got -1"):
        figure.step(-1)
    assert len(seen) == 1


def test_steps_beyond_the_limit_are_refused_and_change_nothing():
    figure = LogitSteps(z=[18] * 3, step_size=2)  # the first three steps stay below 20
    with pytest.raises(TraitError, match=re.escape("LogitSteps.z must be from -20 to 20, got 20.")):
        figure.step(9)
    assert figure.z == (18,) * 3


@given(z=logits, truth=indices, size=st.floats(0.01, 10))
def test_every_step_raises_the_true_probability_and_keeps_the_sum_of_the_logits(z, truth, size):
    after = js(LogitSteps, "steppedLogits", z, truth, size)
    assert softmax(after)[truth] >= softmax(z)[truth] - 1e-12
    assert sum(after) == pytest.approx(sum(z), abs=1e-12 * size + 1e-12)


@given(z=logits, truth=indices, shift=st.floats(-5, 5))
def test_shifting_all_logits_changes_no_probability(z, truth, shift):
    shifted = [x + shift for x in z]
    assert js(LogitSteps, "softmax", shifted) == pytest.approx(js(LogitSteps, "softmax", z))
    assert js(LogitSteps, "logitLoss", shifted, truth) == pytest.approx(
        js(LogitSteps, "logitLoss", z, truth), abs=1e-12
    )


def test_one_step_from_the_landscape():
    figure = LogitSteps()
    assert json.loads(ENGINES[LogitSteps].eval("JSON.stringify(FIRST_LOGITS)")) == [*figure.z]
    assert repr(figure) == (
        "LogitSteps: truth landscape, z = (−0.9163, −2.303, −0.6931), q = (0.4, 0.1, 0.5): "
        "loss 0.9163 nats, gradient (−0.6, 0.1, 0.5)"
    )
    figure.step()
    assert np.round(figure.q, 6).tolist() == [0.649251, 0.080602, 0.270146]
    assert round(figure.loss, 6) == 0.431935
    after = js(LogitSteps, "steppedLogits", LogitSteps().z, 0, 1)
    assert after == pytest.approx([*figure.z], abs=1e-15)


points = (
    st.lists(st.tuples(st.integers(-50, 50), st.integers(-50, 50), indices), min_size=2, max_size=9)
    .filter(lambda rows: len({r[0] for r in rows}) > 1 and len({r[1] for r in rows}) > 1)
    .map(lambda rows: ([[x / 10, y / 10] for x, y, _ in rows], [k for *_, k in rows]))
)
weight_tables = st.lists(st.lists(st.floats(-5, 5), min_size=3, max_size=3), min_size=3, max_size=3)


def standardised(X):
    scales = js(SoftmaxTraining, "moments", X)
    return [js(SoftmaxTraining, "standardise", x, scales) for x in X]


@given(data=points, weights=weight_tables)
def test_loss_and_gradient_of_training_equal_python_and_finite_differences(data, weights):
    X, labels = data
    figure = SoftmaxTraining(X=X, labels=labels, weights=weights)
    Z = standardised(X)
    assert np.allclose(Z, figure.inputs[:, :2], rtol=1e-12, atol=1e-12)
    there = js(SoftmaxTraining, "evaluate", Z, labels, weights)
    assert agree(there["loss"], figure.loss)
    assert np.allclose(there["gradient"], figure.gradient, rtol=1e-12, atol=1e-12)

    def loss(flat):
        z = figure.inputs @ flat.reshape(3, 3)
        return -np.mean(log_softmax(z, axis=-1)[np.arange(len(labels)), labels])

    slopes = approx_fprime(np.ravel(weights), loss, 1e-6)
    assert np.allclose(np.ravel(figure.gradient), slopes, atol=1e-4)


@pytest.mark.parametrize("rate", [0.01, 0.5, 5, 20])
def test_training_takes_the_same_path_in_javascript_and_python(rate):
    figure = SoftmaxTraining(learning_rate=rate)
    start = figure.weights
    figure.step(40)
    Z = standardised(figure.X)
    there = js(SoftmaxTraining, "descend", Z, figure.labels, start, rate, 40)
    assert np.allclose(there["losses"], figure.history[1:], rtol=1e-12, atol=1e-12)
    assert np.allclose(there["weights"], figure.weights, rtol=1e-12, atol=1e-12)
    end = js(SoftmaxTraining, "evaluate", Z, figure.labels, there["weights"])
    assert 150 - sum(end["wrong"]) == figure.right
    assert agree(end["loss"], figure.loss)
    assert agree(figure.history[-1], figure.loss)


def test_training_comes_to_the_minimum_that_scikit_learn_finds():
    figure = SoftmaxTraining(learning_rate=20)
    X, labels = figure.inputs[:, :2], figure.labels
    figure.step(3000)
    best = LogisticRegression(C=1e12, tol=1e-10, max_iter=10_000).fit(X, labels)
    least = log_loss(labels, best.predict_proba(X))
    assert figure.history[-1] == pytest.approx(least, abs=1e-3)
    assert figure.right == best.score(X, labels) * 150


def test_the_default_data_are_the_petals_of_scikit_learn():
    iris = load_iris()
    figure = SoftmaxTraining()
    assert np.array_equal(figure.X, iris.data[:, 2:])
    assert np.array_equal(figure.labels, iris.target)
    assert figure.names == tuple(iris.target_names)


def test_training_starts_at_ln_3_and_long_steps_raise_the_loss_first():
    figure = SoftmaxTraining(learning_rate=20)
    assert figure.history == (math.log(3),) == (pytest.approx(figure.loss, abs=1e-15),)
    figure.step(4)
    assert np.round(figure.history, 3).tolist() == [1.099, 1.171, 1.943, 3.396, 0.352]
    assert repr(figure) == (
        "SoftmaxTraining: step 4, learning rate 20: loss 0.3517 nats, 133 of 150 right"
    )
    figure.reset()
    assert (figure.weights, figure.history) == START
    figure.learning_rate = 0.5
    figure.step(2000)
    assert all(a > b for a, b in pairwise(figure.history))


START = ((0, 0, 0),) * 3, (math.log(3),)


def consistent(figure):
    assert figure.history[-1] == pytest.approx(figure.loss, rel=1e-9, abs=1e-9)
    return len(figure.history)


def test_history_ends_with_the_loss_whatever_is_changed():
    W = (1, 2, 3), (4, 5, 6), (7, 8, 9)
    figure = SoftmaxTraining()
    figure.step(3)
    trained = figure.weights, figure.history
    figure.weights = W
    assert (consistent(figure), figure.weights) == (1, W)
    figure.step(2)
    assert consistent(figure) == 3
    figure.set_state(dict(zip(("weights", "history"), trained, strict=True)))  # as a browser does
    assert (figure.weights, figure.history) == trained
    figure.history = [3, 2]
    assert consistent(figure) == 1


def test_new_data_start_the_training_again():
    X, labels = [[0, 1], [1, 0], [2, 5]], [2, 1, 0]
    figure = SoftmaxTraining()
    figure.step(10)
    with figure.hold_trait_notifications():
        figure.X, figure.labels = X, labels
    assert (figure.weights, figure.history) == START
    figure.step(10)
    figure.labels = [0, 1, 2]
    assert (figure.weights, figure.history) == START
    W = (1, 2, 3), (4, 5, 6), (7, 8, 9)
    begun = SoftmaxTraining(X=X, labels=labels, weights=W)
    assert (consistent(begun), begun.weights) == (1, W)
    begun.step(5)
    same = SoftmaxTraining(X=X, labels=labels, weights=begun.weights, history=begun.history)
    assert (same.weights, same.history) == (begun.weights, begun.history)


SQUARE = [[-2, -2], [2, -2], [2, 2], [-2, 2]]


def area(polygon):
    x, y = np.array(polygon).T if polygon else ([], [])
    return (np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2


@given(weights=weight_tables, points=st.lists(st.tuples(*[st.floats(-2, 2)] * 2), min_size=20))
def test_regions_tile_the_picture_and_hold_the_points_of_their_class(weights, points):
    assume(min(np.abs(np.diff(weights[2]))) > 1e-6)  # else two classes may tie everywhere
    regions = [js(SoftmaxTraining, "region", weights, k, SQUARE) for k in range(3)]
    assert sum(map(area, regions)) == pytest.approx(16, abs=1e-6)
    z = np.array(points) @ weights[:2] + weights[2]
    for point, logits in zip(points, z, strict=True):
        lead = np.diff(np.sort(logits))[-1]
        if lead > 1e-6:
            corners = np.array(regions[np.argmax(logits)]) - point
            turns = [np.linalg.det([a, b]) for a, b in pairwise([*corners, corners[0]])]
            assert min(turns) >= -1e-9


def test_ticks_are_round_and_inside():
    assert js(SoftmaxTraining, "roundTicks", 0.53, 7.37, 8) == [1, 2, 3, 4, 5, 6, 7]
    assert js(SoftmaxTraining, "roundTicks", -0.09, 2.88, 6) == [0, 0.5, 1, 1.5, 2, 2.5]
    assert js(SoftmaxTraining, "roundTicks", 0, 1.25, 5) == [0, 0.5, 1]


# ---- Python: traits, text, picture ----


def test_what_gradients_and_binary_losses_say():
    assert repr(SigmoidGradients()) == (
        "SigmoidGradients: z = −5, y = 1: q = 0.006693, gradient of cross-entropy −0.9933, "
        "of squared error −0.006604, 150.42 times less"
    )
    assert "gradient of cross-entropy 0.9933" in repr(SigmoidGradients(z=5, y=0))
    assert "z = 0, y" in repr(SigmoidGradients(z=-0.0))
    assert "z = (0, 0, 0)" in repr(LogitSteps(z=[-0.0] * 3))
    assert repr(BinaryLoss()).endswith(
        "y = 0, q = 0.9: loss 2.3026 nats, slope 10 nats per unit of q"
    )
    assert "slope −1.25 nats" in repr(BinaryLoss(q=0.8, y=1))
    assert repr(BinaryLoss(q=0, y=0.3)).endswith("y = 0.3, q = 0: loss ∞, slope −∞")


def test_what_the_figures_say():
    assert repr(LossBars()) == (
        "LossBars: truth landscape, q = (0.4, 0.1, 0.5): loss 0.9163 nats = 1.3219 bits"
    )
    assert repr(LossBars(q=[0, 0.5, 0.5])).endswith("loss ∞")
    assert repr(Surprise()) == "Surprise: p = 0.25: −log₂ p = 2.0000 bits = 1.3863 nats"
    assert repr(EntropyShaper()) == (
        "EntropyShaper: p = (0.5, 0.25, 0.25): H = 1.5000 bits, perplexity 2.8284"
    )
    assert repr(JointTable()) == (
        "JointTable: p = ((0.24, 0.06), (0.14, 0.56)): "
        "H(X) = 0.8813, H(Y) = 0.9580, H(X,Y) = 1.6032, I(X;Y) = 0.2361 bits"
    )
    assert repr(JointTable(pxy=[[0, 0], [0, 1]])).endswith("H(X,Y) = 0.0000, I(X;Y) = 0.0000 bits")
    assert repr(Divergences()) == (
        "Divergences: p = (0.5, 0.25, 0.25), q = (0.9, 0.05, 0.05): "
        "KL(p‖q) = 0.7370 bits, KL(q‖p) = 0.5310 bits"
    )
    assert repr(Divergences(p=[1, 0, 0], q=[0.4, 0.1, 0.5])).endswith(
        "KL(p‖q) = 1.3219 bits, KL(q‖p) = ∞"
    )
    third = [1 / 3] * 3  # rounding may leave a sum below 0
    assert "-0" not in repr(Divergences(p=third, q=[1 / 3 + 1e-12, 1 / 3, 1 / 3 - 1e-12]))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LossBars(q=[0.4, 0.1, 0.6]), "LossBars.q must sum to 1, got a sum of 1.1"),
        (lambda: LossBars(q=[1.5, -0.5, 0]), "LossBars.q must hold probabilities, got -0.5"),
        (lambda: LossBars(q=[math.nan, 0.5, 0.5]), "LossBars.q must be finite, got nan"),
        (lambda: LossBars(q=[0.5, 0.5]), "LossBars.q must be 3 numbers"),
        (lambda: LossBars(q="abc"), "LossBars.q must be 3 numbers, got 'abc'"),
        (lambda: LossBars(q=None), "LossBars.q must be 3 numbers, got None"),
        (lambda: LossBars(truth=3), "LossBars.truth must be from 0 to 2, got 3"),
        (lambda: LossBars(names=["a", "b"]), "LossBars.names must be 3 strings, got ['a', 'b']"),
        (lambda: Surprise(p=0), "Surprise.p must be above 0, got 0.0"),
        (lambda: Surprise(p=1.01), "Surprise.p must hold probabilities between 0 and 1, got 1.01"),
        (lambda: Surprise(p=math.nan), "Surprise.p must be finite, got nan"),
        (lambda: EntropyShaper(p=[1, 1, 1]), "EntropyShaper.p must sum to 1"),
        (
            lambda: JointTable(pxy=[[0.5, 0.5], [0.5, 0.5]]),
            "JointTable.pxy must sum to 1, got a sum of 2",
        ),
        (
            lambda: JointTable(pxy=[[1.5, -0.5], [0, 0]]),
            "JointTable.pxy must hold probabilities, got -0.5",
        ),
        (lambda: JointTable(pxy=[0.25] * 4), "JointTable.pxy must be 2 × 2 numbers"),
        (
            lambda: JointTable(pxy=[[0.5], [0.25, 0.25]]),
            "JointTable.pxy must be an array, but its rows differ in length",
        ),
        (lambda: JointTable(y_names=["a", "b", "c"]), "JointTable.y_names must be 2 strings"),
        (lambda: Divergences(q=[0.5, 0.6, 0]), "Divergences.q must sum to 1, got a sum of 1.1"),
        (lambda: Divergences(p=[0.5, 0.5]), "Divergences.p must be 3 numbers"),
        (lambda: CodeLengths(p=[0.5, 0.5]), "CodeLengths.p must be 4 numbers"),
        (lambda: CodeLengths(lengths=[1, 2, 3]), "CodeLengths.lengths must be 4 whole numbers"),
        (
            lambda: CodeLengths(lengths=[0, 2, 3, 3]),
            "CodeLengths.lengths must be from 1 to 6, got 0",
        ),
        (
            lambda: CodeLengths(lengths=[7, 2, 3, 3]),
            "CodeLengths.lengths must be from 1 to 6, got 7",
        ),
        (lambda: CodeLengths(lengths=[1, 2.5, 3, 3]), "must be 4 whole numbers, got 2.5"),
        (lambda: CodeLengths(lengths=None), "CodeLengths.lengths must be"),
        (lambda: CodeLengths(names=["a", "b"]), "CodeLengths.names must be 4 strings"),
        (lambda: CoinLikelihood(heads=-1), "CoinLikelihood.heads must be from 0 to 500, got -1"),
        (lambda: CoinLikelihood(tails=501), "CoinLikelihood.tails must be from 0 to 500, got 501"),
        (lambda: CoinLikelihood(heads=0, tails=0), "cannot both be 0"),
        (lambda: CoinLikelihood(theta=1.01), "CoinLikelihood.theta must hold probabilities"),
        (lambda: CoinLikelihood(theta=math.nan), "CoinLikelihood.theta must be finite"),
        (lambda: SigmoidGradients(z=8.5), "SigmoidGradients.z must be from -8 to 8, got 8.5"),
        (lambda: SigmoidGradients(z=math.nan), "SigmoidGradients.z must be from -8 to 8, got nan"),
        (lambda: SigmoidGradients(y=2), "SigmoidGradients.y must be from 0 to 1, got 2"),
        (lambda: SigmoidGradients(y=0.5), "SigmoidGradients.y must be one whole number, got 0.5"),
        (
            lambda: BinaryLoss(q=1.5),
            "BinaryLoss.q must hold probabilities between 0 and 1, got 1.5",
        ),
        (lambda: BinaryLoss(q=math.nan), "BinaryLoss.q must be finite, got nan"),
        (lambda: BinaryLoss(y=-0.1), "BinaryLoss.y must hold probabilities"),
        (lambda: LogitSteps(z=[0, 0]), "LogitSteps.z must be 3 numbers, got shape (2,)"),
        (lambda: LogitSteps(z=[0, 0, 21]), "LogitSteps.z must be from -20 to 20, got 21"),
        (lambda: LogitSteps(z=[0, 0, math.nan]), "LogitSteps.z must be from -20 to 20, got nan"),
        (lambda: LogitSteps(z="abc"), "LogitSteps.z must be 3 numbers, got 'abc'"),
        (lambda: LogitSteps(truth=3), "LogitSteps.truth must be from 0 to 2, got 3"),
        (lambda: LogitSteps(step_size=0), "LogitSteps.step_size must be above 0, got 0"),
        (
            lambda: LogitSteps(step_size=math.nan),
            "LogitSteps.step_size must be at most 10, got nan",
        ),
        (lambda: SoftmaxTraining(X=[[1, 2, 3]]), "X must be n × 2 numbers, got shape (1, 3)"),
        (lambda: SoftmaxTraining(X=[[0, 1], [1, math.inf]]), "SoftmaxTraining.X must be from"),
        (lambda: SoftmaxTraining(X=[[0, 1], [1, 0]]), "must have one length, got 2, 150"),
        (lambda: SoftmaxTraining(X=[[0, 1], [1, 1]], labels=[0, 1]), "two features that vary"),
        (lambda: SoftmaxTraining(X=[[0, 1e-320], [1, 0]], labels=[0, 1]), "features that vary"),
        (lambda: SoftmaxTraining(labels=[3]), "SoftmaxTraining.labels must be from 0 to 2, got 3"),
        (
            lambda: SoftmaxTraining(labels=[0.5]),
            "labels must be a list of whole numbers, got 0.5",
        ),
        (lambda: SoftmaxTraining(learning_rate=21), "must be from 0.01 to 20, got 21"),
        (
            lambda: SoftmaxTraining(learning_rate=math.nan),
            "learning_rate must be from 0.01 to 20, got nan",
        ),
        (lambda: SoftmaxTraining(weights=[[0, 0, 0]]), "weights must be 3 × 3 numbers"),
        (lambda: SoftmaxTraining(weights=[[1e200] * 3] * 3), "weights must be from"),
        (lambda: SoftmaxTraining(history=[math.nan]), "history must be finite, got nan"),
        (lambda: SoftmaxTraining(history=[]), "SoftmaxTraining.history is empty"),
    ],
)
def test_bad_values_are_refused_by_name(make, message):
    with pytest.raises(TraitError, match=re.escape(message)):
        make()


@each_figure
def test_names_that_the_figure_does_not_know_are_refused_with_those_it_knows(cls):
    traits = cls.class_own_traits()
    for make in lambda: cls(wrong=1), lambda: cls(None), lambda: cls(next(iter(traits)), wrong=1):
        with pytest.raises(TypeError, match=rf"^{cls.__name__} takes .*=, got ") as error:
            make()
        told = re.findall(r"(\w+)=", str(error.value).partition(", got ")[0])
        assert set(told) == {name for name in traits if name[0] != "_"}
    figure = cls(layout={"width": "50%"}, tooltip="a figure", model_id=f"my-{cls.__name__}")
    assert (figure.layout.width, figure.tooltip) == ("50%", "a figure")
    assert figure.model_id == f"my-{cls.__name__}"


@each_figure
def test_no_part_of_a_value_can_be_changed_behind_the_figure(cls):
    figure = cls()
    for name in cls.class_own_traits():
        value = getattr(figure, name)
        while isinstance(value, tuple):
            value = value[0]
        assert isinstance(value, (str, int, float)), name
    before = repr(figure)
    with pytest.raises(TypeError, match="does not support item assignment"):
        EntropyShaper().p[0] = 5
    assert repr(figure) == before


float32s = st.lists(st.floats(0, 1, width=32), min_size=4, max_size=4)


@given(weights=float32s.filter(lambda w: sum(w) > 1e-3))
def test_probabilities_that_were_rounded_to_float32_are_taken_as_the_library_takes_them(weights):
    for size, cls, name in [(3, EntropyShaper, "p"), (3, LossBars, "q"), (4, CodeLengths, "p")]:
        assume(sum(weights[:size]) > 1e-3)
        p = np.float32(weights[:size]) / np.sum(weights[:size], dtype=np.float32)
        for same in p, p.astype(float), p.tolist():
            assert getattr(cls(**{name: same}), name) == tuple(p.tolist())
    assert np.array_equal(JointTable(pxy=p.reshape(2, 2)).pxy, p.reshape(2, 2))
    for one in p:
        assert BinaryLoss(q=one).q == CoinLikelihood(theta=one).theta == one


@pytest.mark.parametrize("cls", [EntropyShaper, LossBars, Divergences, CodeLengths, JointTable])
@given(miss=st.floats(1e-9, 1e-3))
def test_a_refused_sum_is_told_with_all_its_digits(cls, miss):
    name = {EntropyShaper: "p", LossBars: "q", Divergences: "q", CodeLengths: "p"}.get(cls, "pxy")
    first, *rest = np.ravel(getattr(cls(), name))
    p = np.reshape([first + miss, *rest], np.shape(getattr(cls(), name)))
    try:
        xentlib.entropy(p.ravel())
    except ValueError:
        with pytest.raises(TraitError, match=rf"{name} must sum to 1, got a sum of 1\.0*[1-9]"):
            cls(**{name: p})
    else:
        assert np.array_equal(getattr(cls(**{name: p}), name), p)


def test_numpy_numbers_are_numbers():
    assert LossBars(truth=np.argmax([1, 2, 3])).truth == 2
    assert type(LossBars(truth=True).truth) is type(CoinLikelihood(heads=8.0).heads) is int
    assert Surprise(p=np.float32(0.25)).p == Surprise(p=np.nextafter(np.float32(1), 2)).p / 4
    assert LogitSteps(step_size=np.float16(2), z=np.zeros(3, ">f4")).step_size == 2
    assert CoinLikelihood(heads=np.uint8(255)).heads == 255
    assert EntropyShaper(names=np.array(["a", "b", "c"])).names == ("a", "b", "c")


def test_a_refused_value_changes_nothing():
    figure = LossBars()
    with pytest.raises(TraitError):
        figure.q = [0.5, 0.5, 0.5]
    assert figure.q == (0.4, 0.1, 0.5)


def test_arrays_are_taken_and_rounding_is_forgiven():
    figure = EntropyShaper(p=np.full(3, 1 / 3))
    figure.p = [0.1 + 1e-9, 0.2, 0.7]
    assert figure.p == (0.1 + 1e-9, 0.2, 0.7)
    assert JointTable(pxy=np.full((2, 2), 0.25)).pxy == ((0.25, 0.25), (0.25, 0.25))


def test_figures_can_be_linked():
    a, b = LossBars(), LossBars()
    link = ipywidgets.link((a, "q"), (b, "q"))
    a.q = [0.2, 0.3, 0.5]
    assert b.q == (0.2, 0.3, 0.5)
    b.q = [1.0, 0.0, 0.0]
    assert a.q == (1.0, 0.0, 0.0)
    link.unlink()

    slider, surprise = ipywidgets.FloatSlider(min=0.01, max=1), Surprise(p=0.5)
    ipywidgets.link((surprise, "p"), (slider, "value"))
    assert slider.value == 0.5
    slider.value = 0.125
    assert repr(surprise) == "Surprise: p = 0.125: −log₂ p = 3.0000 bits = 2.0794 nats"
    assert ipywidgets.jslink((a, "q"), (b, "q")).source[0] is a


def test_loss_follows_q_and_truth():
    figure = LossBars()
    seen = []
    figure.observe(lambda _: seen.append(figure.loss), ["q", "truth"])
    figure.truth = 2
    figure.q = [0.0, 0.0, 1.0]
    assert seen == [pytest.approx(math.log(2)), 0.0]


def test_what_codes_and_coins_say():
    assert repr(CodeLengths()) == (
        "CodeLengths: p = (0.5, 0.25, 0.125, 0.125), lengths (3, 1, 2, 3): "
        "mean 2.3750 bits = H(p) 1.7500 + extra 0.6250, Kraft sum 1"
    )
    assert repr(CodeLengths(lengths=[1, 1, 2, 3])).endswith(
        "mean 1.3750 bits = H(p) 1.7500 − extra 0.3750, Kraft sum 1.375, no prefix code"
    )
    assert repr(CodeLengths(p=[0, 0, 0, 1], lengths=[6, 6, 6, 1])).endswith(
        "mean 1.0000 bits = H(p) 0.0000 + extra 1.0000, Kraft sum 0.546875"
    )
    assert repr(CoinLikelihood()) == (
        "CoinLikelihood: 7 heads, 3 tails, θ = 0.5: NLL 0.6931 = H(p̂) 0.6109 + KL 0.0823 nats"
    )
    assert repr(CoinLikelihood(theta=0)).endswith("NLL ∞ = H(p̂) 0.6109 + KL ∞ nats")
    assert repr(CoinLikelihood(heads=10, tails=0, theta=1)).endswith(
        "10 heads, 0 tails, θ = 1: NLL 0.0000 = H(p̂) 0.0000 + KL 0.0000 nats"
    )
    assert "-0" not in repr(CoinLikelihood(heads=3, tails=7, theta=0.1 + 0.2))
    assert "-0" not in repr(JointTable(pxy=[[0.5, 0.500_000_01], [0, 0]]))


def test_lengths_may_be_an_array_and_a_coin_keeps_a_toss():
    assert CodeLengths(lengths=np.array([2, 2, 2, 2])).lengths == (2, 2, 2, 2)
    figure = CoinLikelihood(heads=1, tails=0)
    with pytest.raises(TraitError, match=r"CoinLikelihood\.heads and tails cannot"):
        figure.heads = 0
    assert (figure.heads, figure.tails) == (1, 0)
    with figure.hold_trait_notifications():
        figure.heads, figure.tails = 0, 4
    assert (figure.heads, figure.tails) == (0, 4)


@each_figure
def test_bundle_has_view_picture_and_sentence(cls):
    figure = cls()
    data, metadata = figure._repr_mimebundle_()
    assert data[WIDGET_VIEW]["model_id"] == figure.model_id
    assert data["text/plain"] == repr(figure)
    assert "0x" not in repr(figure)
    png = base64.b64decode(data["image/png"])
    width, _ = struct.unpack(">II", png[16:24])
    assert metadata["image/png"]["width"] <= 720
    assert width >= 2 * metadata["image/png"]["width"]
    assert data["image/png"] == cls()._repr_mimebundle_()[0]["image/png"]


@pytest.mark.parametrize("cls", [JointTable, LossBars])
def test_names_are_text_in_the_picture(cls):
    """Not formulas: of half a fraction, matplotlib makes no picture."""
    named = {name: trait for name, trait in cls.class_own_traits().items() if "name" in name}
    figure = cls(**{name: ["$\\frac{1$"] * len(getattr(cls(), name)) for name in named})
    assert figure._repr_mimebundle_()[0]["image/png"]


@pytest.fixture(scope="module")
def run_notebooks():
    path = ROOT / "book/_ext/run_notebooks.py"
    spec = importlib.util.spec_from_file_location("run_notebooks", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def notebook_of(*sources):
    cells = [nbformat.v4.new_code_cell(s, id=str(i)) for i, s in enumerate(sources)]
    return nbformat.v4.new_notebook(cells=cells)


def shown(notebook):
    """The id and the state of each figure that an output shows."""
    states = notebook.metadata.widgets[WIDGET_STATE]["state"]
    views = [o.data[WIDGET_VIEW] for c in notebook.cells for o in c.outputs if "data" in o]
    return [(view["model_id"], states[view["model_id"]]["state"]) for view in views]


def test_no_kernel_gives_a_figure_the_id_of_another_kernels_figure():
    """Outputs of an earlier kernel stay where their cells were not run again."""

    def ids():
        notebook = notebook_of("from xentlib.widgets import LossBars\nLossBars()", "LossBars()")
        nbclient.NotebookClient(notebook, kernel_name="python3").execute()
        return set(notebook.metadata.widgets[WIDGET_STATE]["state"])

    first, second = ids(), ids()
    assert len(first) == len(second) == 4  # two figures and their layouts
    assert not first & second


def test_a_stored_notebook_is_the_same_file_after_another_run_and_holds_the_figures(
    run_notebooks, tmp_path
):
    path = tmp_path / "figures.ipynb"
    notebook = notebook_of(
        "from ipywidgets import HBox\nfrom xentlib.widgets import *\nunseen = LossBars()",
        "EntropyShaper()",
        "LossBars(q=[0.9, 0.05, 0.05])",
        "both = Surprise(p=1), LossBars(q=[0, 1, 0])\nHBox(both)",
        "both[1]",
        "LossBars()",
    )
    nbformat.write(notebook, path)
    run_notebooks.run(path)
    first = path.read_bytes()
    run_notebooks.run(path)
    assert path.read_bytes() == first
    figures = shown(nbformat.reads(first, as_version=4))
    assert [model_id for model_id, _ in figures] == [
        "entropyshaper-1",
        "lossbars-1",
        "hboxmodel-1",
        "hboxmodel-1-children-2",
        "lossbars-2",
    ]
    shaper, one, box, two, three = (state for _, state in figures)
    assert (shaper["_esm"], shaper["_css"]) == (EntropyShaper._esm, EntropyShaper._css)
    assert shaper["layout"] == "IPY_MODEL_entropyshaper-1-layout"
    assert (shaper["p"], one["q"]) == ([0.5, 0.25, 0.25], [0.9, 0.05, 0.05])
    assert (two["q"], three["q"]) == ([0, 1, 0], [0.4, 0.1, 0.5])
    assert box["children"] == [f"IPY_MODEL_hboxmodel-1-children{end}" for end in ("", "-2")]


# ---- What the page relies on ----


@each_figure
def test_a_script_is_one_module_without_imports(cls):
    assert not re.search(r"^\s*import\b|\bimport\(|\brequire\(", cls._esm, flags=re.MULTILINE)
    assert cls._esm.count("export default { render }") == 1
    assert "http" not in cls._esm.replace("http://www.w3.org/2000/svg", "")


def test_light_and_dark_colours_can_be_read():
    css = (HERE / "figure.css").read_text("utf-8")
    found = {name: re.findall(rf"--xent-{name}: (#\w{{6}});", css) for name in "pq"}
    assert (found["p"][0], found["q"][0]) == (plots.P_COLOR, plots.Q_COLOR)
    for name in "pq":
        for color, ground in zip(found[name], ["#ffffff", "#14181e"], strict=True):
            assert contrast(color, ground) >= 4.5


def test_the_marks_of_the_classes_can_be_told_from_light_and_dark_grounds():
    css = (HERE / "figure.css").read_text("utf-8")
    found = [re.findall(rf"--xent-class-{k}: (#\w{{6}});", css) for k in range(3)]
    assert [light for light, _ in found] == plots.CLASS_COLORS
    for colors in found:
        for color, ground in zip(colors, ["#ffffff", "#14181e"], strict=True):
            assert contrast(color, ground) >= 4.5


def contrast(a, b):
    """Contrast ratio of WCAG 2."""
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def luminance(color):
    c = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4) @ [
        0.2126,
        0.7152,
        0.0722,
    ]
