"""What grading writes: tables for spreadsheets, Canvas and Moodle, and pages to read.

All that comes from students is hostile here. In a page it is escaped and stands as plain text; the
pages hold no script, load nothing and forbid both. In a table no cell can begin a formula.
"""

import base64
import csv
import hashlib
import hmac
import html
import io
import os
import re
import tempfile
import unicodedata
import zipfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from xentlib.coursework.submissions import Submission, clean, csv_delimiter

LONGEST = 2000  # characters of one cell of a table
LATER = "not yet"


@dataclass
class Question:
    """A graded cell of the assignment."""

    id: str
    points: float
    written: bool
    title: str = ""
    prompt: str = ""
    rubric: str = ""
    model: str = ""


@dataclass
class Row:
    """One student's line in every report."""

    submission: Submission
    status: str  # ok, REVIEW, UNREADABLE, MISSING
    file: str = ""
    notes: list[str] = field(default_factory=list)
    scores: dict[str, float] | None = None  # None: nothing was graded
    messages: dict[str, str] = field(default_factory=dict)
    written: dict[str, str] = field(default_factory=dict)
    marks: dict[str, str] = field(default_factory=dict)  # a teacher's, of the written questions
    by_hand: set[str] = field(default_factory=set)  # the tests whose score is the teacher's
    digest: str = ""  # of the file
    waiting: bool = False  # the program has still to grade it
    other_id: str = ""  # the STUDENT_ID in the notebook, where it is not this student's

    @property
    def student(self):
        return self.submission.student

    @property
    def auto(self):
        return None if self.scores is None else sum(self.scores.values())

    @property
    def total(self):
        """Automatic points and a teacher's; None as long as the program has still to grade."""
        if self.waiting:
            return None
        given = [float(mark) for mark in self.marks.values() if is_number(mark)]
        return None if self.auto is None and not given else (self.auto or 0) + sum(given)


def questions(source):
    """The graded cells of a source notebook, in order, each with its heading and rubric."""
    found, title, texts = [], "", []
    for cell in source["cells"]:
        text = cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
        meta = cell.get("metadata", {}).get("nbgrader", {})
        if meta.get("grade"):
            written = bool(meta.get("solution"))
            rubric = "\n\n".join(filter(None, map(_rubric, [*texts, text if written else ""])))
            prompt = "\n\n".join(text.replace(_rubric(text), "").strip() for text in texts)
            found.append(Question(meta["grade_id"], meta["points"], written, title, prompt, rubric))
            found[-1].model = text if written else ""
            texts = []
        elif cell["cell_type"] == "markdown":
            title = _heading(text) or title
            texts.append(text)
    times = Counter(question.title for question in found)
    for question in found:
        if not question.title:
            question.title = question.id
        elif times[question.title] > 1:
            question.title += f" ({question.id})"
    return found


def _heading(text):
    """The first heading in a Markdown text, without its points."""
    heading = re.search(r"^#{1,6} +(.+?)\s*$", text, re.MULTILINE)
    return re.sub(r"\s*\([^()]*\bpoints?\b[^()]*\)$", "", heading[1]) if heading else ""


def _rubric(text):
    """The part of a Markdown text that begins with the word Rubric."""
    match = re.search(r"^[#>*_\s]*Rubric\b.*", text, re.MULTILINE | re.DOTALL | re.IGNORECASE)
    return match[0].strip() if match else ""


# --- Safe text and safe files ---------------------------------------------------------------------


def cell_text(text):
    """`text` as one line of a table that no spreadsheet takes for a formula.

    An apostrophe goes before what could begin one: at the start, and after a semicolon, which
    parts cells where the comma is the decimal mark.
    """
    line = " ".join(clean(str(text)).split())
    if len(line) > LONGEST:
        line = line[:LONGEST] + " …"
    pieces = line.split(";")
    return ";".join("'" + piece if _is_formula(piece) else piece for piece in pieces)


def _is_formula(text):
    for c in text:
        if unicodedata.category(c)[0] not in "ZC" and c not in "\"'`":
            return unicodedata.normalize("NFKC", c)[0] in "=+-@−"
    return False


def file_name(student):
    """A harmless file name for a student; it has a hash where letters had to go."""
    plain = unicodedata.normalize("NFC", student)
    safe = "".join(c if c.isalnum() or c in "-_.@ " else "_" for c in plain)
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


def _table(path, rows, encoding="utf-8", delimiter=","):
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows(rows)
    write(path, text.getvalue().encode(encoding))


def as_text(value):
    return "" if value is None else f"{value:.10g}"


def _worth(points):
    return f"{as_text(points)} point{'' if points == 1 else 's'}"


def is_number(text):
    return re.fullmatch(r"\d+([.,]\d+)?", text.strip()) is not None


# --- Tables ---------------------------------------------------------------------------------------


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
        return " | ".join([_first_words(row), *_by_hand(row, asked)])
    parts = []
    for question in asked:
        if question.written:
            parts.append(f"{question.id}: {_mark(row, question)} of {as_text(question.points)}")
        else:
            got = row.scores.get(question.id, 0)
            message = " ".join(clean(row.messages.get(question.id, "")).split())
            said = f" ({message[:200]})" if message and got < question.points else ""
            parts.append(f"{question.id}: {as_text(got)} of {as_text(question.points)}{said}")
    text = re.sub(r"&(?=[#\w])", "&amp;", " | ".join(parts))
    return re.sub(r"<(?=[A-Za-z/!?])", "&lt;", text)


# --- Pages ----------------------------------------------------------------------------------------

STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #fff; --soft: #f3f4f6; --line: #767d87;
  --good: #14652f; --bad: #a11d1d; --link: #0b57a4; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e9ed; --paper: #15181c; --soft: #22272e; --line: #8b949e;
    --good: #7ddc9a; --bad: #ff9d94; --link: #8ec5ff; }
}
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; }
main { max-width: 46rem; margin: 0 auto; padding: 1rem; }
h1, h2, h3 { line-height: 1.25; overflow-wrap: anywhere; }
a, summary { color: var(--link); }
table { border-collapse: collapse; width: 100%; }
caption { text-align: left; padding: .3rem 0; }
th, td { text-align: left; border-bottom: 1px solid var(--line); padding: .3rem .6rem .3rem 0; }
.n { text-align: right; font-variant-numeric: tabular-nums; }
pre { background: var(--soft); border-left: .25rem solid var(--line); padding: .6rem;
  margin: .5rem 0; white-space: pre-wrap; overflow-wrap: anywhere; font-size: .95rem; }
.good { color: var(--good); } .bad { color: var(--bad); }
section, article { margin: 1.5rem 0; }
@media print { main { max-width: none; } }
"""
_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()


def _page(title, body):
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy" '
        f"content=\"default-src 'none'; style-src 'sha256-{_HASH}'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{_text(title)}</title>\n<style>{STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _text(text):
    return html.escape(clean(str(text)), quote=True)


def _pre(text):
    return f'<pre dir="auto">\n{_text(text)}</pre>'


def _first_words(row):
    if row.status == "MISSING":
        return "Nothing was handed in."
    if row.status == "UNREADABLE":
        return "What was handed in could not be read as a notebook."
    return "Not graded yet."


def _by_hand(row, asked):
    """The points that a teacher gave a student whose notebook was not graded."""
    if row.total is None:
        return []
    given = [q for q in asked if q.id in row.marks]
    return [f"{q.id}: {row.marks[q.id]} of {as_text(q.points)}" for q in given]


def feedback_page(row, asked, title):
    """One student's page: points, messages, the own written answers and what to do next."""
    name = row.submission.name or row.student
    body = [f"<h1>{_text(title)}</h1>", f"<p>For <bdi>{_text(name)}</bdi>.</p>"]
    if row.scores is None:
        body.append(f"<p>{_first_words(row)}</p>")
        if row.status == "UNREADABLE":
            body += [_pre(note) for note in row.notes]
            body.append(
                "<h2>What to do next</h2>\n<p>Open your notebook in Jupyter, save it, and hand in "
                "the file that ends in <code>.ipynb</code>, as it is.</p>"
            )
        if given := _by_hand(row, asked):
            body.append("<h2>Points given by hand</h2>\n" + _pre("\n".join(given)))
        return _page(f"{title}: feedback", "\n".join(body))
    body.append(f"<p>Graded: <bdi>{_text(row.file)}</bdi></p>")
    if row.status == "REVIEW":
        body.append("<p>Your teacher will look at this by hand; points may still change.</p>")
    if row.other_id and any(row.messages.values()):
        body.append(
            f"<p>Your notebook has the ID <bdi>{_text(row.other_id)}</bdi>, and you are known as "
            f"<bdi>{_text(row.student)}</bdi>. Numbers that you worked out from the data of "
            "another ID are not right here.</p>"
        )
    body.append(_points(row, asked))
    body.append(_next(row, asked))
    body += [_question(row, number, q) for number, q in enumerate(asked, 1)]
    return _page(f"{title}: feedback", "\n".join(body))


def _points(row, asked):
    lines = []
    for number, q in enumerate(asked, 1):
        got = _mark(row, q) if q.written else as_text(row.scores.get(q.id, 0))
        link = f'<a href="#q{number}">{_label(q, number)}</a>'
        lines.append(
            f'<tr><th scope="row">{link}</th><td class="n">{got}</td>'
            f'<td class="n">{as_text(q.points)}</td></tr>'
        )
    waiting = any(q.written and _mark(row, q) == LATER for q in asked)
    more = " so far" if waiting else ""
    return (
        f"<h2>{as_text(row.total)} of {_worth(sum(q.points for q in asked))}{more}</h2>\n"
        "<table><caption>Points by question</caption>\n"
        '<thead><tr><th scope="col">Question</th><th scope="col" class="n">Points</th>'
        '<th scope="col" class="n">of</th></tr></thead>\n'
        f"<tbody>{''.join(lines)}</tbody></table>"
    )


def _mark(row, question):
    """The points of a written answer: 0 without a word, later without a mark."""
    return row.marks.get(question.id) or (LATER if row.written.get(question.id) else "0")


def _label(question, number):
    title = question.title
    return _text(title if title[0].isdigit() else f"{number}. {title}")


def _next(row, asked):
    lost = [
        (q.points - row.scores.get(q.id, 0), number, q)
        for number, q in enumerate(asked, 1)
        if not q.written and row.scores.get(q.id, 0) < q.points
    ]
    if not lost:
        said = "<p>Every test passed. Compare your written answers with the chapter.</p>"
        if not any(q.written for q in asked):
            said = "<p>Every test passed. Well done.</p>"
        return f"<h2>What to do next</h2>\n{said}"
    lost.sort(key=lambda item: (-item[0], item[1]))
    links = "".join(
        f'<li><a href="#q{number}">{_label(q, number)}</a>, {_worth(points)}</li>'
        for points, number, q in lost
    )
    return (
        "<h2>What to do next</h2>\n<p>Begin where there is most to gain. Read the message, mend "
        "your answer in your notebook, and restart and run all cells before you look "
        f"again.</p>\n<ol>{links}</ol>"
    )


def _question(row, number, question):
    head = f'<section id="q{number}">\n<h2>{_label(question, number)}</h2>'
    if question.written:
        answer = row.written.get(question.id, "").strip()
        mark = _mark(row, question)
        said = "not yet marked" if mark == LATER else f"{mark} of {_worth(question.points)}"
        if not answer:
            return f"{head}\n<p>There is no answer: {said}.</p>\n</section>"
        return f"{head}\n<p>Your answer, {said}:</p>\n{_pre(answer)}\n</section>"
    got = row.scores.get(question.id, 0)
    points = f"{as_text(got)} of {_worth(question.points)}"
    points += ", given by hand" * (question.id in row.by_hand)
    if got >= question.points:
        return f'{head}\n<p><span class="good">Passed</span>: {points}.</p>\n</section>'
    said = row.messages.get(question.id, "") or "The test failed without a message."
    message = _pre(said)
    if "NotImplementedError" in said:
        message += "\n<p>Part of the answer is still as it was handed out.</p>"
    return f'{head}\n<p><span class="bad">Not passed</span>: {points}.</p>\n{message}\n</section>'


def written_page(rows, asked, title, secret):
    """All written answers by question, in an order that tells nothing; names are one click away."""
    asked = [(n, q) for n, q in enumerate(asked, 1) if q.written]
    body = [f"<h1>{_text(title)}: written answers</h1>"]
    if not asked:
        body.append("<p>This assignment has no written questions.</p>")
    else:
        body.append(
            "<p>Type the points into grades.csv and run the same command again: nothing is graded "
            "twice, and the points reach the feedback and the files for Canvas and Moodle. Answers "
            "without points come first.</p>"
        )
        links = (f'<li><a href="#q{n}">{_label(q, n)}</a></li>' for n, q in asked)
        body.append(f'<nav aria-label="Questions"><ul>{"".join(links)}</ul></nav>')
    for number, question in asked:
        body.append(f'<section id="q{number}">\n<h2>{_label(question, number)}</h2>')
        body.append(f"<p>{_worth(question.points)}, <code>{_text(question.id)}</code></p>")
        for name, text in (
            ("Question", question.prompt),
            ("Rubric", question.rubric),
            ("Model answer", question.model),
        ):
            if text:
                opened = " open" if name == "Rubric" else ""
                body.append(f"<details{opened}><summary>{name}</summary>{_pre(text)}</details>")
        answers, none = [], []
        for row in rows:
            answer = row.written.get(question.id, "").strip()
            (answers if answer else none).append((_code(secret, question.id, row.student), row))
        for code, row in sorted(answers, key=lambda item: (question.id in item[1].marks, item[0])):
            mark, answer = row.marks.get(question.id), row.written[question.id].strip()
            head = f"Answer {code}" + (f": {mark} of {_worth(question.points)}" if mark else "")
            if "](attachment:" in answer:
                answer += "\n\n(It has a picture, which only the notebook shows.)"
            body.append(
                f"<article>\n<h3>{head}</h3>\n{_pre(answer)}\n"
                f"<details><summary>Whose is {code}?</summary><p><bdi>{_text(row.student)}</bdi>"
                "</p></details>\n</article>"
            )
        if none:
            names = ", ".join(f"<bdi>{_text(row.student)}</bdi>" for _, row in none)
            body.append(
                f"<details><summary>No answer: {len(none)}</summary><p>{names}</p></details>"
            )
        body.append("</section>")
    return _page(f"{title}: written answers", "\n".join(body))


def _code(secret, question, student):
    message = f"order\0{question}\0{student}".encode("utf-8", "surrogatepass")
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()[:8]


# --- All of them ----------------------------------------------------------------------------------


def write_all(out, rows, source, title, secret):
    """Every report of a class into the folder `out`."""
    out, asked = Path(out), questions(source)
    texts = [c["source"] for c in source["cells"] if c["cell_type"] == "markdown"]
    heading = next(filter(None, map(_heading, texts)), title)
    write_grades(out / "grades.csv", rows, asked)
    write_canvas(out / "grades-canvas.csv", rows, asked, title)
    write_moodle(out / "grades-moodle.csv", rows, asked)
    write(out / "written.html", written_page(rows, asked, heading, secret))
    names = file_names([row.student for row in rows])
    archive, moodle = io.BytesIO(), 0
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as pages:
        for row in rows:
            page = feedback_page(row, asked, heading)
            write(out / "feedback" / f"{names[row.student]}.html", page)
            lms = row.submission.lms
            if lms.get("kind") == "moodle" and lms.get("id") and row.status != "MISSING":
                name = re.sub(r"[_/\\]", " ", row.submission.name) or "Participant"
                place = f"{name}_{lms['id']}_assignsubmission_file_/feedback.html"
                pages.writestr(zipfile.ZipInfo(place), page, zipfile.ZIP_DEFLATED)
                moodle += 1
    if moodle:
        write(out / "feedback-moodle.zip", archive.getvalue())
