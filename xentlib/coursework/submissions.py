"""Finding what each student handed in: folders, single files, Moodle and Canvas downloads.

Nothing is unpacked: archives are read in place, one file at a time and within limits. Links are
never followed. What cannot be read is kept as a reason, so that no student is lost.
"""

import csv
import io
import os
import re
import stat
import time
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

DIFFERS = "another student's name differs only in case, spaces or the form of its accents"
MAX_BYTES = 20_000_000  # of one file
MAX_ARCHIVE = 100_000_000  # of one archive that a student handed in, packed
MAX_FILES = 200  # looked at for one student
MAX_DEPTH = 12  # of folders

JUNK = {"__MACOSX", "__pycache__", "Thumbs.db", "desktop.ini"}
MOODLE = re.compile(r"(?P<name>[^_]+)_(?P<id>\d+)_assignsubmission_[a-z]+(?:_(?P<file>.*))?")
CANVAS = re.compile(r"(?P<name>.+?)_(?:LATE_)?(?P<id>\d+)_(?P<upload>\d+)_(?P<file>.+)")
ENDINGS = re.compile(r"(\.(ipynb|json|txt|html?|pdf|py|zip))+$", re.IGNORECASE)
KINDS = {
    ".htm": "a web page, not the notebook (.ipynb) it was made from",
    ".html": "a web page, not the notebook (.ipynb) it was made from",
    ".pdf": "a PDF, not the notebook (.ipynb) it was made from",
    ".py": "a Python script, not a notebook (.ipynb)",
    ".docx": "a Word document, not a notebook (.ipynb)",
}


class Unusable(Exception):
    """A file that cannot be read; the message says why, for the teacher and the student."""


@dataclass(frozen=True)
class File:
    """One file of a student; `read` gives its bytes or raises Unusable."""

    path: str
    modified: float
    read: Callable[[], bytes] = field(repr=False, compare=False)


@dataclass
class Submission:
    """One student: who it is and all that was handed in."""

    student: str
    name: str = ""
    email: str = ""
    files: list[File] = field(default_factory=list)
    lms: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)  # someone should look
    problems: list[str] = field(default_factory=list)  # what could not be read


@dataclass
class _Entry:
    parts: tuple[str, ...]
    file: File | None = None  # None: an empty folder, or a problem
    problem: str = ""


# --- Text from outside ----------------------------------------------------------------------------


def clean(text):
    """`text` without control characters and half characters, which no report can hold.

    Letters keep their Unicode form. Line breaks and tabs stay.
    """
    return "".join(
        "\ufffd" if unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\t" else c
        for c in text.replace("\r\n", "\n").replace("\r", "\n")
    )


def _name(text):
    return " ".join(clean(text).split()) or "unnamed"


def _alike(text):
    """The same for names that a person would call the same."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


# --- Files in folders and archives ----------------------------------------------------------------


def _junk(name):
    hidden = name.startswith(".") and not name.lower().endswith(".ipynb")  # which a hurry may name
    return hidden or name.startswith(("._", "~$")) or name in JUNK


def _read_file(path):
    """The bytes of a regular file; a link or a pipe that took its place since is not opened."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        with open(os.open(path, flags | getattr(os, "O_BINARY", 0)), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise Unusable("not a regular file")
            limit = MAX_ARCHIVE if str(path).lower().endswith(".zip") else MAX_BYTES
            return _bounded(file, limit)
    except OSError as error:
        raise Unusable(f"cannot be read: {error.strerror}") from None


def _bounded(file, limit=MAX_BYTES):
    data = file.read(limit + 1)
    if len(data) > limit:
        raise Unusable(f"larger than {limit // 1_000_000} MB")
    return data


def _folder(folder, parts=()):
    """Everything below `folder`, links and empty folders included."""
    if len(parts) > MAX_DEPTH:
        yield _Entry(parts, problem=f"more than {MAX_DEPTH} folders deep")
        return
    try:
        found = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        yield _Entry(parts, problem=f"cannot be read: {error.strerror}")
        return
    for entry in found:
        if _junk(entry.name):
            continue
        below = (*parts, entry.name)
        if entry.is_symlink():
            yield _Entry(below, problem="a link, which is not followed")
        elif entry.is_dir(follow_symlinks=False):
            empty = True
            for inner in _folder(entry.path, below):
                empty = False
                yield inner
            if empty:
                yield _Entry((*below, ""))
        else:
            yield _Entry(below, _on_disk(entry.path, below))


def _on_disk(path, parts):
    modified = os.stat(path, follow_symlinks=False).st_mtime
    return File(clean("/".join(parts)), modified, lambda: _read_file(path))


def _archive(data, parts=()):
    """The entries of a zip file. Names in it are labels only: nothing is written anywhere."""
    try:
        archive = zipfile.ZipFile(data if isinstance(data, Path) else io.BytesIO(data))
    except Exception:  # what odd files provoke is not foreseeable
        raise Unusable("not a readable zip file") from None
    for info in archive.infolist():
        names = [n for n in info.filename.replace("\\", "/").split("/") if n not in ("", ".", "..")]
        below = (*parts, *names)
        if not names or any(map(_junk, names)):
            continue
        if stat.S_ISLNK(info.external_attr >> 16):
            yield _Entry(below, problem="a link, which is not followed")
        elif info.is_dir():
            yield _Entry((*below, ""))
        else:
            yield _Entry(below, _packed(archive, info, below))


def _packed(archive, info, parts):
    def read():
        limit = MAX_ARCHIVE if parts[-1].lower().endswith(".zip") else MAX_BYTES
        if info.flag_bits & 1:
            raise Unusable("locked with a password")
        try:
            with archive.open(info) as file:
                return _bounded(file, limit)
        except Unusable:
            raise
        except Exception:
            raise Unusable("damaged, or packed in an unknown way") from None

    try:
        modified = time.mktime((*info.date_time, 0, 0, -1))
    except (ValueError, OverflowError):
        modified = 0.0
    return File(clean("/".join(parts)), modified, read)


def _open_archives(entries):
    """The same entries, with the files of a student's zip in its place."""
    for entry in entries:
        if not (entry.file and entry.parts[-1].lower().endswith(".zip")):
            yield entry
            continue
        try:
            inner = list(_archive(entry.file.read(), entry.parts))
        except Unusable as error:
            yield _Entry(entry.parts, problem=str(error))
            continue
        for one in inner:
            if one.file and one.parts[-1].lower().endswith(".zip"):
                one = _Entry(one.parts, problem="an archive in an archive, which is not opened")
            yield one
        if not inner:
            yield _Entry(entry.parts, problem="an empty zip file")


# --- Who handed in what ---------------------------------------------------------------------------


def find(folder, roster=None):
    """One Submission a student, sorted: all who handed in anything, and all on the roster.

    `folder` is a folder, a zip file or one notebook. `roster` is a CSV file: a column
    ``student``, or a gradebook export of Canvas or Moodle.

    Raises ValueError if there is no such folder, or if the roster cannot be understood.
    """
    folder = Path(folder)
    listed = read_roster(roster) if roster else []
    if folder.is_dir():
        entries = list(_downloads(folder, _folder(folder), _index(listed)))
        if roster:  # which may lie beside the submissions
            own = Path(os.path.abspath(roster))
            base = os.path.abspath(folder)
            entries = [e for e in entries if Path(base, *e.parts) != own]
    elif folder.suffix.lower() == ".zip" and folder.is_file():
        try:
            entries = list(_archive(folder))
            if {e.parts[0] for e in entries} == {folder.stem}:  # the folder that was packed
                entries = _below(entries)
        except Unusable as error:
            raise ValueError(f"{folder}: {error}") from None
    elif folder.is_file():
        entries = [_Entry((folder.name,), _on_disk(folder, (folder.name,)))]
    else:
        raise ValueError(f"{folder}: no such folder or file of submissions")
    people = _people(_unwrap(entries, listed), listed)
    return sorted(people, key=lambda one: (_alike(one.name or one.student), one.student))


def _downloads(folder, entries, known):
    """The same entries, with those of a whole class in the place of its download."""
    for entry in entries:
        name = entry.parts[0]
        alone = entry.file and len(entry.parts) == 1 and name.lower().endswith(".zip")
        if alone and not (_lms(name) or _found(name, known)):  # a student's own zip stays one
            try:
                inner = list(_archive(Path(folder, *entry.parts)))
            except Unusable:
                inner = []
            whose = [_lms(e.parts[0]) for e in inner]
            if all(whose) and len({match["id"] for match in whose}) > 1:
                yield from inner
                continue
        yield entry


def _unwrap(entries, listed):
    """Without the folders or the archive around the whole class."""
    known, inner = _index(listed), entries
    for _ in range(MAX_DEPTH):
        tops = {e.parts[0] for e in inner}
        if tops and _is_class(tops, inner, known):
            return inner
        if len(tops) != 1:
            break
        (top,) = tops
        if _lms(top) or _found(top, known):
            break
        if len(inner) == 1 and inner[0].file and top.lower().endswith(".zip"):
            try:
                inner = list(_archive(inner[0].file.read()))
            except Unusable:
                break
        else:
            inner = _below(inner)
    return entries


def _below(entries):
    """What is in the only folder there is."""
    below = [_Entry(e.parts[1:], e.file, e.problem) for e in entries]
    return [e for e in below if e.parts not in ((), ("",))]


def _is_class(names, entries, known):
    """Whether the entries look like those of many students and not like those of one."""
    notebooks = [e.parts for e in entries if ".ipynb" in e.parts[-1].lower()]
    folders = {parts[0] for parts in notebooks if len(parts) > 1}
    return any(map(_lms, names)) or all(_found(name, known) for name in names) or len(folders) > 1


def _lms(name):
    if len(name) > 255:  # no file system has such names
        return None
    return MOODLE.fullmatch(name) or CANVAS.fullmatch(name)


def _is_canvas(entries):
    """Whether the names are Canvas's: no upload has its number twice, as "hw_1_2_ada" would."""
    found = {e.parts[0]: CANVAS.fullmatch(e.parts[0]) for e in entries}
    uploads = Counter(match["upload"] for match in found.values() if match)
    return bool(uploads) and max(uploads.values()) == 1


def _people(entries, listed):
    known = _index(listed)
    canvas = _is_canvas(entries)
    tops = {}
    for entry in entries:
        tops.setdefault(entry.parts[0], []).append(entry)
    groups = {}  # (kind, number or name) -> Submission
    for top, inside in tops.items():
        for label, some in _split(top, inside, known):
            match = MOODLE.fullmatch(label) or (canvas and CANVAS.fullmatch(label)) or None
            if match:
                kind = "moodle" if match.re is MOODLE else "canvas"
                key = kind, match["id"]
                lms = {"kind": kind, "id": match["id"]}
                name = _name(match["name"])
            else:
                alone = all(len(e.parts) == 1 for e in some)
                stem = ENDINGS.sub("", label) if alone else label
                name, key, lms = _name(stem), ("plain", stem), {}
            one = groups.setdefault(key, Submission("", name, lms=lms))
            for entry in _open_archives(some):
                _add(one, entry)
    _identify(groups.values())
    return _match(list(groups.values()), listed, known)


def _split(top, entries, known):
    """One student's entries, or those of each in a folder that holds only students listed."""
    below = {e.parts[1] for e in entries if len(e.parts) > 1} - {""}
    if not below or _lms(top) or _found(top, known) or not all(_found(n, known) for n in below):
        yield top, entries
        return
    for name in sorted(below):
        some = [e for e in entries if e.parts[1:2] == (name,)]
        yield name, [_Entry(e.parts[1:], e.file, e.problem) for e in some]


def _add(one, entry):
    path = clean("/".join(entry.parts))
    if entry.problem:
        one.problems.append(f"{path}: {entry.problem}")
    elif entry.file and len(one.files) < MAX_FILES:
        one.files.append(entry.file)
    elif entry.file and not any("more than" in note for note in one.notes):
        one.notes.append(f"more than {MAX_FILES} files; the rest was not looked at")


def _identify(people):
    """Names are identities where they are one student's only; else the LMS's number helps."""
    times = Counter(_alike(one.name) for one in people)
    taken = set()
    for one in people:
        one.student = one.name
        if times[_alike(one.name)] > 1:
            if one.lms:
                one.student = f"{one.name} {one.lms['id']}"
            else:
                one.notes.append(DIFFERS)
        while one.student in taken:
            one.student += " (2)"
        taken.add(one.student)


# --- The roster -----------------------------------------------------------------------------------


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
        if not one.student or "points possible" in row.get("student", "").casefold():
            continue
        first = unique.setdefault(one.student, one)
        said = [(o.name, o.email, o.lms.get("id")) for o in (first, one)]
        if said[0] != said[1]:
            raise ValueError(f"{path}: two rows of the roster are called {one.student!r}")
    if not unique:
        raise ValueError(f"{path}: the roster names no student")
    return list(unique.values())


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


def _keys(name):
    """What a name is looked up by, the strictest first."""
    letters = "".join(c for c in unicodedata.normalize("NFKD", name).casefold() if c.isalnum())
    return [("exact", name), ("alike", _alike(name)), ("letters", letters)]


def _found(name, known):
    """The student of the roster whose name, number or address this is; None if it is no one's."""
    for key in (*_keys(name), *_keys(ENDINGS.sub("", name))):
        if key[1] and len(known.get(key, ())) == 1:
            return known[key][0]
    return None


def _index(listed):
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
        for key in {key for name in names for key in _keys(name)}:
            index.setdefault(key, []).append(one)
    return index


def _match(people, listed, known):
    """The students of the roster with what they handed in, and those who are not on it."""
    numbers = {(o.lms["kind"], o.lms["id"]): o for o in listed if o.lms.get("id")}
    given = {(one.lms.get("kind"), one.lms.get("id")) for one in people}
    agree = not given.isdisjoint(numbers)  # else the roster is of another assignment
    rows = {}
    for one in people:
        row = numbers.get((one.lms.get("kind"), one.lms.get("id"))) or _found(one.name, known)
        if row and agree and all(one.lms.get(k) and row.lms.get(k) for k in ("kind", "id")):
            same = (one.lms["kind"], one.lms["id"]) == (row.lms["kind"], row.lms["id"])
            row = row if same else None  # another person of that name
        rows.setdefault(row.student if row else None, []).append((one, row))
    rest = [one for one, _ in rows.pop(None, [])]
    for claims in rows.values():
        exact = [c for c in claims if c[0].lms or c[0].name in (c[1].student, c[1].name)] or claims
        rest += [one for one, row in claims if (one, row) not in exact]
        for one, row in exact:
            row.name = row.name or one.name
            row.files += one.files
            row.problems += one.problems
            row.notes += [note for note in one.notes if note != DIFFERS]
            row.lms = {**one.lms, **{k: v for k, v in row.lms.items() if v}}
        if len(exact) > 1:
            names = ", ".join(sorted(one.name for one, _ in exact))
            row.notes.append(f"all of these were taken for this student: {names}")
    used = {one.student for one in listed}
    for one in rest:
        if listed:
            one.notes.append("not on the roster, or the roster has several of this name")
        while one.student in used:
            one.student += " (not on the roster)"
        used.add(one.student)
    return listed + rest


# --- One notebook of a student --------------------------------------------------------------------


def choose(one, parse):
    """The file to grade: ``(file, data, notes)``, or ``(None, None, reasons)``.

    ``parse(data)`` gives the share of the assignment's cells that it has, or raises an error
    whose message says why the file is no notebook. The one of this assignment wins over another,
    then the higher resubmission, then the newer.
    """
    found, reasons, size, notes = [], [], 0, one.notes + one.problems
    for file in one.files:
        try:
            data = file.read()
            size += len(data)
            if not data.strip():
                raise Unusable("empty")
            share = parse(data)
            found.append(((share >= 0.5, share > 0), _age(file), file, data))
        except Exception as error:  # whatever a hostile file makes of a parser
            why = KINDS.get(Path(file.path).suffix.lower()) or clean(str(error))
            reasons.append((file.path, f"{file.path}: {why or type(error).__name__}"))
        if size > MAX_ARCHIVE:
            notes.append(f"more than {MAX_ARCHIVE // 1_000_000} MB; the rest was not looked at")
            break
    if not found:
        return None, None, notes + [reason for _, reason in reasons]
    *rest, (rank, age, file, data) = sorted(found, key=lambda item: item[:2])
    others = {f.path for r, a, f, d in rest if d != data and (r == rank or (r[1] and a > age))}
    if others:
        notes.append(f"several notebooks; not graded: {', '.join(sorted(others))}")
    if not rank[0]:
        what = "hardly any cell has" if rank[1] else "no cell has"
        notes.append(f"{what} an id of this assignment; is it another notebook?")
    return file, data, notes + [why for path, why in reasons if ".ipynb" in path.lower()]


def _age(file):
    """Later is greater: Canvas's resubmission number, the time, a browser's "(2)", the name."""
    name = file.path.rsplit("/", 1)[-1]
    stem = ENDINGS.sub("", name)
    canvas = CANVAS.fullmatch(stem)
    again = re.search(r"-(\d{1,3})$", stem) if canvas else None
    copy = re.search(r"\((\d{1,3})\)$", stem)
    return (
        int(again[1]) if again else 0,
        file.modified // 2,  # a zip file's clock
        int(canvas["upload"]) if canvas else 0,
        int(copy[1]) if copy else 0,
        file.path,
    )
