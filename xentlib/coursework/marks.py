"""What a teacher writes into grades.csv, found again in the next run.

Points of written answers stand in columns that are empty at first. Points of a test, and the status
REVIEW, can be changed in their own cells: what differs there from what the last run wrote is the
teacher's, and stays. The last run's table is kept in ``OUT/.table.json``.
"""

import hashlib
import json
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path

from xentlib.coursework.reports import as_text, cell_text, column, is_number, write
from xentlib.coursework.submissions import read_csv

EPSILON = 1e-6  # a spreadsheet may round


@dataclass
class Marks:
    """A teacher's word on one student; the dictionaries have the id of a question as key."""

    written: dict[str, str] = field(default_factory=dict)  # points, as text
    tests: dict[str, float] = field(default_factory=dict)  # points in place of the program's
    file: str = ""  # the digest of the file that `tests` are about
    answers: dict[str, str] = field(default_factory=dict)  # digests of the answers so marked
    earlier: dict[str, str] = field(default_factory=dict)  # points of answers that have changed
    seen: str = ""  # the digest of the notes that someone has settled

    @property
    def given(self):
        return self.written or self.tests or self.earlier


def read(out, asked, title=""):
    """``{student: Marks}``, the students as they are written in grades.csv.

    Raises ValueError if points are not a number between 0 and the question's, or if there are
    points for a question that is not asked, or not with those points, or if `out` holds the
    grades of another set.
    """
    path = Path(out) / "grades.csv"
    if not path.exists():
        return {}
    (before, last), found = _last(out), {}
    if before not in ("", title):
        raise ValueError(f"{out} holds the grades of {before!r}; name another OUT for {title!r}")
    for row in read_csv(path):
        _check_columns(path, row, asked)
        student = _whose(row["student"], last)
        if student in found:
            raise ValueError(f"{path}: two rows are called {student!r}; mend the names there")
        kept = last.get(student, {})
        found[student] = one = kept.get("marks", Marks())
        typed, one.written = one.written, {}
        for question in asked:
            text, name = (row.get(column(question)) or "").strip(), question.id
            if question.written:
                if text:
                    one.written[name] = _points(path, row, question, text)
                if one.written.get(name) != typed.get(name):  # marked anew, as it was shown
                    one.answers[name] = kept.get("answers", {}).get(name)
            elif text and kept and not _as_written(text, name, kept):
                one.tests[name] = float(_points(path, row, question, text))
                one.file = kept["file"]
            elif not text and kept and not kept["waiting"]:
                one.tests.pop(name, None)
        one.tests = {q.id: one.tests[q.id] for q in asked if q.id in one.tests and not q.written}
        status = (row.get("status") or "").strip()
        if kept.get("status") == "REVIEW" and status.casefold() == "ok":
            one.seen = kept["notes"]
        elif kept.get("status") == "ok" and status == "REVIEW":
            one.seen = ""
    return found


def _as_written(text, name, kept):
    """Whether the cell of a test holds what the program wrote there."""
    scores = [kept[key].get(name) for key in ("scores", "before")]
    text = text.replace(",", ".")
    return is_number(text) and not all(_differ(text, score) for score in scores)


def _whose(text, names):
    """The student, of these, who is called so, but for zeros that a spreadsheet dropped."""
    if text in names or not text.isdecimal():
        return text
    same = [name for name in names if name.isdecimal() and int(name) == int(text)]
    return same[0] if len(same) == 1 else text


def _differ(points, before):
    return before is None or abs(float(points) - before) > EPSILON


def _check_columns(path, row, asked):
    columns = {column(question) for question in asked}
    if "student" not in row:
        raise ValueError(f"{path}: no column `student`; name another OUT, or move the file away")
    for name, text in row.items():
        if re.fullmatch(r".+ \(of [\d.]+\)", name or "") and name not in columns and text:
            raise ValueError(
                f"{path} has points in the column {name!r}, but the set does not ask that, or not "
                "for so many points; rename or empty the column, or name another OUT"
            )


def _points(path, row, question, text):
    """The points in a cell, with a point and no comma."""
    points = text.replace(",", ".")
    if not is_number(points) or float(points) > question.points:
        raise ValueError(
            f"{path}: {row.get('student')} has {text!r} in column {column(question)}: "
            f"write a number from 0 to {as_text(question.points)}, or nothing"
        )
    return as_text(float(points))


def apply(row, one):
    """Give a row of the reports what the teacher said of the student."""
    if row.waiting or row.status in ("UNREADABLE", "MISSING"):  # there are no answers to compare
        row.marks = dict(one.written)
        if not row.waiting:
            row.marks |= {name: as_text(points) for name, points in one.tests.items()}
        return
    for name in list(one.written):
        answer = _digest(row.written.get(name, ""))
        one.answers[name] = one.answers.get(name) or answer
        if one.answers[name] == answer:
            one.earlier.pop(name, None)
        else:  # the student has handed in another one since
            one.earlier[name] = one.written.pop(name)
            del one.answers[name]
    row.marks = dict(one.written)
    row.notes = row.notes + [
        f"{name}: {points} points for an earlier answer; mark the new one"
        for name, points in one.earlier.items()
    ]
    if row.scores is None:  # it could not be graded
        row.marks |= {name: as_text(points) for name, points in one.tests.items()}
        return
    one.tests = {
        n: x for n, x in one.tests.items() if n in row.scores and _differ(x, row.scores[n])
    }
    row.scores, row.by_hand = {**row.scores, **one.tests}, set(one.tests)
    if row.by_hand and one.file != row.digest:
        which = ", ".join(sorted(row.by_hand))
        row.notes = [*row.notes, f"{which}: your points, given for an earlier file, stand"]
    settled = not row.notes or one.seen == _digest("\n".join(row.notes))
    row.status = "ok" if settled else "REVIEW"


def keep(out, title, rows, marks, before, *, done):
    """Write down what the tables of this run say, `before` being what those of the last one said.

    Until it is `done`, either may stand in grades.csv.
    """
    students = {}
    for row in rows:
        student = cell_text(row.student)
        students[student] = {
            "status": row.status,
            "waiting": row.waiting,
            "scores": row.scores or {},
            "before": {} if done else before.get(student, {}).get("scores", {}),
            "answers": _shown(row, before.get(student, {})),
            "notes": _digest("\n".join(row.notes)),
            "file": row.digest,
            "marks": asdict(marks.get(student, Marks())),
        }
    write(Path(out) / ".table.json", json.dumps({"set": title, "students": students}))


def _shown(row, before):
    """The digests of the answers that a teacher can read when the run is over."""
    if row.scores is None:
        return before.get("answers", {})
    return {name: _digest(text) for name, text in row.written.items()}


def last(out):
    """What the table of the last run said of each student."""
    return _last(out)[1]


def _last(out):
    """The set of the last run, and what its table said of each student."""
    try:
        record = json.loads((Path(out) / ".table.json").read_text("utf-8"))
        students = record["students"].items()
        return record["set"], {s: {**kept, "marks": Marks(**kept["marks"])} for s, kept in students}
    except (OSError, ValueError, AttributeError, KeyError, TypeError):
        return "", {}


def _digest(text):
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
