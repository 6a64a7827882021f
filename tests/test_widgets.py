"""The interactive figures: their Python side, and their JavaScript against xentlib."""

import base64
import json
import math
import re
import struct
from contextlib import ExitStack

import ipywidgets
import nbclient
import nbformat
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from py_mini_racer import MiniRacer
from traitlets import TraitError

import xentlib
from xentlib import plots
from xentlib.widgets import EntropyShaper, LossBars, Surprise
from xentlib.widgets.base import HERE

FIGURES = [LossBars, Surprise, EntropyShaper]
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


def test_javascript_knows_zero_and_infinity():
    assert js(LossBars, "entropy", [1, 0, 0]) == 0
    assert js(LossBars, "crossEntropy", [1, 0, 0], [0, 0.5, 0.5]) == math.inf
    assert js(LossBars, "crossEntropy", [0, 1, 0], [0, 1, 0]) == 0
    assert js(LossBars, "informationContent", 0) == math.inf
    assert js(LossBars, "Object.is", js(LossBars, "informationContent", 1), 0) is True


# ---- Drag rules ----


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


# ---- Python: traits, text, picture ----


def test_what_the_figures_say():
    assert repr(LossBars()) == (
        "LossBars: truth landscape, q = (0.4, 0.1, 0.5): loss 0.9163 nats = 1.3219 bits"
    )
    assert repr(LossBars(q=[0, 0.5, 0.5])).endswith("loss ∞")
    assert repr(Surprise()) == "Surprise: p = 0.25: −log₂ p = 2.0000 bits = 1.3863 nats"
    assert repr(EntropyShaper()) == (
        "EntropyShaper: p = (0.5, 0.25, 0.25): H = 1.5000 bits, perplexity 2.8284"
    )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LossBars(q=[0.4, 0.1, 0.6]), "LossBars.q must sum to 1, not 1.1"),
        (lambda: LossBars(q=[1.5, -0.5, 0]), "LossBars.q must lie in"),
        (lambda: LossBars(q=[math.nan, 0.5, 0.5]), "LossBars.q must lie in"),
        (lambda: LossBars(q=[0.5, 0.5]), "LossBars.q must be 3 numbers"),
        (lambda: LossBars(q="abc"), "LossBars.q must be numbers"),
        (lambda: LossBars(q=None), "LossBars.q must be 3 numbers"),
        (lambda: LossBars(truth=3), "'truth' trait of a LossBars"),
        (lambda: LossBars(names=["a", "b"]), "'names' trait of a LossBars"),
        (lambda: Surprise(p=0), "Surprise.p must lie in"),
        (lambda: Surprise(p=1.01), "Surprise.p must lie in"),
        (lambda: Surprise(p=math.nan), "Surprise.p must lie in"),
        (lambda: EntropyShaper(p=[1, 1, 1]), "EntropyShaper.p must sum to 1"),
    ],
)
def test_bad_values_are_refused_by_name(make, message):
    with pytest.raises(TraitError, match=re.escape(message)):
        make()


def test_a_refused_value_changes_nothing():
    figure = LossBars()
    with pytest.raises(TraitError):
        figure.q = [0.5, 0.5, 0.5]
    assert figure.q == [0.4, 0.1, 0.5]


def test_arrays_are_taken_and_rounding_is_forgiven():
    figure = EntropyShaper(p=np.full(3, 1 / 3))
    figure.p = [0.1 + 1e-9, 0.2, 0.7]
    assert figure.p == [0.1 + 1e-9, 0.2, 0.7]


def test_figures_can_be_linked():
    a, b = LossBars(), LossBars()
    link = ipywidgets.link((a, "q"), (b, "q"))
    a.q = [0.2, 0.3, 0.5]
    assert b.q == [0.2, 0.3, 0.5]
    b.q = [1.0, 0.0, 0.0]
    assert a.q == [1.0, 0.0, 0.0]
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


@each_figure
def test_ids_count_up(cls):
    stem, number = cls().model_id.rsplit("-", 1)
    second = cls()
    assert stem == cls.__name__.lower()
    assert second.model_id == f"{stem}-{int(number) + 1}"
    assert second.layout.model_id == f"{second.model_id}-layout"


def test_a_notebook_run_twice_is_the_same_file_and_holds_the_figures():
    source = "from xentlib.widgets import *\nlinked = LossBars(), Surprise(p=1)\nEntropyShaper()"

    def execute():
        notebook = nbformat.v4.new_notebook(
            cells=[
                nbformat.v4.new_code_cell(source, id="a"),
                nbformat.v4.new_code_cell("LossBars()", id="b"),
            ]
        )
        client = nbclient.NotebookClient(notebook, kernel_name="python3", record_timing=False)
        return client.execute()

    first, second = execute(), execute()
    assert nbformat.writes(first) == nbformat.writes(second)
    state = first.metadata.widgets[WIDGET_STATE]["state"]
    shown = first.cells[0].outputs[0].data[WIDGET_VIEW]["model_id"]
    assert state[shown]["state"]["p"] == [0.5, 0.25, 0.25]
    assert state[shown]["state"]["_esm"] == EntropyShaper._esm
    assert state[shown]["state"]["_css"] == EntropyShaper._css
    assert state["surprise-1"]["state"]["p"] == 1
    assert {"lossbars-1", "lossbars-2"} < set(state)


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
