"""What a teacher writes into grades.csv, found again in the next run.

Points of written answers stand in columns that are empty at first. Points of a test, the file to
grade and the status REVIEW can be changed in their own cells: what differs there from what the last
run wrote is the teacher's, and stays. The last run's table is kept in ``OUT/.table.json``: what is
not in grades.csv any more, a row, a column or all of it, is restored from there, and said.

What may be touched: which cells are read. What is the wall: no points are lost without a word; a
cell is emptied on purpose only in a row and a column that are there.
"""

import hashlib
import json
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path

from xentlib.coursework.roster import read_csv
from xentlib.coursework.rows import as_text, is_number
from xentlib.coursework.safe import cell_text, listing, write
from xentlib.coursework.tables import column

EPSILON = 1e-6  # a spreadsheet may round
MEND = (
    "mend the names there. (A spreadsheet makes 2.0E+11 of a long number, a date of 3-4: open the "
    "file with the column `student` as text.)"
)


@dataclass
class Marks:
    """A teacher's word on one student; the dictionaries have the id of a question as key."""

    written: dict[str, str] = field(default_factory=dict)  # points, as text
    tests: dict[str, float] = field(default_factory=dict)  # points in place of the program's
    file: str = ""  # the digest of the file that `tests` are about
    answers: dict[str, str] = field(default_factory=dict)  # digests of the answers so marked
    earlier: dict[str, str] = field(default_factory=dict)  # points of answers that have changed
    seen: str = ""  # the digest of the notes that someone has settled
    chosen: str = ""  # the path of the file that is to be graded

    @property
    def given(self):
        return self.written or self.tests or self.earlier


def read(out, asked, title="", words=None):
    """``{student: Marks}``, the students as they are written in grades.csv.

    What was restored, or taken back, is appended to `words`. Raises ValueError if points are not a
    number between 0 and the question's, or if there are points for a question that is not asked,
    or not with those points, or if `out` holds the grades of another set.
    """
    path, words = Path(out) / "grades.csv", [] if words is None else words
    (before, last), found, restored, emptied = _last(out), {}, [], []
    if before not in ("", title):
        raise ValueError(f"{out} holds the grades of {before!r}; name another OUT for {title!r}")
    rows = read_csv(path) if path.exists() else []
    for other in sorted(Path(out).glob("grades.[xo][ld][s]*")):
        if not path.exists() or other.stat().st_mtime > path.stat().st_mtime:
            words.append(f"{other} is not read: save the table as {path.name}, in CSV")
    present = {(row.get("student") or "").strip() for row in rows}
    for row in rows:
        _check_columns(path, row, asked)
        student = _whose(row, last, present)
        if not student:
            if any((row.get(column(q)) or "").strip() for q in asked if q.written):
                raise ValueError(f"{path}: a row without a student has points; {MEND}")
            continue
        if student in found:
            raise ValueError(f"{path}: two rows are called {student!r}; {MEND}")
        kept = last.get(student, {})
        found[student] = one = kept.get("marks", Marks())
        typed, one.written = one.written, {}
        for question in asked:
            cell, name = row.get(column(question)), question.id
            there, text = cell is not None, (cell or "").strip()  # None: the column or line is cut
            if question.written:
                if text:
                    one.written[name] = _points(path, row, question, text)
                elif name in typed and there:
                    emptied.append(f"{student} {name} ({typed[name]})")
                elif name in typed:
                    one.written[name] = typed[name]
                    restored.append(student)
                if one.written.get(name) != typed.get(name):  # marked anew, as it was shown
                    one.answers[name] = kept.get("answers", {}).get(name)
            elif text and kept and not _as_written(text, name, kept):
                one.tests[name] = float(_points(path, row, question, text))
                one.file = kept["file"]
            elif not text and there and kept and not kept["waiting"]:
                if name in one.tests:
                    emptied.append(f"{student} {name} ({as_text(one.tests.pop(name))})")
            elif not there and name in one.tests:
                restored.append(student)
        _rest(row, one, kept)
    for student, kept in last.items():
        if student not in found:
            found[student] = kept["marks"]
            if kept["marks"].given or kept["marks"].seen or kept["marks"].chosen:
                restored.append(student)
    for one in found.values():
        one.tests = {q.id: one.tests[q.id] for q in asked if q.id in one.tests and not q.written}
    _check_restored(out, found, asked, set(restored))
    if restored:
        names = listing(dict.fromkeys(restored))
        words.append(
            f"{path} lacked what you had typed for {names}: restored from the last run. (To take "
            "points back, empty their cell and leave the row.)"
        )
    if emptied:
        words.append(f"Points taken back, as their cells are empty now: {listing(emptied)}")
    return found


def _rest(row, one, kept):
    """The status and the file in a row."""
    status, file = ((row.get(name) or "").strip() for name in ("status", "file"))
    if kept.get("status") == "REVIEW" and status.casefold() == "ok":
        one.seen = kept["notes"]
    elif kept.get("status") == "ok" and status == "REVIEW":
        one.seen = ""
    if kept.get("paths") and row.get("file") is not None and file not in kept["paths"]:
        one.chosen = file


def _check_restored(out, found, asked, restored):
    """Points that come from the record alone must be of questions that are still asked."""
    most = {q.id: q.points for q in asked if q.written}
    for student in restored:
        for name, points in found[student].written.items():
            if float(points) > most.get(name, -1):
                raise ValueError(
                    f"{out} holds {points} points of {student!r} for {name}, but the set does not "
                    "ask that, or not for so many points; name another OUT"
                )


def _as_written(text, name, kept):
    """Whether the cell of a test holds what the program wrote there."""
    scores = [kept[key].get(name) for key in ("scores", "before")]
    text = text.replace(",", ".")
    return is_number(text) and not all(_differ(text, score) for score in scores)


def _whose(row, names, present):
    """The student, of these, whose row this is, whatever a spreadsheet made of the ID."""
    text = (row.get("student") or "").strip()
    if text in names:
        return text
    lost = [name for name in names if name not in present]
    file = (row.get("file") or "").strip()
    by_file = [name for name in lost if file and file in names[name].get("paths", ())]
    if text.isdecimal() and len(text) < 100:  # zeros were dropped
        same = [name for name in names if name.isdecimal() and int(name) == int(text)]
        if len(same) == 1:
            return same[0]
    return by_file[0] if len(by_file) == 1 else text


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
            "paths": _paths(row, {} if done else before.get(student, {})),
            "lms": [row.submission.lms.get(key, "") for key in ("kind", "id")],
            "student": row.student,
            "identity": row.submission.identity,
            "marks": asdict(marks.get(student, Marks())),
        }
    write(Path(out) / ".table.json", json.dumps({"set": title, "students": students}))


def _paths(row, before):
    return list(dict.fromkeys([cell_text(row.file), *before.get("paths", ())]))


def _shown(row, before):
    """The digests of the answers that a teacher can read when the run is over."""
    if row.scores is None:
        return before.get("answers", {})
    return {name: _digest(text) for name, text in row.written.items()}


def earlier(out):
    """``{(kind, number): (student, identity)}`` of the last run, for those an LMS knows."""
    return {
        tuple(kept["lms"]): (student, kept["identity"])
        for student, kept in last(out).items()
        if all(kept.get("lms", [""])) and kept.get("identity")
    }


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
