"""The process that runs the cells of one student, in order, and answers for them.

It runs up to where a test stands and waits; the test, in the grader, asks it for values and for the
results of calls; then it goes on. If it hangs or crashes, all of it is killed and a new one takes
over, without what brought down the old one, up to the same place.

What may be touched: when a process is restarted, and what is said about it. What is the wall:
nothing that the process sends is used but what `wire` has decoded, and in a report of an exception
its texts; nothing is asked without a limit of time.
"""

import os
import secrets
from dataclasses import dataclass

from xentlib.coursework import cgroup
from xentlib.coursework.bubblewrap import DISK, arguments, available
from xentlib.coursework.process import START, Process, TooMuch
from xentlib.coursework.wire import decode, encode, receive, send


@dataclass(frozen=True)
class Limits:
    """What one student's process may use; its time is explained in `process`."""

    call: float = 10  # seconds for a cell or a call
    total: float = 60  # seconds in all
    own: float = 20  # seconds for the cells that a student added
    test: float = 10  # seconds that a test itself takes, here
    restarts: int = 10
    cpu: int = 90  # seconds of one process
    memory: int = 2 << 30  # bytes of addresses of one process
    together: int = 3 << 30  # bytes that all of them hold
    processes: int = 12  # and threads
    files: int = 64  # open at a time
    entries: int = 10_000  # files in /tmp
    file: int = 16 << 20  # bytes of one file
    disk: int = DISK  # bytes in /tmp

    def rlimits(self):
        return {
            "CPU": self.cpu,
            "AS": self.memory,
            "NPROC": self.processes,
            "NOFILE": self.files,
            "FSIZE": self.file,
            "CORE": 1,  # with 0 a program that the kernel hands crashes to would still be started
            "SIGPENDING": 256,
            "MSGQUEUE": 0,
            "MEMLOCK": 0,
        }


def prepare(unsafe):
    """Find out once, before a child begins, what each child would find out anew."""
    if not unsafe and available():
        arguments()
        cgroup.offered()


def confinement():
    """What counts the memory of a sandbox as a whole here, in words."""
    if cgroup.offered():
        return "each sandbox has a cgroup: memory and processes are counted for all of it"
    return (
        "no cgroup is offered here: memory is limited for each process, and looked at twice a "
        "second for all of a sandbox; that of the kernel is not counted"
    )


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


class Sandbox:
    """The process of one student; `cells` are pairs of a name and the code.

    On entering it runs the first `place` cells, or all. `errors` holds the exception of each cell
    that raised one, `typed` the cells that called input(), `notes` what a teacher should look at.
    """

    def __init__(self, cells, student, limits=None, unsafe=False, place=None):
        if not unsafe and not available():
            raise RuntimeError(
                "bubblewrap does not work here, and without it a student's code could read, change "
                "and send whatever you can; install it (package bubblewrap), or pass unsafe"
            )
        self.cells, self.student, self.unsafe = cells, student, unsafe
        self.limits = limits or Limits()
        self.errors, self.notes, self.typed = {}, [], []
        self.waited = 0.0  # seconds, of `limits.total`
        self.waiting = False
        self.guilty = set()  # functions that brought the process down
        self._own = 0.0  # seconds, of `limits.own`
        self._mode = {}  # of a cell that brought the process down: "definitions", then "skip"
        self._restarts = -1
        self._process = None
        self._place = len(cells) if place is None else place  # where it is to stand
        self._done = 0  # the cells that this process has run

    def __enter__(self):
        try:
            self.go(self._place)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *exception):
        self.close()

    def go(self, place):
        """Run the cells before that number, counted from 0, which have not been run."""
        self._place = max(place, self._place)
        try:
            self._catch_up()
        except Died as error:  # too many restarts: no question can be answered
            self._note(str(error))

    def leave_out(self, number):
        """Never run the cell of that number."""
        self._mode[number] = "skip"

    def get(self, name):
        """The student's value of that name; a function comes as one that asks the student's."""
        answer = self._ask(op="get", name=name)
        return answer["value"] if "value" in answer else self._function(name)

    def _function(self, name):
        def function(*args, **kwargs):
            if name in self.guilty:
                raise Died(f"{name} hung or crashed in an earlier call")
            args = [encode(value) for value in args]
            kwargs = {key: encode(value) for key, value in kwargs.items()}
            try:
                return self._ask(op="call", name=name, args=args, kwargs=kwargs)["value"]
            except Died as error:
                self.guilty.add(name)
                self._note(f"{name}(...): {error}")
                raise

        function.__name__ = function.__qualname__ = name
        return function

    def close(self):
        """End the process, with all that it started."""
        if self._process is not None:
            self._process.end()
            self._process = None

    def _catch_up(self):
        """Have a process that has run all cells up to the place, without those that end it."""
        while self._process is None or self._done < self._place:
            if self._process is None:
                self._launch()
            elif self._mode.get(self._done) != "skip":
                self._run(self._done)
            else:
                self._done += 1

    def _run(self, number):
        name, source = self.cells[number]
        mode, own, begin = self._mode.get(number), name.startswith("["), self.waited
        if own and self._own > self.limits.own:
            mode = "definitions"
            self._note(f"own cells took more than {self.limits.own:g} s; the rest are left out")
        self._done += 1
        try:
            definitions = mode == "definitions"
            answer = self._ask(op="cell", cell=name, source=source, definitions=definitions)
        except Died as error:
            self._mode[number] = "skip" if mode else "definitions"
            self.errors[name] = error
            self._note(f"cell {name}: {error}")
        except StudentError as error:
            self.errors.setdefault(name, error)
        else:
            if answer["dropped"]:
                self._note(f"cell {name}: lines that are not Python (% or !) were dropped")
        finally:
            self._own += own * (self.waited - begin)

    def _note(self, text):
        if text not in self.notes:
            self.notes.append(text)

    def _launch(self):
        self._restarts += 1
        if self._restarts > self.limits.restarts:
            raise Died(f"ended after {self.limits.restarts} restarts")
        uid = 0
        if not self.unsafe and os.getuid() == 0:  # of its own: no two share a limit of processes
            uid = 1_000_000_000 + secrets.randbelow(1_000_000_000)
        self._process, self._done = Process(self.student, uid, self.limits, self.unsafe), 0
        try:
            self._process.begin(START, patience=1)
            if receive(self._process.read) != {"ready": True}:
                raise ValueError("no greeting")
        except (OSError, EOFError, ValueError, TooMuch) as error:  # no code of the student has run
            why = self._process.why()
            self.close()
            raise RuntimeError(f"the student's process did not start: {why or error!r}") from error

    def _ask(self, **request):
        """Send one request and return the answer to it, its value decoded."""
        if self._process is None:
            self._catch_up()
        number = secrets.token_hex(16)
        limit = min(self.limits.call, self.limits.total - self.waited)
        if limit <= 0:
            self._restarts = self.limits.restarts
            raise self._died(f"the {self.limits.total:g} s of a submission are used up")
        self._process.begin(limit)
        self.waiting = True
        try:
            send(self._process.write, {**request, "number": number})
            answer = receive(self._process.read)
            if answer.get("number") != number:
                raise ValueError("an answer to another question, or a forged one")
            if answer.get("typed") and request["op"] == "cell":
                self.typed.append(request["cell"])
            if "error" in answer:
                raise student_error(answer["error"])
            return _answered(request["op"], answer["ok"])
        except StudentError:
            raise
        except TimeoutError:
            raise self._died(f"no answer within {limit:.3g} s; an endless loop?") from None
        except TooMuch as error:
            raise self._died(f"used {error}") from None
        except (EOFError, OSError):
            raise self._died("ended the process: a crash, an exit or too much memory") from None
        except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError):
            raise self._died("sent something that is no answer") from None
        finally:
            self.waited += self._used()
            self.waiting = False

    def _used(self):
        return 0.0 if self._process is None else self._process.used()

    def _died(self, why):
        self.waited += self._used()
        self.close()
        return Died(why)


def _answered(operation, answer):
    """What the answer to a request holds: plain data, and which of them."""
    if operation == "cell":
        return {"dropped": answer["dropped"] is True}
    if operation == "get" and answer.get("function") is True:
        return {}
    return {"value": decode(answer["value"])}
