"""Who is in the class: the roster, and finding a student on it by any name.

What may be touched: the columns of exports. What is the wall: an exact ID wins over every name, and
a name that two have finds nobody.
"""

import csv
import io
import re
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

from xentlib.coursework.files import File
from xentlib.coursework.safe import alike, clean

ENDINGS = re.compile(r"(\.(ipynb|json|txt|html?|pdf|py|zip))+$", re.IGNORECASE)


@dataclass
class Submission:
    """One student: who it is and all that was handed in."""

    student: str  # as the row is called: nobody else's
    name: str = ""
    email: str = ""
    files: list[File] = field(default_factory=list)
    lms: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)  # someone should look
    problems: list[str] = field(default_factory=list)  # what could not be read
    hidden: list[str] = field(default_factory=list)  # what was passed over
    drawn_by: str = ""  # the ID by which data are drawn, where it is not `student`

    @property
    def identity(self):
        return self.drawn_by or self.student


def read_roster(path):
    """The students of a CSV file, as Submissions without files."""
    rows = read_csv(path)
    if not rows:
        raise ValueError(f"{path}: the roster has no rows")
    columns = {name.strip().casefold(): name for name in rows[0] if name}
    lines = [{low: (row.get(name) or "").strip() for low, name in columns.items()} for row in rows]
    if {"student", "id", "section"} <= columns.keys():
        listed = list(map(_canvas_row, lines))
    elif "student" in columns:
        listed = [Submission(r["student"], r.get("name", ""), r.get("email", "")) for r in lines]
    elif {"full name", "first name", "email address", "identifier"} & columns.keys():
        listed = list(map(_moodle_row, lines))
    else:
        raise ValueError(
            f"{path}: no column `student`, and neither Canvas's nor Moodle's columns (in English; "
            f"switch the language before you export); found {', '.join(columns.values())}"
        )
    unique = {}
    for row, one in zip(lines, listed, strict=True):
        said = one.student, one.name, one.email
        one.student, one.name, one.email = (" ".join(clean(text).split()) for text in said)
        heading = "points possible" in row.get("student", "").casefold() and not row.get("id")
        if one.student and not heading:
            who = one.lms.get("id") or (one.email, one.name)
            unique.setdefault(one.student, {}).setdefault(who, one)
    if not unique:
        raise ValueError(f"{path}: the roster names no student")
    return [one for rows in unique.values() for one in _told_apart(path, list(rows.values()))]


def _told_apart(path, rows):
    """Several rows of one name or ID: the LMS's numbers or addresses make them different."""
    if len(rows) == 1:
        return rows
    marks = [one.lms.get("id") or one.email or one.name for one in rows]
    if not rows[0].lms or len(set(marks)) < len(rows):
        raise ValueError(f"{path}: two rows of the roster are called {rows[0].student!r}")
    for one, mark in zip(rows, marks, strict=True):
        one.student, one.drawn_by = f"{one.student} {mark}".strip(), one.student
    return rows


def read_csv(path):
    """The rows of a CSV file as spreadsheets save it: with commas, semicolons or tabs."""
    text = io.StringIO(_csv_text(path), newline="")
    try:
        return list(csv.DictReader(text, delimiter=csv_delimiter(path)))
    except csv.Error as error:
        raise ValueError(f"{path}: not a table: {error}") from None


def csv_delimiter(path):
    head = _csv_text(path).partition("\n")[0]
    return max(",;\t", key=head.count)


def _csv_text(path):
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {error.strerror}") from None
    wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))  # Excel's "Unicode text"
    try:
        return data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _canvas_row(row):
    name = row["student"]
    login = row.get("sis login id", "")
    own = not login or re.fullmatch(r"[0-9a-f]{40}", login)
    if name.casefold() in ("student, test", "test student") and own:
        return Submission("")  # Canvas's, for looking at the course
    lms = {
        "kind": "canvas",
        "id": row["id"],
        "login": login,
        "sis": row.get("sis user id", ""),
        "section": row["section"],
        "student": name,
    }
    return Submission(login or lms["sis"] or row["id"] or name, name, row.get("email", ""), lms=lms)


def _moodle_row(row):
    last = row.get("last name") or row.get("surname") or ""
    name = row.get("full name") or f"{row.get('first name', '')} {last}".strip()
    email = row.get("email address", "")
    number = re.search(r"\d*$", row.get("identifier", ""))[0]
    lms = {
        "kind": "moodle",
        "id": number,
        "identifier": row.get("identifier", ""),
        "idnumber": row.get("id number", ""),
        "username": row.get("username", ""),
        "modified": row.get("last modified (grade)", ""),
    }
    who = lms["idnumber"] or lms["username"] or email or name or lms["identifier"]
    return Submission(who, name, email, lms=lms)


def keys_of(name):
    """What a name is looked up by, the strictest first; IDs of students before their names."""
    letters = "".join(c for c in unicodedata.normalize("NFKD", name).casefold() if c.isalnum())
    like = alike(name)
    return [("id", name), ("id", like), ("exact", name), ("alike", like), ("letters", letters)]


def found(name, known):
    """The student of the roster whose name, number or address this is; None if it is no one's."""
    for key in (*keys_of(name), *keys_of(ENDINGS.sub("", name))):
        if key[1] and len(known.get(key, ())) == 1:
            return known[key][0]
    return None


def index_of(listed):
    """The students of the roster by everything they may be called."""
    index = {}
    for one in listed:
        names = {one.student, one.name, one.email}
        names |= {one.lms.get(k, "") for k in ("login", "sis", "idnumber", "username")}
        if "," in one.name:  # "Lovelace, Ada"
            last, first = one.name.split(",", 1)
            names |= {f"{first.strip()} {last.strip()}", f"{last} {first}"}
        elif " " in one.name:
            first, last = one.name.rsplit(" ", 1)
            names |= {f"{last}, {first}", f"{last} {first}"}
        ids = {("id", one.student), ("id", alike(one.student))}
        for key in ids | {key for name in names for key in keys_of(name) if key[0] != "id"}:
            index.setdefault(key, []).append(one)
    return index
