"""Figures: alternative texts, folded boxes, and interactive figures that run without a kernel."""

import json
import re
from html import escape
from pathlib import Path

from docutils import nodes
from myst_nb.sphinx_ import NbMetadataCollector
from PIL import Image
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging

LOGGER = logging.getLogger(__name__)
VIEW = "application/vnd.jupyter.widget-view+json"
MIN_ALT = 20
COLOURS = 128


def html(text):
    return nodes.raw("", text, format="html")


def check_alt(image, location):
    if len(image.get("alt", "").strip()) < MIN_ALT:
        LOGGER.warning(
            "figure without alternative text: say what a reader learns from it in the cell "
            "metadata mystnb.image.alt, or between the brackets of ![...](file)",
            location=location,
            type="figure",
        )


class CheckAlternativeTexts(SphinxPostTransform):
    """A picture that a blind reader cannot read breaks the strict build."""

    default_priority = 2
    formats = ("html",)

    def run(self, **kwargs):
        for image in self.document.findall(nodes.image):
            cell = image.parent
            while cell is not None and not cell.line:
                cell = cell.parent
            check_alt(image, cell)


class PlaceInteractiveFigures(SphinxPostTransform):
    """Replaces a widget's outputs by a place for it; its still picture stays without JavaScript."""

    default_priority = 3  # before myst-nb keeps one of the outputs and drops the others
    formats = ("html",)

    def run(self, **kwargs):
        files = NbMetadataCollector.get_js_files(self.env, self.env.docname)
        _, saved = files.pop("ipywidgets_state", (None, {"body": '{"state": {}}'}))
        states = json.loads(saved["body"])["state"]
        shown = set()
        for bundle in list(self.document.findall(is_bundle)):
            outputs = {output["mime_type"]: output.children for output in bundle.children}
            if VIEW not in outputs:
                continue
            view = json.loads(re.sub(r"</?script[^>]*>", "", outputs[VIEW][0].astext()))
            if view["model_id"] in states and "image/png" in outputs:
                self.place(bundle, view["model_id"], states, outputs["image/png"])
                shown.add(view["model_id"])
            else:
                LOGGER.warning(
                    "interactive figure without its saved state or its still picture: "
                    "run `make notebooks`",
                    location=bundle,
                    type="figure",
                )
        if shown:
            self.document.append(html(payload(states, shown)))

    def place(self, bundle, model_id, states, twin):
        name = states[model_id]["state"]["_anywidget_id"].rpartition(".")[2].lower()
        alt = escape(twin[0].get("alt", ""))
        bundle.replace_self(
            [
                html(
                    f'<div class="xent-figure xent-{name}" data-model="{escape(model_id)}"'
                    f' role="group" aria-label="{alt}"><noscript>'
                ),
                *twin,
                html("<p>With JavaScript, this figure moves.</p></noscript></div>"),
            ]
        )


def is_bundle(node):
    return isinstance(node, nodes.container) and node.get("nb_element") == "mime_bundle"


def payload(states, shown):
    """What the page's figures need: each module once, and the traits of each model."""
    modules, models = [], {}
    for model_id in sorted(shown):
        state = states[model_id]["state"]
        if state["_esm"] not in modules:
            modules.append(state["_esm"])
        unneeded = ("layout", "tabbable", "tooltip")
        traits = {k: v for k, v in state.items() if k[0] != "_" and k not in unneeded}
        models[model_id] = {"module": modules.index(state["_esm"]), "state": traits}
    data = json.dumps({"modules": modules, "models": models}, ensure_ascii=False)
    data = data.replace("<", "\\u003c")  # no </script> in it
    return f'<script type="application/json" id="xent-models">{data}</script>'


class FoldBoxes(SphinxPostTransform):
    """Makes a box of class `dropdown` a native <details>: no script, no jump, opens in print."""

    default_priority = 900  # after the titles of solutions are resolved
    formats = ("html",)

    def run(self, **kwargs):
        for box in list(self.document.findall(nodes.Admonition)):
            if "dropdown" in box.get("classes", ()) and isinstance(box.children[0], nodes.title):
                title, *rest = box.children
                box.children = []
                box.extend(
                    [
                        html('<details><summary class="admonition-title">'),
                        *title.children,
                        html("</summary>"),
                        *rest,
                        html("</details>"),
                    ]
                )


def reduce_pictures(app, error):
    """Drawings need few colours: with a palette their files shrink to a third."""
    if error or app.builder.format != "html":
        return
    for file in Path(app.outdir, "_images").glob("*.png"):
        with Image.open(file) as picture:
            picture = picture.convert("RGBA")
        paper = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(paper, picture).convert("RGB")
        reduced = picture.quantize(COLOURS, dither=Image.Dither.NONE)
        reduced.save(file, optimize=True)


def setup(app):
    app.add_post_transform(CheckAlternativeTexts)
    app.add_post_transform(PlaceInteractiveFigures)
    app.add_post_transform(FoldBoxes)
    app.connect("build-finished", reduce_pictures)
