"""Pages to read: feedback for each student, and the written answers of all.

What may be touched: words and style. What is the wall: every text goes through `_text` or `_pre`,
which escape it and cut it; a page holds no script, loads nothing and forbids both.
"""

import base64
import hashlib
import hmac
import html

from xentlib.coursework.rows import LATER, as_text, by_hand, first_words, mark_of, worth
from xentlib.coursework.safe import clean

MAX_ANSWER = 100_000  # characters that a page shows of one text

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
    more = len(text) - MAX_ANSWER
    if more > 0:
        text = f"{text[:MAX_ANSWER]}\n\n… (cut here: {more} more characters are in the notebook)"
    return f'<pre dir="auto">\n{_text(text)}</pre>'


def feedback_page(row, asked, title):
    """One student's page: points, messages, the own written answers and what to do next."""
    name = row.submission.name or row.student
    body = [f"<h1>{_text(title)}</h1>", f"<p>For <bdi>{_text(name)}</bdi>.</p>"]
    if row.scores is None:
        body.append(f"<p>{first_words(row)}</p>")
        if row.status == "UNREADABLE":
            body += [_pre(note) for note in row.notes]
            body.append(
                "<h2>What to do next</h2>\n<p>Open your notebook in Jupyter, save it, and hand in "
                "the file that ends in <code>.ipynb</code>, as it is.</p>"
            )
        if given := by_hand(row, asked):
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
        got = mark_of(row, q) if q.written else as_text(row.scores.get(q.id, 0))
        link = f'<a href="#q{number}">{_label(q, number)}</a>'
        lines.append(
            f'<tr><th scope="row">{link}</th><td class="n">{got}</td>'
            f'<td class="n">{as_text(q.points)}</td></tr>'
        )
    waiting = any(q.written and mark_of(row, q) == LATER for q in asked)
    more = " so far" if waiting else ""
    return (
        f"<h2>{as_text(row.total)} of {worth(sum(q.points for q in asked))}{more}</h2>\n"
        "<table><caption>Points by question</caption>\n"
        '<thead><tr><th scope="col">Question</th><th scope="col" class="n">Points</th>'
        '<th scope="col" class="n">of</th></tr></thead>\n'
        f"<tbody>{''.join(lines)}</tbody></table>"
    )


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
        f'<li><a href="#q{number}">{_label(q, number)}</a>, {worth(points)}</li>'
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
        mark = mark_of(row, question)
        said = "not yet marked" if mark == LATER else f"{mark} of {worth(question.points)}"
        if not answer:
            return f"{head}\n<p>There is no answer: {said}.</p>\n</section>"
        return f"{head}\n<p>Your answer, {said}:</p>\n{_pre(answer)}\n</section>"
    got = row.scores.get(question.id, 0)
    points = f"{as_text(got)} of {worth(question.points)}"
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
        body.append(f"<p>{worth(question.points)}, <code>{_text(question.id)}</code></p>")
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
            head = f"Answer {code}" + (f": {mark} of {worth(question.points)}" if mark else "")
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
