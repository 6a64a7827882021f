"""Text and names from outside, made fit for a page, a table, a terminal and a file system.

What may be touched: what is replaced by what. What is the wall: nothing of a student's reaches a
report or the terminal but through `clean`, `line` or `cell_text`, and no path but by `file_names`.
"""

import hashlib
import os
import re
import tempfile
import unicodedata
from collections import Counter
from pathlib import Path

LONGEST = 2000  # characters of one cell of a table
TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")  # writing in another direction, until an end


def clean(text):
    """`text` without control characters, half characters and turns of direction.

    Letters keep their Unicode form. Line breaks and tabs stay.
    """
    text = TURNING.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))
    return "".join(
        "\ufffd" if unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\t" else c for c in text
    )


def line(text):
    """`text` as one line for a terminal: nothing in it is a command or invisible."""
    text = " ".join(clean(str(text)[: 2 * LONGEST]).split())
    hidden = ("Cf", "Cn", "Co")
    joining = "\u200c\u200d"  # in Persian, and in pictures of people
    text = "".join(c for c in text if c in joining or unicodedata.category(c) not in hidden)
    return text if len(text) <= LONGEST else text[:LONGEST] + " …"


def cell_text(text):
    """`text` as one line of a table that no spreadsheet takes for a formula.

    An apostrophe goes before what could begin one: at the start, and after a semicolon, which
    parts cells where the comma is the decimal mark.
    """
    text = " ".join(clean(str(text)).split())
    if len(text) > LONGEST:
        text = text[:LONGEST] + " …"
    pieces = text.split(";")
    return ";".join("'" + piece if _is_formula(piece) else piece for piece in pieces)


def _is_formula(text):
    for c in text:
        if unicodedata.category(c)[0] not in "ZC" and c not in "\"'`":
            return unicodedata.normalize("NFKC", c)[0] in "=+-@−"
    return False


def alike(text):
    """The same for names that a person would call the same."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def name_of(text):
    """A student's name as it came with a file."""
    return " ".join(clean(text).split()) or "unnamed"


def listing(items, most=10):
    """The first of many, and how many more there are."""
    items = list(items)
    more = f" and {len(items) - most} more" if len(items) > most else ""
    return ", ".join(items[:most]) + more


def file_name(student):
    """A harmless file name for a student; it has a hash where letters had to go."""
    plain = unicodedata.normalize("NFC", student)
    safe = "".join(c if c.isalnum() or c in "-_.@ " else "_" for c in plain[:1000])
    safe = safe.strip(" .-_@")[:60].strip(" .-_@")
    reserved = re.fullmatch(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", safe, re.IGNORECASE)
    if not safe or safe != student or reserved or len(safe.encode()) > 150:
        while len(safe.encode()) > 150:
            safe = safe[:-1]
        return f"{safe or 'student'}-{_short(student)}"
    return safe


def _short(text):
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def file_names(students):
    """A file name a student, no two alike even where case and accents' form do not count."""

    def alike(name):
        return unicodedata.normalize("NFKC", name).casefold()

    times = Counter(alike(file_name(student)) for student in students)
    names, taken = {}, set()
    for student in sorted(students):
        name = file_name(student)
        if times[alike(name)] > 1:
            name += f"-{_short(student)}"
        while alike(name) in taken:  # somebody is called like a name with its hash
            name += f"-{_short(student)}"
        names[student] = name
        taken.add(alike(name))
    return {student: names[student] for student in students}


def label(name):
    """A part of a path in an archive, no longer than a file system allows."""
    return name if len(name) <= 255 else f"{name[:240]}…{_short(name)}"


def write(path, data, mode=0o644):
    """All of a file or nothing of it, also when the machine stops in the middle."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    data = data.encode("utf-8") if isinstance(data, str) else data
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
    try:
        with open(handle, "wb") as file:
            file.write(data)
        os.chmod(temporary, mode)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
