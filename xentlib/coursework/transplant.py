"""Moving a student's answers into a fresh copy of the set, whatever was done to the cells.

Cells are moved, copied, split, deleted, retyped, and lose their metadata; each answer is found by
its id, by its text or by what it defines. No code of a student is run or parsed here.
"""

import io
import re
import tokenize

from xentlib.coursework import notebook as nb

SKIPPED = tokenize.COMMENT, tokenize.NL
EDITED = ": this {} cell was edited; the original is used"
PICTURES = {"image/png", "image/jpeg", "image/gif", "image/webp"}  # an SVG can hold a script


def collect(source, submission):
    """A fresh released notebook that holds the answers of `submission`; see `transplant`."""
    return transplant(source, submission)[0]


def transplant(source, submission):
    """The answers of `submission` in a fresh released notebook, and what was odd about it.

    Of several answers in code the last that is not the untouched stub counts, of those above the
    first test that asks for it if there is one; written ones are put together. Other code of the
    student's stays, without metadata: a further copy of a cell in front of that cell, the rest,
    and what is below such a test, behind the cell it followed.
    """
    fresh, given = nb.fresh(source), submission.cells
    match = _match_cells(fresh.cells, given)
    kernel = _kernel(submission)
    notes = [f"another kernel: {kernel}"] if kernel else []
    first = list(dict.fromkeys(n for n in match if n is not None))
    if first != sorted(first):
        notes.append("cells were reordered")
    kinds = [nb.kind(cell) for cell in fresh.cells]
    missing = [n for n, what in enumerate(kinds) if what != "text" and n not in first]
    guessed = [n for n in set(first) if kinds[n] != "text"]
    guessed = [n for n in guessed if not _has_id(n, fresh.cells, given, match)]
    tests = [nb.used(cell.source) for cell in source.cells if nb.kind(cell) == "test"]
    tested = frozenset().union(*tests)
    named = list(match)
    guessed += _match_answers(source.cells, fresh.cells, given, match, tested)
    typed = {i for i, m in enumerate(match) if m is not None and named[i] is None}
    order, kept, found, late = [], set(), [], set()
    for n, cell in enumerate(fresh.cells):
        stub, name, what = _text(cell), nb.grade_id(cell), nb.kind(cell)
        copies = [i for i, m in enumerate(match) if m == n]
        changed = [i for i in copies if _text(given[i]) != stub]
        if nb.locked(cell):
            changed = [i for i in changed if not _same_code(given[i], cell)]
            kept.update(i for i in changed if _as_released(given[i]))  # not the student's code
        order.append(((n, 0, 0), cell))
        if what == "written":
            kept.update(copies)
            above = [
                i for i, m in enumerate(match) if m == n - 1 and nb.kind(fresh.cells[m]) == "text"
            ]
            question = _text(fresh.cells[n - 1])  # unless the teacher has changed it since
            above = [i for i in above if question in _text(given[i]) != question]
            if above and not changed:
                notes.append(f"{name}: answered in the cell of the question")
                changed = above
            if any(given[i].cell_type == "code" and match[i] == n for i in changed if i in typed):
                notes.append(f"{name}: answered in a code cell, as comments or as text")
            elif not changed and (beside := _beside(n, copies, given, match)):
                notes.append(f"{name}: no answer but this code beside it")
                changed = beside
            cell.source = "\n\n".join(given[i].source for i in changed) or cell.source
            if pictures := _attachments(given[i] for i in changed):
                cell.attachments = pictures
        elif cell.cell_type != "code":
            kept.update(copies)
        else:
            kept.update(set(copies) - set(changed))
            if changed and not nb.locked(cell):
                bar = _first_test(n, source.cells, match)
                above = [i for i in changed if i < bar]
                late.update(i for i in changed if above and i > bar)
                counts = (above or changed)[-1]
                kept.add(counts)
                cell.source = given[counts].source
        if name and what != "text":
            if nb.locked(cell) and copies and len(changed) == len(copies):
                notes.append(name + EDITED.format(what))
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
            own = match[i] is None or i in late
            place = (last, 1, i) if own else (match[i], -1, i)
            order.append((place, _code_cell(cell.source, i)))
        last = last if match[i] is None or i in late else match[i]
    fresh.cells = [cell for _, cell in sorted(order, key=lambda pair: pair[0])]
    if (source.nbformat_minor or 0) < 5:
        for cell in fresh.cells:
            cell.pop("id", None)
    return fresh, notes


def _match_cells(fresh, given):
    """For each given cell the number of the released one it is: by grade_id, cell id or text."""
    texts = [_text(cell) for cell in fresh]
    by_text = {text: n for n, text in enumerate(texts) if text and texts.count(text) == 1}
    by_name = {nb.grade_id(cell): n for n, cell in enumerate(fresh) if nb.grade_id(cell)}
    by_id = {cell.id: n for n, cell in enumerate(fresh) if "id" in cell}
    match = []
    for cell in given:
        n = by_name.get(nb.grade_id(cell))
        if n is None and isinstance(cell.get("id"), str):
            n = by_id.get(cell.id)
        other = n is not None and fresh[n].cell_type != cell.cell_type
        if n is None or (other and nb.kind(fresh[n]) not in ("answer", "written")):
            n = by_text.get(_text(cell))
        match.append(n)
    return match


def _match_answers(source, fresh, given, match, tested):
    """Complete `match` for answers in cells of their own; return the numbers of those in code."""
    found, bound = [], {i: binds(given[i]) for i, m in enumerate(match) if m is None}
    for n, cell in enumerate(fresh):
        copies = [i for i, m in enumerate(match) if m == n]
        if nb.kind(cell) == "written":  # all the text between the question and what comes next
            start = copies or [i for i, m in enumerate(match) if m == n - 1]
            for i in _around(max(start), match) if start else ():
                if _text(given[i]) and (given[i].cell_type != "code" or _is_prose(given[i])):
                    match[i] = n
        elif nb.kind(cell) == "answer" and all(_text(given[i]) == _text(cell) for i in copies):
            names = tested.intersection(nb.defined(source[n].source))  # code that defines them
            here = [i for i, more in bound.items() if match[i] is None and names & more]
            for i in here:
                match[i] = n
            found += [n] * bool(here)
    return found


def _is_prose(cell):
    """Whether a code cell holds comments or one string only: words, and nothing to run."""
    lines = [line.strip() for line in cell.source.splitlines()]
    rest = "\n".join(line for line in lines if line and not line.startswith("#"))
    if not rest:
        return True
    for quote in ('"""', "'''", '"', "'"):
        if rest.startswith(quote) and rest.endswith(quote) and len(rest) >= 2 * len(quote):
            return quote not in rest[len(quote) : -len(quote)]
    return False


def _beside(n, copies, given, match):
    """The numbers of the student's own code cells where the written answer should be."""
    start = copies or [i for i, m in enumerate(match) if m == n - 1]
    around = _around(max(start), match) if start else ()
    return [i for i in around if given[i].cell_type == "code" and _text(given[i])]


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
    found = nb.Node()
    for cell in cells:
        pictures = cell.get("attachments")
        for name, data in pictures.items() if isinstance(pictures, dict) else ():
            data = data.items() if isinstance(data, dict) else ()
            data = {kind: x for kind, x in data if kind in PICTURES and isinstance(x, str)}
            if data and re.fullmatch(r"[\w.() -]{1,200}", name):
                found[name] = nb.Node(data)
    return found


def _first_test(n, source, match):
    """Where in the submission the tests of an answer begin."""
    names = {*nb.defined(source[n].source)} - {"STUDENT_ID"}
    tests = (t for t in range(n + 1, len(source)) if nb.kind(source[t]) == "test")
    test = next((t for t in tests if names & nb.used(source[t].source)), len(source))
    return next((i for i, m in enumerate(match) if m is not None and m >= test), len(match))


def _as_released(cell):
    """Whether a cell has the checksum of its text, as a release gives it; anyone can compute it."""
    try:
        return cell.metadata.nbgrader.checksum == nb.checksum(cell)
    except (AttributeError, TypeError, ValueError, OverflowError):
        return False


def _has_id(n, fresh, given, match):
    name = nb.grade_id(fresh[n])
    return any(m == n and nb.grade_id(given[i]) == name for i, m in enumerate(match))


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
    return nb.Node(
        cell_type="code",
        execution_count=None,
        id=f"extra-{number}",
        metadata=nb.Node(),
        outputs=[],
        source=source,
    )


def _kernel(submission):
    """A Python that is not today's, in words; "" if there is nothing to say."""
    info = submission.metadata.get("language_info")
    version = info.get("version") if isinstance(info, dict) else None
    if isinstance(version, str) and re.match(r"2(\.|$)", version):
        return f"Python {re.match(r'[0-9.]{1,20}', version)[0]}"
    return "" if nb.language(submission.metadata) else "the notebook does not say which"
