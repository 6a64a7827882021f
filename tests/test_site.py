"""The built site, read in a browser as its readers read it."""

import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
import tomllib
from functools import cache
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin

import pytest
import yaml
from bs4 import BeautifulSoup
from conftest import ROOT, SITE, Visit, serving, toc_files

import xentlib

BUDGET = 250_000  # bytes that a first visit to a page may load, compressed
MOST_REQUESTS = 35
LARGEST_SHIFT = 0.01
WIDE, PHONE, NARROWEST = 1280, 390, 320


BOOK_PAGES = [f"{file}.html" for file in toc_files()]
PAGES = ["index.html", *BOOK_PAGES, "search.html", "404.html"]
NOTEBOOKS = [file for file in toc_files() if (ROOT / f"{file}.ipynb").exists()]

every_page = pytest.mark.parametrize("path", PAGES)
every_book_page = pytest.mark.parametrize("path", BOOK_PAGES)
every_notebook = pytest.mark.parametrize("file", NOTEBOOKS)


@cache
def soup(path):
    return BeautifulSoup((SITE / path).read_text("utf-8"), "html.parser")


def has_figures(file):
    return 'class="xent-figure' in (SITE / f"{file}.html").read_text("utf-8")


def axe_violations(page):
    """What breaks accessibility rules. The page is not to be used afterwards.

    A formula counts as its MathML, as it does for readers. Contrast takes time with every word: of
    the words in programs that are styled alike, by classes all the way up, the first is looked at.
    """
    from axe_playwright_python.sync_playwright import Axe

    page.evaluate(
        """() => {
            document.querySelectorAll(".katex-html").forEach(html => html.remove());
            const seen = new Set();
            const style = e => e ? `${style(e.parentElement)} > ${e.tagName}.${e.className}` : "";
            for (const word of document.querySelectorAll("pre span")) {
                const one = style(word);
                if (seen.has(one)) word.replaceWith(...word.childNodes);
                seen.add(one);
            }
        }"""
    )
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [(v["id"], [n["target"] for n in v["nodes"]][:3]) for v in found]


def scroll_through(page):
    page.evaluate(
        """async () => {
            for (let y = 0; y < document.body.scrollHeight; y += 800) {
                scrollTo(0, y);
                await new Promise(requestAnimationFrame);
            }
            await document.fonts.ready;
            await Promise.all([...document.images].map(image => image.decode()));
        }"""
    )


# What is written in the pages


@every_page
def test_links_and_anchors_lead_somewhere(site, path):
    def ids(file):
        names = {tag.get("id") or tag.get("name") for tag in soup(file).find_all(True)}
        return names | {""}

    for tag in soup(path).find_all(["a", "link", "script", "img", "form", "use"]):
        url = tag.get("href") or tag.get("src") or tag.get("action")
        if not url or re.match(r"[a-z]+:", url) or path == "404.html":
            continue
        file, anchor = urldefrag(urljoin("/" + path, url))
        file = unquote(file).lstrip("/").split("?")[0]
        assert (site / file).is_file(), f"{path} links to {url}"
        if file.endswith(".html"):
            assert unquote(anchor) in ids(file), f"{path} links to {url}"


def test_links_of_the_readme_lead_somewhere():
    readme = (ROOT / "README.md").read_text("utf-8")
    targets = [t for t in re.findall(r"\]\(([^)]+)\)", readme) if not re.match(r"[a-z]+:", t)]
    assert targets
    assert [t for t in targets if not (ROOT / t).exists()] == []


@pytest.mark.parametrize("path", BOOK_PAGES[1:])
def test_the_contents_mark_the_page_that_is_open(site, path):
    (here,) = soup(path).select("#contents [aria-current='page']")
    assert here.get_text().endswith(soup(path).h1.get_text().removesuffix("¶"))


@every_page
def test_one_main_heading_and_a_language(site, path):
    assert len(soup(path).find_all("h1")) == 1
    assert soup(path).html["lang"] == "en"


@pytest.mark.parametrize("name", [*xentlib.__all__, "SoftmaxRegression", "load_declaration"])
def test_entry_of_the_library_leads_to_the_section_that_teaches_it_and_back(site, name):
    (signature,) = soup("book/api.html").select(f"dt.sig[id^='xentlib.'][id$='.{name}']")
    lessons = [
        a["href"] for a in signature.parent.select("a[href]") if a.text.startswith("chapter")
    ]
    assert lessons
    for lesson in lessons:
        file, anchor = urldefrag(lesson)
        section = soup(f"book/{file}").find("section", id=anchor)
        assert section.select(f"a[href='api.html#{signature['id']}']")


def test_list_of_the_library_leads_to_every_entry(site):
    page = soup("book/api.html")
    listed = {a["href"] for a in page.select(".library-list dt a")}
    described = page.select("dl.py:is(.function, .class) > dt.sig")
    assert listed == {f"#{signature['id']}" for signature in described}
    assert {signature["id"].rpartition(".")[2] for signature in described} >= set(xentlib.__all__)


@every_notebook
def test_names_in_the_text_lead_to_the_library(site, file):
    for code in soup(f"{file}.html").select("main code:not(h1 *, h2 *, h3 *)"):
        if code.text.removeprefix("xentlib.") in xentlib.__all__:
            assert code.parent.name == "a", code.parent


def test_titles_and_descriptions_are_distinct(site):
    pages = [soup(path) for path in BOOK_PAGES]
    titles = [page.title.text for page in pages]
    descriptions = [page.find("meta", attrs={"name": "description"})["content"] for page in pages]
    assert len(set(titles)) == len(pages)
    assert len(set(descriptions)) == len(pages)
    for text in descriptions:
        assert 50 <= len(text) <= 160, text
        assert not re.search(r"[\\{}$]", text), text


@every_page
def test_pictures_have_alternative_texts_and_sizes(site, path):
    for image in soup(path).find_all("img"):
        alt = image.get("alt", "")
        assert len(alt) >= 20, f"{image['src']}: {alt!r}"
        assert not re.search(r"\.(png|svg|jpe?g)$", alt)
        assert image.get("width") and image.get("height")


@every_page
def test_figures_are_shown_and_not_named(site, path):
    assert "<Figure size" not in soup(path).get_text()


@every_page
def test_formulas_are_set(site, path):
    page = BeautifulSoup(str(soup(path)), "html.parser")
    assert not page.select(".katex-error")
    for tag in page(["script", "style", "code", "pre", "annotation"]):
        tag.decompose()
    assert not re.search(r"\$|\\[a-zA-Z]+", page.get_text())


def test_truth_and_model_have_their_colours_in_formulas(site):
    pages = [soup(f"{file}.html") for file in NOTEBOOKS]
    for letter in "pq":
        found = [tag for page in pages for tag in page.select(f".katex .x{letter}")]
        assert found and {tag.text for tag in found} == {letter}


def test_fonts_and_typesetter_are_of_one_version():
    from sphinxcontrib.katex import katex_version

    style = (ROOT / "book/_static/vendor/katex/katex.min.css").read_text("utf-8")
    assert f'content:"{katex_version}"' in style


def test_style_asks_for_nothing_from_other_hosts():
    for file in (ROOT / "book/_static").rglob("*.css"):
        assert not re.search(r"url\([\"']?(https?:)?//", file.read_text("utf-8")), file


@every_notebook
def test_download_is_the_notebook_of_the_repository(site, file):
    link = soup(f"{file}.html").select_one("a.download[download]")
    target = site / Path(f"{file}.html").parent / link["href"]
    assert target.read_bytes() == (ROOT / f"{file}.ipynb").read_bytes()
    assert json.loads(target.read_text("utf-8"))["cells"]


def test_start_page_is_also_at_the_top(site):
    start = soup(BOOK_PAGES[0])
    top = soup("index.html")
    assert top.title.text == start.title.text
    assert top.find("main").get_text() == start.find("main").get_text()


# What a browser makes of them


@every_page
@pytest.mark.parametrize(("width", "scheme"), [(WIDE, "light"), (PHONE, "dark")])
def test_page_is_sound(visit, address, path, width, scheme):
    """Accessible, self-contained, small, still, without errors and without sideways scrolling."""
    one = visit(path, width=width, color_scheme=scheme)
    page = one.page
    scroll_through(page)

    assert [url for url in one.requests if not url.startswith((address, "data:", "blob:"))] == []
    assert len([url for url in one.requests if url.startswith("http")]) <= MOST_REQUESTS
    weight = page.evaluate(
        "['navigation', 'resource'].flatMap(t => performance.getEntriesByType(t))"
        ".reduce((sum, e) => sum + e.transferSize, 0)"
    )
    assert weight <= BUDGET
    assert page.evaluate("shift") <= LARGEST_SHIFT

    widths = [width] if width == WIDE else [width, NARROWEST]
    for narrow in widths:
        page.set_viewport_size({"width": narrow, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= narrow
    page.set_viewport_size({"width": width, "height": 900})
    assert axe_violations(page) == []
    assert one.errors == []


def figure_state(figure):
    return figure.locator("svg").first.inner_html(), figure.locator(".xent-readout").inner_text()


def changed(before, after):
    return before[0] != after[0] and before[1] != after[1]


def move_by_mouse(page, x, y, dx, dy):
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + dx, y + dy, steps=4)
    page.mouse.up()


def touch_move(session):
    def move(page, x, y, dx, dy):
        def send(kind, *points):
            session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": list(points)})

        send("touchStart", {"x": x, "y": y})
        for part in 0.5, 1:
            send("touchMove", {"x": x + part * dx, "y": y + part * dy})
        send("touchEnd")

    return move


def drags_both_ways(page, figure, move):
    """Drags a handle somewhere and then elsewhere; the picture and the numbers follow."""
    handle = figure.locator("[data-handle]").first
    start = figure_state(figure)
    at_top = handle.get_attribute("aria-valuenow") == handle.get_attribute("aria-valuemax")
    for dx, dy in [(-24, 32), (16, -48)] if at_top else [(-24, -32), (16, 48)]:
        handle.scroll_into_view_if_needed()
        box = handle.bounding_box()
        move(page, box["x"] + box["width"] / 2, box["y"] + min(8, box["height"] / 2), dx, dy)
        after = figure_state(figure)
        assert changed(start, after), (dx, dy)
        start = after


@pytest.mark.parametrize("file", NOTEBOOKS)
def test_figures_answer_mouse_touch_and_keyboard(visit, file):
    if not has_figures(file):
        pytest.skip("no interactive figure on this page")
    wide = visit(f"{file}.html")
    phone = visit(f"{file}.html", width=PHONE, has_touch=True, is_mobile=True)
    for i in range(wide.page.locator(".xent-figure[data-model]").count()):
        figure = wide.page.locator(".xent-figure[data-model]").nth(i)
        assert len(figure.get_attribute("aria-label")) >= 20
        drags_both_ways(wide.page, figure, move_by_mouse)

        handle = figure.locator("[data-handle]").first
        handle.focus()
        states = [figure_state(figure)]
        for key in "ArrowDown", "ArrowDown", "ArrowUp":
            handle.press(key)
            states.append(figure_state(figure))
        assert all(changed(*pair) for pair in pairwise(states)), "keyboard"
        assert states[3][1] == states[1][1], "the opposite key takes the step back"

        figure = phone.page.locator(".xent-figure[data-model]").nth(i)
        drags_both_ways(phone.page, figure, touch_move(phone.touch))
    assert wide.errors == phone.errors == []


@pytest.mark.parametrize("file", NOTEBOOKS)
def test_figures_are_seen_without_javascript(visit, file):
    if not has_figures(file):
        pytest.skip("no interactive figure on this page")
    page = visit(f"{file}.html", java_script_enabled=False).page
    pictures = page.locator(".xent-figure img")
    assert pictures.count() == page.locator(".xent-figure").count()
    for i in range(pictures.count()):
        pictures.nth(i).scroll_into_view_if_needed()
        assert pictures.nth(i).bounding_box()["width"] > 200
        assert len(pictures.nth(i).get_attribute("alt")) >= 20


def test_still_pictures_are_not_fetched_where_figures_live(visit):
    for file in filter(has_figures, NOTEBOOKS):
        one = visit(f"{file}.html")
        scroll_through(one.page)
        twins = [i["src"] for i in soup(f"{file}.html").select(".xent-figure img")]
        assert not [url for url in one.requests if url.endswith(tuple(Path(t).name for t in twins))]


def test_site_works_from_a_file(browser, site):
    """Figures move and the search finds, with nothing but the folder."""
    for file in [f for f in NOTEBOOKS if has_figures(f)][:1] or NOTEBOOKS[:1]:
        one = Visit(browser, (site / f"{file}.html").as_uri())
        if has_figures(file):
            figure = one.page.locator(".xent-figure[data-model]").first
            before = figure_state(figure)
            figure.locator("[data-handle]").first.press("ArrowDown")
            assert changed(before, figure_state(figure))
        fonts = one.page.evaluate("[...document.fonts].filter(f => f.status == 'loaded').length")
        assert fonts > 0
        assert one.errors == []
        one.close()
    one = Visit(browser, (site / "search.html").as_uri() + "?q=surprise")
    one.page.locator("ul.search a", has_text="").first.wait_for()
    assert one.errors == []
    one.close()


def test_search_finds_a_term(visit):
    one = visit(f"{NOTEBOOKS[0]}.html")
    page = one.page
    page.keyboard.press("Control+k")
    page.keyboard.type("surprise")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=surprise")
    page.locator("ul.search a[href*='01-information-content']").first.wait_for()
    page.locator("ul.search .context").first.wait_for()
    assert one.errors == []


def test_copy_button_copies_the_cell(visit):
    page = visit(f"{NOTEBOOKS[0]}.html", permissions=["clipboard-read", "clipboard-write"]).page
    cell = page.locator(".cell_input").first
    cell.hover()
    cell.locator(".copy").click()
    cell.locator(".copy", has_text="Copied").wait_for()
    code = page.evaluate("navigator.clipboard.readText()")
    assert code.strip() == cell.locator("pre").inner_text().strip()


def test_theme_button_switches_and_is_remembered(visit):
    one = visit(BOOK_PAGES[0])
    page, theme = one.page, "document.documentElement.dataset.theme"
    assert page.evaluate(theme) == "light"
    page.locator("#contents .theme-button").click()
    page.reload()
    assert page.evaluate(theme) == "dark"


def contrast(page, selector):
    return page.evaluate(
        """selector => {
            const luminance = colour => {
                const [r, g, b] = colour.match(/[\\d.]+/g).map(v => {
                    v /= 255;
                    return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
                });
                return 0.2126 * r + 0.7152 * g + 0.0722 * b;
            };
            const ink = luminance(getComputedStyle(document.querySelector(selector)).color);
            const paper = luminance(getComputedStyle(document.body).backgroundColor);
            return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
        }""",
        selector,
    )


def test_truth_and_model_are_legible_in_light_and_dark(visit):
    page = visit(f"{NOTEBOOKS[0]}.html").page
    for scheme in "light", "dark":
        page.emulate_media(color_scheme=scheme)
        for selector in ".katex .xp", ".katex .xq":
            assert contrast(page, selector) >= 4.5, (scheme, selector)


def test_print_shows_solutions_and_leaves_out_navigation(visit):
    file = next(f for f in NOTEBOOKS if soup(f"{f}.html").select(".solution details"))
    page = visit(f"{file}.html").page
    page.emulate_media(media="print")
    inside = page.locator(".solution details > *:not(summary)")
    assert inside.count() > 0
    for i in range(inside.count()):
        assert inside.nth(i).bounding_box()["height"] > 0
    for selector in "#contents", ".top-bar", ".prev-next":
        assert not page.locator(selector).is_visible()


def test_contents_open_on_a_phone(visit):
    page = visit(BOOK_PAGES[0], width=PHONE).page
    assert not page.locator("#contents").is_visible()
    page.locator(".menu-button").click()
    assert page.locator("#contents a[href*='01-']").first.is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("#contents").is_visible()


# Small books, to see what the building does


FIGURE = textwrap.dedent(
    """
    export default { render({ model, el }) {
      const button = document.createElement("button");
      button.onclick = () => { model.set("n", model.get("n") + 1); model.save_changes(); };
      const draw = () => { button.textContent = model.get("n"); };
      model.on("change:n", draw);
      draw();
      el.append(button);
    } };
    """
)
DOT = (  # a picture of one pixel
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJg"
    "gg=="
)


def small_book(folder, *, alt, formula="x", settings=()):
    """A book of two pages, the second with a figure that is shown twice."""
    view = {"application/vnd.jupyter.widget-view+json": {"model_id": "m"}, "image/png": DOT}
    output = {"output_type": "display_data", "data": view, "metadata": {}}
    state = {"_anywidget_id": "some.where.Counter", "_esm": FIGURE, "_css": "unused", "n": 0}
    cells = [
        {"id": "a", "cell_type": "markdown", "metadata": {}, "source": f"# Page\n\n${formula}$"},
        {
            "id": "b",
            "cell_type": "code",
            "execution_count": 1,
            "metadata": {"mystnb": {"image": {"alt": alt}}},
            "source": "Counter()",
            "outputs": [output, output],
        },
    ]
    widgets = {"state": {"m": {"model_name": "AnyModel", "state": state}}}
    notebook = {
        "cells": cells,
        "metadata": {
            "kernelspec": {"name": "python3", "display_name": "Python 3"},
            "language_info": {"name": "python"},
            "widgets": {"application/vnd.jupyter.widget-state+json": widgets},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    config = (ROOT / "_config.yml").read_text("utf-8")
    for key, value in settings:
        assert f'{key}: ""' in config or re.search(rf"\b{key}: ", config)
        config = re.sub(rf"\b{key}: \S+", f'{key}: "{value}"', config)
    shutil.copytree(ROOT / "book/_ext", folder / "book/_ext")
    shutil.copytree(ROOT / "book/_static", folder / "book/_static")
    style = folder / "xentlib/widgets/figure.css"
    style.parent.mkdir(parents=True)
    shutil.copy(ROOT / "xentlib/widgets/figure.css", style)
    (folder / "_config.yml").write_text(config, "utf-8")
    toc = "format: jb-book\nroot: book/index\nchapters:\n  - file: book/00-page\n"
    (folder / "_toc.yml").write_text(toc, "utf-8")
    (folder / "book/index.md").write_text("# Start\n\nSome text.\n", "utf-8")
    (folder / "book/references.bib").write_text("", "utf-8")
    (folder / "book/00-page.ipynb").write_text(json.dumps(notebook), "utf-8")
    command = Path(sys.executable).with_name("jupyter-book")
    return subprocess.run(
        [command, "build", ".", "--quiet", "-W", "-n", "--keep-going"],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "NO_COLOR": "1"},
    )


ALT = "A number that grows by one when it is pressed."


def test_building_fails_without_alternative_text_or_with_a_wrong_formula(tmp_path):
    result = small_book(tmp_path, alt="", formula=r"\frac{1}")
    assert result.returncode != 0
    assert "figure without alternative text" in result.stderr
    assert "formula" in result.stderr


@pytest.fixture(scope="module")
def addressed_book(tmp_path_factory):
    """A book whose repository and site have addresses."""
    folder = tmp_path_factory.mktemp("addressed")
    settings = [("url", "https://github.com/owner/name"), ("baseurl", "https://example.org/deep")]
    result = small_book(folder, alt=ALT, settings=settings)
    assert result.returncode == 0, result.stderr
    return folder / "_build/html"


def test_buttons_appear_with_the_repository_address(addressed_book):
    page = (addressed_book / "book/00-page.html").read_text("utf-8")
    repository = "https://github.com/owner/name"
    for link in [
        "https://mybinder.org/v2/gh/owner/name/main?urlpath=lab/tree/book/00-page.ipynb",
        repository,
        f"{repository}/blob/main/book/00-page.ipynb",
        f"{repository}/edit/main/book/00-page.ipynb",
        f"{repository}/issues/new?title=book/00-page.ipynb",
    ]:
        assert f'href="{link}"' in page


def test_site_address_is_in_canonical_links_and_the_404_page(addressed_book):
    page = (addressed_book / "book/00-page.html").read_text("utf-8")
    start = (addressed_book / "index.html").read_text("utf-8")
    assert '<link rel="canonical" href="https://example.org/deep/book/00-page.html">' in page
    assert '<link rel="canonical" href="https://example.org/deep/">' in start
    assert 'href="/deep/index.html"' in (addressed_book / "404.html").read_text("utf-8")


@every_book_page
def test_nothing_points_to_addresses_that_are_not_set(site, path):
    config = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))
    page = (site / path).read_text("utf-8")
    if not config["html"]["baseurl"]:
        assert 'rel="canonical"' not in page and "og:url" not in page
    if not config["repository"]["url"]:
        assert "mybinder.org" not in page and "/issues/new" not in page


def test_two_views_of_a_figure_share_its_state(browser, addressed_book):
    with serving(addressed_book) as address:
        one = Visit(browser, f"{address}book/00-page.html")
        buttons = one.page.locator(".xent-counter button")
        buttons.first.wait_for()
        buttons.first.click()
        assert buttons.all_inner_texts() == ["1", "1"]
        assert one.page.locator(".xent-counter").first.get_attribute("aria-label") == ALT
        assert "unused" not in one.page.content()
        one.close()


# What publishes it


@pytest.mark.parametrize(
    "file", sorted((ROOT / ".github/workflows").glob("*.yml")), ids=lambda f: f.name
)
def test_workflow_is_valid(file):
    command = Path(sys.executable).with_name("check-jsonschema")
    schema = ["--builtin-schema", "vendor.github-workflows"]
    result = subprocess.run([command, *schema, file], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout


def test_the_versions_of_python_that_are_named_are_tested():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    named = re.findall(r"Python :: (3\.\d+)", " ".join(project["classifiers"]))
    assert project["requires-python"] == f">={named[0]}"
    assert f"Python {named[0]} to {named[-1]} and" in (ROOT / "README.md").read_text("utf-8")
    workflow = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text("utf-8"))
    matrix = workflow["jobs"]["test"]["strategy"]["matrix"]
    assert matrix["python"] == named
    one = (ROOT / ".binder/runtime.txt").read_text("utf-8").removeprefix("python-").strip()
    assert {one, *(more["python"] for more in matrix["include"])} <= set(named)
