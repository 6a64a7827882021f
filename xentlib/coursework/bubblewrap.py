"""What a student's process can see: the file system that bubblewrap makes, and its environment.

Python and this package, read-only; a small /tmp; /proc, read-only, of its own processes alone; no
network; nothing of the grader's environment.

What may be touched: a folder may be taken out of sight. What is the wall: whatever is named here
can be read by every student, so nothing may be named that is not installed for all; and nothing but
/tmp and /dev/shm can be written.
"""

import functools
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from xentlib.coursework.personal import normalised

PACKAGE = Path(__file__).resolve().parents[1]  # xentlib
DISK = 64 << 20  # bytes in /tmp


@functools.cache
def available():
    """Whether bubblewrap is installed and may do its work here."""
    if shutil.which("bwrap") is None:
        return False
    command = ["bwrap", *arguments(), sys.executable, "-S", "-c", ""]
    return subprocess.run(command, env={}, capture_output=True).returncode == 0


@functools.cache
def _knows(option):
    return option in subprocess.run(["bwrap", "--help"], capture_output=True, text=True).stdout


def arguments():
    """What bubblewrap is told, up to the program to run."""
    return [*_arguments(os.getuid() == 0, *_readable()), "--"]


@functools.cache
def _arguments(root, *readable):
    if root:  # no user namespace: the worker itself becomes a user without rights
        command = "--unshare-ipc --unshare-pid --unshare-net --unshare-uts --unshare-cgroup-try "
        command += "--cap-drop ALL --cap-add CAP_SETUID --cap-add CAP_SETGID"
    else:
        command = "--unshare-all --unshare-user" + " --disable-userns" * _knows("--disable-userns")
    command += " --hostname sandbox --die-with-parent --new-session --proc /proc --dev /dev"
    for path, size in (("/dev/shm", 1 << 20), ("/tmp", DISK)):
        command += f" --size {size}" * _knows("--size")
        command += f" --perms 1777 --tmpfs {path}"
    command = command.split()
    for path in ("/bin", "/lib", "/lib32", "/lib64"):
        if os.path.islink(path):
            command += ["--symlink", os.readlink(path), path]
        else:
            command += ["--ro-bind-try", path, path]
    for path, place in [*((path, path) for path in readable), (PACKAGE, "/course/xentlib")]:
        for parent in reversed(Path(place).parents[:-1]):
            if str(parent) not in ("/usr", "/tmp"):  # bubblewrap makes them for root alone
                command += ["--perms", "0755", "--dir", str(parent)]
        command += ["--ro-bind-try", str(path), place]
    for path in ("/proc", "/dev", "/"):
        command += ["--remount-ro", path]
    return [*command, "--chdir", "/tmp"]


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


def environment(student, course="/course"):
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
