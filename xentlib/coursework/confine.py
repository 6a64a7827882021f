"""What a student's process may do, taken on from inside and for good before any of his code is run.

What may be touched: limits may become smaller, and calls be taken from the list in `calls`. What is
the wall: the order in `limit` (a user without rights first, the filter last, since it forbids what
comes before), and that the kernel refuses every call which is not on the list.
"""

import contextlib
import ctypes
import os
import resource
import struct
import sys

if __package__:
    from xentlib.coursework import calls
else:
    import calls

ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
LOAD, EQUAL, ABOVE, AT_LEAST, BITS, ANSWER = 0x20, 0x15, 0x25, 0x35, 0x45, 0x06
ALLOW, KILL = 0x7FFF0000, 0x80000000
REFUSE, UNKNOWN, INVALID, NO_TERMINAL, NO_FAMILY = (
    0x50000 | number for number in (1, 38, 22, 25, 97)
)
NUMBER, ARCHITECTURE = 0, 4  # where they are in what the filter sees
# A thread or a child is fine; a namespace, a sibling, or a process that is traced is not.
CLONE_REFUSED = 0x7E02A000
PRCTL = (3, 4, 15, 16, 21, 23, 29, 30, 39, 0x53564D41)  # names, dumpable, slack; no parent's death
FCNTL = (0, 1, 2, 3, 4, 1030, 1032)  # duplicates and flags: no locks, leases or watches
IOCTL = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451, 0x8910)  # a terminal? how much?
UNIX, NETLINK = 1, 16


def limit(limits):
    """Give up root and take on the limits."""
    if limits["uid"]:  # root is under no limit of processes
        os.setgroups([])
        os.setresgid(*[limits["uid"]] * 3)
        os.setresuid(*[limits["uid"]] * 3)
    for name, value in limits["rlimits"].items():
        kind = getattr(resource, f"RLIMIT_{name}", None)
        if kind is None:
            continue
        hard = resource.getrlimit(kind)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        with contextlib.suppress(ValueError):  # macOS
            resource.setrlimit(kind, (value, value))
    if sys.platform == "linux" and os.uname().machine in ARCHITECTURES:
        _install(program(os.uname().machine))


def program(machine):
    """The filter as lines of the kernel's little language: the first answer that is met counts."""
    allowed, filtered = calls.numbers(machine)
    code = [(LOAD, 0, 0, ARCHITECTURE), (EQUAL, 1, 0, ARCHITECTURES[machine]), _answer(KILL)]
    code += [(LOAD, 0, 0, NUMBER)]
    if machine == "x86_64":  # the x32 numbers of the same calls
        code += [(AT_LEAST, 0, 1, 0x40000000), _answer(KILL)]
    blocks = {
        "clone": [_load(0), (BITS, 0, 1, CLONE_REFUSED), _answer(REFUSE), _answer(ALLOW)],
        "clone3": [_answer(UNKNOWN)],  # its flags are out of sight; libc falls back to clone
        "fcntl": _one_of(1, FCNTL, INVALID),
        "ioctl": _one_of(1, IOCTL, NO_TERMINAL),
        "prctl": _one_of(0, PRCTL, INVALID),
        "prlimit64": _one_of(0, (0,), REFUSE),  # its own limits only
        "socket": [
            *(_load(0), (EQUAL, 0, 1, UNIX), _answer(ALLOW)),
            *((EQUAL, 1, 0, NETLINK), _answer(NO_FAMILY)),
            *_one_of(2, (0,), REFUSE),  # what interfaces there are
        ],
    }
    for name, block in blocks.items():
        code += [(EQUAL, 0, len(block), filtered[name]), *block]
    for low, high in _ranges(allowed):
        code += [(AT_LEAST, 0, 2, low), (ABOVE, 1, 0, high), _answer(ALLOW)]
    return [*code, (ABOVE, 0, 1, calls.LAST), _answer(UNKNOWN), _answer(REFUSE)]


def _answer(what):
    return ANSWER, 0, 0, what


def _load(argument):
    """The lower half of an argument; of the upper one the kernel takes no notice here either."""
    return LOAD, 0, 0, 16 + 8 * argument


def _one_of(argument, values, otherwise):
    lines = [_load(argument)]
    for value in values:
        lines += [(EQUAL, 0, 1, value), _answer(ALLOW)]
    return [*lines, _answer(otherwise)]


def _ranges(numbers):
    found = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return found


def _install(code):
    libc = ctypes.CDLL(None, use_errno=True)
    lines = b"".join(struct.pack("HBBI", *line) for line in code)
    buffer = ctypes.create_string_buffer(lines)
    filter = struct.pack("@HP", len(code), ctypes.addressof(buffer))
    libc.prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
    if libc.prctl(22, 2, filter, 0, 0):  # PR_SET_SECCOMP, SECCOMP_MODE_FILTER
        raise OSError(ctypes.get_errno(), "seccomp")
