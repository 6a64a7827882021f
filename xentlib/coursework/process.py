"""One process of a student's, seen from the grader: how it is started, waited for, and ended.

What may be touched: the numbers of seconds and bytes. What is the wall: the process gets the ends
of two pipes and no other descriptor that leads to the grader; every wait for it ends; process 1 of
its sandbox is killed, by a descriptor and not by a number, so that nothing in there outlives it.

What a call may use is time on the clock, less what it had to wait for a CPU while others used it:
a busy machine costs nobody his points, and whoever sleeps gains nothing by it. Waiting for the
student's own processes is not excused. Until the end of the longer limit, on the clock alone.
"""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time

from xentlib.coursework import bubblewrap, cgroup

START = 60  # seconds for Python to start, on a busy machine
TICK = 0.5  # seconds between two looks at a process that takes its time
PATIENCE = 6  # times the limit, on the clock
JIFFY = 1 / os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
# If memory runs short, the kernel ends these processes first.
FIRST_TO_GO = 'echo 1000 >/proc/self/oom_score_adj; exec "$@"'


class TooMuch(Exception):
    """The process uses more than it may; the message says of what."""


class Process:
    """A running worker. `read` and `write` raise TimeoutError when the time of `begin` is up."""

    def __init__(self, student, uid, limits, unsafe):
        self.limits, self.unsafe = limits, unsafe
        self.main = self.first = None  # the worker's number; a descriptor of process 1
        self._base, self._looked = None, time.monotonic()
        requests, self._out = os.pipe()
        self._in, answers = os.pipe()
        os.set_blocking(self._out, False)
        settings = {"requests": requests, "answers": answers, "uid": uid}
        settings["rlimits"] = limits.rlimits()
        given, group = [requests, answers], None
        command = [sys.executable, "-S", "-s", "-P"]
        if unsafe:
            worker = bubblewrap.PACKAGE / "coursework" / "worker.py"
            environment = bubblewrap.environment(student, str(bubblewrap.PACKAGE.parent))
        else:
            worker = "/course/xentlib/coursework/worker.py"
            environment = bubblewrap.environment(student)
            told, info = _told(bubblewrap.arguments()[:-1]), os.pipe()
            given += [told, info[1]]
            enclosed = ["bwrap", "--args", str(told), "--info-fd", str(info[1]), "--"]
            group = cgroup.make(limits)
            script = cgroup.enter(group) + FIRST_TO_GO
            command = ["/bin/sh", "-c", script, "sh", *enclosed, *command]
            if group and group.scope:
                command = [*group.scope.split(), *command]
                names = "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS"
                environment |= {name: os.environ[name] for name in names if name in os.environ}
        self.group = group
        try:
            self._process = subprocess.Popen(
                [*command, str(worker), json.dumps(settings)],
                env=environment,
                cwd=tempfile.gettempdir(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                pass_fds=given,
                start_new_session=True,
            )
        finally:
            for fd in given:
                os.close(fd)
        if unsafe:
            self.main = self._process.pid
        else:
            self._find(info[0])

    def _find(self, reader):
        """Process 1 of the sandbox."""
        info = b""
        while b"}" not in info and (more := os.read(reader, 1000)):
            info += more
        os.close(reader)
        with contextlib.suppress(OSError, ValueError, KeyError):
            self._one = json.loads(info)["child-pid"]
            self.first = os.pidfd_open(self._one)

    def end(self):
        """End the process, with all that it started."""
        if self.first is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.first, signal.SIGKILL)
            os.close(self.first)
        if self.unsafe:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
        self._process.wait()
        self._process.stderr.close()
        os.close(self._in)
        os.close(self._out)
        cgroup.remove(self.group)

    def why(self):
        """What bubblewrap said when the worker did not start."""
        self._process.kill()
        return self._process.stderr.read(1000).decode(errors="replace")

    # Time

    def begin(self, limit, patience=PATIENCE):
        """From now on `read` and `write` have `limit` seconds, together."""
        self._start, self._limit = time.monotonic(), limit
        self._base, self._excused = None, 0  # seconds in which it could have run, but for others
        self._end = self._start + limit
        self._last = self._start + limit * patience

    def read(self, size):
        self._wait(self._in, select.POLLIN)
        return os.read(self._in, size)

    def write(self, data):
        left = memoryview(data)
        while left:
            self._wait(self._out, select.POLLOUT)
            left = left[os.write(self._out, left[: 1 << 16]) :]

    def _wait(self, fd, event):
        poll = select.poll()
        poll.register(fd, event)
        while True:
            now = time.monotonic()
            if now - self._looked > TICK and not self.unsafe:
                self._look(now)
            if now >= self._end:
                self._look(now)
                self._end = min(self._start + self._limit + self._excused, self._last)
                if now >= self._end:
                    raise TimeoutError
            if poll.poll(1000 * min(TICK, max(self._end - now, 0.001))):
                return

    def used(self):
        """Seconds since `begin`, without those in which others had the CPU."""
        return max(time.monotonic() - self._start - self._excused, 0)

    # What it uses

    def _look(self, now):
        """Look at all of the student's processes; TooMuch if they use too much together."""
        self._looked = now
        waited, own = self._usage()
        if self._base is None:
            self._base = waited, own
        self._excused = max(0, waited - self._base[0] - max(0, own - self._base[1]))
        if self.group is None and self._memory > self.limits.together:
            raise TooMuch("too much memory")
        with contextlib.suppress(OSError):
            disk = os.statvfs(f"/proc/{self.main}/root/tmp")
            if disk.f_files - disk.f_ffree > self.limits.entries:
                raise TooMuch("too many files")

    def _usage(self):
        """Seconds that the worker waited for a CPU, and that the student's others used one."""
        found = _family(self._one) if self.first is not None else {}
        if self.main is None:
            children = [pid for pid, (parent, *_) in found.items() if parent == self._one]
            self.main = min(children, default=None)
        self._memory = sum(memory for _, _, memory in found.values())
        used = sum(seconds for _, seconds, _ in found.values())
        try:
            words = _read(f"/proc/{self.main}/schedstat").split()
            ran, waited = (int(word) / 1e9 for word in words[:2])
        except (OSError, ValueError):
            return 0.0, 0.0
        return waited, max(0, used - ran)


def _told(arguments):
    """A descriptor from which bubblewrap reads its arguments; its command line can be seen."""
    reader, writer = os.pipe()
    with open(writer, "wb") as file:
        file.write(b"".join(os.fsencode(each) + b"\0" for each in arguments))
    return reader


def _read(path):
    """A short file, quickly."""
    fd = os.open(path, os.O_RDONLY)
    try:
        return os.read(fd, 1000)
    finally:
        os.close(fd)


def _family(first):
    """``{pid: (parent, seconds, bytes)}`` of all processes below `first`."""
    every = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError, ValueError, IndexError):
            words = _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
            seconds = sum(map(int, words[11:15])) * JIFFY
            every[int(pid)] = int(words[1]), seconds, int(words[21]) * PAGE
    found, more = {}, {first}
    while more:
        more = {pid for pid, (parent, *_) in every.items() if parent in more and pid not in found}
        found |= {pid: every[pid] for pid in more}
    return found
