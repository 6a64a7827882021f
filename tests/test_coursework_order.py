"""A notebook is graded in its order: a test sees what stands above it, as at home."""

import contextlib
import copy
import io
import warnings

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_coursework import assignment, by_id, cell

from xentlib.coursework import notebook, sandbox
from xentlib.coursework.grading import grade
from xentlib.coursework.personal import graded_as
from xentlib.coursework.sandbox import Limits

pytestmark = pytest.mark.skipif(not sandbox.available(), reason="bubblewrap does not work here")
LIMITS = Limits(call=5, total=40)

SETUP = """\
import numpy as np
from xentlib.coursework import student_rng

data = student_rng(STUDENT_ID).integers(1, 100, size=6)"""
ANSWERS = {
    "mean": "def mean(x):\n    return sum(x) / len(x)",
    "shares": "shares = data / data.sum()",
    "spread": "def spread(x):\n    m = mean(x)\n    return sum((v - m) ** 2 for v in x) / len(x)",
    "top": "top = int(np.argmax(shares))",
    "ranked": "def ranked():\n    return sorted(data.tolist())",
}
TESTS = {
    "mean": "got = mean([1, 2, 6])\nassert got == 3, f'Got {got}'",
    "shares": "assert np.allclose(shares, data / data.sum()), f'Got {shares}'",
    "spread": "got = spread([1, 3])\nassert got == 1, f'Got {got}'",
    "top": "assert top == np.argmax(data), f'Got {top}'",
    "ranked": "got = ranked()\nassert got == sorted(data.tolist()), f'Got {got}'",
}
HIDDEN = {
    "mean": "x = hidden_rng().integers(9, size=5).tolist()\nassert mean(x) == sum(x) / 5, 'Look'",
    "spread": "x = hidden_rng().random(4)\nassert np.isclose(spread(x), x.var()), 'Look again'",
}


def source():
    cells = [cell("text", "# A sample"), cell("code", 'STUDENT_ID = ""')]
    cells += [cell("setup", SETUP, "setup")]
    for name, answer in ANSWERS.items():
        text = TESTS[name]
        if name in HIDDEN:
            text += "\n### BEGIN HIDDEN TESTS\nfrom xentlib.coursework import hidden_rng\n\n"
            text += HIDDEN[name] + "\n### END HIDDEN TESTS"
        solution = f"### BEGIN SOLUTION\n{answer}\n### END SOLUTION"
        cells += [cell("answer", solution, name), cell("test", text, f"{name}-test", 1)]
    return assignment(*cells)


SOURCE = source()
TESTED = [notebook.grade_id(c) for c in SOURCE.cells if notebook.kind(c) == "test"]


def handed_in(answers=ANSWERS):
    book = notebook.release(SOURCE)
    for name, answer in answers.items():
        by_id(book, name).source = answer
    return book


def own(text):
    return notebook.node(cell("code", text))


def in_order(source, book, student="ada", seed=7):
    """The scores when all cells run in order, each test, hidden part included, at its place."""
    tests = {notebook.grade_id(c): c.source for c in source.cells if notebook.kind(c) == "test"}
    namespace, scores = {"__name__": "__main__"}, dict.fromkeys(tests, 0)
    with graded_as(student, seed), contextlib.redirect_stdout(io.StringIO()):
        for each in book.cells:
            if each.cell_type == "code":
                name = notebook.grade_id(each)
                with warnings.catch_warnings(), contextlib.suppress(Exception):
                    warnings.simplefilter("ignore")
                    exec(tests.get(name, each.source), namespace)
                    if name in tests:
                        scores[name] = notebook.points(each)
    return scores


def graded(book, source=SOURCE):
    return grade(source, book, student="ada", seed=7, limits=LIMITS)


# What students put into cells of their own: names used again, builtins shadowed, data changed.
HABITS = [
    "mean = mean(data)",
    "shares = shares * 100",
    "spread = spread([1, 2])",
    "for mean in (1, 2): pass",
    "for top in range(3): print(top)",
    "sum = 0\nfor v in data: sum += v",
    "sum = sum(data)",
    "len = 3",
    "sorted = None",
    "shares[:] = 0",
    "x = got",
    "got = 3\nx = [1]",
    "np.random.seed(0)\nm = v = x = 5",
    "1 / 0",
    "del mean",
    "def mean(x):\n    return 0",
    "def ranked():\n    return []",
    "print = None",
    "list = dict = int = 1",
    "k = [mean([n]) for n in range(3)]",
    "no_such_name",
    "def helper(x):\n    return mean(x)\nmean = 3",
    "m, top = 1, 2",
    "with open('/tmp/x', 'w') as file: file.write('x')",
    "if True: shares = None",
    "import math",
    "await_ = 1",
    "lambda: (yield)",
]
# The data of the set: a test compares with them as they were given, so only at the end.
CHANGES = ["data.sort()", "data[0] = 0", "data = data / data.sum()", "class data: pass"]
WRONG = {
    "mean": "def mean(x):\n    return max(x)",
    "shares": "shares = data",
    "spread": "def spread(x):\n    return got",
    "top": "top = -1",
    "ranked": "def ranked():\n    return data",
}
habits = st.lists(
    st.tuples(st.integers(3, len(SOURCE.cells)), st.sampled_from(HABITS)), min_size=1, max_size=4
)
answers = st.fixed_dictionaries(
    {name: st.sampled_from([right, right, right, WRONG[name]]) for name, right in ANSWERS.items()}
)
some = settings(max_examples=40, suppress_health_check=list(HealthCheck))


@some
@given(habits, answers, st.sampled_from(["", *CHANGES]))
def test_the_score_is_that_of_running_in_order(cells, written, change):
    book = handed_in(written)
    book.cells.append(own(change))
    for place, text in sorted(cells, reverse=True):
        book.cells.insert(place, own(text))
    assert graded(book).scores == in_order(SOURCE, book)


edits = st.lists(
    st.tuples(
        st.sampled_from(["insert", "delete", "change", "copy", "markdown"]),
        st.integers(0, 9),
        st.sampled_from([*HABITS, *CHANGES, "import os\nos._exit(0)", "def f(:", ANSWERS["mean"]]),
    ),
    min_size=1,
    max_size=4,
)


def edited(book, below, changes):
    """`book` after changes to its cells from number `below` on."""
    book = copy.deepcopy(book)
    for what, number, text in changes:
        place = min(below + number, len(book.cells))
        if what == "insert" or place == len(book.cells):
            book.cells.insert(place, own(text))
        elif what == "delete":
            del book.cells[place]
        elif what == "change":
            book.cells[place].source = text
        elif what == "copy":  # of an answer above, with another text
            twin = copy.deepcopy(by_id(book, "mean"))
            twin.source = text
            book.cells.insert(place, twin)
        else:
            book.cells[place] = notebook.node(cell("text", text))
    return book


@some
@given(st.integers(0, len(TESTED) - 1), edits, answers)
def test_what_is_edited_below_a_test_changes_nothing_above_it(number, changes, written):
    book = handed_in(written)
    below = book.cells.index(by_id(book, TESTED[number])) + 1
    before, after = graded(book), graded(edited(book, below, changes))
    for name in TESTED[: number + 1]:
        assert after.scores[name] == before.scores[name], after.notes
        assert after.messages[name] == before.messages[name], after.notes


# Moved, duplicated and deleted cells


def test_a_test_that_was_deleted_runs_where_it_stood():
    book = handed_in()
    book.cells.remove(by_id(book, "mean-test"))
    book.cells.insert(book.cells.index(by_id(book, "shares")), own("mean = mean(data)"))
    result = graded(book)
    assert result.scores["mean-test"] == 1 and "mean-test: the cell is missing" in result.notes
    by_id(book, "mean").source = "def mean(x):\n    raise NotImplementedError"
    book.cells.insert(book.cells.index(by_id(book, "shares")), own(ANSWERS["mean"]))
    assert graded(book).scores["mean-test"] == 1


def test_an_answer_that_was_moved_below_its_test_is_found():
    book = handed_in()
    moved = by_id(book, "top")
    book.cells.remove(moved)
    book.cells.append(moved)
    assert graded(book).scores == dict.fromkeys(TESTED, 1)


def test_an_answer_written_below_its_test_counts_where_the_stub_is_above():
    book = handed_in()
    by_id(book, "top").source = by_id(notebook.release(SOURCE), "top").source
    by_id(book, "ranked").source += "\n" + ANSWERS["top"]
    result = graded(book)
    assert result.scores == dict.fromkeys(TESTED, 1)
    assert any("top-test: answered further down" in note for note in result.notes)


def test_a_copy_below_the_test_costs_and_earns_nothing():
    for above, below, points in ((ANSWERS, WRONG, 1), (WRONG, ANSWERS, 0)):
        book = handed_in({"mean": above["mean"]})
        twin = copy.deepcopy(by_id(book, "mean"))
        twin.source = below["mean"]
        book.cells.append(twin)
        result = graded(book)
        assert result.scores["mean-test"] == points and result.status == "REVIEW"


def test_a_crash_further_down_leaves_what_was_answered():
    book = handed_in()
    place = book.cells.index(by_id(book, "top"))
    book.cells.insert(place, own("import os\nos._exit(1)"))
    result = graded(book)
    assert result.scores == dict.fromkeys(TESTED, 1) and result.status == "REVIEW"


def test_a_call_that_crashes_costs_its_own_test_only():
    book = handed_in({**ANSWERS, "spread": "import os\ndef spread(x):\n    os._exit(1)"})
    assert graded(book).scores == {**dict.fromkeys(TESTED, 1), "spread-test": 0}


# What Jupyter runs, too


def test_await_at_the_top_of_a_cell():
    wait = "import asyncio\n\nasync def top_of(x):\n    await asyncio.sleep(0)\n"
    wait += "    return int(np.argmax(x))\n\ntop = await top_of(shares)"
    book = handed_in({**ANSWERS, "top": wait})
    assert graded(book).scores == dict.fromkeys(TESTED, 1)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("def mean(x):\n    print(f)(1 if else)\n", "SyntaxError"),
        ("def mean(x):\n    import no_such_module", "ModuleNotFoundError"),
        ("import math\ndef mean(x):\n    return math.no_such_function(x)", "AttributeError"),
    ],
)
def test_a_notebook_of_a_newer_python_is_looked_at(answer, message):
    book = handed_in({**ANSWERS, "mean": answer})
    assert not any("written with Python" in note for note in graded(book).notes)
    book.metadata["language_info"] = {"name": "python", "version": "3.99.1"}
    result = graded(book)
    assert message in result.messages["mean-test"] and result.status == "REVIEW"
    assert any("written with Python 3.99" in note for note in result.notes)
    by_id(book, "mean").source = ANSWERS["mean"]
    assert graded(book).status == "ok"
