"""One student's process, seen from the grader: how it is confined, asked, and ended.

With bubblewrap the process has its own file system (Python and this package, read-only; a small
/tmp), no network, no view of other processes, and nothing of the grader's environment. Limits on
memory, CPU time, processes and files are set inside, those on wall time and on the size of answers
here. If the process hangs or crashes, all of it is killed and a new one takes over, without what
brought down the old one.
"""

import contextlib
import functools
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from xentlib.coursework.personal import normalised
from xentlib.coursework.worker import decode, encode, receive, send

PACKAGE = Path(__file__).resolve().parents[1]  # xentlib
START = 60  # seconds for Python to start, on a busy machine


@dataclass(frozen=True)
class Limits:
    """What one student's process may use."""

    call: float = 10  # seconds for a cell or a call
    total: float = 60  # seconds in all
    own: float = 20  # seconds for the cells that a student added
    test: float = 10  # seconds that a test itself takes, here
    restarts: int = 10
    cpu: int = 90  # seconds
    memory: int = 2 << 30  # bytes of addresses
    processes: int = 16  # and threads
    files: int = 64  # open at a time
    file: int = 16 << 20  # bytes of one file
    disk: int = 64 << 20  # bytes in /tmp

    def rlimits(self):
        return {
            "CPU": self.cpu,
            "AS": self.memory,
            "NPROC": self.processes,
            "NOFILE": self.files,
            "FSIZE": self.file,
            "CORE": 0,
        }


class StudentError(Exception):
    """An exception that the student's code raised."""

    def __str__(self):
        return str(self.args[0]) if self.args else ""  # as it was, also for a KeyError


class Died(StudentError):
    """The student's process hung or crashed, or its time is up."""


# A test may ask that a function raises ValueError: these come back as themselves, and as
# StudentError.
RAISED = {
    kind.__name__: type(kind.__name__, (StudentError, kind), {})
    for kind in (
        *(ArithmeticError, FloatingPointError, OverflowError, ZeroDivisionError),
        *(AssertionError, AttributeError, EOFError, ImportError, LookupError, IndexError, KeyError),
        *(MemoryError, NameError, NotImplementedError, RecursionError, RuntimeError),
        *(TypeError, ValueError),
    )
}


def student_error(answer):
    """The exception to raise for an answer that reports one."""
    kinds, text = answer
    if not all(type(kind) is str for kind in [*kinds, text]) or not kinds:
        raise ValueError("no report of an exception")
    kind = next((RAISED[kind] for kind in kinds if kind in RAISED), StudentError)
    return kind(text if kinds[0] in RAISED else f"{kinds[0]}: {text}"[:2000])


@functools.cache
def available():
    """Whether bubblewrap is installed and may do its work here."""
    if shutil.which("bwrap") is None:
        return False
    command = [*_bubblewrap("nobody"), sys.executable, "-S", "-c", ""]
    return subprocess.run(command, env={}, capture_output=True).returncode == 0


@functools.cache
def _bubblewrap_knows(option):
    return option in subprocess.run(["bwrap", "--help"], capture_output=True, text=True).stdout


def _bubblewrap(student):
    """The bubblewrap command, up to the program to run."""
    if os.getuid() == 0:  # no user namespace: the worker itself becomes a user without rights
        command = "--unshare-ipc --unshare-pid --unshare-net --unshare-uts --unshare-cgroup-try "
        command += "--cap-drop ALL --cap-add CAP_SETUID --cap-add CAP_SETGID"
    else:
        command = "--unshare-all --unshare-user"
        command += " --disable-userns" * _bubblewrap_knows("--disable-userns")
    command += " --die-with-parent --new-session --clearenv --proc /proc --dev /dev"
    for path, size in (("/dev/shm", 1 << 20), ("/tmp", Limits.disk)):
        command += f" --size {size}" * _bubblewrap_knows("--size")
        command += f" --perms 1777 --tmpfs {path}"
    command = ["bwrap", *command.split()]
    for path in ("/bin", "/lib", "/lib32", "/lib64"):
        if os.path.islink(path):
            command += ["--symlink", os.readlink(path), path]
        else:
            command += ["--ro-bind-try", path, path]
    for path, place in [*((path, path) for path in _readable()), (PACKAGE, "/course/xentlib")]:
        for parent in reversed(Path(place).parents[:-1]):
            if str(parent) not in ("/usr", "/tmp"):  # bubblewrap makes them for root alone
                command += ["--perms", "0755", "--dir", str(parent)]
        command += ["--ro-bind-try", str(path), place]
    for name, value in _environment(student, "/course").items():
        command += ["--setenv", name, value]
    return [*command, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/tmp", "--"]


def _readable():
    """What Python needs: the system's libraries, its own, and the installed packages."""
    prefixes = [sys.prefix, sys.base_prefix, sys.exec_prefix]
    return dict.fromkeys(["/usr", "/etc/ld.so.cache", *prefixes, *_packages()])


def in_sight(path):
    """The place that a student's code can read and in which `path` lies, or None."""
    path = Path(path).resolve()
    places = [Path(place).resolve() for place in [*_readable(), PACKAGE]]
    return next((place for place in places if path.is_relative_to(place)), None)


def _packages():
    """The directories of installed packages, in the order in which Python searches them."""
    names = ("site-packages", "dist-packages")
    found = [path for path in sys.path if os.path.basename(path) in names]
    return found or [sysconfig.get_path("purelib")]


def _environment(student, course):
    """All of the process's environment; nothing of the grader's is passed on."""
    threads = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
    return {
        "XENT_STUDENT": normalised(student),
        "PATH": "/usr/bin:/bin",
        "HOME": "/tmp",
        "LANG": "C.UTF-8",
        "MPLBACKEND": "Agg",
        "PYTHONPATH": os.pathsep.join([course, *_packages()]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        **dict.fromkeys(threads, "1"),
    }


class Sandbox:
    """The process that runs the cells of one student, and answers for them.

    `cells` are pairs of a name and the code; or, where a test stands, of its name and the names
    that it uses. Afterwards `errors` holds the exception of each cell that raised one, and `notes`
    what a teacher should look at.
    """

    def __init__(self, cells, student, limits=None, unsafe=False):
        if not unsafe and not available():
            raise RuntimeError(
                "bubblewrap does not work here, and without it a student's code could read, change "
                "and send whatever you can; install it (package bubblewrap), or pass unsafe"
            )
        self.cells, self.student, self.unsafe = cells, student, unsafe
        self.limits = limits or Limits()
        self.errors, self.notes = {}, []
        self.waited = 0.0  # seconds, of `limits.total`
        self.waiting = False
        self._own = 0.0  # seconds, of `limits.own`
        self._mode = {}  # of a cell that brought the process down: "definitions", then "skip"
        self._guilty = set()  # functions that did
        self._restarts = -1
        self._process = None

    def __enter__(self):
        try:
            self._start()
        except Died as error:  # too many restarts: no question can be answered
            self._note(str(error))
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *exception):
        self.close()

    def get(self, name, test=None):
        """The student's value of that name, at the test or at the end.

        A function comes as one that asks the student's.
        """
        answer = self._ask(op="get", name=name, test=test)
        return answer["value"] if "value" in answer else self._function(name, test)

    def _function(self, name, test):
        def function(*args, **kwargs):
            if name in self._guilty:
                raise Died(f"{name} hung or crashed in an earlier call")
            args = [encode(value) for value in args]
            kwargs = {key: encode(value) for key, value in kwargs.items()}
            try:
                call = {"name": name, "test": test, "args": args, "kwargs": kwargs}
                return self._ask(op="call", **call)["value"]
            except Died as error:
                self._guilty.add(name)
                self._note(f"{name}(...): {error}")
                raise

        function.__name__ = function.__qualname__ = name
        return function

    def close(self):
        """End the process, with all that it started."""
        if self._process is None:
            return
        if self.unsafe:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()  # the end of bubblewrap is the end of all that runs in it
        self._process.wait()
        self._process.stderr.close()
        self._socket.close()
        self._process = None

    def _start(self):
        """Start the process and run the cells; again without those that bring it down."""
        while True:
            self._launch()
            if all([self._run(name, source) for name, source in self.cells]):
                return

    def _run(self, name, source):
        """Whether the process is alive after the cell."""
        mode = self._mode.get(name)
        if mode == "skip" or self._process is None:
            return mode == "skip"
        own, begin = name.startswith("["), self.waited
        if own and self._own > self.limits.own:
            mode = "definitions"
            self._note(f"own cells took more than {self.limits.own:g} s; the rest are left out")
        try:
            if not isinstance(source, str):
                self._ask(op="keep", test=name, names=sorted(source))
                return True
            definitions = mode == "definitions"
            answer = self._ask(op="cell", cell=name, source=source, definitions=definitions)
        except Died as error:
            self._mode[name] = "skip" if mode else "definitions"
            self.errors[name] = error
            self._note(f"cell {name}: {error}")
            return False
        except StudentError as error:
            self.errors.setdefault(name, error)
        else:
            if answer.get("dropped"):
                self._note(f"cell {name}: lines that are not Python (% or !) were dropped")
        finally:
            self._own += own * (self.waited - begin)
        return True

    def _note(self, text):
        if text not in self.notes:
            self.notes.append(text)

    def _launch(self):
        self._restarts += 1
        if self._restarts > self.limits.restarts:
            raise Died(f"ended after {self.limits.restarts} restarts")
        ours, theirs = socket.socketpair()
        settings = {"socket": theirs.fileno(), "uid": 0, "rlimits": self.limits.rlimits()}
        if self.unsafe:
            command, worker = [], str(PACKAGE / "coursework" / "worker.py")
            environment = _environment(self.student, str(PACKAGE.parent))
        else:
            command, worker = _bubblewrap(self.student), "/course/xentlib/coursework/worker.py"
            environment = {}
            if os.getuid() == 0:  # a user of its own, so that no two share a limit of processes
                settings["uid"] = 1_000_000_000 + secrets.randbelow(1_000_000_000)
        self._process = subprocess.Popen(
            [*command, sys.executable, "-S", "-s", "-P", worker, json.dumps(settings)],
            env=environment,
            cwd=tempfile.gettempdir(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )
        theirs.close()
        self._socket = ours
        ours.settimeout(START)
        try:
            if receive(ours) != {"ready": True}:
                raise ValueError("no greeting")
        except (OSError, EOFError, ValueError) as error:  # no code of the student has run yet
            self._process.kill()
            why = self._process.stderr.read().decode(errors="replace")[-1000:]
            self.close()
            raise RuntimeError(f"the student's process did not start: {why or error!r}") from error

    def _ask(self, **request):
        """Send one request and return the answer to it, its value decoded."""
        if self._process is None:
            self._start()
        start, number = time.monotonic(), secrets.token_hex(16)
        limit = min(self.limits.call, self.limits.total - self.waited)
        if limit <= 0:
            self._restarts = self.limits.restarts
            raise self._died(f"the {self.limits.total:g} s of a submission are used up")
        self.waiting = True
        try:
            send(_Deadline(self._socket, start + limit), {**request, "number": number})
            answer = receive(_Deadline(self._socket, start + limit))
            if answer.get("number") != number:
                raise ValueError("an answer to another question, or a forged one")
            if "error" in answer:
                raise student_error(answer["error"])
            answer = answer["ok"]
            if request["op"] == "cell" or answer.get("function") is True:
                return answer
            return {"value": decode(answer["value"])}
        except StudentError:
            raise
        except TimeoutError:
            raise self._died(f"no answer within {limit:.3g} s; an endless loop?") from None
        except (EOFError, OSError):
            raise self._died("ended the process: a crash, an exit or too much memory") from None
        except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError):
            raise self._died("sent something that is no answer") from None
        finally:
            self.waited += time.monotonic() - start
            self.waiting = False

    def _died(self, why):
        self.close()
        return Died(why)


class _Deadline:
    """A socket whose every operation ends at the same time."""

    def __init__(self, sock, end):
        self.sock, self.end = sock, end

    def _in_time(self):
        left = self.end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self.sock.settimeout(left)
        return self.sock

    def recv(self, size):
        return self._in_time().recv(size)

    def sendall(self, data):
        self._in_time().sendall(data)
