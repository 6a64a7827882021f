"""The site of the book: its theme, its formulas, its figures, its pages."""

from pathlib import Path

from . import api, figures, formulas, pages


def setup(app):
    app.add_html_theme("xent", Path(__file__).parent / "theme")
    for part in api, formulas, figures, pages:
        part.setup(app)
    return {"parallel_read_safe": True, "parallel_write_safe": False}
