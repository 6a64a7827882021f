"""What holds for every notebook as it is stored. That its outputs are right is nbval's part."""

import ast
import base64
import importlib.util
import io
import json
import re
import textwrap

import nbformat
import numpy as np
import pytest
from conftest import ROOT, toc_files
from PIL import Image

import xentlib.widgets

NOTEBOOKS = sorted(ROOT.glob("book/*.ipynb"))
SETS = sorted([*ROOT.glob("book/assignments/*.ipynb"), *ROOT.glob("tests/assignments/*/*.ipynb")])
IMAGES = ("image/png", "image/svg+xml")


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request):
    return nbformat.read(request.param, as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_there_are_notebooks_and_the_contents_list_each():
    assert NOTEBOOKS
    assert {f"book/{path.stem}" for path in NOTEBOOKS} <= set(toc_files())


def test_valid_with_unique_cell_ids(notebook):
    nbformat.validate(notebook)
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)


def test_every_code_cell_was_run_from_top_to_bottom(notebook):
    """Strict nbval lets a cell pass that was never run."""
    counts = [cell.execution_count for cell in code_cells(notebook)]
    assert counts == list(range(1, len(counts) + 1))


def test_what_a_cell_prints_is_stored(notebook):
    """A cleared output would go unnoticed where nothing else needs it."""
    for cell in code_cells(notebook):
        if re.search(r"^print\(", cell.source, re.MULTILINE):
            assert any(output.get("name") == "stdout" for output in cell.outputs), cell.id


def test_no_errors_no_warnings_no_hidden_cells(notebook):
    for cell in notebook.cells:
        assert not cell.metadata.get("tags"), f"{cell.id} is treated specially"
    for cell in code_cells(notebook):
        for output in cell.outputs:
            assert output.output_type != "error", cell.id
            assert output.get("name") != "stderr", cell.id


def unrounded(text):
    """The decimal numbers in `text` that have more than ten significant digits."""
    numbers = re.findall(r"(?:\d[\d_,]*)?\.\d+|\d+(?=e[-+]?\d)", text, re.IGNORECASE)
    return [n for n in numbers if len(re.sub(r"\D", "", n).lstrip("0")) > 10]


@pytest.mark.parametrize(
    "path", NOTEBOOKS + SETS, ids=lambda path: f"{path.parent.name}/{path.stem}"
)
def test_numbers_are_rounded_where_they_are_printed(path):
    """The last digits of a sum differ from one processor to the next."""
    for cell in code_cells(nbformat.read(path, as_version=4)):
        for output in cell.outputs:
            for text in (output.get("text", ""), output.get("data", {}).get("text/plain", "")):
                assert unrounded(text) == [], cell.id


@pytest.mark.parametrize(
    "text",
    ["4.499999999999999", "[0.1  0.30000000000000004]", "f(-1.2345678901e-05)", "1,234.56789012"],
)
def test_a_number_to_the_last_digit_is_found(text):
    assert len(unrounded(text)) == 1


@pytest.mark.parametrize(
    "text", ["0.000000000001", "12345678901 cases", "2026.10.18", "v1.2.3.4", "1e-12"]
)
def test_a_rounded_number_is_let_pass(text):
    assert unrounded(text) == []


def test_every_figure_says_what_it_shows(notebook):
    for cell in code_cells(notebook):
        if any(set(IMAGES) & set(output.get("data", {})) for output in cell.outputs):
            alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
            assert len(alt) >= 60, cell.id


def test_figures_are_pictures_not_their_names(notebook):
    for cell in code_cells(notebook):
        for output in cell.outputs:
            text = "".join(output.get("data", {}).get("text/plain", ""))
            assert not text.startswith("<") or "image/png" in output.data, cell.id


def test_cells_are_short_and_fit_the_page(notebook):
    for cell in code_cells(notebook):
        lines = cell.source.splitlines()
        assert len(lines) <= 15, cell.id
        assert max(map(len, lines)) <= 78, cell.id


def test_the_chapter_asserts_what_it_computes(notebook):
    """Every cell that prints a number also asserts something, or stands beside one that does."""
    cells = code_cells(notebook)
    asserting = [
        any(isinstance(node, ast.Assert) for node in ast.walk(ast.parse(cell.source)))
        for cell in cells
    ]
    for i, cell in enumerate(cells):
        if re.search(r"^\s*print\(", cell.source, re.MULTILINE):
            assert asserting[i], f"{cell.id} prints a number and asserts nothing:\n{cell.source}"


def test_stored_figures_hold_the_modules_of_today(notebook):
    """The site runs the stored module: after a change in xentlib.widgets, run `make notebooks`."""
    classes = [getattr(xentlib.widgets, name) for name in xentlib.widgets.__all__]
    today = {str(figure._esm) for figure in classes if hasattr(figure, "_esm")}
    saved = notebook.metadata.get("widgets", {})
    models = saved.get("application/vnd.jupyter.widget-state+json", {"state": {}})["state"]
    stored = {model["state"]["_esm"] for model in models.values() if "_esm" in model["state"]}
    assert stored <= today


@pytest.fixture(scope="module")
def run():
    spec = importlib.util.spec_from_file_location(
        "run_notebooks", ROOT / "book/_ext/run_notebooks.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.run


def same(new, stored, where):
    """Equal, but for what the processor decides: the last digits of numbers, and a few shades."""
    if isinstance(stored, dict):
        assert list(new) == list(stored), where
        for key in stored:
            check = alike if key == "image/png" and isinstance(stored[key], str) else same
            check(new[key], stored[key], f"{where} {key}")
    elif isinstance(stored, list):
        assert len(new) == len(stored), where
        for i, (one, other) in enumerate(zip(new, stored, strict=True)):
            same(one, other, f"{where} {i}")
    elif isinstance(stored, float):
        assert new == pytest.approx(stored, rel=1e-9, abs=1e-12), where
    else:
        assert new == stored, where


def alike(new, stored, where):
    one, other = (Image.open(io.BytesIO(base64.b64decode(data))) for data in (new, stored))
    assert (one.mode, one.size, one.info) == (other.mode, other.size, other.info), where
    shades = np.abs(np.asarray(one, float) - np.asarray(other, float))
    assert shades.mean() < 0.1, f"{where}: the stored picture is not today's; run `make notebooks`"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_running_a_notebook_stores_again_what_is_stored(path, run, tmp_path):
    """That pictures are the same byte for byte on one machine is tested with the plots."""
    copy = tmp_path / path.name
    copy.write_bytes(path.read_bytes())
    run(copy)
    new, stored = (json.loads(file.read_bytes()) for file in (copy, path))
    same(new, stored, path.stem)
    assert nbformat.writes(nbformat.from_dict(stored)) + "\n" == path.read_text("utf-8")


LISTING = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
FRAMEWORKS = [ROOT / "tests" / f"test_{name}.py" for name in ("pytorch", "optax", "keras")]


def bodies(path):
    """The bodies of the test functions, as listings."""
    source = path.read_text("utf-8")
    for function in ast.parse(source).body:
        if isinstance(function, ast.FunctionDef) and function.name.startswith("test_"):
            lines = source.splitlines()[function.body[0].lineno - 1 : function.end_lineno]
            yield textwrap.dedent("\n".join(lines)) + "\n"


def test_listings_are_tests_that_run_where_their_library_is_installed(notebook):
    tested = {body for path in FRAMEWORKS for body in bodies(path)}
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            assert set(LISTING.findall(cell.source + "\n")) <= tested, cell.id


def test_every_such_test_is_shown_in_some_notebook():
    cells = [c for path in NOTEBOOKS for c in nbformat.read(path, as_version=4).cells]
    shown = {body for c in cells if "source" in c for body in LISTING.findall(c.source + "\n")}
    assert {body for path in FRAMEWORKS for body in bodies(path)} <= shown
