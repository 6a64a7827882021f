"""The walls around a process of a student: what it can call and see, how long, what crosses."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from test_coursework import by_id, cell, sample, sample_answered

from xentlib.coursework import apart, bubblewrap, cgroup, confine, notebook, process, sandbox
from xentlib.coursework.grading import grade
from xentlib.coursework.sandbox import Died, Limits, Sandbox, StudentError

pytestmark = pytest.mark.skipif(not sandbox.available(), reason="bubblewrap does not work here")
FULL = {"entropy-test": 3, "total-test": 2}
LIBC = """
import ctypes, errno, os, socket
libc = ctypes.CDLL(None, use_errno=True)
def refused(number, *args):
    ctypes.set_errno(0)
    done = libc.syscall(ctypes.c_long(number), *map(ctypes.c_long, args))
    return done == -1 and ctypes.get_errno() in (errno.EPERM, errno.ENOSYS)
"""


def run(code, **limits):
    """A sandbox that has run the code."""
    return Sandbox([("code", code)], "ada", Limits(**{"call": 5, "total": 40, **limits}))


# Calls

# On x86_64, and on aarch64 and what is built like it.
REFUSED = {
    "io_uring_setup": (425, 425),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "userfaultfd": (323, 282),
    "shmget": (29, 194),
    "msgget": (68, 186),
    "semget": (64, 190),
    "mq_open": (240, 180),
    "keyctl": (250, 219),
    "inotify_init1": (294, 26),
    "fanotify_init": (300, 262),
    "flock": (73, 32),
    "setsid": (112, 157),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "pidfd_getfd": (438, 438),
    "kcmp": (312, 272),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "fsopen": (430, 430),
    "open_tree": (428, 428),
    "chroot": (161, 51),
    "clone3": (435, 435),
    "clock_settime": (227, 112),
    "adjtimex": (159, 171),
    "syslog": (103, 116),
    "splice": (275, 76),
    "vmsplice": (278, 75),
    "preadv2": (327, 286),
    "mincore": (27, 232),
    "add_key": (248, 217),
    "landlock_create_ruleset": (444, 444),
    "a call that is not yet invented": (999, 999),
}


def test_a_call_that_is_not_on_the_list_is_refused():
    column = 0 if os.uname().machine == "x86_64" else 1
    numbers = {name: both[column] for name, both in REFUSED.items()}
    with run(
        f"{LIBC}\nallowed = [n for n, number in {numbers!r}.items() if not refused(number)]"
    ) as b:
        assert (b.errors, b.get("allowed")) == ({}, [])


def test_no_socket_reaches_beyond_the_sandbox():
    code = """
import socket
opened = []
for family in range(50):
    for kind in (1, 2, 3, 5):
        for protocol in (0, 1, 6, 15, 17, 132, 262):
            try:
                socket.socket(family, kind, protocol).close()
            except OSError:
                continue
            opened.append((family, protocol))
"""
    with run(code) as box:
        assert set(map(tuple, box.get("opened"))) <= {(1, 0), (1, 1), (16, 0)}


def test_files_that_others_can_see_are_neither_locked_nor_watched():
    code = """
import fcntl, os
file = open(os.__file__)
folder = os.open("/usr", os.O_RDONLY)
done = []
for name, what in {
    "flock": lambda: fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB),
    "lockf": lambda: fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB),
    "is it locked": lambda: fcntl.fcntl(file, fcntl.F_GETLK, bytes(32)),
    "open file lock": lambda: fcntl.fcntl(file, 37, bytes(32)),
    "lease": lambda: fcntl.fcntl(file, 1024, 0),
    "watch": lambda: fcntl.fcntl(folder, 1026, 1),
}.items():
    try:
        what()
        done.append(name)
    except OSError:
        pass
"""
    with run(code) as box:
        assert (box.errors, box.get("done")) == ({}, [])


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_refuses_what_no_line_allows(machine):
    """The kernel's little machine, in Python: what the filter answers for every call."""

    def answer(number, args=(0,) * 6, architecture=None):
        code, place, value = confine.program(machine), 0, 0
        seen = {0: number, 4: architecture or confine.ARCHITECTURES[machine]}
        seen |= {16 + 8 * i: arg & 0xFFFFFFFF for i, arg in enumerate(args)}
        while True:
            what, yes, no, k = code[place]
            if what == confine.ANSWER:
                return k
            if what == confine.LOAD:
                value, place = seen[k], place + 1
                continue
            true = {
                confine.EQUAL: value == k,
                confine.ABOVE: value > k,
                confine.AT_LEAST: value >= k,
                confine.BITS: value & k,
            }[what]
            place += 1 + (yes if true else no)

    allowed, filtered = confine.calls.numbers(machine)
    for number in range(600):
        expected = number in allowed or number == filtered["clone"]
        if number not in filtered.values() or number == filtered["clone"]:
            assert (answer(number) == confine.ALLOW) == expected, number
    assert all(len(confine.program(machine)) < 4096 for _ in "a")
    column = ("x86_64", "aarch64").index(machine)
    for name, both in REFUSED.items():
        assert answer(both[column]) != confine.ALLOW, name
    for flag in (0x10000000, 0x20000, 0x40000000, 0x20000000, 0x8000, 0x2000):
        assert answer(filtered["clone"], (flag | 17, 0, 0, 0, 0, 0)) == confine.REFUSE
    assert answer(0, architecture=3) == confine.KILL
    if machine == "x86_64":
        assert answer(0x40000000) == confine.KILL


def test_the_usual_libraries_work_inside():
    code = """
import asyncio, concurrent.futures, multiprocessing, os, random, sqlite3, subprocess, tempfile
import numpy as np, scipy.optimize, scipy.sparse, scipy.stats
done = ["numpy"]
np.linalg.svd(np.random.default_rng(0).random((50, 50)))
np.save("/tmp/a.npy", np.arange(3)); np.load("/tmp/a.npy", mmap_mode="r").sum()
scipy.optimize.minimize(lambda x: (x ** 2).sum(), [1.0, 2.0])
done.append("scipy")
try:
    import pandas as pd
    pd.DataFrame({"a": [1, 2]}).to_csv("/tmp/a.csv"); pd.read_csv("/tmp/a.csv").describe()
    done.append("pandas")
except ModuleNotFoundError:
    done.append("pandas")
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
LogisticRegression(max_iter=5).fit(*load_digits(n_class=3, return_X_y=True))
done.append("sklearn")
import matplotlib.pyplot as plt
plt.plot([1, 2]); plt.title("x"); plt.savefig("/tmp/a.png"); plt.show()
done.append("matplotlib")
db = sqlite3.connect(":memory:"); db.execute("create table t (a)")
with concurrent.futures.ThreadPoolExecutor(2) as pool:
    done += pool.map(str, [1, 2])
async def three():
    await asyncio.sleep(0.01)
    return 3
done.append(await three())
done.append(subprocess.run(["echo", "4"], capture_output=True, text=True).stdout.strip())
with tempfile.TemporaryDirectory() as folder:
    open(folder + "/x", "w").write("x")
with multiprocessing.get_context("fork").Pool(2) as pool:
    done += pool.map(abs, [-5, -6])
"""
    with run(code, call=60, total=100) as box:
        assert box.errors == {}
        assert box.get("done")[:5] == ["numpy", "scipy", "pandas", "sklearn", "matplotlib"]
        assert box.get("done")[5:] == ["1", "2", 3, "4", 5, 6]


# What is in sight


def test_students_processes_go_first_when_memory_is_short_and_cannot_change_that():
    code = """
import ctypes, os
ctypes.CDLL(None).prctl(4, 1)
scores = [int(open("/proc/self/oom_score_adj").read())]
for pid in ("self", "1", str(os.getppid())):
    try:
        open(f"/proc/{pid}/oom_score_adj", "w").write("0")
    except OSError:
        pass
    scores.append(int(open(f"/proc/{pid}/oom_score_adj").read()))
"""
    with run(code) as box:
        assert (box.errors, set(box.get("scores"))) == ({}, {1000})


def test_proc_can_be_read_and_not_written():
    code = """
import os
opened = []
for pid in ("1", "self"):
    for name in ("mem", "oom_score_adj", "clear_refs", "coredump_filter", "comm", "sched"):
        try:
            os.close(os.open(f"/proc/{pid}/{name}", os.O_WRONLY))
            opened.append((pid, name))
        except OSError:
            pass
told = open("/proc/1/cmdline").read()
host = os.uname().nodename
"""
    with run(code) as box:
        assert (box.errors, box.get("opened")) == ({}, [])
        assert str(bubblewrap.PACKAGE) not in box.get("told")
        assert box.get("host") == "sandbox"


def test_the_worker_has_the_ends_of_two_pipes_and_no_other_descriptor():
    code = """
import os
ends = {}
for fd in map(int, os.listdir("/proc/self/fd")):
    try:
        ends[fd] = os.readlink(f"/proc/self/fd/{fd}")
    except OSError:
        pass
"""
    with run(code) as box:
        ends = {int(fd): where for fd, where in box.get("ends").items()}
        assert [fd for fd, where in ends.items() if where.startswith("pipe:")] == [3, 4]
        assert {where for fd, where in ends.items() if fd not in (3, 4)} <= {
            "/dev/null",
            "/dev/urandom",
        }


# Time


def spinning(seconds):
    """Processes of the grader's user that take the CPU from everybody."""
    code = f"import time\nend = time.monotonic() + {seconds}\nwhile time.monotonic() < end: pass"
    return [subprocess.Popen([sys.executable, "-c", code]) for _ in range(4 * os.cpu_count())]


SLOW = """
import time
def f():
    end = time.process_time() + 1
    while time.process_time() < end: pass
    return 1
def sleeps():
    time.sleep(99)
"""


def test_time_in_which_others_used_the_cpu_is_not_counted():
    others = spinning(20)
    try:
        with run(SLOW, call=2, total=6) as box:
            begin = time.monotonic()
            assert box.get("f")() == 1
            assert time.monotonic() - begin < 15
            assert box.waited < 4
    finally:
        for other in others:
            other.kill()
            other.wait()


def test_sleeping_is_counted():
    with run(SLOW, call=1, total=6) as box:
        begin = time.monotonic()
        with pytest.raises(Died, match="no answer within 1 s"):
            box.get("sleeps")()
        assert time.monotonic() - begin < 5


def test_waiting_for_ones_own_processes_is_counted():
    code = (
        SLOW
        + """
import os
def g():
    for _ in range(6):
        if not os.fork():
            while True: pass
    end = time.process_time() + 3
    while time.process_time() < end: pass
    return 1
"""
    )
    with run(code, call=2, total=8) as box:
        begin = time.monotonic()
        with pytest.raises(Died, match="no answer"):
            box.get("g")()
        assert time.monotonic() - begin < 2 * process.PATIENCE + 2


# Memory and files


def test_memory_of_all_processes_together_is_limited():
    code = """
import os, time
def f():
    for _ in range(5):
        if not os.fork():
            x = bytearray(100 << 20)
            for i in range(0, len(x), 4096): x[i] = 1
            time.sleep(60)
    time.sleep(60)
def g():
    return 1
"""
    with run(code, call=20, total=60, together=200 << 20) as box:
        begin = time.monotonic()
        if cgroup.offered():  # the kernel ends what is too much, the worker perhaps among them
            with contextlib.suppress(StudentError):
                box.get("f")()
        else:
            with pytest.raises(Died, match="too much memory"):
                box.get("f")()
            assert time.monotonic() - begin < 15
        assert box.get("g")() == 1


def test_without_a_cgroup_memory_is_looked_at(monkeypatch):
    monkeypatch.setattr(cgroup, "make", lambda limits: None)
    monkeypatch.setattr(cgroup, "offered", lambda: False)
    assert "no cgroup" in sandbox.confinement()
    test_memory_of_all_processes_together_is_limited()


def test_empty_files_are_counted():
    code = """
import os
def f():
    for n in range(10**6):
        os.close(os.open(f"/tmp/{n}", os.O_CREAT | os.O_WRONLY))
"""
    with run(code, call=20, entries=2000) as box, pytest.raises(Died, match="too many files"):
        box.get("f")()


def test_a_cgroup_of_the_new_kind_is_made_where_it_is_offered(tmp_path):
    (tmp_path / "cgroup.controllers").write_text("cpu memory pids")
    (tmp_path / "cgroup.subtree_control").write_text("memory pids")
    assert cgroup._delegated(tmp_path)
    mounts = [["1", "2", "0:1", "/", str(tmp_path), "rw", "-", "cgroup2", "cgroup2", "rw"]]
    place = cgroup._unified(mounts, {"": "/"})
    assert place == cgroup.Place((tmp_path,), "memory.max")
    (tmp_path / "cgroup.controllers").write_text("cpu")
    assert cgroup._unified(mounts, {"": "/"}) is None


@pytest.mark.skipif(not cgroup.offered(), reason="no cgroup is offered here")
def test_no_cgroup_is_left(source, answered):
    def groups():
        return {f for folder in place.folders if folder for f in folder.glob("xent-*")}

    place = cgroup._place()
    before = groups()
    by_id(answered, "entropy").source = "import os\ndef entropy(p):\n    os._exit(1)"
    graded(source, answered)
    end, stay = time.monotonic() + 10, groups() - before
    while time.monotonic() < end and stay:
        cgroup.remove(None)
        stay = {f for f in stay if unused(f)}  # those of other tests are in use, or go
        time.sleep(0.1)
    assert not stay


def unused(group):
    with contextlib.suppress(FileNotFoundError):
        return not (group / "cgroup.procs").read_text().split()


# The end


def in_there(student):
    """The processes of that student."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if student.encode() in Path(f"/proc/{pid}/environ").read_bytes():
                found.append(int(pid))
    return found


def gone(student):
    end = time.monotonic() + 20
    while in_there(student) and time.monotonic() < end:
        time.sleep(0.05)
    return not in_there(student)


def test_process_1_is_ended_by_the_grader_itself(monkeypatch):
    """Not by way of bubblewrap, from which a sandbox might have got loose."""
    student = f"marker-{os.urandom(8).hex()}"
    box = Sandbox([("code", "x = 1")], student).__enter__()
    outer = box._process._process
    kill = outer.kill
    monkeypatch.setattr(outer, "kill", lambda: None)
    closing = threading.Thread(target=box.close, daemon=True)
    closing.start()
    try:
        closing.join(20)
        assert not closing.is_alive() and gone(student)
    finally:
        kill()


# What an answer does to the grader


def graded(source, book, **limits):
    return grade(source, book, student="Ada", secret="s", limits=Limits(**limits))


@pytest.fixture
def source():
    return sample()


@pytest.fixture
def answered(source):
    return sample_answered(source)


@pytest.mark.parametrize(
    "value",
    [
        "[((k + 1) * (2**61 - 1), 0) for k in range(36000)]",
        "[((k + 1) << 59, 0) for k in range(36000)]",
        "[(float((k % 300) << (61 * (k // 300))), 0) for k in range(4000)]",
        "[(str(k), 0) for k in range(99000)]",
    ],
    ids=["one hash", "one end", "floats", "many"],
)
def test_keys_that_collide_cost_no_time(source, answered, value):
    by_id(answered, "entropy").source = (
        f"class D(dict):\n    def items(self):\n        return {value}\n"
        "def entropy(p):\n    return D()"
    )
    begin = time.process_time()
    result = graded(source, answered)
    assert result.scores == {"entropy-test": 0, "total-test": 2}
    assert time.process_time() - begin < 2


def test_a_test_that_one_operation_keeps_busy_is_given_up(source, answered):
    by_id(source, "total-test").source = "assert pow(3, total, 3) == 0 and sum(range(total)) < 9"
    answered = sample_answered(source)
    by_id(answered, "total").source = "total = 10 ** 15"
    begin = time.monotonic()
    result = graded(source, answered, test=0.5)
    assert result.scores == {"entropy-test": 3, "total-test": 0}
    assert "total-test: The test took more than" in result.notes[0]
    assert time.monotonic() - begin < 240


def test_a_test_that_takes_all_memory_costs_its_own_points_only(source, answered):
    by_id(source, "total-test").source = "assert len([0] * total) == 0"
    answered = sample_answered(source)
    by_id(answered, "total").source = "total = 10 ** 9"
    result = graded(source, answered)
    assert result.scores == {"entropy-test": 3, "total-test": 0}
    assert "MemoryError" in result.messages["total-test"]


def test_what_happens_apart_comes_back():
    assert apart.apart(lambda reporter: 3) == 3
    with pytest.raises(LookupError, match="x"):
        apart.apart(lambda reporter: {}["x"])

    def dies(reporter):
        reporter.begin("test", 5)
        if not reporter.gives_up("test"):
            os.kill(os.getpid(), signal.SIGKILL)
        return "given up"

    assert apart.apart(dies) == "given up"
    with pytest.raises(RuntimeError, match="too much time or memory"):
        apart.apart(lambda reporter: os._exit(3))


def test_a_cell_that_is_answered_with_anything_costs_its_own_points(source, answered):
    forge = 'import sys\nm = sys.modules["__main__"]\nm.OPERATIONS["cell"] = lambda r, n: 7\n'
    answered.cells.insert(3, notebook.node(cell("code", forge)))
    result = graded(source, answered)
    assert result.status == "REVIEW" and result.scores.keys() == FULL.keys()
