"""Tables for spreadsheets, Canvas and Moodle.

What may be touched: columns and words. What is the wall: every text goes through `cell_text`, so
that no cell begins a formula, and every cell is quoted, so that none becomes two whatever separates
them.
"""

import csv
import io
import re
from pathlib import Path

from xentlib.coursework.roster import csv_delimiter
from xentlib.coursework.rows import as_text, by_hand, first_words, mark_of
from xentlib.coursework.safe import cell_text, clean, write


def _table(path, rows, encoding="utf-8", delimiter=","):
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows(rows)
    write(path, text.getvalue().encode(encoding))


def column(question):
    return f"{question.id} (of {as_text(question.points)})" if question.written else question.id


def write_grades(path, rows, asked):
    """One line a student. The byte-order mark tells Excel that the text is UTF-8.

    A table that was saved with semicolons is written so again, with decimal commas.
    """
    commas = not Path(path).exists() or csv_delimiter(path) != ";"

    def points(text):
        return text if commas else text.replace(".", ",")

    auto = [q for q in asked if not q.written]
    manual = [q for q in asked if q.written]
    head = ["student", "file", "status", "auto", "auto_max"]
    lines = [[*head, *map(column, auto), *map(column, manual), "notes"]]
    for row in rows:
        scores = row.marks if row.scores is None else {q: as_text(x) for q, x in row.scores.items()}
        lines.append(
            [
                cell_text(row.student),
                cell_text(row.file),
                row.status,
                points(as_text(row.auto)),
                points(as_text(sum(q.points for q in auto))),
                *(points(scores.get(q.id, "")) for q in auto),
                *(points(row.marks.get(q.id, "")) for q in manual),
                cell_text(" | ".join(row.notes)),
            ]
        )
    _table(path, lines, "utf-8-sig", "," if commas else ";")


def write_canvas(path, rows, asked, title):
    """Canvas's gradebook import. Students without a score keep the grade they have.

    Canvas finds a student by ID or SIS Login ID, and the assignment by the name of the column.
    """
    total = sum(q.points for q in asked)
    lines = [["Student", "ID", "SIS Login ID", "Section", cell_text(title)]]
    lines.append(["    Points Possible", "", "", "", as_text(total)])
    for row in rows:
        lms = row.submission.lms if row.submission.lms.get("kind") == "canvas" else {}
        name = lms.get("student") or row.submission.name or row.student
        login = lms.get("login", "") or ("" if lms else row.student)
        who = [name, lms.get("id", ""), login, lms.get("section", "")]
        lines.append([*map(cell_text, who), as_text(row.total)])
    _table(path, lines)


def write_moodle(path, rows, asked):
    """Moodle's: the offline grading worksheet finds a student by Identifier, the gradebook's import
    by Email address, ID number or Username.
    """
    total = sum(q.points for q in asked)
    who = ["Identifier", "Full name", "Email address", "ID number", "Username"]
    lines = [[*who, "Grade", "Maximum Grade", "Last modified (grade)", "Feedback comments"]]
    for row in rows:
        lms = row.submission.lms if row.submission.lms.get("kind") == "moodle" else {}
        number = f"Participant {lms['id']}" if lms.get("id") else ""
        lines.append(
            [
                cell_text(lms.get("identifier") or number),
                cell_text(row.submission.name or row.student),
                cell_text(row.submission.email),
                cell_text(lms.get("idnumber", "") or ("" if lms else row.student)),
                cell_text(lms.get("username", "")),
                as_text(row.total),
                as_text(total),
                lms["modified"]
                if lms.get("modified") == "-"
                else cell_text(lms.get("modified", "–")),
                cell_text(_comment(row, asked)),
            ]
        )
    _table(path, lines)


def _comment(row, asked):
    """The feedback in one line. Moodle reads it as HTML, so tags and entities are made text."""
    if row.scores is None:
        return " | ".join([first_words(row), *by_hand(row, asked)])
    parts = []
    for question in asked:
        if question.written:
            parts.append(f"{question.id}: {mark_of(row, question)} of {as_text(question.points)}")
        else:
            got = row.scores.get(question.id, 0)
            message = " ".join(clean(row.messages.get(question.id, "")).split())
            said = f" ({message[:200]})" if message and got < question.points else ""
            parts.append(f"{question.id}: {as_text(got)} of {as_text(question.points)}{said}")
    text = re.sub(r"&(?=[#\w])", "&amp;", " | ".join(parts))
    return re.sub(r"<(?=[A-Za-z/!?])", "&lt;", text)
