"""What the reports are about: the questions of a set, and a row for each student."""

import re
from collections import Counter
from dataclasses import dataclass, field

from xentlib.coursework.roster import Submission

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
    locked: dict = field(default_factory=dict)  # digests of the locked cells in the notebook
    common: dict = field(default_factory=dict)  # those that many students have

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
            title = heading_of(text) or title
            texts.append(text)
    times = Counter(question.title for question in found)
    for question in found:
        if not question.title:
            question.title = question.id
        elif times[question.title] > 1:
            question.title += f" ({question.id})"
    return found


def heading_of(text):
    """The first heading in a Markdown text, without its points."""
    heading = re.search(r"^#{1,6} +(.+?)\s*$", text, re.MULTILINE)
    return re.sub(r"\s*\([^()]*\bpoints?\b[^()]*\)$", "", heading[1]) if heading else ""


def _rubric(text):
    """The part of a Markdown text that begins with the word Rubric."""
    match = re.search(r"^[#>*_\s]*Rubric\b.*", text, re.MULTILINE | re.DOTALL | re.IGNORECASE)
    return match[0].strip() if match else ""


def as_text(value):
    return "" if value is None else f"{value:.10g}"


def worth(points):
    return f"{as_text(points)} point{'' if points == 1 else 's'}"


def is_number(text):
    return re.fullmatch(r"\d+([.,]\d+)?", text.strip()) is not None


def mark_of(row, question):
    """The points of a written answer: 0 without a word, later without a mark."""
    return row.marks.get(question.id) or (LATER if row.written.get(question.id) else "0")


def first_words(row):
    """What is said of a student whose notebook was not graded."""
    if row.status == "MISSING":
        return "Nothing was handed in."
    if row.status == "UNREADABLE":
        return "What was handed in could not be read as a notebook."
    return "Not graded yet."


def by_hand(row, asked):
    """The points that a teacher gave a student whose notebook was not graded."""
    if row.total is None:
        return []
    given = [q for q in asked if q.id in row.marks]
    return [f"{q.id}: {row.marks[q.id]} of {as_text(q.points)}" for q in given]
