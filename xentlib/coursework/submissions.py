"""Finding what each student handed in: folders, single files, downloads of Moodle and Canvas.

What may be touched: the names that platforms give, and the words. What is the wall: everyone has
one row and nobody's work goes to another's: a zip file is the download of a class only where
nothing but downloads lies beside it, and what a second download says of a student of the first
does not replace it; two of one name keep the names and the data that they had.
"""

import itertools
import os
import re
from collections import Counter
from pathlib import Path

from xentlib.coursework import files
from xentlib.coursework.files import Entry, Unusable
from xentlib.coursework.roster import ENDINGS, Submission, found, index_of, read_roster
from xentlib.coursework.safe import alike, clean, listing, name_of

DIFFERS = "another student's name differs only in case, spaces or the form of its accents"
DOWNLOAD = (
    "it looks like the download of a whole class, and lies beside other submissions: unpack it, or "
    "put the downloads alone into a folder, under the names that the platform gave them"
)
MAX_FILES = 200  # looked at for one student
MAX_WORDS = 20  # problems of one student that are told

MOODLE = re.compile(r"(?P<name>[^_]+)_(?P<id>\d+)_assignsubmission_[a-z]+(?:_(?P<file>.*))?")
CANVAS = re.compile(r"(?P<name>.+?)_(?:LATE_)?(?P<id>\d+)_(?P<upload>\d+)_(?P<file>.+)")
OTHERS = {  # told by their names, and matched by the name or ID in them
    "Blackboard": re.compile(r".+?_(?P<name>[^_]+)_attempt_\d{4}(?:-\d\d){5}(?:\.txt|_.*)?"),
    "Brightspace": re.compile(
        r"\d+-\d+ - (?P<name>.+?) - [A-Z][a-z]{2,8} \d{1,2}, \d{4} \d{3,4} [AP]M(?: - .+)?"
    ),
    "Sakai": re.compile(r"[^()]+\((?P<name>[^()]+)\)"),
    "Gradescope": re.compile(r"(?P<name>submission_\d+)"),
}
BY_NAME = (
    "Students are found by the name or ID in each file's name. No file for import there is "
    "written: take grades.csv."
)
SAID = {
    "Gradescope": "Its folders bear numbers: rename them to the students that "
    "submission_metadata.yml gives for them, and no roster will miss them."
}
SIGNS = {"Sakai": r"/Submission attachment\(s\)/|/timestamp\.txt$"}
ANONYMOUS = re.compile(r"anon_\w{4,8}_(?:LATE_)?\d+_.+")
STRAYS = {
    *("index.html", "grades.csv", "grades.xls", "grades.xlsx", "timestamp.txt", "manifest.xml"),
    *("submission_metadata.yml", "submissions.csv"),
}


def find(folder, roster=None, *, earlier=None, words=None):
    """One Submission a student, sorted: all who handed in anything, and all on the roster.

    `folder` is a folder, a zip file or one notebook. `roster` is a CSV file: a column
    ``student``, or a gradebook export of Canvas or Moodle. `earlier` has what the students of an
    earlier run were called, by kind and number of their LMS. What the teacher should know is
    appended to `words`.

    Raises ValueError if there is no such folder, or if the roster cannot be understood.
    """
    folder, words = Path(folder), [] if words is None else words
    listed = read_roster(roster) if roster else []
    known = index_of(listed)
    if folder.is_dir():
        base = os.path.abspath(folder)
        entries = list(files.folder(base))
        if roster:  # which may lie beside the submissions
            own = Path(os.path.abspath(roster))
            entries = [e for e in entries if Path(base, *e.parts) != own]
        entries = _downloads(_swept(entries, known, words), known)
    elif folder.suffix.lower() == ".zip" and folder.is_file():
        try:
            whole = files.listed(folder.open("rb"), 5 * files.MAX_LIST)
            entries = list(files.archive(None, whole=whole))
            if {e.parts[0] for e in entries} == {folder.stem}:  # the folder that was packed
                entries = _below(entries)
        except Unusable as error:
            raise ValueError(f"{folder}: {error}") from None
    elif folder.is_file():
        place = folder.resolve()
        entries = [Entry((folder.name,), files.on_disk(str(place.parent), (place.name,)))]
    else:
        raise ValueError(f"{folder}: no such folder or file of submissions")
    people = _people(_unwrap(entries, known, words), known, earlier or {}, words)
    people = _match(people, listed, known)
    if listed and people and not any(one.files or one.problems for one in listed):
        words.append(
            f"Nobody who handed in was found on the roster. The first is {people[0].student!r}; "
            "rename the files or folders to what the roster has, or give the export of your course."
        )
    return sorted(people, key=lambda one: (alike(one.name or one.student), one.student))


def _downloads(entries, known):
    """The same entries, with those of whole classes in the place of their downloads."""
    inside = {}  # of what looks like the download of a class
    for entry in entries:
        name = entry.parts[0]
        alone = entry.file and len(entry.parts) == 1 and files.is_zip(name)
        if alone and not (_lms(name) or found(name, known)):  # a student's own zip stays one
            inner = _download(entry)
            if inner:
                inside[entry.parts] = inner
    if not inside or (len(inside) == 1 == len(entries)):
        return entries  # a download alone is opened with the folders around the class
    if len(inside) < len(entries):
        return entries + [Entry(parts, problem=DOWNLOAD) for parts in inside]
    series = {parts: re.sub(r" ?\(\d+\)$", "", Path(parts[0]).stem) for parts in inside}
    students = {name: set() for name in series.values()}
    for parts, name in series.items():
        students[name] |= {_number(e) for e in inside[parts]}
    first = max(students, key=lambda name: len(students[name]))  # the class's own
    opened = []
    for parts, name in series.items():
        for e in inside[parts]:
            if name != first and e.file and _number(e) in students[first]:
                e.file = files.File(e.file.path, e.file.modified, e.file.read, e.file.open, -1)
            opened.append(e)
    return opened


def _download(entry):
    """What is in a zip file, if all of it bears the names that Moodle or Canvas gives."""
    try:
        whole = files.listed(entry.file.open())
        inner = list(itertools.islice(files.archive(None, whole=whole), 50_000))
    except Unusable:
        return []
    if len({e.parts[0] for e in inner}) == 1 and not _lms(inner[0].parts[0]):
        inner = _below(inner)
    if not inner or not all(_number(e) for e in inner):
        return []
    moodle = any(MOODLE.fullmatch(e.parts[0]) for e in inner)
    several = len({_number(e) for e in inner}) > 1
    return inner if moodle or several or "submissions" in entry.parts[0].lower() else []


def _number(entry):
    match = _lms(entry.parts[0])
    return match and match["id"]


def _swept(entries, known, words):
    """Without a platform's own files, which are no student's."""

    def stray(e):
        alone = len(e.parts) == 1 and e.file and e.parts[0] in STRAYS
        return alone and not found(e.parts[0], known)

    if names := sorted({e.parts[0] for e in entries if stray(e)}):
        words.append(f"Left out, as no student's work: {listing(names)}")
    return [e for e in entries if not stray(e)]


def _unwrap(entries, known, words):
    """Without the folders or the archive around the whole class."""
    inner = entries
    for _ in range(files.MAX_DEPTH):
        tops = {e.parts[0] for e in inner}
        if tops and _is_class(tops, inner, known):
            return inner
        if len(tops) != 1:
            break
        (top,) = tops
        if _lms(top) or found(top, known):
            break
        if len(inner) == 1 and inner[0].file and files.is_zip(top):
            try:
                whole = files.listed(inner[0].file.open(), 5 * files.MAX_LIST)
                inner = list(files.archive(None, whole=whole))
            except Unusable:
                break
        else:
            inner = _below(inner)
        inner = _swept(inner, known, words)
    return entries


def _below(entries):
    """What is in the only folder there is."""
    below = [Entry(e.parts[1:], e.file, e.problem, e.hidden) for e in entries]
    nobody = {(), ("",), *((name,) for name in files.NEVER)}
    return [e for e in below if e.parts not in nobody]


def _is_class(names, entries, known):
    """Whether the entries look like those of many students and not like those of one."""
    notebooks = [e.parts for e in entries if ".ipynb" in e.parts[-1].lower()]
    folders = {parts[0] for parts in notebooks if len(parts) > 1}
    return any(map(_lms, names)) or all(found(name, known) for name in names) or len(folders) > 1


def _lms(name):
    if len(name) > 255:  # no file system has such names
        return None
    return MOODLE.fullmatch(name) or CANVAS.fullmatch(name)


def _is_canvas(entries):
    """Whether the names are Canvas's: no upload has its number twice, as "hw_1_2_ada" would."""
    found = {e.parts[0]: CANVAS.fullmatch(e.parts[0]) for e in entries}
    uploads = Counter(match["upload"] for match in found.values() if match)
    return bool(uploads) and max(uploads.values()) == 1


def _platform(entries):
    """The name and the pattern of another platform whose download this is; None for none."""
    tops = list(dict.fromkeys(e.parts[0] for e in entries))
    paths = ["/".join(e.parts) for e in entries]
    for name, pattern in OTHERS.items():
        some = sum(pattern.fullmatch(top[:255]) is not None for top in tops)
        sign = name not in SIGNS or any(re.search(SIGNS[name], path[-300:]) for path in paths)
        if sign and 0 < len(tops) <= 1.5 * some:
            return name, pattern
    return None


def _people(entries, known, earlier, words):
    canvas = _is_canvas(entries)
    other = _platform(entries)
    if other:
        words.append(f"This looks like a download of {other[0]}. {SAID.get(other[0], BY_NAME)}")
    if sum(ANONYMOUS.fullmatch(top[:255]) is not None for top in {e.parts[0] for e in entries}) > 1:
        words.append(
            "These are anonymous submissions of Canvas, which belong to nobody on a roster and "
            "cannot be imported: switch anonymous grading off, and download them again."
        )
    tops = {}
    for entry in entries:
        tops.setdefault(entry.parts[0], []).append(entry)
    groups = {}  # (kind, number or name) -> Submission
    for top, inside in tops.items():
        for label, some in _split(top, inside, known):
            match = MOODLE.fullmatch(label) or (canvas and CANVAS.fullmatch(label)) or None
            named = other and other[1].fullmatch(label)
            if match:
                kind = "moodle" if match.re is MOODLE else "canvas"
                key = kind, match["id"]
                lms = {"kind": kind, "id": match["id"]}
                name = name_of(match["name"])
            elif named:
                name, lms = name_of(named["name"]), {}
                key = other[0], name
            else:
                alone = all(len(e.parts) == 1 for e in some)
                stem = ENDINGS.sub("", label) if alone else label
                name, key, lms = name_of(stem), ("plain", stem), {}
            one = groups.setdefault(key, Submission("", name, lms=lms))
            for entry in files.opened(some):
                _add(one, entry)
    _identify(groups.values(), earlier)
    return list(groups.values())


def _split(top, entries, known):
    """One student's entries, or those of each in a folder that holds only students listed."""
    below = {e.parts[1] for e in entries if len(e.parts) > 1} - {""}
    if not below or _lms(top) or found(top, known) or not all(found(n, known) for n in below):
        yield top, entries
        return
    for name in sorted(below):
        some = [e for e in entries if e.parts[1:2] == (name,)]
        yield name, [Entry(e.parts[1:], e.file, e.problem, e.hidden) for e in some]


def _add(one, entry):
    path = clean("/".join(entry.parts))
    path = path if len(path) <= 300 else f"{path[:150]}…{path[-150:]}"
    if entry.hidden:
        if len(one.hidden) < MAX_WORDS:
            one.hidden.append(f"{path}: {entry.problem}")
    elif entry.problem:
        if len(one.problems) < MAX_WORDS:
            one.problems.append(f"{path}: {entry.problem}")
        elif len(one.problems) == MAX_WORDS:
            one.problems.append(f"more than {MAX_WORDS} files that cannot be read")
    elif entry.file and len(one.files) < MAX_FILES:
        one.files.append(entry.file)
    elif entry.file and not any("more than" in note for note in one.notes):
        one.notes.append(f"more than {MAX_FILES} files; the rest was not looked at")


def _identify(people, earlier):
    """Names are identities where they are one student's only; else the LMS's number helps.

    Whoever had a row in an earlier run keeps its name, and the ID by which the data were drawn.
    """
    times = Counter(alike(one.name) for one in people)
    taken = set()
    for one in sorted(people, key=lambda one: _key(one) not in earlier):
        one.student = one.name
        if _key(one) in earlier:
            one.student, one.drawn_by = earlier[_key(one)]
        elif times[alike(one.name)] > 1:
            if one.lms:
                one.student, one.drawn_by = f"{one.name} {one.lms['id']}", one.name
            else:
                one.notes.append(DIFFERS)
        while one.student in taken:
            one.drawn_by = one.identity
            one.student += " (2)"
        taken.add(one.student)


def _key(one):
    return one.lms.get("kind"), one.lms.get("id")


def _match(people, listed, known):
    """The students of the roster with what they handed in, and those who are not on it."""
    numbers = {(o.lms["kind"], o.lms["id"]): o for o in listed if o.lms.get("id")}
    given = {(one.lms.get("kind"), one.lms.get("id")) for one in people}
    agree = not given.isdisjoint(numbers)  # else the roster is of another assignment
    rows = {}
    for one in people:
        row = numbers.get((one.lms.get("kind"), one.lms.get("id"))) or found(one.name, known)
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
            row.hidden += one.hidden
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
            one.drawn_by = one.identity
            one.student += " (not on the roster)"
        used.add(one.student)
    return listed + rest
