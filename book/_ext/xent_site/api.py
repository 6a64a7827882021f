"""The page of the library: each entry leads to the section that teaches it, and back."""

import importlib
import inspect
import re

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import make_refnode

from . import pages

LOGGER = logging.getLogger(__name__)
NEVER_LINKED = nodes.reference, nodes.title
SECTION = re.compile(r'chapter\s+(\d+),\s+[“"]([^“”"]+)[”"]')


class Listing(SphinxDirective):
    """The public names of a module, each with the summary of its docstring."""

    required_arguments = 1

    def run(self):
        module = importlib.import_module(self.arguments[0])
        items = [self.item(*pair) for pair in inspect.getmembers(module) if public(module, *pair)]
        return [nodes.definition_list("", *items, classes=["library-list"])]

    def item(self, name, value):
        summary, _ = self.parse_inline(inspect.getdoc(value).partition("\n\n")[0])
        return nodes.definition_list_item(
            "",
            nodes.term("", "", nodes.literal("", name)),
            nodes.definition("", nodes.paragraph("", "", *summary)),
        )


def public(module, name, value):
    if hasattr(module, "__all__"):
        return name in module.__all__
    return name[0] != "_" and getattr(value, "__module__", "") == module.__name__


def entries(env):
    """Where the functions and classes of the library are described, by name."""
    objects = sorted(env.domains["py"].objects.items())
    kinds = "function", "class"
    return {name.rpartition(".")[2]: e for name, e in objects if e.objtype in kinds}


def sections(env):
    """The sections of the chapters, by the chapter's number and the section's title."""
    return {
        (pages.chapter(docname), typed(link.astext())): (docname, link["anchorname"][1:])
        for docname in env.found_docs
        if pages.chapter(docname) is not None
        for link in env.tocs[docname].findall(nodes.reference)
        if link["anchorname"]
    }


def typed(title):
    """A title as one types it in a docstring."""
    return " ".join(title.replace("★", "").replace("’", "'").split())


def docstrings(doctree):
    """The texts of the entries: the entry's name and a text in it."""
    for text in list(doctree.findall(nodes.Text)):
        name, node = None, text.parent
        while node:
            if isinstance(node, addnodes.desc):
                name = node[0]["ids"][0].rpartition(".")[2]  # at last the class of a method
            node = node.parent
        if name:
            yield name, text


def lesson(match):
    return int(match[1]), typed(match[2])


class LinkLibrary(SphinxPostTransform):
    """Links names to their entries, entries to sections, and sections to entries."""

    default_priority = 800
    formats = ("html",)

    def run(self, **kwargs):
        self.entries, self.sections = entries(self.env), sections(self.env)
        library = {entry.docname for entry in self.entries.values()}
        for literal in list(self.document.findall(nodes.literal)):
            name = literal.astext().removeprefix("xentlib.")
            if name in self.entries and not isinstance(literal.parent, NEVER_LINKED):
                literal.replace_self(self.link_name(name, literal))
        if self.env.docname in library:
            for _, text in docstrings(self.document):
                self.link_sections(text)
        for docname in sorted(library):
            self.add_lines(self.env.get_doctree(docname))

    def link(self, docname, anchor, text):
        return make_refnode(self.app.builder, self.env.docname, docname, anchor, text)

    def link_name(self, name, literal):
        entry = self.entries[name]
        return self.link(entry.docname, entry.node_id, literal.deepcopy())

    def link_sections(self, text):
        parts, end = [], 0
        for match in SECTION.finditer(text):
            if lesson(match) not in self.sections:
                LOGGER.warning("there is no %s", match[0], location=text.parent, type="library")
                continue
            place = self.sections[lesson(match)]
            parts.append(nodes.Text(text[end : match.start()]))
            parts.append(self.link(*place, nodes.Text(match[0])))
            end = match.end()
        text.parent.replace(text, [*parts, nodes.Text(text[end:])])

    def add_lines(self, library):
        taught = {}
        for name, text in docstrings(library):
            for match in SECTION.finditer(text):
                taught.setdefault(self.sections.get(lesson(match)), []).append(name)
        for section in list(self.document.findall(nodes.section)):
            for anchor in section["ids"]:
                if names := taught.get((self.env.docname, anchor)):
                    nested = section.first_child_matching_class(nodes.section)
                    section.insert(len(section) if nested is None else nested, self.line(names))

    def line(self, names):
        line = nodes.paragraph("", "In ", nodes.literal("", "xentlib"), classes=["in-library"])
        for i, name in enumerate(names):
            line += [nodes.Text(", " if i else ": "), self.link_name(name, nodes.literal("", name))]
        return line


def setup(app):
    app.add_directive("library", Listing)
    app.add_post_transform(LinkLibrary)
