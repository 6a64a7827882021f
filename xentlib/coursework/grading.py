"""Grading one submission: the student's code in the sandbox, the tests here, each at its place.

A test sees the student's functions as proxies and the student's values as plain data, both under
the names of the answer cells, as they are where it stands. Everything else it uses is the source's
own. What students see of a test that passed is then run by the student's process, too, so that the
cells below find the names that it sets.

What may be touched: what is told. What is the wall: tests use no other object of a student's than
what `sandbox.Sandbox.get` returns, and no code of a student is parsed or run here.
"""

import ast
import contextlib
import functools
import importlib
import sys
import unicodedata
import warnings
from dataclasses import dataclass, field

from xentlib.coursework import notebook as nb
from xentlib.coursework.apart import apart
from xentlib.coursework.bounds import Alarm, TooLong
from xentlib.coursework.personal import graded_as, hidden_seed, normalised
from xentlib.coursework.sandbox import Died, Limits, Sandbox, StudentError, prepare
from xentlib.coursework.steps import plan
from xentlib.coursework.transplant import transplant

MAX_MESSAGE = 1500  # characters
SLOW = "The test took more than"
ELSEWHERE = ImportError, EOFError
QUICK = 1  # seconds that a test may take the student's process, to be run there as well
NEWER = "SyntaxError", "ImportError", "ModuleNotFoundError", "AttributeError", "NameError"


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
    seed = hidden_seed(secret, student) if seed is None else seed
    prepare(unsafe)
    for cell in source.cells:
        if nb.kind(cell) in ("setup", "test"):
            _load(cell.source)
    work = functools.partial(_grade, source, submission, student, seed, limits or Limits(), unsafe)
    return apart(work)[0]


@functools.lru_cache(1000)
def _load(text):
    """Load what trusted code imports, so that no child need do it again."""
    for node in ast.walk(ast.parse(text)):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module] if isinstance(node, ast.ImportFrom) and not node.level else []
        for name in names:
            with contextlib.suppress(Exception):  # a test will say so
                importlib.import_module(name)


def _grade(source, submission, student, seed, limits, unsafe, reporter):
    """The result, and the exceptions of the cells."""
    answered, notes = transplant(source, submission)
    result = Result(student, notes=notes)
    for cell in source.cells:
        if nb.kind(cell) == "test":
            result.points[nb.grade_id(cell)] = nb.points(cell)
        elif nb.kind(cell) == "written":
            result.manual[nb.grade_id(cell)] = nb.points(cell)
    deleted = [name for name in result.points if f"{name}: the cell is missing" in notes]
    steps = plan(source, answered, deleted)
    cells = [(step.name, step.source) for step in steps]
    with graded_as(student, seed), Sandbox(cells, student, limits, unsafe, place=0) as sandbox:
        _run_in_order(source, steps, sandbox, result, reporter)
        sandbox.go(len(steps))
        result.other_id = _other_id(source, sandbox, student)
        notes += [_clean(note) for note in sandbox.notes]
        notes += _odd(source, submission, sandbox, result)
    for cell in answered.cells:
        if nb.kind(cell) == "written":
            result.written[nb.grade_id(cell)] = cell.source
    result.status = "REVIEW" if notes else "ok"
    return result, {name: _named(error) for name, error in sandbox.errors.items()}


def _run_in_order(source, steps, sandbox, result, reporter):
    """Run setup cells and tests here as the student's process comes to their places."""
    namespace = {"__name__": "__main__", "STUDENT_ID": result.student, "print": _silent}
    setups = {nb.grade_id(c): c for c in source.cells if nb.kind(c) == "setup"}
    answers = _Answers(source, sandbox, reporter)
    failed = {}  # tests that may be asked again, with the names that they had
    for number, step in enumerate(steps):
        if step.name in setups:
            _run(setups[step.name], namespace)
        if step.test:
            name = step.name
            sandbox.go(number)
            begin = sandbox.waited
            message = answers.test(step, namespace)
            if message or sandbox.waited - begin > QUICK:
                sandbox.leave_out(number)
            if message.startswith(SLOW):
                result.notes.append(f"{name}: {message}")
            result.scores[name] = 0 if message else result.points[name]
            result.messages[name] = message
            if message:
                failed[name] = step, dict(namespace)
        for name in [name for name in step.answers if name in failed]:
            test, before = failed[name]
            sandbox.go(number + 1)
            if not answers.test(test, before):
                del failed[name]
                if test.unanswered:
                    result.scores[name], result.messages[name] = result.points[name], ""
                    result.notes.append(f"{name}: answered further down, below its test")
                else:
                    result.notes.append(
                        f"{name}: fails at its place, and would pass with what stands further down"
                    )


def _odd(source, submission, sandbox, result):
    """What else a teacher should look at."""
    lost = any(result.messages.values())
    kinds = {nb.grade_id(cell): nb.kind(cell) for cell in source.cells}
    for name in dict.fromkeys(sandbox.typed):
        if kinds.get(name) in ("answer", "setup") or (lost and kinds.get(name) != "test"):
            yield _clean(f"cell {name}: input() got an empty line")
    for name, what in kinds.items():
        error = sandbox.errors.get(name)
        # what runs at the student's may lack a package here, or wait for somebody who types
        if error and (what == "setup" or (what == "answer" and isinstance(error, ELSEWHERE))):
            yield _clean(f"{name}: this {what} cell raised {_named(error)}")
    version = _version(submission)
    if lost and version > sys.version_info[:2]:
        texts = [_named(error) for error in sandbox.errors.values()]
        texts += [text.removeprefix("Your code raised ") for text in result.messages.values()]
        if any(text.startswith(NEWER) for text in texts):
            here, there = (".".join(map(str, v)) for v in (sys.version_info[:2], version))
            yield (
                f"written with Python {there}, and something raised what it may not raise there: "
                f"grade it with that Python; this one is {here}"
            )


def _version(submission):
    """Of the Python that the notebook names, as two numbers."""
    info = submission.metadata.get("language_info")
    version = info.get("version") if isinstance(info, dict) else None
    words = version.split(".")[:2] if isinstance(version, str) else ()
    if len(words) < 2 or not all(word.isdecimal() and len(word) < 4 for word in words):
        return 0, 0
    return int(words[0]), int(words[1])


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


class _Answers:
    """The student's values and functions that the tests ask for, and why others are missing."""

    def __init__(self, source, sandbox, reporter):
        self.sandbox, self.reporter = sandbox, reporter
        self.tests = {nb.grade_id(c): c for c in source.cells if nb.kind(c) == "test"}
        self.cells = {}  # of each name
        for cell in source.cells:
            if nb.kind(cell) == "answer":
                self.cells.update(dict.fromkeys(nb.defined(cell.source), nb.grade_id(cell)))

    def at(self, names):
        """``(values, missing)`` where the process stands; `missing` says why, or None."""
        values, missing = {}, {}
        for name in sorted(names):
            try:
                values[name] = self.sandbox.get(name)
            except StudentError as why:
                error = self.sandbox.errors.get(self.cells[name])
                missing[name] = error or (None if isinstance(why, KeyError) else why)
        return values, missing

    def test(self, step, namespace):
        """Run a test; "" if it passes, else what to tell the student."""
        seconds = self.sandbox.limits.test
        if self.reporter.gives_up(step.name):
            return f"{SLOW} {seconds:g} s with these answers, or too much memory."
        self.reporter.begin(step.name, 2 * seconds + 1)
        try:
            return self._test(step, namespace, seconds)
        finally:
            self.reporter.end()

    def _test(self, step, namespace, seconds):
        values, missing = self.at(step.names)
        try:
            with Alarm(seconds, self.sandbox):
                _run(self.tests[step.name], {**namespace, **values})
            return ""
        except TooLong:
            return f"{SLOW} {seconds:g} s with these answers."
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
            raise ValueError(
                f"the solution fails under seed {seed}: " + "; ".join(failed) + "\n"
                "(A test sees what a function returns or raises. Arguments are copies: what it "
                "does to them, or prints, no test sees; let it return the result.)"
            )
    released = nb.release(source)
    stub, errors = apart(
        functools.partial(_grade, source, released, "student", 0, Limits(), unsafe)
    )
    for step in plan(source, released):
        text = stub.messages.get(step.name)
        if text == "":
            raise ValueError(f"{step.name}: the released version passes without an answer")
        cells = [
            nb.grade_id(c)
            for c in source.cells
            if nb.kind(c) == "answer" and step.names & set(nb.defined(c.source))
        ]
        unwritten = any("NotImplementedError" in errors.get(name, "") for name in cells)
        expected = "NotImplementedError" in text or "is not defined" in text if text else True
        if not unwritten and not expected:
            raise ValueError(
                f"{step.name}: the released version fails for another reason than an answer that "
                f"is not yet written: {text}"
            )
    if stub.notes:
        raise ValueError("the released version: " + "; ".join(stub.notes))
    return result
