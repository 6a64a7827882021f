"""All reports of a class, in one folder."""

import io
import re
import zipfile
from pathlib import Path

from xentlib.coursework.pages import feedback_page, written_page
from xentlib.coursework.rows import heading_of, questions
from xentlib.coursework.safe import file_names, write
from xentlib.coursework.tables import write_canvas, write_grades, write_moodle


def write_all(out, rows, source, title, secret):
    """Every report of a class into the folder `out`."""
    out, asked = Path(out), questions(source)
    texts = [c["source"] for c in source["cells"] if c["cell_type"] == "markdown"]
    heading = next(filter(None, map(heading_of, texts)), title)
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
