"""Problem sets as notebooks: reading them, checking a source, cutting the student's version.

A cell that matters has nbgrader's metadata. Its kind follows from them:

- setup: locked code; runs in the student's process and in the grader
- answer: code with a region between ``### BEGIN SOLUTION`` and ``### END SOLUTION``
- test: code with points; may end in a region ``### BEGIN HIDDEN TESTS`` .. ``### END HIDDEN TESTS``
- written: Markdown with points, read by a person
- text: everything else, among it code that a student fills in without being asked for (STUDENT_ID)
"""

import ast
import copy
import functools
import hashlib
import json
import os
import re
import stat

from xentlib.coursework.slim import is_heavy, slim

MAX_SIZE = 20 << 20  # bytes
MAX_CELLS = 1000
CODE_STUB = "# YOUR CODE HERE\nraise NotImplementedError()"
TEXT_STUB = "YOUR ANSWER HERE"
FOREIGN = {  # how files begin that are handed in instead
    b"7z\xbc\xaf": "a .7z archive",
    b"rar!": "a .rar archive",
    b"\x1f\x8b": "a .gz archive",
    b"bzh": "a .bz2 archive",
    b"\xfd7zxz": "an .xz archive",
    b"\x28\xb5\x2f\xfd": "a .zst archive",
    b"pk\3\4": "a zip file or a document (.docx, .xlsx, .pages)",
    b"%pdf": "a PDF",
    b"\x89png": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"gif8": "a picture",
    b"\xd0\xcf\x11\xe0": "an old Office document",
    b"<!doctype html": "a web page",
    b"<html": "a web page",
    b"<?xml": "an XML file",
    b"{\\rtf": "a document (.rtf)",
}


class Node(dict):
    """A dict whose items are attributes, too; the notebooks here are made of them."""

    def __getattr__(self, name):
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name, value):
        self[name] = value


def node(value):
    """The same JSON with each dict as a `Node`."""
    if isinstance(value, dict):
        return Node((key, node(item)) for key, item in value.items())
    return [node(item) for item in value] if isinstance(value, list) else value


class Unreadable(ValueError):
    """The file is no notebook of the course; the message says why."""


def read(path):
    """The notebook in a file, which may come from anyone."""
    try:
        info = os.lstat(path)
        if not stat.S_ISREG(info.st_mode):
            raise Unreadable("a link or a device, not a file")
        if info.st_size > MAX_SIZE:
            raise Unreadable(f"{info.st_size / 1e6:.0f} MB; at most {MAX_SIZE / 1e6:.0f} MB")
        if not info.st_size:
            raise Unreadable("the file is empty")
        with open(path, "rb") as file:
            return parse(decoded(file.read(MAX_SIZE)))
    except OSError as error:
        raise Unreadable(f"cannot be read: {error.strerror}") from None


def decoded(data):
    """The text of a file: UTF-8, UTF-16 with or without a mark, or Windows's old code page."""
    for beginning, what in FOREIGN.items():
        if data[:600].lstrip().lower().startswith(beginning):
            raise Unreadable(f"{what}, not a notebook (.ipynb)")
    if data[257:262] == b"ustar":
        raise Unreadable("a .tar archive, not a notebook (.ipynb)")
    try:
        return data.decode(json.detect_encoding(data)).removeprefix("\ufeff")
    except UnicodeDecodeError:
        if data.lstrip()[:1] == b"{" and b"\0" not in data:
            return data.decode("cp1252", "replace")
        raise Unreadable("not a notebook: no text in UTF-8") from None


def parse(text):
    """The notebook in a text; its cells hold what the rest of the package relies on."""
    try:
        if is_heavy(text):
            small = slim(text.encode("utf-8", "surrogatepass"))
            text = "" if small is None else small.decode("utf-8", "surrogatepass")
            if not text or is_heavy(text):
                raise Unreadable("not a notebook: more lists and objects than a notebook has")
        raw = json.loads(text)
        version = raw["nbformat"]
        if version not in (3, 4):
            raise Unreadable(f"a notebook of version {version!r:.20}; save it as version 4")
        if version == 3:
            import nbformat  # takes seconds, and hardly anybody needs it

            raw = nbformat.reads(text, as_version=4)
        return _plain(raw)
    except Unreadable:
        raise
    except json.JSONDecodeError as error:
        if re.search(r"^(<{7}|={7}|>{7})( |$)", text, re.MULTILINE):
            why = "two versions that Git could not merge stand in it, between <<<<<<< and >>>>>>>"
            raise Unreadable(f"not a notebook: {why}; choose one of them") from None
        cut = error.pos >= len(text.rstrip()) - 1 or error.msg.startswith("Unterminated string")
        why = "cut short" if cut else f"no JSON at line {error.lineno}"
        raise Unreadable(f"not a notebook: {why}") from None
    except (KeyError, TypeError, AttributeError):
        raise Unreadable("not a notebook: JSON of another kind, or damaged") from None
    except RecursionError:
        raise Unreadable("not a notebook: nested too deeply") from None
    except Exception as error:  # what odd files provoke is not foreseeable
        raise Unreadable(f"not a notebook ({type(error).__name__})") from None


def _plain(raw):
    metadata = raw.get("metadata")
    metadata = node(metadata) if isinstance(metadata, dict) else Node()
    spoken = language(metadata)
    if spoken not in (None, "python"):
        raise Unreadable(f"a notebook in {spoken!r:.40}, not in Python")
    if not 0 < len(raw["cells"]) <= MAX_CELLS:
        raise Unreadable(f"a notebook of {len(raw['cells'])} cells")
    cells = []
    for number, cell in enumerate(map(node, raw["cells"])):
        source = cell["source"]
        source = "".join(source) if isinstance(source, list) else source
        if cell["cell_type"] not in ("code", "markdown", "raw") or not isinstance(source, str):
            raise Unreadable(f"cell {number + 1} is damaged")
        cell.source = source.encode("utf-8", "replace").decode()  # half a character breaks files
        if not isinstance(cell.get("metadata"), dict):
            cell.metadata = Node()
        if not isinstance(cell.metadata.get("nbgrader", {}), dict):
            del cell.metadata["nbgrader"]
        cells.append(cell)
    minor = raw.get("nbformat_minor")
    minor = minor if isinstance(minor, int) else 5
    return Node(cells=cells, metadata=metadata, nbformat=4, nbformat_minor=minor)


def language(metadata):
    """The language of the kernel, lower case; None where the notebook does not say."""
    for place, key in (("kernelspec", "language"), ("language_info", "name")):
        info = metadata.get(place)
        if isinstance(info, dict) and isinstance(info.get(key), str) and info[key]:
            return info[key].lower()
    kernel = metadata.get("kernelspec")
    name = kernel.get("name") if isinstance(kernel, dict) else None
    foreign = isinstance(name, str) and re.match(r"(?i)ir$|julia|octave|xcpp|bash|javascript", name)
    return name.lower() if foreign else None


def writes(notebook):
    """The notebook as text; the same bytes for the same notebook."""
    cells = [{**cell, "source": cell.source.splitlines(keepends=True)} for cell in notebook.cells]
    whole = {**notebook, "cells": cells}
    return json.dumps(whole, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def grade_id(cell):
    """The cell's name in nbgrader's metadata, or None."""
    name = cell.metadata.get("nbgrader", {}).get("grade_id")
    return name if isinstance(name, str) and name else None


def kind(cell):
    """What the cell is for: setup, answer, test, written or text."""
    code, info = cell.cell_type == "code", cell.metadata.get("nbgrader", {})
    if info.get("solution"):
        return "answer" if code else "written"
    if info.get("grade"):
        return "test"
    return "setup" if code and info.get("locked") else "text"


def locked(cell):
    """Whether students are not to change the cell."""
    info = cell.metadata.get("nbgrader", {})
    return not info.get("solution") and bool(info.get("grade") or info.get("locked"))


def points(cell):
    """The points of a test or a written answer."""
    return cell.metadata.nbgrader.points


@functools.lru_cache(1000)
def defined(source):
    """The names that trusted code binds at its top level."""
    names = []
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.append(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names += [(name.asname or name.name).split(".")[0] for name in node.names]
        else:
            names += [
                n.id
                for n in ast.walk(node)
                if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
            ]
    return tuple(dict.fromkeys(names))


@functools.lru_cache(1000)
def used(source):
    """The names that trusted code reads."""
    nodes = ast.walk(ast.parse(source))
    return frozenset(n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load))


def check_source(notebook):
    """Raise ValueError, with all that is wrong, if the notebook is no source of a problem set."""
    wrong, seen, answers, setups, scored = [], set(), {"STUDENT_ID"}, set(), 0
    for number, cell in enumerate(notebook.cells, 1):
        name, what = grade_id(cell), kind(cell)
        where = f"cell {number} ({name})" if name else f"cell {number}"
        if "nbgrader" in cell.metadata:
            if name is None:
                wrong.append(f"{where} has nbgrader metadata without a grade_id")
            elif not re.fullmatch(r"[\w-]+", name):
                wrong.append(f"{where}: a grade_id has letters, digits, - and _ only")
            elif name in seen:
                wrong.append(f"{where}: its grade_id is taken")
            seen.add(name)
            info = cell.metadata.nbgrader
            if info.get("schema_version") != 3:
                wrong.append(f"{where}: schema_version must be 3")
            if what in ("test", "setup") and not info.get("locked"):
                wrong.append(f"{where}: a {what} must be locked")
        if what in ("test", "written"):
            scored += 1
            worth = cell.metadata.nbgrader.get("points")
            if type(worth) not in (int, float) or not 0 < worth < 1000:
                wrong.append(f"{where}: points must be above 0, got {worth!r}")
            if not cell.metadata.nbgrader.get("grade"):
                wrong.append(f"{where}: a written answer needs grade: true and points")
        if what == "answer" and cell.metadata.nbgrader.get("grade"):
            wrong.append(f"{where}: an answer in code has no points; its tests have")
        try:
            _regions(cell, what)
            if cell.cell_type != "code":
                continue
            reads, binds = used(cell.source), defined(cell.source)
            ast.parse(released(cell))
        except (ValueError, SyntaxError) as error:
            wrong.append(f"{where}: {error}")
            continue
        if what == "answer":
            answers.update(binds)
        elif what == "setup":
            setups.update(binds)
            if (answers - {"STUDENT_ID"}) & reads:
                wrong.append(f"{where}: setup runs in the grader and can use no answer")
        elif what == "test" and not reads & answers:
            wrong.append(f"{where} tests nothing that an answer cell defines")
    if not scored:
        wrong.append("no cell has points")
    if both := sorted(answers & setups):
        wrong.append(f"{', '.join(both)}: defined by a setup cell and by an answer cell")
    if wrong:
        raise ValueError("no source of a problem set: " + "; ".join(wrong))


def _regions(cell, what):
    solution = "BEGIN SOLUTION" in cell.source or "END SOLUTION" in cell.source
    hidden = "BEGIN HIDDEN TESTS" in cell.source or "END HIDDEN TESTS" in cell.source
    if solution and what != "answer":
        raise ValueError("a solution region belongs in an answer cell of code")
    if hidden and what != "test":
        raise ValueError("hidden tests belong in a cell with points")
    if what == "answer" and not solution:
        raise ValueError("an answer cell needs a region ### BEGIN SOLUTION .. ### END SOLUTION")


def _cut(source, word, stub=None):
    """`source` without the regions of that word; `stub` takes the place of each."""
    lines, inside = [], False
    for line in source.split("\n"):
        if f"BEGIN {word}" in line:
            if inside:
                raise ValueError(f"BEGIN {word} within BEGIN {word}")
            inside = True
            indent = re.match(r"\s*", line)[0]
            lines += [indent + text for text in (stub.split("\n") if stub else [])]
        elif f"END {word}" in line:
            if not inside:
                raise ValueError(f"END {word} without BEGIN {word}")
            inside = False
        elif not inside:
            lines.append(line)
    if inside:
        raise ValueError(f"BEGIN {word} without END {word}")
    return "\n".join(lines)


def released(cell):
    """The text of a cell as students get it."""
    if kind(cell) == "written":
        return TEXT_STUB
    if kind(cell) == "answer":
        return _cut(cell.source, "SOLUTION", CODE_STUB)
    return _cut(cell.source, "HIDDEN TESTS") if kind(cell) == "test" else cell.source


def release(source):
    """The student's version, as nbgrader's generate_assignment makes it; without outputs."""
    check_source(source)
    return fresh(source)


def fresh(source):
    """`release`, of a source that was checked before."""
    notebook = copy.deepcopy(source)
    notebook.metadata.pop("celltoolbar", None)
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        cell.source = released(cell)
        for key in ("collapsed", "scrolled", "execution"):
            cell.metadata.pop(key, None)
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        if kind(cell) != "text" or locked(cell):
            cell.metadata["deletable"] = False
            if locked(cell):
                cell.metadata["editable"] = False
            cell.metadata.nbgrader["cell_type"] = cell.cell_type
            cell.metadata.nbgrader["checksum"] = checksum(cell)
    return notebook


def solved(source):
    """The released notebook with the solutions in it, as a student would hand it in."""
    notebook = release(source)
    for cell, solution in zip(notebook.cells, source.cells, strict=True):
        if kind(cell) in ("answer", "written"):
            cell.source = solution.source
    return notebook


def checksum(cell):
    """nbgrader's, by which it sees that an answer was left as it was."""
    info = cell.metadata.nbgrader
    grade, solution = info.get("grade", False), info.get("solution", False)
    parts = [cell.source, cell.cell_type, str(grade), str(solution), str(locked(cell))]
    parts += [info.grade_id]
    parts += [str(float(info.points))] if grade else []
    return hashlib.md5("".join(parts).encode()).hexdigest()
