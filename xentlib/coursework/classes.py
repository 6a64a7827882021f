"""Grading and collecting a whole class: in parallel, resumable, and without losing anyone."""

import functools
import hashlib
import importlib.metadata
import json
import os
import platform
import secrets
import sys
from collections import Counter
from contextlib import closing, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

import joblib
from tqdm import tqdm

import xentlib
from xentlib.coursework import (
    bubblewrap,
    choosing,
    grading,
    marks,
    notebook,
    reports,
    sandbox,
    transplant,
)
from xentlib.coursework.choosing import Assignment, choose
from xentlib.coursework.cluster import cluster
from xentlib.coursework.files import File, Unusable
from xentlib.coursework.roster import Submission
from xentlib.coursework.rows import Row, questions
from xentlib.coursework.safe import cell_text, file_names, line, listing, write
from xentlib.coursework.submissions import find


def grade(
    source, submissions, out, *, jobs=None, secret_file=None, client=None, roster=None, unsafe=False
):
    """Grade all of `submissions` and write the reports into `out`.

    Returns True if everyone was graded, False if Ctrl-C came first. What is graded is kept in
    ``out/.results``, a file a student, so the same command later does only the rest.

    Raises ValueError if something is wrong with an argument, before anything is graded.
    """
    if jobs is not None and jobs < 1:
        raise ValueError(f"jobs must be 1 or more, got {jobs}")
    source, out = Path(source), Path(out)
    title, assignment = source.stem, _source(source)
    asked = questions(assignment)
    _apart(submissions, out)
    if secret_file and Path(submissions).resolve() in Path(secret_file).resolve().parents:
        raise ValueError(f"the secret ({secret_file}) must not lie in SUBMISSIONS ({submissions})")
    if not unsafe:
        _out_of_sight(source, submissions, out, secret_file, roster)
    with cluster(client, unsafe) as backend:
        words = []
        said = marks.read(out, asked, title, words)
        people = find(submissions, roster, earlier=marks.earlier(out), words=words)
        people += _left(out, said, people)
        if not secret_file and not (out / ".secret").exists() and (out / ".results").exists():
            raise ValueError(
                f"{out} was graded with a secret of yours: give --secret-file as before"
            )
        for word in words:
            print(line(word))
        secret = _secret(secret_file or out / ".secret")
        if not unsafe and client is None:
            print(f"Sandbox: {sandbox.confinement()}", file=sys.stderr)
        settings = [source.read_bytes(), secret, str(unsafe), _version()]
        wanted = Assignment(assignment)
        pairs = [
            _prepare(one, wanted, settings, said.get(cell_text(one.student), marks.Marks()))
            for one in people
        ]
        common = choosing.earlier(row.locked for row, _ in pairs)
        rows = [row for row, _ in pairs]
        for row in rows:
            row.common = common
            if row.status == "MISSING":
                _restore(row, out, asked)
        todo = [task for _, task in pairs if task and not _is_known(task, out)]
        text = notebook.writes(assignment).encode()
        complete = _run(
            todo, settings, text, secret, out=out, jobs=jobs, client=backend, unsafe=unsafe
        )
    said = marks.read(out, asked, title)  # again: someone may have typed meanwhile
    for row in rows:
        marks.apply(row, said.setdefault(cell_text(row.student), marks.Marks()))
    before = marks.last(out)
    marks.keep(out, title, rows, said, before, done=False)
    reports.write_all(out, rows, assignment, title, secret)
    marks.keep(out, title, rows, said, before, done=True)
    _say(out, rows, asked, complete)
    return complete


def collect(source, submissions, out, *, roster=None):
    """Move the answers into fresh notebooks, laid out as nbgrader's ``submitted`` folder.

    Returns the students that have none, each with the reasons, those whose notebook someone
    should look at, each with the notes, and what else is to be said.
    """
    source, out = Path(source), Path(out)
    title, assignment = source.stem, _source(source)
    _apart(submissions, out)
    wanted, left, look, words = Assignment(assignment), {}, {}, []
    people = find(submissions, roster, words=words)
    names = file_names([one.student for one in people])
    ready, texts = [], {}
    for one in people:
        file, data, notes = _choose(one, wanted)
        if file is None:
            left[one.student] = notes or ["nothing was handed in"]
            continue
        submission = _notebook(data)
        fresh, found = transplant.transplant(assignment, submission)
        texts[one.student] = wanted.locked(submission)
        ready.append((one.student, notes, found))
        place = out / "submitted" / names[one.student] / title
        write(place / f"{title}.ipynb", notebook.writes(fresh))
    common = choosing.earlier(texts.values())
    for student, notes, found in ready:
        if notes := notes + choosing.explained(found, texts[student], common):
            look[student] = notes
    return left, look, words


def _say(out, rows, asked, complete):
    """What was done, and what is left for a person."""
    later = "not graded yet"
    count = Counter(later if row.waiting else row.status for row in rows)
    order = "ok", "REVIEW", "UNREADABLE", "MISSING", later
    parts = [f"{count[status]} {status}" for status in order if count[status]]
    print(f"{out / 'grades.csv'}: {len(rows)} students: {', '.join(parts) or 'none'}")
    open_marks = sum(q.id not in row.marks for row in rows for q in asked if row.written.get(q.id))
    if open_marks:
        print(
            f"{open_marks} written answers have no points yet: read {out / 'written.html'}, type "
            "the points into grades.csv, and run the same command again."
        )
    others = [row.student for row in rows if row.other_id and any(row.messages.values())]
    if others:
        print(
            f"{len(others)} wrote another ID into the notebook than they are graded by, and failed "
            f"a test (their feedback says so): {line(listing(others, 5))}"
        )
    if not complete:
        print("Stopped. Run the same command again for the rest.")


# --- Before ---------------------------------------------------------------------------------------


def _left(out, said, people):
    """Those who have points of a teacher and are not there any more: they keep their rows."""
    names, left = {cell_text(one.student) for one in people}, []
    known = marks.last(out)
    for name in sorted(said.keys() - names):
        if not said[name].given:
            continue
        if name not in known:
            raise ValueError(
                f"{out / 'grades.csv'} has points for {name!r}, who is neither in the submissions "
                f"nor on the roster; {marks.MEND}"
            )
        kept = known[name]
        why = "has points in grades.csv, and is neither in the submissions nor on the roster now"
        one = Submission(kept.get("student", name), name, notes=[why])
        one.lms = dict(zip(("kind", "id"), kept.get("lms", ()), strict=False))
        one.drawn_by = kept.get("identity", "")
        left.append(one)
    return left


def _source(path):
    try:
        source = notebook.read(path.resolve())
        notebook.check_source(source)
        return source
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _apart(submissions, out):
    inside, outside = Path(out).resolve(), Path(submissions).resolve()
    if inside == outside or outside in inside.parents:
        raise ValueError(f"OUT ({out}) must not lie in SUBMISSIONS ({submissions})")


def _out_of_sight(*paths):
    for path in filter(None, paths):
        if place := bubblewrap.in_sight(path):
            raise ValueError(
                f"{path} lies in {place}, which the students' code can read, as Python needs it; "
                "move it elsewhere, say into your home directory"
            )


def _notebook(data):
    """The notebook in the bytes of a file, which may come from anyone."""
    return notebook.parse(notebook.decoded(data))


_seen = functools.lru_cache(maxsize=1)(_notebook)  # to look at only


def _choose(one, wanted, wish=""):
    def share(data):
        return wanted.share(_seen(data))

    def answered(data):
        return wanted.answered(_seen(data))

    return choose(one, share, answered, wish)


def _secret(path):
    """The text of a secret file; a new one that only its owner can read if there is none."""
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        text = path.read_text("utf-8").strip() if path.is_file() else ""
        if not text:
            raise ValueError(f"{path} is empty or no file: a secret is one line of text") from None
        return text
    except OSError as error:
        raise ValueError(f"{path}: no secret can be kept there: {error.strerror}") from None
    text = secrets.token_hex(32)
    with open(handle, "w", encoding="utf-8") as file:
        file.write(text + "\n")
    print(f"New secret in {path}: keep it, or the next run grades everyone again.", file=sys.stderr)
    return text


@functools.cache
def _version():
    """Changes with all that a score may depend on: this package, the others, and Python."""
    packages = sorted((str(d.name), str(d.version)) for d in importlib.metadata.distributions())
    digest = hashlib.sha256(f"{packages} {platform.python_version()}".encode())
    package = Path(xentlib.__file__).parent
    for file in sorted(package.rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _digest(*parts):
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()


# --- One student ----------------------------------------------------------------------------------


@dataclass
class Task:
    """One student's notebook to grade, and the row that the result fills."""

    row: Row
    file: File
    notes: list[str]
    digest: str  # of all that the result depends on


def _prepare(one, wanted, settings, said):
    """The student's row before grading, and the task if there is something to grade."""
    file, data, notes = _choose(one, wanted, said.chosen)
    if file is None:
        tried = one.files or one.problems or one.hidden
        return Row(one, "UNREADABLE" if tried else "MISSING", notes=notes), None
    later = [*notes, "not graded yet: run the same command again"]
    row = Row(one, "REVIEW", file.path, later, digest=_digest(data), waiting=True)
    row.locked = wanted.locked(_seen(data))
    return row, Task(row, file, notes, _digest(data, one.identity, *settings))


def _place(out, student):
    return Path(out) / ".results" / f"{_digest(student)[:32]}.json"


def _is_known(task, out):
    """Fill the row from the result of an earlier run, if there is one of the very same thing."""
    try:
        kept = json.loads(_place(out, task.row.student).read_text("utf-8"))
        if kept["digest"] != task.digest:
            return False
        _fill(task, kept["result"])
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return True


def _restore(row, out, asked):
    """Fill the row of a student who handed in before, and whose file is not there this time."""
    try:
        kept = json.loads(_place(out, row.student).read_text("utf-8"))
        row.file, row.digest = kept["file"], kept["data"]
        why = [*row.notes, "graded before, and not in SUBMISSIONS now"]
        result, tests = kept["result"], {q.id for q in asked if not q.written}
        if set(result["scores"]) != tests:
            why.append("by another version of the set")
        result["scores"] = {name: x for name, x in result["scores"].items() if name in tests}
        _fill(Task(row, None, why, ""), result)
    except (OSError, ValueError, KeyError, TypeError):
        return


def _keep(task, out, result):
    if "error" in result:
        task.row.notes = [*task.notes, f"could not be graded: {result['error']}"]
        task.row.waiting = False
        return
    _fill(task, result)
    kept = {"digest": task.digest, "student": task.row.student, "result": result}
    text = json.dumps({**kept, "file": task.row.file, "data": task.row.digest})
    write(_place(out, task.row.student), text)


def _fill(task, result):
    row = task.row
    row.scores, row.messages = result["scores"], result["messages"]
    row.other_id, row.waiting = result["other_id"], False
    row.written = {
        name: text
        for name, text in result["written"].items()
        if text.strip() not in ("", notebook.TEXT_STUB)
    }
    row.notes = task.notes + choosing.explained(result["notes"], row.locked, row.common)
    unsaid = result["status"] != "ok" and not result["notes"]
    row.status = "REVIEW" if row.notes or unsaid else "ok"


@functools.lru_cache(maxsize=2)
def _parsed(source):
    return _notebook(source)


def grade_one(number, source, data, student, secret, unsafe):
    """``(number, result)`` of one submission; the result is a dict. Runs in any process."""
    try:
        submission = _notebook(data)
        result = grading.grade(
            _parsed(source), submission, student=student, secret=secret, unsafe=unsafe
        )
        return number, asdict(result)
    except Exception as error:  # of the grader, not of the student: the others go on
        return number, {"error": f"{type(error).__name__}: {error}"[:500]}


# --- All of them ----------------------------------------------------------------------------------


def _run(tasks, settings, source, secret, *, out, jobs, client, unsafe):
    """Grade, keeping each result as it comes. Returns False after Ctrl-C."""
    waiting = dict(enumerate(tasks))

    def calls(numbers):
        for number in numbers:
            task = tasks[number]
            try:
                data = task.file.read()
                task.digest = _digest(data, task.row.submission.identity, *settings)
            except Unusable:  # it was there a moment ago
                data = b""
            who = task.row.submission.identity
            yield joblib.delayed(grade_one)(number, source, data, who, secret, unsafe)

    def work(numbers, jobs):
        parallel = joblib.Parallel(
            n_jobs=jobs, batch_size=1, return_as="generator_unordered", pre_dispatch="2*n_jobs"
        )
        with closing(parallel(calls(numbers))) as results:
            for number, result in results:
                _keep(waiting[number], out, result)
                del waiting[number]
                bar.update()

    config = joblib.parallel_config("dask", client=client) if client else nullcontext()
    with config, tqdm(total=len(tasks), unit="notebook", disable=None) as bar:
        try:
            try:
                work(list(waiting), jobs or joblib.cpu_count())
            except Exception:  # a grading process was killed, and its neighbours with it
                for number in list(waiting):
                    try:
                        work([number], 2)
                    except Exception as error:
                        _keep(waiting.pop(number), out, {"error": type(error).__name__})
        except KeyboardInterrupt:
            return False
    return True
