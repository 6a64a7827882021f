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
import io
import json
import os
import re
import stat
import tokenize

MAX_SIZE = 20 << 20  # bytes
MAX_CELLS = 1000
CODE_STUB = "# YOUR CODE HERE\nraise NotImplementedError()"
TEXT_STUB = "YOUR ANSWER HERE"
SKIPPED = tokenize.COMMENT, tokenize.NL


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
        with open(path, encoding="utf-8-sig") as file:
            return parse(file.read(MAX_SIZE))
    except UnicodeDecodeError:
        raise Unreadable("not a notebook: no text in UTF-8") from None
    except OSError as error:
        raise Unreadable(f"cannot be read: {error.strerror}") from None


def parse(text):
    """The notebook in a text; its cells hold what the rest of the package relies on."""
    try:
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
        cut = error.pos >= len(text.rstrip()) - 1 or error.msg.startswith("Unterminated string")
        why = "cut short" if cut else f"no JSON at line {error.lineno}"
        raise Unreadable(f"not a notebook: {why}") from None
    except Exception as error:  # what odd files provoke is not foreseeable
        raise Unreadable(f"not a notebook ({type(error).__name__})") from None


def _plain(raw):
    raw = node(raw)
    metadata = raw.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else Node()
    language = _language(metadata)
    if language not in (None, "python"):
        raise Unreadable(f"a notebook in {language!r:.40}, not in Python")
    cells = []
    for number, cell in enumerate(raw["cells"]):
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
    if not 0 < len(cells) <= MAX_CELLS:
        raise Unreadable(f"a notebook of {len(cells)} cells")
    minor = raw.get("nbformat_minor")
    minor = minor if isinstance(minor, int) else 5
    return Node(cells=cells, metadata=metadata, nbformat=4, nbformat_minor=minor)


def _language(metadata):
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
    return _release(source)


def _release(source):
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
            cell.metadata.nbgrader["checksum"] = _checksum(cell)
    return notebook


def solved(source):
    """The released notebook with the solutions in it, as a student would hand it in."""
    notebook = release(source)
    for cell, solution in zip(notebook.cells, source.cells, strict=True):
        if kind(cell) in ("answer", "written"):
            cell.source = solution.source
    return notebook


def _checksum(cell):
    """nbgrader's, by which it sees that an answer was left as it was."""
    info = cell.metadata.nbgrader
    grade, solution = info.get("grade", False), info.get("solution", False)
    parts = [cell.source, cell.cell_type, str(grade), str(solution), str(locked(cell))]
    parts += [info.grade_id]
    parts += [str(float(info.points))] if grade else []
    return hashlib.md5("".join(parts).encode()).hexdigest()


def collect(source, submission):
    """A fresh released notebook that holds the answers of `submission`; see `transplant`."""
    return transplant(source, submission)[0]


def transplant(source, submission):
    """The answers of `submission` in a fresh released notebook, and what was odd about it.

    Of several answers in code the last that is not the untouched stub counts; written ones are
    put together. Other code of the student's stays, without metadata: a further copy of a cell in
    front of that cell, the rest behind the cell it followed.
    """
    fresh, given = _release(source), submission.cells
    match = _match_cells(fresh.cells, given)
    kernel = _kernel(submission)
    notes = [f"another kernel: {kernel}"] if kernel else []
    first = list(dict.fromkeys(n for n in match if n is not None))
    if first != sorted(first):
        notes.append("cells were reordered")
    missing = [n for n, cell in enumerate(fresh.cells) if kind(cell) != "text" and n not in first]
    guessed = [n for n in set(first) if kind(fresh.cells[n]) != "text"]
    guessed = [n for n in guessed if not _has_id(n, fresh.cells, given, match)]
    tests = [used(cell.source) for cell in source.cells if kind(cell) == "test"]
    tested = frozenset().union(*tests)
    guessed += _match_answers(source.cells, fresh.cells, given, match, tested)
    order, kept, found = [], set(), []
    for n, cell in enumerate(fresh.cells):
        stub, name, what = _text(cell), grade_id(cell), kind(cell)
        copies = [i for i, m in enumerate(match) if m == n]
        changed = [i for i in copies if _text(given[i]) != stub]
        if locked(cell):  # one of an earlier release was changed by the teacher, not the student
            changed = [i for i in changed if not _as_released(given[i])]
            changed = [i for i in changed if not _same_code(given[i], cell)]
        order.append(((n, 0, 0), cell))
        if what == "written":
            kept.update(copies)
            above = [
                i for i, m in enumerate(match) if m == n - 1 and kind(fresh.cells[m]) == "text"
            ]
            question = _text(fresh.cells[n - 1])  # unless the teacher has changed it since
            above = [i for i in above if question in _text(given[i]) != question]
            if above and not changed:
                notes.append(f"{name}: answered in the cell of the question")
                changed = above
            cell.source = "\n\n".join(given[i].source for i in changed) or cell.source
            if pictures := _attachments(given[i] for i in changed):
                cell.attachments = pictures
        elif cell.cell_type != "code":
            kept.update(copies)
        else:
            kept.update(set(copies) - set(changed))
            if changed and not locked(cell):
                kept.add(changed[-1])
                cell.source = given[changed[-1]].source
        if name and what != "text":
            if locked(cell) and copies and len(changed) == len(copies):
                notes.append(f"{name}: this {what} cell was edited; the original is used")
            elif n in guessed:
                found.append(name)
            elif n in missing:
                notes.append(f"{name}: the cell is missing")
            elif what == "answer" and _repeated([given[i] for i in changed], tested):
                notes.append(f"{name}: the cell is there {len(copies)} times")
    if found:
        more = f" and {len(found) - 3} more" if len(found) > 3 else ""
        notes.append(f"{', '.join(found[:3])}{more}: found by content, not by metadata")
    last = -1
    for i, cell in enumerate(given):
        if i not in kept and cell.cell_type == "code" and cell.source.strip():
            place = (last, 1, i) if match[i] is None else (match[i], -1, i)
            order.append((place, _code_cell(cell.source, i)))
        last = last if match[i] is None else match[i]
    fresh.cells = [cell for _, cell in sorted(order, key=lambda pair: pair[0])]
    if (source.nbformat_minor or 0) < 5:
        for cell in fresh.cells:
            cell.pop("id", None)
    return fresh, notes


def _match_cells(fresh, given):
    """For each given cell the number of the released one it is: by grade_id, cell id or text."""
    texts = [_text(cell) for cell in fresh]
    by_text = {text: n for n, text in enumerate(texts) if text and texts.count(text) == 1}
    by_name = {grade_id(cell): n for n, cell in enumerate(fresh) if grade_id(cell)}
    by_id = {cell.id: n for n, cell in enumerate(fresh) if "id" in cell}
    match = []
    for cell in given:
        n = by_name.get(grade_id(cell))
        if n is None and isinstance(cell.get("id"), str):
            n = by_id.get(cell.id)
        other = n is not None and fresh[n].cell_type != cell.cell_type
        if n is None or (other and kind(fresh[n]) not in ("answer", "written")):
            n = by_text.get(_text(cell))
        match.append(n)
    return match


def _match_answers(source, fresh, given, match, tested):
    """Complete `match` for answers in cells of their own; return the numbers of those in code."""
    found, bound = [], {i: binds(given[i]) for i, m in enumerate(match) if m is None}
    for n, cell in enumerate(fresh):
        copies = [i for i, m in enumerate(match) if m == n]
        if kind(cell) == "written":  # all the text between the question and what comes next
            start = copies or [i for i, m in enumerate(match) if m == n - 1]
            for i in _around(max(start), match) if start else ():
                if given[i].cell_type != "code" and _text(given[i]):
                    match[i] = n
        elif kind(cell) == "answer" and all(_text(given[i]) == _text(cell) for i in copies):
            names = tested.intersection(defined(source[n].source))  # code that defines them
            here = [i for i, more in bound.items() if match[i] is None and names & more]
            for i in here:
                match[i] = n
            found += [n] * bool(here)
    return found


def _around(i, match):
    """The numbers of the cells without a match beside cell `i`, in order."""
    first = last = i
    while first > 0 and match[first - 1] is None:
        first -= 1
    while last < len(match) - 1 and match[last + 1] is None:
        last += 1
    return [j for j in range(first, last + 1) if j != i]


def _repeated(cells, names):
    """Whether two of the cells define the same of these names."""
    bound = [name for cell in cells for name in names & binds(cell)]
    return len(bound) > len(set(bound))


def _same_code(one, other):
    """Whether two cells differ in layout and comments at most; no code of a student is parsed."""
    if len(one.source) > 2 * len(other.source) + 1000:
        return False
    try:
        return _tokens(one.source) == _tokens(other.source)
    except (SyntaxError, ValueError, tokenize.TokenError):
        return False


def _tokens(source):
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    blank = {tokenize.NEWLINE, tokenize.INDENT}
    return [(t.type, t.type in blank or t.string) for t in tokens if t.type not in SKIPPED]


def _attachments(cells):
    """The pictures in cells that may come from anyone, as nbformat wants them."""
    found = Node()
    for cell in cells:
        pictures = cell.get("attachments")
        for name, data in pictures.items() if isinstance(pictures, dict) else ():
            if isinstance(data, dict) and all(isinstance(x, str) for x in data.values()):
                found[name] = data
    return found


def _as_released(cell):
    """Whether a cell, which may come from anyone, is what some release made it."""
    try:
        return cell.metadata.nbgrader.checksum == _checksum(cell)
    except (AttributeError, TypeError, ValueError, OverflowError):
        return False


def _has_id(n, fresh, given, match):
    return any(m == n and grade_id(given[i]) == grade_id(fresh[n]) for i, m in enumerate(match))


def _text(cell):
    return "\n".join(line.rstrip() for line in cell.source.strip().splitlines())


def binds(cell):
    """The names that a student's code seems to define; it need not even be Python."""
    if cell.cell_type != "code":
        return set()
    found = re.findall(
        r"^(?:(?:async\s+)?def|class)\s+(\w+)|^([\w(][\w, \t()]*?)(?::[^=\n]+)?=(?!=)",
        cell.source,
        re.MULTILINE,
    )
    return {name for pair in found for text in pair for name in re.findall(r"\w+", text)}


def _code_cell(source, number):
    return Node(
        cell_type="code",
        execution_count=None,
        id=f"extra-{number}",
        metadata=Node(),
        outputs=[],
        source=source,
    )


def _kernel(submission):
    """A Python that is not today's, in words; "" if there is nothing to say."""
    info = submission.metadata.get("language_info")
    version = info.get("version") if isinstance(info, dict) else None
    if isinstance(version, str) and version.startswith("2"):
        return f"Python {version:.20}"
    return "" if _language(submission.metadata) else "the notebook does not say which"
