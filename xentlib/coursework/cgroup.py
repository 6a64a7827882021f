"""A cgroup for each sandbox, where the kernel offers one: a limit for all of its processes.

It counts what no other limit does: the memory of all processes of a sandbox and of the kernel on
their behalf (empty files, sockets, pipes). It is offered to root where the file system of cgroups
can be written; to others where a part of it is delegated to them, or where systemd makes scopes for
users. Where it is not, `process` looks at the processes twice a second.

What may be touched: the ways to find a place. What is the wall: a sandbox enters its cgroup before
bubblewrap starts, and the files of cgroups are not in its sight.
"""

import atexit
import contextlib
import functools
import itertools
import os
import shlex
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

MORE = 6  # processes: the shell, bubblewrap twice, and some that are about to end
_count, _left = itertools.count(), set()


@dataclass(frozen=True)
class Place:
    """A folder in which cgroups can be made, and the files that hold their limits."""

    folders: tuple  # one, or of the old kind one for each controller
    memory: str


@dataclass(frozen=True)
class Group:
    folders: tuple = ()
    scope: str = ""  # the command of systemd that makes it


def offered():
    """Whether sandboxes have cgroups here."""
    return _place() is not None or bool(_scope(1 << 30, 64))


def make(limits):
    """A new cgroup, or None."""
    together, processes = limits.together, limits.processes + MORE
    place = _place()
    if place is None:
        scope = _scope(together, processes)
        return Group(scope=scope) if scope else None
    return _make(place, together, processes)


def _make(place, memory, processes):
    name = f"xent-{os.getpid()}-{next(_count)}"
    folders = tuple(Path(folder, name) for folder in place.folders)
    values = {place.memory: memory, "memory.swap.max": 0, "pids.max": processes}
    for folder in folders:
        folder.mkdir()
        for file, value in values.items():
            if (folder / file).exists():
                with contextlib.suppress(OSError):  # some kernels do not count swap
                    (folder / file).write_text(str(value))
    return Group(folders)


def enter(group):
    """The beginning of a script for sh that goes into the group."""
    if group is None:
        return ""
    if group.scope:
        return "unset XDG_RUNTIME_DIR DBUS_SESSION_BUS_ADDRESS; "
    files = (shlex.quote(str(folder / "cgroup.procs")) for folder in group.folders)
    return "".join(f"echo 0 >{file} || exit 1; " for file in files)


def remove(group):
    """Remove the group, now or when the last of its processes has gone."""
    if group is not None:
        _left.update(group.folders)
    for folder in list(_left):
        with contextlib.suppress(FileNotFoundError, OSError):
            folder.rmdir()
        if not folder.exists():
            _left.discard(folder)


def sweep(process):
    """Remove what a process that has ended made."""
    place = _place()
    for folder in place.folders if place else ():
        _left.update(folder.glob(f"xent-{process}-*"))
    remove(None)


@atexit.register
def _remove_all():
    end = time.monotonic() + 2
    while _left and time.monotonic() < end:
        remove(None)
        time.sleep(0.01)


@functools.cache
def _place():
    """Where cgroups can be made, with the controllers of memory and of processes; None: nowhere."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        mounts = [line.split() for line in Path("/proc/self/mountinfo").read_text().splitlines()]
        own = dict(
            (names, path)
            for _, names, path in (
                line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines()
            )
        )
        for find in (_unified, _by_controller):
            place = find(mounts, own)
            if place is not None and _works(place):
                return place
    return None


def _unified(mounts, own):
    for words in mounts:
        kind = words[words.index("-") + 1]
        if kind != "cgroup2" or "" not in own:
            continue
        mount = Path(words[4])
        here = mount / own[""].lstrip("/")
        here = here.parent if here.name == LEAF else here
        for folder in dict.fromkeys([here, mount]):
            if _delegated(folder):
                return Place((folder,), "memory.max")
    return None


LEAF = "xent-grader"


def _delegated(folder):
    """Whether cgroups below the folder have controllers, now that we have asked for them."""
    wanted = {"memory", "pids"}
    try:
        if not wanted <= set((folder / "cgroup.controllers").read_text().split()):
            return False
        if not wanted <= set((folder / "cgroup.subtree_control").read_text().split()):
            # Only a folder without processes may have them: those in it go into one below, if they
            # are no others than the grader's.
            inside = [int(pid) for pid in (folder / "cgroup.procs").read_text().split()]
            if any(os.getpgid(pid) != os.getpgrp() for pid in inside):
                return False
            (folder / LEAF).mkdir(exist_ok=True)
            for pid in inside:
                (folder / LEAF / "cgroup.procs").write_text(str(pid))
            (folder / "cgroup.subtree_control").write_text("+memory +pids")
        return os.access(folder, os.W_OK)
    except OSError:
        return False


def _by_controller(mounts, own):
    """The old kind, one tree for each controller."""
    found = {}
    for words in mounts:
        kind, options = words[words.index("-") + 1], words[-1].split(",")
        for name in {"memory", "pids"} & set(options) if kind == "cgroup" else ():
            path = next(path for names, path in own.items() if name in names.split(","))
            found[name] = Path(words[4], path.lstrip("/"))
    if set(found) != {"memory", "pids"} or not all(os.access(f, os.W_OK) for f in found.values()):
        return None
    return Place(tuple(found.values()), "memory.limit_in_bytes")


def _works(place):
    """Try it: a process goes in, and its limit is there."""
    try:
        group = _make(place, 1 << 28, 8)
    except OSError:
        return False
    try:
        command = ["/bin/sh", "-c", enter(group) + "true"]
        set_to = [(folder / place.memory) for folder in group.folders]
        held = any(f.exists() and int(f.read_text()) == 1 << 28 for f in set_to)
        return subprocess.run(command, capture_output=True).returncode == 0 and held
    except (OSError, ValueError):
        return False
    finally:
        remove(group)


@functools.cache
def _scope(memory, processes):
    """The command of systemd that runs another in a scope with these limits; "" if it cannot."""
    command = "systemd-run --user --scope --quiet --collect -p CPUAccounting=yes "
    command += f"-p MemoryMax={memory} -p MemorySwapMax=0 -p TasksMax={processes} --"
    if os.getuid() == 0 or "XDG_RUNTIME_DIR" not in os.environ:
        return ""
    try:
        trial = subprocess.run([*command.split(), "true"], capture_output=True, timeout=5)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return command if trial.returncode == 0 else ""
