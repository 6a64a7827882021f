"""A process of the grader's own for each submission: whatever an answer does, the run goes on.

`bounds.Alarm` ends a test between two operations; a single one that takes hours, or all memory,
only the kernel ends. So a submission is graded in a child with limits. If it dies in a test,
another begins, and that test is given up.

What may be touched: the numbers. What is the wall: the limits are set before anything of a
student's is looked at.
"""

import contextlib
import ctypes
import importlib
import os
import pickle
import resource
import signal
import sys
import warnings

from xentlib.coursework import cgroup

MEMORY = 3 << 29  # bytes that the grader may need for one submission, beyond what it has
SECONDS = 60  # of CPU time, for all but tests
GIVEN_UP = 3  # tests; after them no more are asked


class Reporter:
    """By which the child says where it is; `limit` is for what comes next."""

    def __init__(self, writer=None, given_up=()):
        self.writer, self.given_up = writer, given_up

    def begin(self, test, seconds):
        if self.writer is not None:
            pickle.dump(("begin", test), self.writer)
            self.writer.flush()
            _limit_cpu(seconds)

    def end(self):
        if self.writer is not None:
            pickle.dump(("begin", None), self.writer)
            self.writer.flush()
            _limit_cpu(SECONDS)

    def gives_up(self, test):
        return test in self.given_up or len(self.given_up) >= GIVEN_UP


def apart(work):
    """What ``work(reporter)`` returns or raises, done in a process of its own."""
    if not hasattr(os, "fork"):
        return work(Reporter())
    given_up = set()
    while True:
        what, value = _once(work, frozenset(given_up))
        if what == "result":
            value, modules = value
            for name in modules:  # what one child has loaded the next need not
                with contextlib.suppress(Exception):
                    importlib.import_module(name)
            return value
        if what == "error":
            raise value
        if value is None or value in given_up:
            raise RuntimeError("grading it took too much time or memory")
        given_up.add(value)


def _once(work, given_up):
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads, which are not needed
        child = os.fork()
    if not child:
        os.close(reader)
        _work(work, given_up, writer)
    os.close(writer)
    said = "begin", None
    try:
        with open(reader, "rb") as file, contextlib.suppress(EOFError, pickle.UnpicklingError):
            while said[0] == "begin":
                said = pickle.load(file)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        cgroup.sweep(child)
    return said


def _work(work, given_up, writer):
    """The child: it ends here."""
    try:
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: with the grader
            with open("/proc/self/statm") as file:
                has = int(file.read().split()[0]) * resource.getpagesize()
            _limit(resource.RLIMIT_AS, has + MEMORY)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        _limit_cpu(SECONDS)
        with open(writer, "wb") as file:
            try:
                before = set(sys.modules)
                value = work(Reporter(file, given_up))
                said = "result", (value, [name for name in sys.modules if name not in before])
            except Exception as error:
                said = "error", error
            try:
                data = pickle.dumps(said)
                pickle.loads(data)
            except Exception:  # an exception that cannot be copied
                data = pickle.dumps(("error", RuntimeError(f"{type(said[1]).__name__}: {said[1]}")))
            file.write(data)
    finally:
        os._exit(0)


def _limit_cpu(seconds):
    usage = resource.getrusage(resource.RUSAGE_SELF)
    _limit(resource.RLIMIT_CPU, int(usage.ru_utime + usage.ru_stime + seconds) + 1)


def _limit(kind, value):
    hard = resource.getrlimit(kind)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (value, hard))
