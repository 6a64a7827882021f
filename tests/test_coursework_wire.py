"""What crosses between a student's process and the grader; and cells that are not all Python."""

import ast
import io
import time
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as stnp

from xentlib.coursework import wire, worker

# The codec

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**9999), 2**9999)
    | st.floats()
    | st.text(max_size=20)
    | stnp.from_dtype(np.dtype("f4"))
    | stnp.from_dtype(np.dtype("u2"))
)
arrays = stnp.arrays(
    st.sampled_from(list(wire.DTYPES.values())),
    stnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3),
)
leaves = scalars | arrays
keys = st.text(max_size=5) | st.integers(-9, 9)


def containers(values):
    lists = st.lists(values, max_size=3)
    return lists | lists.map(tuple) | st.dictionaries(keys, values, max_size=3)


plain = leaves
for _ in range(wire.MAX_DEPTH):
    plain = leaves | containers(plain)


def same(a, b):
    """Equal, in type too, and NaN equals NaN."""
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray | np.generic):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return same(list(a.items()), list(b.items()))
    return a == b or (a != a and b != b)


def across(value):
    stream = io.BytesIO()
    wire.send(stream.write, value)
    stream.seek(0)
    return wire.receive(stream.read)


@given(plain)
def test_plain_data_crosses_unchanged(value):
    assert same(wire.decode(across(wire.encode(value))), value)


@given(arrays)
def test_a_decoded_array_is_writable_and_its_own(array):
    message = wire.encode(array)
    assert wire.decode(message).flags.writeable
    assert not np.shares_memory(wire.decode(message), wire.decode(message))


class Everything(int):
    """Equal to all there is."""

    def __eq__(self, other):
        return True

    __hash__ = None


def test_objects_of_a_student_arrive_as_the_plain_ones_they_are_built_on():
    assert type(wire.decode(wire.encode(Everything(3)))) is int
    assert type(wire.decode(wire.encode(np.ma.array([1])))) is np.ndarray
    assert type(wire.decode(wire.encode(np.str_("a")))) is str


def nested(depth):
    return [nested(depth - 1)] if depth else 1


@pytest.mark.parametrize(
    "value",
    [
        object(),
        {1, 2},
        1j,
        b"bytes",
        (x for x in "ab"),
        len,
        np.array(["a"]),
        np.array([None]),
        np.array([[1], {}], object),
        np.array([1j]),
        np.zeros(1, np.longdouble),
        np.zeros(wire.MAX_ARRAY + 1, bool),
        {(1, 2): 3},
        2**10_000,
        "x" * (wire.MAX_TEXT + 1),
        [0] * (wire.MAX_ITEMS + 1),
        nested(wire.MAX_DEPTH + 2),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_plain_data_is_not_sent(value):
    with pytest.raises((TypeError, ValueError)):
        wire.encode(value)


def test_a_list_that_holds_itself_is_not_sent():
    endless = []
    endless.append(endless)
    with pytest.raises(ValueError, match="deep"):
        wire.encode(endless)


@pytest.mark.parametrize(
    "message",
    [
        [],
        {},
        {"float": 1},
        {"float": "1.5.2"},
        {"list": {}},
        {"list": [[]]},
        {"tuple": "ab"},
        {"dict": [["a"]]},
        {"dict": [[{"list": []}, 1]]},
        {"object": "x"},
        {"list": [], "tuple": []},
        {"array": ["|O", [1], "AAAAAAAAAAA="]},
        {"array": ["<f8", [1], "AA=="]},
        {"array": ["<f8", [-1], "AAAAAAAAAAA="]},
        {"array": ["<f8", [10**30, 0], ""]},
        {"array": ["<f8", [1], "!!"]},
        {"array": ["<f8", [True], "AAAAAAAAAAA="]},
        {"array": ["|b1", [1], "Ag=="]},
        {"array": ["<f8", [1]]},
        {"array": [["<f8"], [1], "AAAAAAAAAAA="]},
        {"scalar": ["<f8", [1], "AAAAAAAAAAA="]},
        2**10_000,
        "x" * (wire.MAX_TEXT + 1),
    ],
    ids=lambda message: str(message)[:30],
)
def test_what_the_codec_would_not_write_it_does_not_read(message):
    with pytest.raises(ValueError):
        wire.decode(message)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda v: (
        st.lists(v, max_size=3)
        | st.dictionaries(
            st.sampled_from(["list", "tuple", "dict", "array", "scalar", "float", "x"]),
            v,
            max_size=2,
        )
    ),
)


@given(json_values)
@settings(max_examples=300)
def test_no_json_makes_the_decoder_do_anything_but_decode_or_refuse(message):
    try:
        value = wire.decode(message)
    except (ValueError, ArithmeticError):
        return
    wire.encode(value)


@pytest.mark.parametrize(
    "data",
    [
        b"NaN",
        b"1.5",
        b"[" * 100_000,
        b"1" * 10_000,
        b"[" + b"[]," * wire.MAX_ITEMS * 2 + b"1]",
        b"{",
        b"\xff",
    ],
    ids=lambda data: repr(data[:9]),
)
def test_a_message_that_is_not_modest_json_is_refused(data):
    with pytest.raises(ValueError):
        wire.receive(io.BytesIO(len(data).to_bytes(4, "big") + data).read)


def test_a_message_longer_than_allowed_is_refused_before_it_is_read():
    with pytest.raises(ValueError, match="too large"):
        wire.receive(io.BytesIO((wire.MAX_FRAME + 1).to_bytes(4, "big")).read)


@pytest.mark.parametrize(
    ("text", "runs", "missed"),
    [
        ("x = 1", "x = 1", False),
        ("%matplotlib inline\nx = 1", "pass\nx = 1", False),
        ("%pip install xentlib.whl\n!pip install xentlib.whl", "pass\npass", False),
        ("if True:\n    !ls\nx = 1", "if True:\n    pass\nx = 1", False),
        ("%%time\nx = 1", "pass\nx = 1", False),
        ("%%bash\nrm -r x", "", True),
        ("len?\nx = 1", "pass\nx = 1", False),
        ("files = !ls\nx = 1", "pass\nx = 1", True),
        ("%time y = f()\nx = 1", "pass\nx = 1", True),
        ("%run other.py", "pass", True),
        ("%time f(x, base=2)\n%timeit x == 3", "pass\npass", False),
        ("x = (7\n% 5)", "x = (7\n% 5)", False),
    ],
)
def test_lines_for_ipython_are_dropped_and_what_will_be_missed_is_told(text, runs, missed):
    tree, told = worker.parse(text)
    assert ast.dump(tree) == ast.dump(ast.parse(runs))
    assert told == missed


# What a student's process could make of it


@pytest.mark.parametrize(
    ("value", "crosses"),
    [
        (Decimal("0.5"), 0.5),
        (Fraction(1, 4), 0.25),
        (np.array([Fraction(1, 2), 2], object), np.array([0.5, 2.0])),
        (np.array([1, 2**40], object), np.array([1, 2**40])),
        (np.array([[Decimal("0.5")], [np.float32(2)]], object), np.array([[0.5], [2.0]])),
        (np.frompyfunc(lambda x: x * 2, 1, 1)(np.arange(3.0)), np.array([0.0, 2.0, 4.0])),
        (np.array([True, False], object), np.array([True, False])),
    ],
    ids=str,
)
def test_numbers_of_other_kinds_cross_as_numbers(value, crosses):
    assert same(wire.decode(wire.encode(value)), crosses)


def test_what_a_message_holds_is_counted_as_a_whole():
    for value in (
        [[0] * 1000] * (wire.MAX_ITEMS // 1000),
        ["x" * 1000] * (wire.MAX_TEXT // 1000 + 1),
        [dict.fromkeys(range(1000))] * (wire.MAX_KEYS // 1000 + 1),
        [2**61] * (wire.MAX_LARGE + 1),
    ):
        with pytest.raises(ValueError, match="more than"):
            wire.encode(value)


def pairs(keys):
    return {"dict": [[key, 0] for key in keys]}


@pytest.mark.parametrize(
    "message",
    [
        pairs([k * (2**61 - 1) for k in range(1, wire.MAX_LARGE + 2)]),
        {"list": [k * (2**61 - 1) for k in range(1, wire.MAX_LARGE + 2)]},
        pairs(range(wire.MAX_KEYS + 1)),
        {"list": ["x"] * wire.MAX_ITEMS},
        {"list": ["x" * 1000] * (wire.MAX_TEXT // 1000 + 1)},
        {"list": [pairs(range(1000))] * (wire.MAX_KEYS // 1000 + 1)},
    ],
    ids=["one hash", "one hash in a list", "keys", "items", "text", "keys in many dicts"],
)
def test_a_forged_message_costs_no_more_than_a_true_one(message):
    begin = time.process_time()
    with pytest.raises(ValueError, match="more than"):
        wire.decode(message)
    assert time.process_time() - begin < 1


@pytest.mark.parametrize(
    "keys",
    [
        [k << 45 for k in range(wire.MAX_KEYS)],
        [k * 2**14 + 1 for k in range(wire.MAX_KEYS)],
        [
            {"float": float.hex(float(2**52 + k) * 2.0 ** (61 * e))}
            for k in range(600)
            for e in range(16)
        ],
    ],
    ids=["high bits", "low bits", "floats"],
)
def test_the_worst_keys_that_are_let_in_cost_little(keys):
    begin = time.process_time()
    wire.decode(pairs(keys))
    assert time.process_time() - begin < 3


@pytest.mark.parametrize("part", ["{},", "[],", '"",', "0,", "[[[[]]]],"])
def test_small_parts_take_neither_time_nor_memory(part):
    data = ("[" + part * (wire.MAX_FRAME // len(part) - 9) + "0]").encode()
    begin = time.process_time()
    with pytest.raises(ValueError):
        wire.receive(io.BytesIO(len(data).to_bytes(4, "big") + data).read)
    assert time.process_time() - begin < 2


def test_a_message_in_another_encoding_is_refused():
    data = '{"ok":1}'.encode("utf-16")
    with pytest.raises(ValueError):
        wire.receive(io.BytesIO(len(data).to_bytes(4, "big") + data).read)
