"""The problem sets: solvable, cut without a leak, and shown as they are cut."""

import re

import pytest
from conftest import ROOT, toc_files

from xentlib.coursework import apart, grading, notebook, sandbox

SOURCES = sorted(ROOT.glob("tests/assignments/*/*.ipynb"))
each_set = pytest.mark.parametrize("path", SOURCES, ids=[path.stem for path in SOURCES])
REGION = re.compile(r"### BEGIN (SOLUTION|HIDDEN TESTS)\n(.*?)### END", re.DOTALL)


def hidden(source):
    """The lines that no student may see: long enough to be no accident, and found nowhere else."""
    inside, outside = set(), set()
    for cell in source.cells:
        if notebook.kind(cell) == "written":
            inside |= set(cell.source.splitlines())
        else:
            inside |= {
                line for match in REGION.findall(cell.source) for line in match[1].split("\n")
            }
            outside |= set(REGION.sub("", cell.source).splitlines())
    inside, outside = ({line.strip() for line in lines} for lines in (inside, outside))
    return {line for line in inside - outside if len(line) > 20}


def test_there_are_five_sets_and_the_contents_list_each():
    names = [path.stem for path in SOURCES]
    assert [name[:4] for name in names] == ["set1", "set2", "set3", "set4", "set5"]
    assert {f"book/assignments/{name}" for name in names} <= set(toc_files())


@each_set
def test_what_is_handed_out_is_cut_from_the_source(path):
    """Else: make assignments."""
    released = notebook.writes(notebook.release(notebook.read(path)))
    assert (ROOT / "book" / "assignments" / path.name).read_text("utf-8") == released


@each_set
def test_nothing_that_is_hidden_is_handed_out(path):
    source = notebook.read(path)
    secrets = hidden(source)
    assert len(secrets) > 50
    cells = notebook.release(source).cells
    text = "\n".join(cell.source for cell in cells) + str([cell.get("outputs") for cell in cells])
    assert "BEGIN SOLUTION" not in text
    assert "BEGIN HIDDEN" not in text
    assert secrets.isdisjoint(line.strip() for line in text.splitlines())


@each_set
def test_the_table_of_points_adds_up(path):
    source = notebook.read(path)
    given = sum(
        notebook.points(cell)
        for cell in source.cells
        if cell.metadata.get("nbgrader", {}).get("grade")
    )
    (stated,) = re.findall(
        r"\*\*(?:all|together)\*\*.*?\*\*(\d+)\*\*", source.cells[0].source, re.I
    )
    assert int(stated) == given
    assert 20 <= given <= 25


@each_set
def test_a_set_states_what_it_asks_for(path):
    first, *rest = notebook.read(path).cells
    for word in ("you can", "minutes", "may use", "run", "hand in", "points"):
        assert word.lower() in first.source.lower(), word
    written = [cell for cell in rest if notebook.kind(cell) == "written"]
    assert written
    assert sum("rubric" in cell.source.lower() for cell in rest) >= len(written)


@each_set
@pytest.mark.skipif(not sandbox.available(), reason="bubblewrap does not work here")
def test_the_solution_earns_everything_and_the_stub_nothing(path):
    result = grading.check(notebook.read(path), seeds=3)
    assert result.scores == result.points


class Replayed(sandbox.Sandbox):
    """Answers each call with what the call of that number got under another secret."""

    tape, recording = None, True

    def go(self, place):
        self.number = 0
        super().go(place)

    def _function(self, name):
        asked = super()._function(name)

        def function(*args, **kwargs):
            key = self._place, self.number
            self.number += 1
            if self.recording:
                try:
                    self.tape[key] = asked(*args, **kwargs), None
                except sandbox.StudentError as error:
                    self.tape[key] = None, error
            value, error = self.tape.get(key, (None, None))
            if error:
                raise error
            return value

        function.__name__ = name
        return function


@each_set
@pytest.mark.skipif(not sandbox.available(), reason="bubblewrap does not work here")
def test_answers_given_under_another_secret_earn_nothing_in_a_hidden_test(path, monkeypatch):
    source = notebook.read(path)
    hides = {notebook.grade_id(c) for c in source.cells if "hidden_rng()" in c.source}
    monkeypatch.setattr(grading, "Sandbox", Replayed)
    monkeypatch.setattr(grading, "apart", lambda work: work(apart.Reporter()))
    passed, solved = set(), notebook.solved(source)
    for secret in ("one", "another", "a third"):
        monkeypatch.setattr(Replayed, "recording", secret == "one")
        if Replayed.recording:
            monkeypatch.setattr(Replayed, "tape", {})
        result = grading.grade(source, solved, student="ada", secret=secret)
        if Replayed.recording:
            assert not any(result.messages.values())
            places = {place for place, _ in Replayed.tape}
            called = _called(source, places)
        else:
            passed |= {name for name, text in result.messages.items() if not text}
    assert called
    assert passed.isdisjoint(called & hides)


def _called(source, places):
    """The tests at those places of the notebook, that is those which call a function."""
    cells = [cell for cell in source.cells if cell.cell_type == "code"]
    return {notebook.grade_id(cells[place]) for place in places}
