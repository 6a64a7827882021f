"""Formulas are set while the book is built, by KaTeX in an embedded JavaScript engine."""

import base64
import json
import re
from functools import cache
from pathlib import Path

import sphinxcontrib.katex
from docutils import nodes
from py_mini_racer import JSEvalException, MiniRacer
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

LOGGER = logging.getLogger(__name__)
# The fonts of formulas, and the classes in KaTeX's HTML that ask for them.
FONTS = {
    "KaTeX_Main-Regular": r"katex-html",
    "KaTeX_Math-Italic": r"mathnormal",
    "KaTeX_Main-Bold": r"mathbf|textbf",
    "KaTeX_AMS-Regular": r"mathbb|textbb|amsrm",
    "KaTeX_Caligraphic-Regular": r"mathcal",
    "KaTeX_Size1-Regular": r"small-op|delim(?:sizing |-)size1",
    "KaTeX_Size2-Regular": r"large-op|delimsizing size2",
    "KaTeX_Size3-Regular": r"delimsizing size3",
    "KaTeX_Size4-Regular": r"delim(?:sizing |-)size4",
}
LONGEST_UNBROKEN = 32  # characters of LaTeX
PUNCTUATION = re.compile(r"[,.;:!?)’”]+")
LETTER = re.compile(r'<span class="mord mathnormal((?: mtight)?)"([^>]*)>([pq])</span>')


@cache
def engine():
    v8 = MiniRacer()
    v8.eval(Path(sphinxcontrib.katex.__file__).with_name("katex.min.js").read_text("utf-8"))
    return v8


@cache
def render(latex, display=False):
    """The HTML and MathML of a formula; p and q carry a class, for their colours."""
    options = {"displayMode": display, "throwOnError": True, "strict": "error"}
    html = engine().call("katex.renderToString", latex, options)
    return LETTER.sub(r'<span class="mord mathnormal\1 x\3"\2>\3</span>', html)


def render_node(node, display):
    try:
        return render(node.astext(), display)
    except JSEvalException as error:
        reason = next((line for line in str(error).splitlines() if "Error" in line), error)
        LOGGER.warning("formula %r: %s", node.astext(), reason, location=node, type="katex")
        return ""


class KeepPunctuation(SphinxPostTransform):
    """Hands a formula the punctuation after it, so that no line begins with a comma."""

    default_priority = 700
    formats = ("html",)

    def run(self, **kwargs):
        for formula in self.document.findall(nodes.math):
            after = formula.next_node(descend=False, siblings=True)
            if isinstance(after, nodes.Text) and (found := PUNCTUATION.match(after.astext())):
                formula["after"] = found[0]
                after.parent.replace(after, nodes.Text(after.astext()[found.end() :]))


def visit_math(self, node):
    short = " short" if len(node.astext()) <= LONGEST_UNBROKEN else ""
    formula = render_node(node, False) + node.get("after", "")
    self.body.append(f'<span class="math{short}">{formula}</span>')
    raise nodes.SkipNode


def visit_display(self, node):
    self.body.append(self.starttag(node, "div", CLASS="math-block"))
    self.body.append(f'<div class="math-scroll">{render_node(node, True)}</div>')
    if node["number"]:
        self.body.append(f'<span class="eqno">({get_node_equation_number(self, node)})')
        self.add_permalink_ref(node, "Link to this equation")
        self.body.append("</span>")
    self.body.append("</div>\n")
    raise nodes.SkipNode


def close_engine(app, error):
    """Left to the interpreter's end, an open engine hangs it on Python 3.13."""
    if engine.cache_info().currsize:
        engine().close()
        engine.cache_clear()


def fonts_of(body):
    """The fonts that the formulas of a page need."""
    return [name for name, classes in FONTS.items() if re.search(classes, body)]


def embed_fonts(app, error):
    """Writes the fonts into scripts: ready before the first line is set.

    A font that a style sheet asks for comes later, and formulas change their widths and lines.
    """
    static = Path(app.outdir, "_static")
    if error or app.builder.format != "html":
        return
    for name in FONTS:
        font = (static / "vendor" / "katex" / "fonts" / f"{name}.woff2").read_bytes()
        family, _, kind = name.partition("-")
        face = {
            "style": "italic" if kind == "Italic" else "normal",
            "weight": "bold" if kind == "Bold" else "normal",
        }
        data = base64.b64encode(font).decode("ascii")
        (static / f"{name}.js").write_text(
            f"document.fonts.add(new FontFace({json.dumps(family)}, "
            f'Uint8Array.from(atob("{data}"), (c) => c.charCodeAt(0)), {json.dumps(face)}));\n',
            "utf-8",
        )


def setup(app):
    app.add_post_transform(KeepPunctuation)
    app.connect("build-finished", embed_fonts)
    app.connect("build-finished", close_engine)
    app.add_html_math_renderer("katex", (visit_math, None), (visit_display, None))
