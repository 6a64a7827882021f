"""Coursework, end to end: deserved scores, and a student's process that is confined and ended."""

import contextlib
import copy
import os
import re
import signal
import subprocess
import sys
import threading
import time

import nbformat
import pytest
from test_coursework import by_id, cell, sample, sample_answered

from xentlib.coursework import bubblewrap, grading, notebook, sandbox
from xentlib.coursework.grading import check, grade
from xentlib.coursework.sandbox import Died, Limits, Sandbox, StudentError

pytestmark = pytest.mark.skipif(not sandbox.available(), reason="bubblewrap does not work here")
QUICK = Limits(call=3, total=20, test=1)
FULL = {"entropy-test": 3, "total-test": 2}


@pytest.fixture
def source():
    return sample()


@pytest.fixture
def answered(source):
    return sample_answered(source)


def graded(source, book, **options):
    options = {"student": "Ada", "secret": "s", "limits": QUICK, **options}
    return grade(source, book, **options)


def run(code, **limits):
    """A sandbox that has run the code."""
    return Sandbox([("code", code)], "ada", Limits(**{"call": 3, "total": 20, **limits}))


# Scores


def test_the_solution_earns_full_marks_under_every_seed_and_the_stub_none(source):
    result = check(source, seeds=3)
    assert result.scores == result.points == FULL
    assert result.manual == {"why": 4}


def test_a_student_who_copied_the_solution_is_ok(source, answered):
    result = graded(source, answered)
    assert result == grading.Result(
        student="Ada",
        scores=FULL,
        points=FULL,
        messages={"entropy-test": "", "total-test": ""},
        manual={"why": 4},
        written={"why": "It bends down."},
    )


def test_check_refuses_a_solution_that_fails_and_says_where(source):
    by_id(source, "entropy").source = by_id(source, "entropy").source.replace("log2", "log")
    with pytest.raises(ValueError, match=r"seed 0: entropy-test: Got 0\.69.*nats"):
        check(source, seeds=1)


def test_check_refuses_a_test_that_the_stub_passes(source):
    by_id(source, "entropy-test").source = "assert callable(entropy)"
    with pytest.raises(ValueError, match="entropy-test: the released version passes"):
        check(source, seeds=1)


def test_check_refuses_a_stub_that_fails_for_another_reason(source):
    by_id(source, "entropy-test").source = "assert 1 == 2 or entropy([1.0]) == 0, 'odd'"
    by_id(source, "total-test").source = "x = {}\nassert x.get('a', total) or x['a']"
    check(source, seeds=1)
    by_id(source, "entropy-test").source = "None + 1 if STUDENT_ID == 'student' else entropy([1.0])"
    with pytest.raises(ValueError, match="fails for another reason"):
        check(source, seeds=1)


def test_a_wrong_answer_gets_the_message_of_the_test(source, answered):
    by_id(answered, "entropy").source = "def entropy(p):\n    return 0.5"
    result = graded(source, answered)
    assert result.scores == {"entropy-test": 0, "total-test": 2}
    assert result.messages["entropy-test"] == "Got 0.5: that is nats; divide by ln 2"
    assert result.status == "ok"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (
            "def entropy(p):\n    return p[7]",
            "Your code raised IndexError: list index out of range",
        ),
        ("def entropy(p:\n    return 1", "its cell raised SyntaxError"),
        ("def entropie(p):\n    return 1", "`entropy` is not defined"),
        ("entropy = 3", "cannot be used: TypeError"),
        ("entropy = (x for x in 'ab')", "a value of type generator"),
        ("def entropy(p):\n    return {1, 2}", "a value of type set"),
        ("def entropy(p):\n    return input()", "EOFError"),
        ("import sys\ndef entropy(p):\n    sys.exit(3)", "SystemExit: 3"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("def entropy(p):\n    raise ValueError('\\x1b[31m\\u202e<b>' + 'x' * 9999)", "<b>xxx"),
        ("class E(Exception):\n    def __str__(self):\n        1 / 0\nraise E", "raised E"),
        ("def entropy(p):\n    return entropy(p)", "RecursionError"),
    ],
)
def test_what_went_wrong_is_told_and_the_other_question_counts(source, answered, code, message):
    by_id(answered, "entropy").source = code
    result = graded(source, answered)
    assert result.scores == {"entropy-test": 0, "total-test": 2}
    assert message in result.messages["entropy-test"]
    assert len(result.messages["entropy-test"]) <= grading.MAX_MESSAGE
    assert not re.search("[\x00-\x09\x0b-\x1f\u202e]", result.messages["entropy-test"])
    assert result.status == "ok"


def test_a_test_may_ask_for_an_exception(source, answered):
    by_id(source, "entropy-test").source = """\
try:
    entropy([2.0])
except ValueError as error:
    assert "2.0" in str(error)
else:
    raise AssertionError("no error")"""
    code = "class Odd(ValueError): pass\ndef entropy(p):\n    raise Odd(f'got {p}')"
    by_id(answered, "entropy").source = code
    assert graded(source, answered).messages["entropy-test"] == ""


def test_an_id_that_is_borrowed_or_missing_does_not_matter(source, answered):
    for code in ('STUDENT_ID = "bob"', 'STUDENT_ID = ""', "", "STUDENT_ID = 7"):
        answered.cells[1].source = code
        assert graded(source, answered).scores == FULL


def test_arguments_that_are_changed_stay_as_they_are_in_the_grader(source, answered):
    by_id(source, "entropy-test").source = """\
p = np.array([0.5, 0.5])
entropy(p)
assert (p == 0.5).all()"""
    by_id(answered, "entropy").source = "def entropy(p):\n    p[:] = 7\n    return 1.0"
    assert graded(source, answered).scores == FULL


def test_what_students_define_does_not_reach_the_tests(source, answered):
    answered.cells.append(
        notebook.node(
            cell(
                "code",
                "class Yes:\n    __eq__ = lambda *a: True\n"
                "def isclose(*a): return True\nnp.isclose = isclose\n"
                "data = Yes()\nassert_ = callable = float = isclose",
            )
        )
    )
    by_id(answered, "entropy").source = "def entropy(p):\n    return 0.1"
    by_id(
        answered, "total"
    ).source = "class Yes(int):\n    __eq__ = lambda *a: True\n    __hash__ = None\ntotal = Yes(3)"
    result = graded(source, answered)
    assert result.scores == {"entropy-test": 0, "total-test": 0}


def test_a_test_that_takes_too_long_is_ended_in_any_thread(source, answered):
    by_id(source, "total-test").source = """\
while total:
    try:
        total = 1
    except Exception:
        pass"""
    results = []
    work = threading.Thread(target=lambda: results.append(graded(source, answered)))
    work.start()
    results.append(graded(source, answered))
    work.join()
    for result in results:
        assert result.scores == {"entropy-test": 3, "total-test": 0}
        assert "more than 1 s" in result.messages["total-test"]


# Reasons to look


def change_code(name, code):
    def change(book):
        by_id(book, name).source = code

    return change


def strip(book):
    for each in book.cells:
        each.metadata.clear()


def extra(code):
    def change(book):
        book.cells.append(notebook.node(cell("code", code)))

    return change


HANG = "while True:\n    try:\n        while True: pass\n    except BaseException: pass"


@pytest.mark.parametrize(
    ("change", "note", "scores"),
    [
        (extra(HANG), "no answer within 3 s", (3, 2)),
        (extra("import os\nos._exit(0)"), "ended the process", (3, 2)),
        (extra("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)"), "ended", (3, 2)),
        (
            change_code("entropy", "def entropy(p):\n    while True: pass"),
            "entropy(...): no",
            (0, 2),
        ),
        (change_code("entropy", "import os\ndef entropy(p):\n    os._exit(0)"), "ended", (0, 2)),
        (change_code("total", "total = sum(data)\n" + HANG), "cell total: no answer", (3, 0)),
        (change_code("total", "%time x = 1\ntotal = sum(data)"), "not Python", (3, 2)),
        (change_code("total-test", "assert True"), "total-test: this test cell was edited", (3, 2)),
        (change_code("setup", "data = 1"), "setup: this setup cell was edited", (3, 2)),
        (strip, "found by content", (3, 2)),
        (lambda book: book.cells.reverse(), "reordered", (3, 2)),
        (lambda book: book.cells.pop(4), "entropy: the cell is missing", (0, 2)),
        (lambda book: book.cells.append(copy.deepcopy(book.cells[4])), "2 times", (3, 2)),
        (lambda book: book.metadata.clear(), "kernel", (3, 2)),
        (lambda book: book.metadata.update(language_info={"version": "2.7"}), "Python 2.7", (3, 2)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_odd_is_noted_and_costs_no_more_than_it_should(
    source, answered, change, note, scores
):
    change(answered)
    result = graded(source, answered)
    assert tuple(result.scores.values()) == scores
    assert any(note in text for text in result.notes), result.notes
    assert result.status == "REVIEW"


def test_functions_above_a_loop_without_end_still_count(source, answered):
    by_id(answered, "entropy").source += "\n\nwhile True: pass"
    result = graded(source, answered)
    assert result.scores == FULL
    assert result.status == "REVIEW"


def test_a_process_cannot_kill_its_way_out(source, answered):
    extra("import os\nfor pid in (1, -1, os.getppid()): os.kill(pid, 9)")(answered)
    assert graded(source, answered).scores == FULL


def test_the_time_of_one_student_is_limited_in_all(source, answered):
    for number in range(9):
        answered.cells.append(notebook.node(cell("code", f"{HANG}  # {number}")))
    start = time.monotonic()
    result = graded(source, answered, limits=Limits(call=1, total=3))
    assert time.monotonic() - start < 60
    assert any("used up" in note for note in result.notes)


# The sandbox


def test_without_bubblewrap_nothing_runs_unless_unsafe(source, answered, monkeypatch):
    monkeypatch.setattr(sandbox, "available", lambda: False)
    with pytest.raises(RuntimeError, match="install it"):
        graded(source, answered)
    assert graded(source, answered, unsafe=True).scores == FULL


def test_what_no_limit_covers_is_refused():
    code = """
import ctypes, os
libc = ctypes.CDLL(None)
shared_memory = libc.shmget(0, 1 << 20, 0o1600)
namespace = libc.unshare(0x10000000)
def memory_file():
    return os.memfd_create("x")
"""
    with run(code) as box:
        assert box.get("shared_memory") == box.get("namespace") == -1
        with pytest.raises(StudentError, match="not permitted"):
            box.get("memory_file")()


def test_a_process_that_cannot_start_is_no_fault_of_the_student(source, answered, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(RuntimeError, match="did not start"):
        graded(source, answered)


def test_nothing_of_the_grader_is_in_sight(tmp_path, monkeypatch):
    monkeypatch.setenv("XENT_SECRET", "hidden")
    (tmp_path / "secret").write_text("hidden")
    hidden = [str(tmp_path), __file__, os.path.abspath("tests")]
    code = f"""
import os, glob, socket
def reads(path):
    try:
        return open(path, "rb").read().decode(errors="replace")
    except OSError:
        return ""
environment = str(os.environ) + "".join(map(reads, glob.glob("/proc/*/environ")))
processes = [name for name in os.listdir("/proc") if name.isdigit()]
secret = reads({str(tmp_path / "secret")!r})
places = {{path: os.path.exists(path) for path in {hidden!r}}}
home = os.path.expanduser("~")
def network():
    socket.create_connection(("127.0.0.1", 22), 1)
interfaces = [name for _, name in socket.if_nameindex()]
"""
    with run(code) as box:
        assert box.errors == {}
        assert "hidden" not in box.get("environment")
        assert box.get("secret") == ""
        assert not any(box.get("places").values())
        assert len(box.get("processes")) <= 3
        assert box.get("interfaces") == ["lo"]
        with pytest.raises(StudentError):
            box.get("network")()


def test_nothing_can_be_written_but_a_little_in_tmp():
    code = """
import os
def writes(folder, megabytes=0):
    for number in range(megabytes or 1):
        with open(f"{folder}/file-{number}", "wb") as file:
            file.write(b"x" * (1_000_000 if megabytes else 1))
def course():
    import xentlib
    open(xentlib.__file__, "a")
"""
    with run(code) as box:
        for folder in ("/", "/dev", "/usr", "/course", "/etc", sys.prefix, "/proc/sys/kernel"):
            with pytest.raises(StudentError):
                box.get("writes")(folder)
        with pytest.raises(StudentError):
            box.get("course")()
        box.get("writes")("/tmp", 1)
        with pytest.raises(StudentError, match="No space"):
            box.get("writes")("/tmp", 100)
        with pytest.raises(StudentError, match="No space"):
            box.get("writes")("/dev/shm", 10)


def test_the_student_is_nobody_and_has_no_privileges():
    code = """
import os
status = open("/proc/self/status").read()
def root():
    os.setuid(0)
"""
    with run(code) as box:
        status = box.get("status")
        assert re.search(r"CapEff:\s0+\n", status) and re.search(r"NoNewPrivs:\s1", status)
        with pytest.raises(StudentError):
            box.get("root")()


def test_memory_is_limited_and_the_process_lives_on():
    with run("def much():\n    return len(bytearray(3 << 30))\ndef f():\n    return 1") as box:
        with pytest.raises(MemoryError):
            box.get("much")()
        assert box.get("f")() == 1


def test_a_student_can_write_in_empty_folders_only():
    places = ["/", "/dev", "/dev/shm", "/proc", "/tmp", "/usr", "/course/xentlib", sys.prefix]
    code = f"""
import os
written, here = [], []
for place in {places!r}:
    here += os.listdir(place) if place in ("/tmp", "/dev/shm") else []
    try:
        open(place + "/mine", "w").close()
        written.append(place)
    except OSError:
        pass"""
    with run(code) as box:
        python = {path.split("/")[2] for path in bubblewrap._readable() if path.startswith("/tmp/")}
        assert (box.get("written"), set(box.get("here"))) == (["/dev/shm", "/tmp"], python)


def test_output_goes_nowhere():
    code = """
import os
for _ in range(2000):
    print("x" * 9999)
    os.write(2, b"y" * 9999)
a = 1"""
    with run(code, call=10) as box:
        assert (box.get("a"), box.notes) == (1, [])


def processes_of(student):
    """How many processes have the student's name in their environment or command line."""
    found = 0
    for pid in filter(str.isdigit, os.listdir("/proc")):
        for file in ("environ", "cmdline"):
            with contextlib.suppress(OSError), open(f"/proc/{pid}/{file}", "rb") as text:
                if student.encode() in text.read():
                    found += 1
                    break
    return found


def wait_for(condition):
    end = time.monotonic() + 30
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    assert condition()


@pytest.mark.parametrize(
    "bomb",
    [
        "while True:\n        try: os.fork()\n        except OSError: pass",
        "for _ in range(9):\n        if not os.fork():\n            os.setsid()\n"
        "            if not os.fork():\n                while True: time.sleep(1)\n",
        "while True: threading.Thread(target=time.sleep, args=(99,)).start()",
    ],
    ids=["fork bomb", "orphans", "threads"],
)
def test_processes_are_few_and_none_is_left(bomb, source):
    student = f"marker-{os.urandom(8).hex()}"
    code = f"import os, threading, time\ndef f():\n    {bomb}"
    box = Sandbox([("code", code)], student, Limits(call=3, total=20))
    most, seen = 0, threading.Event()

    def watch():
        nonlocal most
        while not seen.wait(0.05):
            most = max(most, processes_of(student))

    watcher = threading.Thread(target=watch)
    watcher.start()
    with box, contextlib.suppress(StudentError):
        box.get("f")()
    seen.set()
    watcher.join()
    assert 1 <= most <= Limits.processes + 5
    wait_for(lambda: processes_of(student) == 0)


def test_a_process_that_hangs_ends_with_the_grader():
    student = f"marker-{os.urandom(8).hex()}"
    code = f"""
from xentlib.coursework.sandbox import Sandbox
Sandbox([("a", "import os\\nos.fork()\\nwhile True: pass")], {student!r}).__enter__()"""
    grader = subprocess.Popen([sys.executable, "-c", code])
    # the grader, bubblewrap twice, and two of the student's: the cell has begun
    wait_for(lambda: processes_of(student) > 4)
    grader.send_signal(signal.SIGKILL)
    grader.wait()
    wait_for(lambda: processes_of(student) == 0)


FIND = """
import json, os, struct
def say(message):
    data = message if isinstance(message, bytes) else json.dumps(message).encode()
    os.write(4, struct.pack(">I", len(data)) + data)
"""


@pytest.mark.parametrize(
    "forged",
    [
        'say({"number": "0", "ok": {"value": 1}})',
        "say([])",
        'say(b"{")',
        'say(b"[" * 100_000)',
        'say(b"9" * 100_000)',
        "os.write(4, b'\\xff' * 100)",
        'say({"number": 0})\nfor _ in range(100): say({"ok": {"value": 1}})',
        "os.close(4)",
    ],
)
def test_a_forged_message_is_seen_and_earns_nothing(forged):
    with Sandbox(
        [("a", "def f():\n    return 2"), ("b", FIND + forged)], "ada", Limits(call=3, total=20)
    ) as box:
        assert box.get("f")() == 2  # after a restart without the cell that forged
        assert any("cell b" in note for note in box.notes)


def test_a_function_that_forges_costs_its_own_question_only():
    code = FIND + "def f():\n    say({'number': 0, 'ok': {'value': 1}})\ndef g():\n    return 5"
    with run(code) as box:
        with pytest.raises(Died, match="no answer"):
            box.get("f")()
        assert box.get("g")() == 5
        with pytest.raises(Died, match="earlier"):
            box.get("f")()


def test_two_students_at_once_do_not_meet():
    code = "import os\nopen('/tmp/' + os.environ['XENT_STUDENT'], 'w').close()\n"
    code += "def seen():\n    return [os.path.exists('/tmp/' + name) for name in ('ada', 'bob')]"
    with Sandbox([("a", code)], "ada") as ada, Sandbox([("a", code)], "bob") as bob:
        assert ada.get("seen")() == [True, False]
        assert bob.get("seen")() == [False, True]


# What ordinary students do


def own_cell(book, text, after, cell_type="code"):
    """A cell of the student's own behind the cell of that name."""
    make = {"code": nbformat.v4.new_code_cell, "markdown": nbformat.v4.new_markdown_cell}
    place = book.cells.index(by_id(book, after)) + 1
    book.cells.insert(place, notebook.node(make[cell_type](text)))


@pytest.mark.parametrize(
    "text",
    [
        "entropy = entropy([0.5, 0.5])\ntotal = None",  # a name is used again
        "for total in range(3): pass",
        "del entropy, total",
        "get_ipython().run_line_magic('matplotlib', 'inline')\ndisplay(1, clear=True)",
        "%pip install --quiet xentlib.whl\n%matplotlib inline",
        "k = 2\n    x = 3",  # no Python
        "data = 0",
    ],
)
def test_what_stands_below_a_test_cannot_spoil_it(source, answered, text):
    own_cell(answered, text, "total-test")
    result = graded(source, answered)
    assert (result.scores, result.status) == ({"entropy-test": 3, "total-test": 2}, "ok")


def test_of_two_functions_of_one_name_the_one_above_the_test_counts(source, answered):
    right = by_id(answered, "entropy").source
    by_id(answered, "entropy").source = "def entropy(p):\n    return 7"
    own_cell(answered, right, "total-test")
    result = graded(source, answered)
    assert result.scores["entropy-test"] == 0 and result.messages["entropy-test"][:6] == "Got 7:"
    assert "would pass with what stands further down" in result.notes[0]
    own_cell(answered, right, "entropy")
    assert graded(source, answered).scores["entropy-test"] == 3


def test_an_answer_written_into_another_cell_is_not_undone_by_the_stub(source, answered):
    both = by_id(answered, "entropy").source + "\n" + by_id(answered, "total").source
    stub = by_id(notebook.release(source), "total").source
    by_id(answered, "entropy").source, by_id(answered, "total").source = both, stub
    assert graded(source, answered).scores["total-test"] == 2
    by_id(answered, "entropy").source, by_id(answered, "total").source = stub, both
    assert graded(source, answered).scores == FULL
    own = copy.deepcopy(answered)
    by_id(own, "entropy").source = by_id(notebook.release(source), "entropy").source
    own_cell(own, both, "setup")
    assert graded(source, own).scores["entropy-test"] == 3


@pytest.mark.parametrize(
    "value", ["__import__('fractions').Fraction(n)", "np.array(n)", "Series()", "np.float32(n)"]
)
def test_a_number_of_any_kind_crosses(source, answered, value):
    code = "class Series:\n    def __array__(self, *a, **k):\n        return np.array(n)\n"
    by_id(answered, "total").source = f"n = int(data.sum())\n{code}total = {value}"
    assert graded(source, answered).scores["total-test"] == 2


@pytest.mark.parametrize("line", ["import no_such_module", "input('how many? ')"])
def test_what_lacks_only_here_is_told(source, answered, line):
    by_id(answered, "total").source = f"{line}\ntotal = int(data.sum())"
    result = graded(source, answered)
    assert result.status == "REVIEW"
    assert ("total: this answer cell raised" in result.notes[0]) == ("import" in line)
    assert ("cell total: input() got an empty line" in result.notes[0]) == ("input" in line)


def test_input_gets_an_empty_line_and_the_cell_goes_on(source, answered):
    own_cell(answered, "name = input('Who? ') or 'nobody'\nk = 1", "setup")
    by_id(answered, "total").source = "n = input()\ntotal = int(data.sum()) if n == '' else n"
    result = graded(source, answered)
    assert result.scores == FULL and result.notes == ["cell total: input() got an empty line"]
    by_id(answered, "total").source = "while input() != 'q': pass"
    assert graded(source, answered).scores["total-test"] == 0


def test_long_experiments_of_a_students_own_cost_no_question(source, answered):
    for _ in range(6):
        own_cell(answered, "import time\ntime.sleep(30)", "setup")
    result = graded(source, answered, limits=Limits(call=1, total=8, own=2))
    assert sum(result.scores.values()) == 5 and any("own cells" in note for note in result.notes)


def test_a_failed_assertion_without_a_message_is_a_failure(source, answered):
    by_id(source, "total-test").source = "assert total == 99"
    result = graded(source, answered)
    assert result.scores["total-test"] == 0
    assert result.messages["total-test"] == "The answer is not right."


def test_a_test_may_warn_and_print_and_leaves_nothing_to_the_next(source, answered, capsys):
    by_id(source, "entropy-test").source += "\nprint('loud')\nnp.log(0 * data)\nmine = 1"
    by_id(source, "total-test").source += "\nassert 'mine' not in globals()"
    assert sum(graded(source, answered).scores.values()) == 5
    assert capsys.readouterr().out == ""


def test_tests_see_the_id_of_the_grading_and_teachers_the_one_that_was_written(source, answered):
    by_id(source, "total-test").source += "\nassert STUDENT_ID == 'Ada', STUDENT_ID"
    answered = sample_answered(source)
    answered.cells[1].source = "STUDENT_ID = 'bob'"
    result = graded(source, answered)
    assert result.scores["total-test"] == 2 and result.other_id == "bob"
    answered.cells[1].source = "STUDENT_ID = ' ADA '"
    assert graded(source, answered).other_id == ""


def test_a_test_that_takes_too_long_is_told_to_the_teacher(source, answered):
    by_id(source, "total-test").source = "while total: pass"
    answered = sample_answered(source)
    result = graded(source, answered, limits=Limits(call=3, total=20, test=0.5))
    assert result.status == "REVIEW" and "total-test: The test took more than" in result.notes[0]


def test_the_given_lines_of_a_stub_are_run(source, answered):
    by_id(source, "entropy").source = "import math\n\n\n" + by_id(source, "entropy").source
    right = by_id(answered, "entropy").source
    by_id(answered, "entropy").source = notebook.released(by_id(source, "entropy"))
    by_id(answered, "total").source += "\nassert math.pi > 3"
    own_cell(answered, right, "setup")
    assert graded(source, answered).scores == FULL
