"""What the theme's templates need to know of a page, and the pages besides the chapters."""

import posixpath
import re
import struct
from pathlib import Path
from urllib.parse import urlparse

from docutils import nodes

from . import formulas

CHAPTER = re.compile(r"(?:^|/)(\d\d)-[^/]*$")
LONGEST_DESCRIPTION = 158
BOOK = (
    "A course on information content, entropy, KL divergence and cross-entropy, with figures "
    "to move and code to run."
)


def chapter(docname):
    """The number of a chapter, from its file's name: book/02-entropy is chapter 2."""
    match = CHAPTER.search(docname)
    return int(match[1]) if match else None


def number_by_chapter(app, env, *changes):
    """Exercise 2.3 is the third exercise of chapter 2. No page needs to be read again for it."""
    for docname, kinds in env.toc_fignumbers.items():
        number = chapter(docname)
        for numbers in kinds.values():
            for i, key in enumerate(numbers, start=1):
                numbers[key] = (i,) if number is None else (number, i)
    return []


def addresses(app, config):
    """The base address ends with a slash, so that paths can be joined to it."""
    if config.html_baseurl:
        config.html_baseurl = config.html_baseurl.rstrip("/") + "/"


def buttons(repository, branch, source):
    """Addresses on the code host, for a page written in the file `source`."""
    if not repository:
        return {}
    repository = repository.rstrip("/")
    found = {
        "source": f"{repository}/blob/{branch}/{source}",
        "edit": f"{repository}/edit/{branch}/{source}",
        "issue": f"{repository}/issues/new?title={source}",
    }
    url = urlparse(repository)
    if url.netloc == "github.com" and source.endswith(".ipynb"):
        binder = f"https://mybinder.org/v2/gh{url.path}/{branch}"
        found["binder"] = f"{binder}?urlpath=lab/tree/{source}"
    return found


def describe(doctree, metadata):
    """The page's own description, or the beginning of its running text."""
    text = metadata.get("description", "")
    for paragraph in doctree.findall(nodes.paragraph):
        if len(text) > LONGEST_DESCRIPTION * 0.6:
            break
        if isinstance(paragraph.parent, nodes.section):
            text = f"{text} {plain(paragraph)}".strip()
    if len(text) <= LONGEST_DESCRIPTION:
        return text
    return text[:LONGEST_DESCRIPTION].rsplit(" ", 1)[0].rstrip(" ,;:–—") + " …"


def plain(node):
    """The text of a paragraph, with formulas reduced to their letters."""
    parts = []
    for leaf in node.findall(nodes.Text):
        text = leaf.astext()
        if isinstance(leaf.parent, nodes.math):
            text = re.sub(r"\\[,;!]|[{}]", "", text)
            text = re.sub(r"\\([a-zA-Z]+)", r"\1", text)
        parts.append(text)
    return " ".join("".join(parts).split())


def png_size(path):
    with open(path, "rb") as file:
        head = file.read(24)
    return struct.unpack(">II", head[16:24]) if head[:4] == b"\x89PNG" else None


def place_images(app, body):
    """Every picture states its size, so that text does not jump when the picture comes."""
    files = {
        Path(name).name: Path(app.srcdir, source) for source, name in app.builder.images.items()
    }

    def place(match):
        tag = match[0]
        name = posixpath.basename(re.search(r'src="([^"]*)"', tag)[1])
        size = re.findall(r"(?:width|height): ([\d.]+)px", tag)
        if len(size) != 2 and name in files:
            size = png_size(files[name])
        if size and len(size) == 2:
            tag = re.sub(r' style="[^"]*"', "", tag)
            width, height = (round(float(x)) for x in size)
            tag = tag.replace("<img", f'<img width="{width}" height="{height}"', 1)
        return tag.replace("<img", '<img loading="lazy" decoding="async"', 1)

    return re.sub(r"<img\b[^>]*>", place, body)


def mend(body):
    """A wide table scrolls in its own box; an entry of the bibliography is an item of its list."""
    body = body.replace('role="doc-biblioentry"', 'role="listitem"')
    body = re.sub(r"<table\b", '<div class="table-box"><table', body)
    return body.replace("</table>", "</table></div>")


def contents(toctree, toc, pagename):
    """The list of pages, with the chapters' numbers, and the sections of the page that is open."""

    def number(match):
        link, href = match.groups()
        name = pagename if href == "#" else href.removesuffix(".html")
        number = chapter(name)
        return link if number is None else f'{link}<span class="chapter-number">{number}</span> '

    found = re.sub(r'(<a [^>]*href="([^"]*)">)', number, toctree)
    head, here, tail = found.partition('href="#"')
    if here:
        title, _, tail = tail.partition("</a>")
        sections = toc.partition("</a>")[2].rpartition("</li>")[0]
        sections = sections.replace("<ul", '<ul class="sections"', 1)
        found = f'{head}{here} aria-current="page"{title}</a>{sections}{tail}'
    return found


def complete_context(app, pagename, templatename, context, doctree):
    body = context.get("body", "")
    context["description"] = BOOK
    context["chapter"] = chapter(pagename)
    context["contents"] = contents
    context["author"] = app.config.author
    context["index"] = app.config.root_doc
    context["baseurl"] = app.config.html_baseurl
    if doctree is None:
        return
    source = Path(app.env.doc2path(pagename)).relative_to(app.srcdir).as_posix()
    theme = app.config.html_theme_options
    context.update(
        description=describe(doctree, app.env.metadata[pagename]),
        body=mend(place_images(app, body)),
        formula_fonts=formulas.fonts_of(body),
        uses_figures='class="xent-figure' in body,
        download=source.endswith(".ipynb"),
        buttons=buttons(theme.get("repository_url"), theme.get("repository_branch"), source),
    )


def not_found(app):
    """The page for wrong addresses. It may be asked for at any depth: nothing in it is relative."""
    root = urlparse(app.config.html_baseurl).path or "/"
    yield "404", {"start": f"{root}index.html"}, "404.html"


def copy_start_page(app, error):
    """The book's first page, also at the top of the site, where readers arrive."""
    if error or app.builder.format != "html":
        return
    out = Path(app.outdir)
    folder = posixpath.dirname(app.config.root_doc)
    if folder:
        page = out.joinpath(f"{app.config.root_doc}.html").read_text("utf-8")
        out.joinpath("index.html").write_text(move_up(page, folder), "utf-8")
    out.joinpath(".nojekyll").touch()


def move_up(page, folder):
    """Rewrites the relative addresses of a page that moves from `folder` to the top."""

    def rewrite(match):
        attribute, url = match.groups()
        if re.match(r"[a-z]+:|#|/", url):
            return match[0]
        path, _, anchor = url.partition("#")
        path = posixpath.normpath(posixpath.join(folder, path))
        return f'{attribute}="{path}{"#" + anchor if anchor else ""}"'

    page = re.sub(r'data-content_root="[^"]*"', 'data-content_root="./"', page)
    return re.sub(r'\b(href|src|action)="([^"]+)"', rewrite, page)


def setup(app):
    app.connect("config-inited", addresses)
    app.connect("env-get-updated", number_by_chapter, priority=900)  # after Sphinx counted
    app.connect("html-page-context", complete_context, priority=900)
    app.connect("html-collect-pages", not_found)
    app.connect("build-finished", copy_start_page)
