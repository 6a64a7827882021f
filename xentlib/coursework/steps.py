"""In which order a submission is run, and where its tests stand."""

from dataclasses import dataclass, field

from xentlib.coursework import notebook as nb
from xentlib.coursework.transplant import binds


@dataclass
class Step:
    """A cell that the student's process runs; before a test's, the test itself is run outside."""

    name: str
    source: str
    test: bool = False
    names: frozenset = frozenset()  # of answers, that the test uses
    unanswered: bool = False  # an answer that it uses may stand further down
    answers: list = field(default_factory=list)  # tests above that this cell may answer


def plan(source, answered, deleted=()):
    """The steps of a notebook that `transplant` has made; `deleted` are tests that were missing."""
    asked = _asked(source)
    cells = [c for c in _stubs_first(source, answered, asked) if c.cell_type == "code"]
    stubs = {nb.grade_id(c): nb.released(c) for c in source.cells if nb.kind(c) == "answer"}
    open_ = set()  # names whose answer is still the stub
    for cell in source.cells:
        given = [c for c in cells if nb.kind(c) == "answer" and nb.grade_id(c) == nb.grade_id(cell)]
        if nb.kind(cell) == "answer" and all(c.source in stubs.values() for c in given):
            open_.update(nb.defined(cell.source))
    steps, tests = [], []
    for number, cell in enumerate(cells, 1):
        name = nb.grade_id(cell)
        step = Step(name or f"[{number}]", cell.source)
        steps.append(step)
        if name in asked:
            step.test, step.names = True, asked[name]
            step.unanswered = bool(step.names & open_)
            tests.append(step)
        elif nb.kind(cell) != "setup" and cell.source not in stubs.values():
            bound = binds(cell)
            step.answers = [test.name for test in tests if test.names & bound]
    cells = {
        n: nb.grade_id(c)
        for c in source.cells
        if nb.kind(c) == "answer"
        for n in nb.defined(c.source)
    }
    for test in [test for test in tests if test.name in deleted]:
        _raise(test, steps, {cells[name] for name in test.names})
    return steps


def _raise(test, steps, answers):
    """Have a test that was deleted stand behind its answers; and again where it is now."""
    place = steps.index(test)
    first = max((i + 1 for i in range(place) if steps[i].name in answers), default=place)
    if first < place:
        steps[place - 1].answers.append(test.name)
        test.unanswered = True
        steps.insert(first, steps.pop(place))


def _asked(source):
    """The names of answers that each test uses."""
    answers = {n for c in source.cells if nb.kind(c) == "answer" for n in nb.defined(c.source)}
    tests = [cell for cell in source.cells if nb.kind(cell) == "test"]
    return {nb.grade_id(c): nb.used(c.source) & answers - {"STUDENT_ID"} for c in tests}


def _stubs_first(source, answered, asked):
    """The cells, with the stub of an answer in front of what it would undo in another cell."""
    released = {nb.released(cell) for cell in source.cells if nb.kind(cell) == "answer"}
    tested = frozenset().union(*asked.values())
    bound = [(c, binds(c) & tested) for c in answered.cells if nb.kind(c) in ("answer", "text")]
    cells = list(answered.cells)
    for stub, names in bound:
        if names and nb.kind(stub) == "answer" and stub.source in released:
            others = [c for c, more in bound if c is not stub and names & more]
            place = min((_place(cells, c) for c in others), default=len(cells))
            if place < _place(cells, stub):
                del cells[_place(cells, stub)]
                cells.insert(place, stub)
    return cells


def _place(cells, cell):
    return next(i for i, other in enumerate(cells) if other is cell)
