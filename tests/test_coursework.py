"""Coursework, the parts: the codec, reading, the cut, moving answers, random numbers."""

import copy
import json
import os
import re
import sys
from pathlib import Path

import nbformat
import pytest

import xentlib.coursework
from xentlib.coursework import hidden_rng, notebook, student_rng, transplant
from xentlib.coursework.__main__ import main
from xentlib.coursework.personal import graded_as, hidden_seed


def cell(kind, source, name=None, points=None):
    """A cell as nbgrader's formgrader makes it."""
    new = nbformat.v4.new_markdown_cell if kind in ("text", "written") else None
    made = (new or nbformat.v4.new_code_cell)(source)
    if name:
        made.metadata["nbgrader"] = {
            "cell_type": made.cell_type,
            "grade": kind in ("test", "written"),
            "grade_id": name,
            "locked": kind in ("test", "setup"),
            "schema_version": 3,
            "solution": kind in ("answer", "written"),
            "task": False,
        }
        if points:
            made.metadata.nbgrader["points"] = points
    return made


def assignment(*cells):
    """A source with these cells, as `notebook.parse` returns it."""
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    made = nbformat.v4.new_notebook(cells=list(cells), metadata={"kernelspec": kernel})
    for number, each in enumerate(made.cells):
        each.id = f"sample-{number:02}"
    return notebook.parse(nbformat.writes(made))


SETUP = """\
import numpy as np
from xentlib.coursework import student_rng

data = student_rng(STUDENT_ID).integers(1, 10, size=5)"""
ENTROPY = """\
def entropy(p):
    ### BEGIN SOLUTION
    p = np.asarray(p)
    return float(-(p * np.log2(p)).sum())
    ### END SOLUTION"""
ENTROPY_TEST = """\
got = entropy([0.5, 0.5])
assert np.isclose(got, 1), f"Got {got}: that is nats; divide by ln 2"
### BEGIN HIDDEN TESTS
from xentlib.coursework import hidden_rng

p = hidden_rng().dirichlet(np.ones(4))
assert np.isclose(entropy(p), -(p * np.log2(p)).sum()), "Look again"
### END HIDDEN TESTS"""


def sample():
    return assignment(
        cell("text", "# A sample"),
        cell("code", 'STUDENT_ID = ""'),
        cell("setup", SETUP, "setup"),
        cell("text", "How surprising?"),
        cell("answer", ENTROPY, "entropy"),
        cell("test", ENTROPY_TEST, "entropy-test", 3),
        cell("answer", "### BEGIN SOLUTION\ntotal = int(data.sum())\n### END SOLUTION", "total"),
        cell("test", 'assert total == data.sum(), f"Got {total}"', "total-test", 2),
        cell("text", "Why is it concave?"),
        cell("written", "Because -x log x is.", "why", 4),
    )


def sample_answered(source):
    """What a student hands in who copied the solution."""
    book = notebook.release(source)
    for name in ("entropy", "total"):
        by_id(book, name).source = re.sub("### .* SOLUTION", "# mine", by_id(source, name).source)
    by_id(book, "why").source = "It bends down."
    return book


@pytest.fixture
def source():
    return sample()


@pytest.fixture
def answered(source):
    return sample_answered(source)


def by_id(book, name):
    return next(c for c in book.cells if notebook.grade_id(c) == name)


# Random numbers


def test_the_same_student_gets_the_same_numbers_however_the_id_is_typed():
    draws = {student_rng(name).integers(2**60) for name in ("Ada", " ada\n", "ADA")}
    assert len(draws) == 1
    assert student_rng("bob").integers(2**60) not in draws


@pytest.mark.parametrize("name", ["", "  ", None, 7])
def test_without_an_id_the_student_is_told_to_fill_it_in(name):
    with pytest.raises(ValueError, match="fill in STUDENT_ID"):
        student_rng(name)


def test_in_the_grader_the_identity_of_the_submission_counts():
    with graded_as("Ada", 0):
        assert student_rng("").integers(2**60) == student_rng("bob").integers(2**60)
    assert student_rng("ada").integers(2**60) != student_rng("bob").integers(2**60)


def test_hidden_numbers_depend_on_the_secret_and_on_the_student():
    seeds = {hidden_seed(secret, name) for secret in "ab" for name in ("ada", "bob", " Ada")}
    assert len(seeds) == 4
    with graded_as("ada", hidden_seed("a", "ada")):
        seeded = hidden_rng().integers(2**60)
    assert seeded != hidden_rng().integers(2**60)


# Reading


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "empty"),
        (b"x = 1", "no JSON"),
        (b'{"cells": [], "metadata"', "cut short"),
        (b"[]", "not a notebook"),
        (b'{"nbformat": 4, "cells": []}', "0 cells"),
        (b'{"nbformat": 4, "cells": [{"cell_type": "code"}]}', "not a notebook"),
        (b'{"nbformat": 4, "cells": [{"cell_type": "x", "source": ""}]}', "damaged"),
        (b'{"nbformat": 2, "worksheets": []}', "version 2"),
        (b"[" * 200_000, "not a notebook"),
        (b"\x89PNG\xff", "a picture"),
    ],
)
def test_a_file_that_is_no_notebook_is_refused_with_the_reason(tmp_path, data, why):
    (tmp_path / "a.ipynb").write_bytes(data)
    with pytest.raises(notebook.Unreadable, match=why):
        notebook.read(tmp_path / "a.ipynb")


@pytest.mark.parametrize(
    "metadata",
    [
        {"kernelspec": {"name": "ir", "language": "R"}},
        {"kernelspec": {"name": "julia-1.9"}},
        {"language_info": {"name": "javascript"}},
    ],
)
def test_a_notebook_in_another_language_is_refused(metadata):
    book = {"nbformat": 4, "metadata": metadata, "cells": [{"cell_type": "code", "source": "1"}]}
    with pytest.raises(notebook.Unreadable, match="not in Python"):
        notebook.parse(json.dumps(book))


def test_links_folders_and_large_files_are_refused(tmp_path, source, monkeypatch):
    (tmp_path / "a.ipynb").write_text(notebook.writes(source), "utf-8")
    (tmp_path / "link.ipynb").symlink_to(tmp_path / "a.ipynb")
    for path in ("link.ipynb", ".", "missing.ipynb"):
        with pytest.raises(notebook.Unreadable):
            notebook.read(tmp_path / path)
    assert notebook.read(tmp_path / "a.ipynb") == source
    monkeypatch.setattr(notebook, "MAX_SIZE", 100)
    with pytest.raises(notebook.Unreadable, match="at most"):
        notebook.read(tmp_path / "a.ipynb")


def test_an_old_notebook_is_brought_to_version_4(source):
    old = nbformat.convert(nbformat.from_dict(source), 3)
    assert [c.source for c in notebook.parse(nbformat.writes(old, version=3)).cells if c.source]


def test_a_notebook_is_written_as_nbformat_writes_it(source):
    ours = notebook.writes(source)
    assert ours == nbformat.writes(nbformat.from_dict(source)) + "\n"
    assert notebook.parse(ours) == source


# Sources and the cut


def test_a_sound_source_is_accepted(source):
    notebook.check_source(source)


def spoil(name, **changes):
    def change(book):
        each = by_id(book, name)
        each.metadata.nbgrader.update({k: v for k, v in changes.items() if k != "source"})
        each.source = changes.get("source", each.source)

    return change


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (spoil("total", grade_id="entropy"), "taken"),
        (spoil("total", grade_id="a b"), "letters"),
        (spoil("total", grade_id=""), "without a grade_id"),
        (spoil("total", schema_version=1), "schema_version"),
        (spoil("total-test", points=0), "points"),
        (spoil("why", points="4"), "points"),
        (spoil("why", grade=False), "grade"),
        (spoil("total-test", locked=False), "locked"),
        (spoil("total", source="total = 1"), "needs a region"),
        (spoil("total", source="### BEGIN SOLUTION\ntotal = 1"), "without END"),
        (spoil("total", source="### BEGIN SOLUTION\n" * 2 + "### END SOLUTION"), "within"),
        (spoil("total", source="x = 1\n### END SOLUTION"), "without BEGIN"),
        (spoil("setup", source="### BEGIN HIDDEN TESTS\n### END HIDDEN TESTS"), "hidden tests"),
        (spoil("total-test", source="### BEGIN SOLUTION\n### END SOLUTION"), "answer cell"),
        (spoil("total-test", source="assert 1"), "tests nothing"),
        (spoil("total-test", source="assert total ="), "syntax"),
        (lambda book: book.cells.append(cell("setup", "entropy([1])", "late")), "no answer"),
        (spoil("total", source="### BEGIN SOLUTION\ndata = 1\n### END SOLUTION"), "data: defined"),
    ],
)
def test_a_faulty_source_is_refused_with_the_reason(source, change, why):
    change(source)
    with pytest.raises(ValueError, match=why):
        notebook.check_source(source)


def test_release_holds_no_line_of_a_solution_or_a_hidden_test(source):
    text = notebook.writes(notebook.release(source))
    secret = re.findall(r"### BEGIN.*?### END", "\n".join(c.source for c in source.cells), re.S)
    lines = [line.strip() for part in secret for line in part.split("\n")[1:-1] if line.strip()]
    assert len(lines) > 5
    for line in [*lines, "### BEGIN", "### END", "Because -x log x is."]:
        assert json.dumps(line)[1:-1] not in text


def test_release_keeps_the_stub_at_the_indent_of_the_solution(source):
    stub = "def entropy(p):\n    # YOUR CODE HERE\n    raise NotImplementedError()"
    released = notebook.release(source)
    assert by_id(released, "entropy").source == stub
    assert by_id(released, "total").source == "# YOUR CODE HERE\nraise NotImplementedError()"
    assert by_id(released, "why").source == "YOUR ANSWER HERE"


def test_release_gives_the_same_bytes_each_time_and_leaves_the_source_alone(source):
    before = copy.deepcopy(source)
    source.cells[1].outputs = [nbformat.v4.new_output("stream", text="1")]
    source.cells[1].execution_count = 3
    text = notebook.writes(notebook.release(source))
    source.cells[1].outputs, source.cells[1].execution_count = [], None
    assert source == before
    assert text == notebook.writes(notebook.release(source))
    assert text.endswith("}\n")


def test_release_is_what_nbgrader_generates(source, tmp_path, monkeypatch):
    pytest.importorskip("nbgrader")
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    monkeypatch.setenv("PATH", programs)  # nbgrader starts alembic
    from nbgrader.converters import GenerateAssignment
    from nbgrader.coursedir import CourseDirectory
    from traitlets.config import Config

    (tmp_path / "source" / "set").mkdir(parents=True)
    (tmp_path / "source" / "set" / "a.ipynb").write_text(notebook.writes(source), "utf-8")
    config = Config()
    config.CourseDirectory.root = str(tmp_path)
    config.CourseDirectory.assignment_id = "set"
    coursedir = CourseDirectory(config=config)
    GenerateAssignment(coursedir=coursedir, config=config).start()
    theirs = nbformat.read(tmp_path / "release" / "set" / "a.ipynb", as_version=4)
    ours = nbformat.reads(notebook.writes(notebook.release(source)), as_version=4)
    assert theirs.cells == ours.cells
    assert theirs.metadata == ours.metadata


# Moving answers


def test_answers_in_an_untouched_notebook_move_without_a_word(source, answered):
    moved, notes = transplant.transplant(source, answered)
    assert moved == answered
    assert notes == []


@pytest.mark.parametrize("ids", [True, False], ids=["cell ids kept", "cell ids lost"])
def test_answers_are_found_without_metadata(source, answered, ids):
    stripped = copy.deepcopy(answered)
    for each in stripped.cells:
        each.metadata.clear()
        if not ids:
            del each["id"]
    moved, notes = transplant.transplant(source, stripped)
    assert moved == answered
    assert any("not by metadata" in note for note in notes)


def test_answers_move_from_reordered_cells_into_their_places(source, answered):
    shuffled = copy.deepcopy(answered)
    shuffled.cells.reverse()
    moved, notes = transplant.transplant(source, shuffled)
    assert moved == answered
    assert "cells were reordered" in notes


def test_the_last_answer_that_is_no_stub_counts_and_the_others_stay_before_it(source, answered):
    doubled = copy.deepcopy(answered)
    first, stub = copy.deepcopy(by_id(doubled, "total")), by_id(notebook.release(source), "total")
    first.source = "helper = 2"
    place = doubled.cells.index(by_id(doubled, "total"))
    doubled.cells[place:place] = [first]
    doubled.cells.append(copy.deepcopy(stub))
    moved, notes = transplant.transplant(source, doubled)
    assert by_id(moved, "total").source == by_id(answered, "total").source
    assert moved.cells[moved.cells.index(by_id(moved, "total")) - 1].source == "helper = 2"
    assert notes == []
    first.source = "total = 2"  # which of the two is the answer?
    assert transplant.transplant(source, doubled)[1] == ["total: the cell is there 3 times"]


def test_a_deleted_cell_is_restored_and_named(source, answered):
    answered.cells.remove(by_id(answered, "total"))
    answered.cells.remove(by_id(answered, "setup"))
    moved, notes = transplant.transplant(source, answered)
    assert "NotImplementedError" in by_id(moved, "total").source
    assert by_id(moved, "setup").source == SETUP
    assert notes == ["setup: the cell is missing", "total: the cell is missing"]


def test_locked_cells_of_an_earlier_release_are_replaced_and_told_by_their_text(source, answered):
    by_id(source, "setup").source += "\nmore = 1"  # the teacher mends the set after handing it out
    by_id(source, "entropy-test").source += "\nassert entropy([1.0]) == 0"
    by_id(source, "total-test").metadata.nbgrader.points = 3
    moved, notes = transplant.transplant(source, answered)
    edited = ": this {} cell was edited; the original is used"
    assert notes == ["setup" + edited.format("setup"), "entropy-test" + edited.format("test")]
    assert len(moved.cells) == len(source.cells)
    for name in ("setup", "entropy-test", "total-test"):
        assert by_id(moved, name) == by_id(notebook.release(source), name)


@pytest.mark.parametrize("checksum", [None, 1, "", [], "0" * 32, "its own"])
def test_a_locked_cell_was_edited_whatever_its_checksum_says(source, answered, checksum):
    edited = by_id(answered, "entropy-test")
    edited.source = "pass"
    edited.metadata.nbgrader.checksum = checksum
    if checksum == "its own":  # anyone can compute it
        edited.metadata.nbgrader.checksum = notebook.checksum(edited)
    _, notes = transplant.transplant(source, answered)
    assert notes == ["entropy-test: this test cell was edited; the original is used"]
    edited.metadata.nbgrader.points = "many"
    assert transplant.transplant(source, answered)[1] == notes


def test_an_edited_test_is_not_used_but_what_it_defines_stays(source, answered):
    by_id(answered, "entropy-test").source = "def helper():\n    return 1"
    moved, notes = transplant.transplant(source, answered)
    original = by_id(notebook.release(source), "entropy-test").source
    assert by_id(moved, "entropy-test").source == original
    assert "def helper():\n    return 1" in [c.source for c in moved.cells]
    assert notes == ["entropy-test: this test cell was edited; the original is used"]


def test_an_answer_in_a_cell_of_its_own_is_found(source, answered):
    released = notebook.release(source)
    by_id(answered, "why").source = "YOUR ANSWER HERE"
    answered.cells.append(notebook.node(nbformat.v4.new_markdown_cell("It bends down.")))
    own = notebook.node(nbformat.v4.new_code_cell(by_id(answered, "entropy").source))
    answered.cells.insert(5, own)
    by_id(answered, "entropy").source = by_id(released, "entropy").source
    moved, notes = transplant.transplant(source, answered)
    assert by_id(moved, "why").source == "It bends down."
    assert by_id(moved, "entropy").source == own.source
    assert notes == ["entropy: found by content, not by metadata"]


def markdown(text):
    return notebook.node(nbformat.v4.new_markdown_cell(text))


@pytest.mark.parametrize("where", ["above", "below", "both", "code", "raw"])
def test_a_written_answer_is_found_wherever_it_stands(source, answered, where):
    """JupyterLab's + on the question makes a cell between it and its answer."""
    mine, place = by_id(answered, "why"), answered.cells.index(by_id(answered, "why"))
    stub = by_id(notebook.release(source), "why").source
    if where == "above":
        mine.source, answered.cells[place:place] = stub, [markdown("It bends down.")]
    elif where == "below":
        mine.source = "It bends"
        answered.cells += [notebook.node(nbformat.v4.new_code_cell("1 + 1")), markdown("down.")]
    elif where == "both":  # split, and the upper half lost its metadata
        mine.source, answered.cells[place:place] = "down.", [markdown("It bends")]
    else:
        mine.cell_type = where
    moved, notes = transplant.transplant(source, answered)
    assert by_id(moved, "why").source.split() == ["It", "bends", "down."]
    assert by_id(moved, "why").cell_type == "markdown" and notes == []


@pytest.mark.parametrize(
    "text",
    [
        "# It bends\n\n# down.",
        '"""It bends\ndown."""',
        "'''It bends\ndown.'''",
        '"It bends down."',
        "It bends down, I think.",
        "answer = 'It bends down.'",
    ],
)
@pytest.mark.parametrize("instead", [False, True])
def test_a_written_answer_in_a_code_cell_is_shown_and_told(source, answered, text, instead):
    mine, place = by_id(answered, "why"), answered.cells.index(by_id(answered, "why"))
    mine.source = by_id(notebook.release(source), "why").source
    answered.cells.insert(place + 1, notebook.node(nbformat.v4.new_code_cell(text)))
    if instead:
        answered.cells.remove(mine)
    moved, notes = transplant.transplant(source, answered)
    shown = by_id(moved, "why")
    assert "It bends" in shown.source and "down" in shown.source and shown.cell_type == "markdown"
    assert any(note.startswith("why: ") and "code" in note for note in notes)


def test_code_beside_a_written_answer_is_no_answer(source, answered):
    answered.cells.append(notebook.node(nbformat.v4.new_code_cell("1 + 1")))
    moved, notes = transplant.transplant(source, answered)
    assert by_id(moved, "why").source == by_id(answered, "why").source and notes == []
    assert moved.cells[-1].source == "1 + 1"


def test_what_is_written_below_a_test_does_not_replace_the_answer_above_it(source, answered):
    below = copy.deepcopy(by_id(answered, "entropy"))
    below.source = "def entropy(p):\n    return 0"
    answered.cells.append(below)
    moved, _ = transplant.transplant(source, answered)
    assert by_id(moved, "entropy").source == by_id(answered, "entropy").source
    assert moved.cells[-1].source == below.source
    by_id(answered, "entropy").source = by_id(notebook.release(source), "entropy").source
    moved, _ = transplant.transplant(source, answered)  # nothing above: it was moved
    assert by_id(moved, "entropy").source == below.source


def test_the_note_on_an_old_kernel_holds_nothing_but_its_number(source, answered):
    for said, noted in (("2.7.18", "2.7.18"), ("2\x1b[2J\x07\nx", None), ("2.\u202ex", "2.")):
        answered.metadata.language_info = notebook.node({"name": "python", "version": said})
        notes = transplant.transplant(source, answered)[1]
        assert notes == ([f"another kernel: Python {noted}"] if noted else [])


def test_an_answer_typed_into_the_question_is_kept_and_told(source, answered):
    question = answered.cells[answered.cells.index(by_id(answered, "why")) - 1]
    question.source += "\n\nIt bends down."
    by_id(answered, "why").source = "YOUR ANSWER HERE"
    moved, notes = transplant.transplant(source, answered)
    assert "It bends down." in by_id(moved, "why").source
    assert notes == ["why: answered in the cell of the question"]


def test_a_question_that_the_teacher_worded_anew_is_no_answer(source, answered):
    place = source.cells.index(by_id(source, "why")) - 1
    source.cells[place].source = "Why does it bend down?"
    by_id(answered, "why").source = "YOUR ANSWER HERE"
    moved, notes = transplant.transplant(source, answered)
    assert by_id(moved, "why").source == "YOUR ANSWER HERE" and notes == []


def test_pictures_in_an_answer_are_kept_if_they_are_pictures(source, answered):
    picture = notebook.node({"a.png": {"image/png": "iVBORw0KGgo="}})
    by_id(answered, "why").attachments = picture
    moved = transplant.collect(source, answered)
    assert by_id(moved, "why").attachments == picture
    nbformat.validate(nbformat.reads(notebook.writes(moved), as_version=4))
    active = {"text/html": "<script>", "image/svg+xml": "<svg onload=x>"}
    by_id(answered, "why").attachments = notebook.node({"a.png": {**picture["a.png"], **active}})
    assert by_id(transplant.collect(source, answered), "why").attachments == picture
    names = "../x.png", "a/b.png", "a\x1b.png", "a" * 300
    for odd in 3, {"a": 3}, {"a": {"b": 3}}, {"a": active}, dict.fromkeys(names, picture["a.png"]):
        by_id(answered, "why").attachments = notebook.node(odd)
        moved = transplant.collect(source, answered)
        nbformat.validate(nbformat.reads(notebook.writes(moved), as_version=4))
        assert "attachments" not in by_id(moved, "why")


def test_a_cell_that_was_split_or_a_test_that_was_copied_needs_no_look(source, answered):
    place = answered.cells.index(by_id(answered, "entropy"))
    upper = copy.deepcopy(answered.cells[place])  # JupyterLab copies the metadata
    upper.source, extra = "import math", copy.deepcopy(by_id(answered, "entropy-test"))
    answered.cells[place:place] = [upper]
    answered.cells.append(extra)
    moved, notes = transplant.transplant(source, answered)
    assert notes == []
    assert moved.cells[place].source == "import math"


def test_a_locked_cell_may_be_laid_out_anew_but_not_changed(source, answered):
    test = by_id(answered, "total-test")
    test.source = "# mine\n" + test.source.replace(" == ", "  ==\\\n  ") + "\n\n"
    assert transplant.transplant(source, answered)[1] == []
    test.source += "print(total)"
    assert len(transplant.transplant(source, answered)[1]) == 1
    test.source = "assert ("
    assert len(transplant.transplant(source, answered)[1]) == 1


def test_a_scratch_name_is_no_answer(source, answered):
    """Only what the tests ask for says that a cell is the answer."""
    by_id(source, "total").source = by_id(source, "total").source.replace(
        "total =", "k = 2\ntotal ="
    )
    by_id(answered, "total").source = by_id(notebook.release(source), "total").source
    answered.cells.append(notebook.node(nbformat.v4.new_code_cell("k = 2\nif k:\n    total = 1")))
    moved, notes = transplant.transplant(source, answered)
    assert notes == [] and moved.cells[-1].source.startswith("k = 2")


def test_collected_notebooks_are_valid_and_keep_the_code_of_the_students_own(source, answered):
    answered.cells.insert(3, notebook.node(nbformat.v4.new_code_cell("mine = 1")))
    answered.cells[1].source = 'STUDENT_ID = "ada"'
    moved = transplant.collect(source, answered)
    nbformat.validate(nbformat.reads(notebook.writes(moved), as_version=4))
    assert [c.source for c in moved.cells] == [c.source for c in answered.cells]


# The command line


def test_release_writes_the_notebook_for_students(source, tmp_path, capsys):
    (tmp_path / "a.ipynb").write_text(notebook.writes(source), "utf-8")
    assert main(["release", str(tmp_path / "a.ipynb"), str(tmp_path / "out")]) == 0
    text = (tmp_path / "out" / "a.ipynb").read_text("utf-8")
    assert text == notebook.writes(notebook.release(source))
    assert "a.ipynb" in capsys.readouterr().out


@pytest.mark.parametrize("lacking", ["tqdm", "joblib"])
def test_where_a_package_is_lacking_the_command_says_which(tmp_path, monkeypatch, capsys, lacking):
    for name in list(sys.modules):
        if name.split(".")[0] == lacking or name == "xentlib.coursework.classes":
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr(xentlib.coursework, "classes", raising=False)
    monkeypatch.setitem(sys.modules, lacking, None)
    assert main(["grade", "a.ipynb", str(tmp_path), str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err == (
        f"xent-coursework: needs {lacking}: pip install joblib nbformat tqdm\n"
    )


def test_release_overwrites_no_source_and_no_other_set(source, tmp_path, capsys):
    text = notebook.writes(source)
    for folder in "one", "two":
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.ipynb").write_text(text, "utf-8")
    one, two = (str(tmp_path / folder / "a.ipynb") for folder in ("one", "two"))
    assert main(["release", one, str(tmp_path / "one")]) == 1
    assert main(["release", one, two, str(tmp_path / "out")]) == 1
    assert "a name of its own" in capsys.readouterr().err
    assert Path(one).read_text("utf-8") == Path(two).read_text("utf-8") == text
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("seeds", ["0", "-1"])
def test_check_tries_at_least_one_seed(seeds, capsys):
    with pytest.raises(SystemExit):
        main(["check", "a.ipynb", "--seeds", seeds])
    assert "1 or more" in capsys.readouterr().err


def test_a_faulty_source_ends_the_command_with_one_line(tmp_path, capsys):
    (tmp_path / "a.ipynb").write_text("{", "utf-8")
    assert main(["release", str(tmp_path / "a.ipynb"), str(tmp_path / "out")]) == 1
    assert capsys.readouterr().err.startswith("xent-coursework: not a notebook")
