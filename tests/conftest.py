"""The built site on a local server, and a browser to read it with."""

import gzip
import os
import shutil
import threading
from contextlib import contextmanager
from functools import cached_property
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, settings

# One thread for each test process and each kernel: OpenBLAS's threads spin while they wait, and
# where two processes share two cores, the training in chapter 8 takes many times as long.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "_build" / "html"
BROWSERS = "chromium", "chromium-browser", "google-chrome", "google-chrome-stable"
MAC_BROWSER = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
# Whatever a page asks of another host fails, and is seen.
FLAGS = ["--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]

# The same random examples on every run, and no deadline: a busy machine must not fail a test.
settings.register_profile(
    "same",
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("same")


# What takes longest begins first, so that two processes end together.
LONGEST = ["test_site", "test_coursework_hostile", "test_notebooks", "08-softmax", "test_widgets"]
LONGEST += ["test_coursework_grading", "test_plots", "test_assignments", "test_models"]


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: (*LONGEST, item.path.stem).index(item.path.stem))
    # A set as it is handed out raises where an answer is missing; nbval runs it all the same.
    for item in items:
        if item.path.parent == ROOT / "book" / "assignments":
            item.options["check_exception"] = True


def toc_files():
    """The pages of the book, in order, without their endings."""

    def walk(node):
        for key, value in node.items():
            if key in ("file", "root"):
                yield value
            elif isinstance(value, list):
                for child in value:
                    yield from walk(child)

    return list(walk(yaml.safe_load((ROOT / "_toc.yml").read_text("utf-8"))))


def sources():
    """The files that the site is made of."""
    yield from (ROOT / "_config.yml", ROOT / "_toc.yml")
    for folder in "book", "xentlib":
        for file in (ROOT / folder).rglob("*"):
            if file.is_file() and not {"__pycache__", ".ipynb_checkpoints"} & set(file.parts):
                yield file


@pytest.fixture(scope="session")
def site():
    stamp = SITE / ".complete"
    if not stamp.exists():
        pytest.fail("the site is not built: run `make book`", pytrace=False)
    newer = [f for f in sources() if f.stat().st_mtime > stamp.stat().st_mtime]
    if newer:
        names = ", ".join(str(f.relative_to(ROOT)) for f in newer[:5])
        pytest.fail(f"the site is older than {names}: run `make book`", pytrace=False)
    return SITE


class Handler(SimpleHTTPRequestHandler):
    """Compresses text, as the hosts of static sites do."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path = Path(self.translate_path(self.path))
        if path.is_dir():
            path /= "index.html"
        if not path.is_file():
            return self.send_error(404)
        content, kind = path.read_bytes(), self.guess_type(path)
        self.send_response(200)
        if kind.startswith("text/") or kind.endswith(("javascript", "json", "svg+xml")):
            content = gzip.compress(content)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args):
        pass


@contextmanager
def serving(folder):
    def handler(*args):
        return Handler(*args, directory=folder)

    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="session")
def address(site):
    with serving(site) as url:
        yield url


def find_browser():
    named = os.environ.get("XENT_CHROMIUM")
    found = named or next(filter(None, map(shutil.which, BROWSERS)), None)
    return found or (MAC_BROWSER if Path(MAC_BROWSER).exists() else None)


@pytest.fixture(scope="session")
def browser():
    executable = find_browser()
    if not executable:
        reason = f"no browser: install one of {', '.join(BROWSERS)}, or set XENT_CHROMIUM"
        pytest.fail(reason, pytrace=False) if os.environ.get("CI") else pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield chromium
        chromium.close()


class Visit:
    """A page in the browser, and everything that went wrong or out while it was open."""

    def __init__(self, browser, url, width=1280, **options):
        options.setdefault("color_scheme", "light")
        self.context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        self.page = self.context.new_page()
        self.errors, self.requests = [], []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda m: m.type == "error" and self.errors.append(m.text))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.add_init_script(
            "window.shift = 0; new PerformanceObserver(list => list.getEntries().forEach("
            "e => e.hadRecentInput || (window.shift += e.value)"
            ")).observe({type: 'layout-shift', buffered: true})"
        )
        self.page.goto(url)
        if options.get("java_script_enabled", True):
            figures = "[...document.querySelectorAll('.xent-figure[data-model]')]"
            self.page.wait_for_function(f"{figures}.every(f => f.childElementCount > 1)")

    @cached_property
    def touch(self):
        return self.context.new_cdp_session(self.page)

    def close(self):
        self.context.close()


@pytest.fixture
def visit(browser, address):
    """Opens pages of the site and closes them after the test."""
    visits = []

    def open_page(path, base=address, **options):
        visits.append(Visit(browser, base + path, **options))
        return visits[-1]

    yield open_page
    for one in visits:
        one.close()
