"""Which of a student's files is graded, and whether it is of this assignment.

What may be touched: the order of preference, and the words. What is the wall: nothing here runs or
believes a notebook; two sets are told apart by the texts that their author wrote, since ids may be
the same in both, and how much is read of one student is bounded.
"""

import hashlib
import re
from collections import Counter
from pathlib import Path

from xentlib.coursework import files, notebook, transplant
from xentlib.coursework.roster import ENDINGS
from xentlib.coursework.safe import cell_text, clean, line, listing
from xentlib.coursework.submissions import CANVAS

KINDS = {
    ".htm": "a web page, not the notebook (.ipynb) it was made from",
    ".html": "a web page, not the notebook (.ipynb) it was made from",
    ".pdf": "a PDF, not the notebook (.ipynb) it was made from",
    ".py": "a Python script, not a notebook (.ipynb)",
    ".docx": "a Word document, not a notebook (.ipynb)",
    ".7z": "a .7z archive; hand in the notebook itself, or a .zip",
    ".rar": "a .rar archive; hand in the notebook itself, or a .zip",
    ".tar": "a .tar archive; hand in the notebook itself, or a .zip",
    ".gz": "a .gz archive; hand in the notebook itself, or a .zip",
    ".tgz": "a .tgz archive; hand in the notebook itself, or a .zip",
    ".bz2": "a .bz2 archive; hand in the notebook itself, or a .zip",
    ".xz": "an .xz archive; hand in the notebook itself, or a .zip",
}
OTHER = "is it another notebook?"
SHORT = 12  # characters: a shorter line stands in many notebooks


def choose(one, parse, answered=None, wish=""):
    """The file to grade: ``(file, data, notes)``, or ``(None, None, reasons)``.

    ``parse(data)`` gives the share of the assignment that it has, or raises an error whose message
    says why the file is no notebook; ``answered(data)`` whether there is any answer in it. The one
    of this assignment wins over another, then one with answers over a blank one, then the higher
    resubmission, then the newer. `wish` is the path of the file that a teacher wants.
    """
    candidates, reasons, size, notes = [], [], 0, one.notes + one.problems
    for file in one.files:
        try:
            data = file.read()
            size += len(data)
            if not data.strip():
                raise files.Unusable("empty")
            share = parse(data)
            candidates.append(((share >= 0.5, share > 0), _age(file), file, data))
        except Exception as error:  # whatever a hostile file makes of a parser
            size += getattr(error, "size", 0)
            why = KINDS.get(Path(file.path).suffix.lower()) or line(str(error))
            reasons.append((file.path, f"{_short(file.path)}: {why or type(error).__name__}"))
        if size > files.MAX_ARCHIVE:
            notes.append(f"more than {files.MAX_ARCHIVE // 1_000_000} MB; the rest was not read")
            break
    if not candidates:
        why = [reason for _, reason in reasons]
        if len(why) > 20:
            why = [*why[:20], f"and {len(why) - 20} more files"]
        if not (why or one.files or one.problems):
            why = one.hidden
        return None, None, notes + why
    candidates.sort(key=lambda item: item[:2])
    if len(candidates) > 1 and answered:  # a blank copy of the handout lies beside the work
        best = [item for item in candidates if item[0] == candidates[-1][0]]
        if not answered(best[-1][3]):
            full = next((item for item in best[-2:-12:-1] if answered(item[3])), None)
            if full:
                candidates.remove(full)
                candidates.append(full)
                notes.append("the newest notebook has no answers; one with answers is graded")
    wished = _wished(candidates, wish)
    if wished:
        candidates.remove(wished)
        candidates.append(wished)
    elif wish:
        notes.append(f"`file` names {wish!r}, which is not among the notebooks handed in")
    *rest, (rank, age, file, data) = candidates
    others = {
        f.path for r, a, f, d in rest if d != data and (r == rank or r[0] or (r[1] and a > age))
    }
    if others:
        notes.append(f"several notebooks; not graded: {listing(map(_short, sorted(others)))}")
    if not rank[0]:
        what = "hardly any cell has" if rank[1] else "no cell has"
        notes.append(f"{what} an id and the text of this assignment; {OTHER}")
    odd = [why for path, why in reasons if ".ipynb" in path.lower()]
    return file, data, notes + odd[:20]


def _wished(candidates, wish):
    """The only candidate with that path, or with that name at its end."""
    for name in (lambda path: path, lambda path: path.rsplit("/", 1)[-1]):
        found = [item for item in candidates if wish and cell_text(name(item[2].path)) == wish]
        if len(found) == 1:
            return found[0]
    return None


def _short(path):
    return path if len(path) <= 300 else f"{path[:150]}…{path[-150:]}"


def _age(file):
    """Later is greater: Canvas's resubmission number, the time, a browser's "(2)", the name."""
    name = file.path.rsplit("/", 1)[-1][-300:]
    stem = ENDINGS.sub("", name)
    canvas = CANVAS.fullmatch(stem)
    again = re.search(r"-(\d{1,3})$", stem) if canvas else None
    copy = re.search(r"\((\d{1,3})\)$", stem)
    return (
        file.rank,
        int(again[1]) if again else 0,
        file.modified // 2,  # a zip file's clock
        int(canvas["upload"]) if canvas else 0,
        int(copy[1]) if copy else 0,
        file.path,
    )


# --- This assignment or another -------------------------------------------------------------------


class Assignment:
    """What a notebook of the assignment is known by."""

    def __init__(self, source):
        self.source, self.fresh = source, notebook.fresh(source)
        self.names, self.ids = _ids(source)
        self.lines = {n: lines for n, lines in _lines(self.fresh) if lines}
        self.all = frozenset().union(*self.lines.values())

    def share(self, submission):
        """How much of the assignment is there, from 0 to 1.

        By names or ids of cells; and by the lines of their texts, where the cells that have
        names of this assignment hardly have a line of it: they are then of another one.
        """
        pairs = zip((self.names, self.ids), _ids(submission), strict=True)
        by_id = max((len(want & there) / len(want) for want, there in pairs if want), default=0)
        here = frozenset().union(*(lines for _, lines in _lines(submission)))
        by_text = len(self.all & here) / len(self.all) if self.all else by_id
        named = {notebook.grade_id(cell) for cell in submission.cells} & self.lines.keys()
        mine = {name for name in named if self.lines[name] & here}
        if by_text < 0.3 and len(mine) < len(named) / 2:
            return min(by_id, by_text)
        return max(by_id, by_text)

    def answered(self, submission):
        """Whether there is an answer that a test or a reader asks for."""
        filled = transplant.collect(self.source, submission)
        tests = [notebook.used(c.source) for c in self.source.cells if notebook.kind(c) == "test"]
        tested = frozenset().union(*tests) - {"STUDENT_ID"}
        asked = {
            notebook.grade_id(cell)
            for cell in self.source.cells
            if notebook.kind(cell) == "written"
            or (notebook.kind(cell) == "answer" and tested & {*notebook.defined(cell.source)})
        }
        blank = {notebook.grade_id(cell): cell.source.strip() for cell in self.fresh.cells}
        return any(
            notebook.grade_id(cell) in asked
            and cell.source.strip() not in ("", blank[notebook.grade_id(cell)])
            for cell in filled.cells
        )

    def locked(self, submission):
        """Digests of the locked cells, by name, for `earlier`."""
        return {
            notebook.grade_id(cell): hashlib.sha256(cell.source.strip().encode()).digest()
            for cell in submission.cells
            if notebook.grade_id(cell) in self.lines
        }


def _ids(source):
    """The names and the ids of the cells."""
    names = {notebook.grade_id(cell) for cell in source.cells}
    ids = {cell["id"] for cell in source.cells if isinstance(cell.get("id"), str)}
    return names - {None}, ids


def _lines(source):
    """The names of cells, or None, and the longer lines in them; those of answers left out."""
    for number, cell in enumerate(source.cells):
        if notebook.kind(cell) in ("answer", "written"):
            continue
        lines = {text.strip() for text in cell.source.splitlines()}
        yield notebook.grade_id(cell) or number, {text for text in lines if len(text) >= SHORT}


def earlier(texts):
    """Of each name the texts that many have: an earlier release, and not an edit of one student.

    `texts` has the locked cells of each student. Two or more, and a quarter of those who have the
    cell, must agree.
    """
    times, common = {}, {}
    for one in texts:
        for name, text in one.items():
            times.setdefault(name, Counter())[text] += 1
    for name, count in times.items():
        enough = max(2, sum(count.values()) / 4)
        common[name] = {text for text, times in count.items() if times >= enough}
    return common


def explained(notes, texts, common):
    """The notes without those on locked cells that are as an earlier release had them."""
    edited = {
        name + transplant.EDITED.format(what)
        for name, text in texts.items()
        if text in common.get(name, ())
        for what in ("test", "setup", "text")
    }
    return [note for note in notes if clean(note) not in edited]
