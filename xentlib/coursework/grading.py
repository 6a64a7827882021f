"""Grading one submission: the student's code in the sandbox, the tests here.

A test sees the student's functions as proxies and the student's values as plain data, both under
the names of the answer cells. Everything else it uses is the source's own.
"""

import ctypes
import functools
import threading
import time
import unicodedata
import warnings
from dataclasses import dataclass, field

from xentlib.coursework import notebook as nb
from xentlib.coursework.personal import graded_as, hidden_seed, normalised
from xentlib.coursework.sandbox import Died, Limits, Sandbox, StudentError

MAX_MESSAGE = 1500  # characters
SLOW = "The test took more than"
ELSEWHERE = ImportError, EOFError


@dataclass
class Result:
    """What one submission earned; the dictionaries have the grade_id of a cell as key."""

    student: str
    status: str = "ok"  # or "REVIEW": graded, but someone should look
    scores: dict = field(default_factory=dict)
    points: dict = field(default_factory=dict)
    messages: dict = field(default_factory=dict)  # "" where the test passed
    manual: dict = field(default_factory=dict)  # points of the written answers
    written: dict = field(default_factory=dict)
    notes: list = field(default_factory=list)  # why REVIEW
    other_id: str = ""  # the STUDENT_ID of the notebook, if it is not this student's


def grade(source, submission, *, student, secret="", limits=None, unsafe=False, seed=None):
    """Grade one submission; both are notebooks as `notebook.read` returns them.

    `secret` and `student` seed the hidden tests, unless `seed` is given. Without bubblewrap this
    raises RuntimeError, unless `unsafe`.
    """
    limits = limits or Limits()
    seed = hidden_seed(secret, student) if seed is None else seed
    answered, notes = nb.transplant(source, submission)
    result = Result(student, notes=notes)
    asked = _asked(source)
    cells = [
        (name, asked[name]) if name in asked else (name or f"[{number}]", cell.source)
        for number, cell in enumerate(_stubs_first(source, answered, asked), 1)
        if cell.cell_type == "code"
        for name in [nb.grade_id(cell)]
    ]
    with graded_as(student, seed), Sandbox(cells, student, limits, unsafe) as sandbox:
        answers = _Answers(source, sandbox)
        namespace = {"__name__": "__main__", "STUDENT_ID": student, "print": _silent}
        for cell in source.cells:
            kind, name = nb.kind(cell), nb.grade_id(cell)
            if kind == "setup":
                _run(cell, namespace)
            elif kind == "test":
                values, missing = answers.at(name, asked[name])
                message = _test(cell, {**namespace, **values}, sandbox, limits, missing)
                if message.startswith(SLOW):
                    notes.append(f"{name}: {message}")
                result.points[name] = nb.points(cell)
                result.scores[name] = 0 if message else nb.points(cell)
                result.messages[name] = message
            elif kind == "written":
                result.manual[name] = nb.points(cell)
        result.other_id = _other_id(source, sandbox, student)
        notes += [_clean(note) for note in sandbox.notes]
        for cell in source.cells:
            name, what = nb.grade_id(cell), nb.kind(cell)
            error = sandbox.errors.get(name)
            # what runs at the student's may lack a package here, or wait for somebody who types
            if error and (what == "setup" or (what == "answer" and isinstance(error, ELSEWHERE))):
                notes.append(_clean(f"{name}: this {what} cell raised {_named(error)}"))
    for cell in answered.cells:
        if nb.kind(cell) == "written":
            result.written[nb.grade_id(cell)] = cell.source
    result.status = "REVIEW" if notes else "ok"
    return result


def _other_id(source, sandbox, student):
    """The ID that the student wrote, where data depend on it and it is somebody else's."""
    if not any("student_rng" in nb.used(c.source) for c in source.cells if nb.kind(c) == "setup"):
        return ""
    try:
        written = sandbox.get("STUDENT_ID")
    except StudentError:
        return ""
    same = not isinstance(written, str) or normalised(written) in ("", normalised(student))
    return "" if same else _clean(written[:100])


def _asked(source):
    """The names of answers that each test uses."""
    answers = {n for c in source.cells if nb.kind(c) == "answer" for n in nb.defined(c.source)}
    tests = [cell for cell in source.cells if nb.kind(cell) == "test"]
    return {nb.grade_id(c): nb.used(c.source) & answers - {"STUDENT_ID"} for c in tests}


def _stubs_first(source, answered, asked):
    """The cells, with the stub of an answer in front of what it would undo in another cell."""
    released = {nb.released(cell) for cell in source.cells if nb.kind(cell) == "answer"}
    tested = frozenset().union(*asked.values())
    bound = [(c, nb.binds(c) & tested) for c in answered.cells if nb.kind(c) in ("answer", "text")]
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


class _Answers:
    """The student's values and functions that the tests ask for, and why others are missing."""

    def __init__(self, source, sandbox):
        self.sandbox = sandbox
        self.cells = {}  # of each name
        for cell in source.cells:
            if nb.kind(cell) == "answer":
                self.cells.update(dict.fromkeys(nb.defined(cell.source), nb.grade_id(cell)))

    def at(self, test, names):
        """``(values, missing)`` for a test; `missing` says why, with None for no reason."""
        values, missing = {}, {}
        for name in sorted(names):
            try:
                values[name] = self.sandbox.get(name, test)
            except StudentError as why:
                error = self.sandbox.errors.get(self.cells[name])
                missing[name] = error or (None if isinstance(why, KeyError) else why)
        return values, missing


def _test(cell, namespace, sandbox, limits, missing):
    """Run a test; "" if it passes, else what to tell the student."""
    try:
        with _Alarm(limits.test, sandbox):
            _run(cell, namespace)
        return ""
    except _TooLong:
        return f"{SLOW} {limits.test:g} s with these answers."
    except NameError as error:
        if isinstance(error, StudentError) or error.name not in missing:
            return _message(error)
        why = missing[error.name]
        return _clean(
            f"`{error.name}` is not there: its cell raised {_named(why)}"
            if why
            else f"`{error.name}` is not defined; was its cell deleted, or the name changed?"
        )
    except Exception as error:
        return _message(error)


def _run(cell, namespace):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(_compiled(cell.source, nb.grade_id(cell)), namespace)


@functools.lru_cache(1000)
def _compiled(source, name):
    return compile(source, f"<{name}>", "exec")


def _message(error):
    if isinstance(error, Died):
        return _clean(f"Your code: {error}")
    if isinstance(error, StudentError):
        return _clean(f"Your code raised {_named(error)}")
    if isinstance(error, AssertionError):
        return _clean(str(error)) or "The answer is not right."
    return _clean(f"The answer cannot be used: {_named(error)}")


def _named(error):
    """Type and text of an exception."""
    try:
        text = str(error)
    except Exception:
        text = ""
    if type(error) in (Died, StudentError):  # the text has it all
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _clean(text):
    """At most MAX_MESSAGE characters, none of them a control character or half of one."""
    text = text[: MAX_MESSAGE + 1]
    text = "".join(c if c == "\n" or unicodedata.category(c)[0] != "C" else "\ufffd" for c in text)
    return text if len(text) <= MAX_MESSAGE else text[: MAX_MESSAGE - 1] + "…"


def _silent(*args, **kwargs):
    """Stands for print in tests."""


class _TooLong(BaseException):
    """No Exception, so that a test cannot catch it."""


class _Alarm:
    """Ends a test that takes too long, not counting the time it waits for the student's process.

    An exception set from another thread works in every thread, as a signal does not; like a signal
    it waits for the end of a single long operation.
    """

    def __init__(self, seconds, sandbox):
        self.seconds, self.sandbox = seconds, sandbox
        self.thread, self.lock = threading.get_ident(), threading.Lock()

    def __enter__(self):
        self.end = time.monotonic() + self.seconds - self.sandbox.waited
        self._arm(self.seconds)

    def _arm(self, seconds):
        self.timer = threading.Timer(seconds, self._ring)
        self.timer.daemon = True
        self.timer.start()

    def _ring(self):
        with self.lock:
            left = self.end + self.sandbox.waited - time.monotonic()
            if self.timer is None:
                return
            if left > 0 or self.sandbox.waiting:
                self._arm(max(left, 0.05))
            else:
                exception = ctypes.py_object(_TooLong)
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self.thread), exception)

    def __exit__(self, *exception):
        with self.lock:
            self.timer.cancel()
            self.timer = None


def check(source, seeds=20, *, unsafe=False):
    """Raise ValueError unless the solution earns full marks, and the released version nothing.

    Returns the grade of the solution. The solution is graded under that many seeds. The released
    version must fail in its tests only, and only because something is not yet written.
    """
    solved = nb.solved(source)
    for seed in range(seeds):
        result = grade(source, solved, student=f"student-{seed}", seed=seed, unsafe=unsafe)
        failed = [f"{name}: {text}" for name, text in result.messages.items() if text]
        if failed:
            raise ValueError(f"the solution fails under seed {seed}: " + "; ".join(failed))
    stub = grade(source, nb.release(source), student="student", seed=0, unsafe=unsafe)
    for name, text in stub.messages.items():
        if not text:
            raise ValueError(f"{name}: the released version passes without an answer")
        if "NotImplementedError" not in text and "is not defined" not in text:
            raise ValueError(f"{name}: the released version fails for another reason: {text}")
    if stub.notes:
        raise ValueError("the released version: " + "; ".join(stub.notes))
    return result
