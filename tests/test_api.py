"""The public interface: what is exported, how it is called, and what its docstrings promise."""

import doctest
import importlib.metadata
import inspect
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import xentlib

ROOT = Path(__file__).parents[1]
MODULES = [  # all that `import xentlib` loads
    xentlib.activations,
    xentlib.coding,
    xentlib.information,
    xentlib.losses,
    xentlib.trees,
]

# The whole interface, argument by argument. A change here is a change for every reader of the book.
SIGNATURES = [
    "best_split(x, y, *, base=None)",
    "binary_cross_entropy(p, q, *, base=None)",
    "binary_entropy(p, *, base=None)",
    "conditional_entropy(pxy, *, given, base=None)",
    "cross_entropy(p, q, *, base=None, axis=-1, keepdims=False)",
    "decode(bits, code)",
    "encode(symbols, code)",
    "entropy(p, *, base=None, axis=-1, keepdims=False)",
    "expected_length(p, lengths)",
    "huffman_code(p)",
    "information_content(p, *, base=None)",
    "information_gain(counts, *, base=None)",
    "joint_entropy(pxy, *, base=None)",
    "js_divergence(p, q, *, base=None, axis=-1, keepdims=False)",
    "kl_divergence(p, q, *, base=None, axis=-1, keepdims=False)",
    "kraft_sum(lengths, *, radix=2)",
    "log_sigmoid(z)",
    "log_softmax(z, *, axis=-1)",
    "logsumexp(z, *, axis=-1, keepdims=False)",
    "mutual_information(pxy, *, base=None)",
    "negative_log_likelihood(q, labels, *, base=None, sample_weight=None, reduction='mean')",
    "normalize(counts, *, axis=-1, pseudocount=0.0)",
    "one_hot(labels, n_classes)",
    "perplexity(p, q=None, *, axis=-1, keepdims=False)",
    "sigmoid(z)",
    "sigmoid_binary_cross_entropy(logits, labels, *, sample_weight=None, reduction='mean')",
    "sigmoid_binary_cross_entropy_value_and_grad(logits, labels, "
    "*, sample_weight=None, reduction='mean')",
    "sigmoid_grad(z)",
    "smooth_labels(targets, alpha)",
    "softmax(z, *, axis=-1)",
    "softmax_cross_entropy(logits, labels, *, sample_weight=None, reduction='mean')",
    "softmax_cross_entropy_value_and_grad(logits, labels, *, sample_weight=None, reduction='mean')",
    "softmax_jacobian(z)",
]

FUNCTIONS = {name: getattr(xentlib, name) for name in xentlib.__all__}
each_function = pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)


def sections(function):
    """The docstring cut at its underlined headings; the summary is under ""."""
    parts = re.split(r"^(\w+)\n-+\n", inspect.getdoc(function), flags=re.MULTILINE)
    return {"": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}


def parameters(function):
    """Documented names, in order; ``p, q : type`` documents two."""
    lines = re.findall(r"^(\w[\w, ]*) : .+", sections(function)["Parameters"], re.MULTILINE)
    return [name for line in lines for name in line.split(", ")]


def test_every_signature_is_the_one_that_was_designed():
    assert [f.__name__ + str(inspect.signature(f)) for f in FUNCTIONS.values()] == SIGNATURES


def test_all_is_sorted_and_holds_every_public_function():
    assert xentlib.__all__ == sorted(name for module in MODULES for name in module.__all__)
    assert len(set(xentlib.__all__)) == len(xentlib.__all__)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_all_of_a_module_is_sorted_and_holds_every_public_function(module):
    assert module.__all__ == sorted(set(module.__all__))
    defined = {
        name
        for name, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__ and name[0] != "_"
    }
    assert defined == set(module.__all__)


def test_the_package_shows_its_interface_and_its_modules_only():
    public = {name for name in dir(xentlib) if not name.startswith("_")}
    modules = {name for name in public if inspect.ismodule(getattr(xentlib, name))}
    assert public - modules == set(xentlib.__all__)
    assert {getattr(xentlib, name).__name__ for name in modules} == {
        f"xentlib.{m}" for m in modules
    }


def test_functions_are_defined_in_the_package_they_are_imported_from():
    assert all(f.__module__.startswith("xentlib.") for f in FUNCTIONS.values())


@each_function
def test_docstring_says_in_one_line_what_the_function_means(function):
    summary = sections(function)[""].strip()
    assert re.fullmatch(r"\S.*[.]", summary.split("\n\n")[0]), "one line that ends in a full stop"


@each_function
def test_docstring_has_its_sections_in_order(function):
    expected = ["", "Parameters", "Returns", "Raises", "Notes", "Examples"]
    assert list(sections(function)) == expected
    assert all(text.strip() for text in sections(function).values())


@each_function
def test_docstring_gives_a_formula(function):
    if function is not xentlib.one_hot:  # whose summary says it all
        assert re.search(r"``[^`]*[(\[/=][^`]*``", sections(function)[""])


@each_function
def test_documented_parameters_are_the_parameters(function):
    assert parameters(function) == list(inspect.signature(function).parameters)


@each_function
def test_single_backticks_name_parameters_only(function):
    quoted = set(re.findall(r"(?<!`)`(\w+)`(?!`)", inspect.getdoc(function)))
    assert quoted <= set(parameters(function))


@each_function
def test_docstring_says_which_error_is_raised_and_when(function):
    raises = " ".join(sections(function)["Raises"].split())
    assert raises.startswith("ValueError If ")
    if "base" in parameters(function):
        assert raises.endswith("`base` is not above 1.")


@each_function
def test_docstring_names_its_source_and_its_relatives_elsewhere(function):
    notes = sections(function)["Notes"]
    assert re.search(r"Source: .+ \(\d{4}\)", notes)
    if function.__name__ not in ("conditional_entropy", "normalize"):  # which have no namesake
        assert re.search(r"Elsewhere: .*``", notes)


@each_function
def test_docstring_has_an_example_that_runs(function):
    tests = doctest.DocTestFinder(recurse=False).find(function, function.__name__)
    assert tests[0].examples  # pytest runs them, too


def test_importing_the_package_loads_only_what_it_needs_at_once():
    """A class of 1,000 imports it 1,000 times: SciPy's functions take longer than all the rest."""
    code = "import sys, xentlib; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"matplotlib", "anywidget", "ipywidgets", "traitlets", "IPython", "sklearn", "pandas"}
    heavy |= {"scipy.special"}
    loaded = set(run.stdout.split())
    assert heavy.isdisjoint(loaded)
    public = {m.__name__ for m in MODULES}
    shared = {"xentlib._blocks", "xentlib._inputs"}
    assert {name for name in loaded if name.startswith("xentlib.")} == public | shared


def test_the_installed_version_is_the_one_in_pyproject():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert importlib.metadata.version("xentlib") == project["version"]
    assert importlib.metadata.metadata("xentlib")["Requires-Python"] == project["requires-python"]
