"""Runs a student's code: the untrusted side. It knows no test, no expected value and no secret.

A stand-alone script that needs the standard library and NumPy only; `sandbox` starts it and sends
requests over a socket. Its codec, `encode` and `decode`, serves both sides.

A student's code lives in this process and can do here what it likes: replace NumPy, find the
socket, write to it. What it gains is the power to choose its own answers, which it has anyway. The
number in each request, drawn at random by the grader, protects one thing: an answer written before
its question was asked is recognised. It cannot protect a student from his own code.
"""

import ast
import base64
import contextlib
import ctypes
import json
import numbers
import os
import re
import resource
import socket
import struct
import sys

import numpy as np

MAX_FRAME = 16 << 20  # bytes of one message
MAX_ITEMS = 500_000  # values and names in one message, counted by their separators
MAX_DEPTH = 4  # lists within lists
MAX_ARRAY = 8_000_000  # bytes
MAX_NDIM = 8
MAX_TEXT = 1_000_000  # characters
MAX_BITS = 10_000  # of an int; Python writes no more than 4300 digits
DTYPES = {
    np.dtype(name).str: np.dtype(name)
    for name in ("?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8")
}
_ndarray, _generic, _dumps = np.ndarray, np.generic, json.dumps  # as they are before a student's


def encode(value, depth=0):
    """Plain data as JSON; TypeError or ValueError if `value` is anything else or too large."""
    if depth > MAX_DEPTH:
        raise ValueError(f"nested more than {MAX_DEPTH} deep")
    if value is None or value is True or value is False:
        return value
    if isinstance(value, str):  # also numpy.str_
        if len(value) > MAX_TEXT:
            raise ValueError(f"a string of more than {MAX_TEXT} characters")
        return str.__str__(value)
    if isinstance(value, _generic):
        return {"scalar": _encode_array(np.asarray(value))}
    if isinstance(value, int):
        if value.bit_length() > MAX_BITS:
            raise ValueError(f"an int of more than {MAX_BITS} bits")
        return int.__index__(value)
    if isinstance(value, float):
        return {"float": float.hex(value)}
    if isinstance(value, _ndarray):
        return {"array": _encode_array(np.asarray(value))}
    if isinstance(value, list | tuple):
        if len(value) > MAX_ITEMS:
            raise ValueError(f"more than {MAX_ITEMS} items; use an array")
        kind = "tuple" if isinstance(value, tuple) else "list"
        return {kind: [encode(item, depth + 1) for item in value]}
    if isinstance(value, numbers.Rational):
        return {"float": float.hex(float(value))}
    if hasattr(type(value), "__array__"):  # a Series, a tensor
        return {"array": _encode_array(np.asarray(value))}
    if isinstance(value, dict):
        if len(value) > MAX_ITEMS:
            raise ValueError(f"more than {MAX_ITEMS} keys")
        return {"dict": [[_encode_key(k), encode(v, depth + 1)] for k, v in value.items()]}
    raise TypeError(
        f"a value of type {type(value).__name__}; "
        "use numbers, strings, lists, tuples, dicts or NumPy arrays"
    )


def _encode_key(key):
    if isinstance(key, _generic):
        key = key.item()
    if not isinstance(key, str | int | float | None):
        raise TypeError(f"a dict with a key of type {type(key).__name__}; use strings or numbers")
    return encode(key)


def _encode_array(array):
    if array.dtype.kind not in "biuf" or array.dtype.itemsize > 8:
        raise TypeError(f"an array of dtype {array.dtype}; use bool, int or float")
    if array.ndim > MAX_NDIM:
        raise ValueError(f"an array of {array.ndim} axes; at most {MAX_NDIM}")
    if array.nbytes > MAX_ARRAY:
        raise ValueError(f"an array of {array.nbytes} bytes; at most {MAX_ARRAY}")
    array = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).reshape(array.shape)
    return [array.dtype.str, list(array.shape), base64.b64encode(array.tobytes()).decode()]


def decode(message, depth=0):
    """The value that `encode` wrote; ValueError for anything it would not have written."""
    if message is None or type(message) is bool:
        return message
    if type(message) is int and message.bit_length() <= MAX_BITS:
        return message
    if type(message) is str and len(message) <= MAX_TEXT:
        return message
    if depth > MAX_DEPTH or type(message) is not dict or len(message) != 1:
        raise ValueError("no plain data")
    ((kind, body),) = message.items()
    if kind == "float" and type(body) is str and len(body) < 40:
        return float.fromhex(body)
    if kind in ("array", "scalar") and type(body) is list:
        array = _decode_array(body)
        if kind == "array":
            return array
        if array.ndim == 0:
            return array[()]
    if kind in ("list", "tuple") and type(body) is list:
        items = [decode(item, depth + 1) for item in body]
        return items if kind == "list" else tuple(items)
    if kind == "dict" and type(body) is list:
        if not all(type(pair) is list and len(pair) == 2 for pair in body):
            raise ValueError("no pairs")
        pairs = [(decode(k), decode(v, depth + 1)) for k, v in body]
        if not all(isinstance(k, str | int | float | None) for k, _ in pairs):
            raise ValueError("no plain key")
        return dict(pairs)
    raise ValueError("no plain data")


def _decode_array(body):
    dtype, shape, data = body
    if type(dtype) is not str or dtype not in DTYPES or type(data) is not str:
        raise ValueError("no array of numbers")
    if type(shape) is not list or len(shape) > MAX_NDIM:
        raise ValueError("no shape")
    if not all(type(n) is int and 0 <= n <= MAX_ARRAY for n in shape):
        raise ValueError("no shape")
    data = base64.b64decode(data, validate=True)
    array = np.frombuffer(data, DTYPES[dtype])
    if len(data) > MAX_ARRAY or (dtype == "|b1" and (array.view("u1") > 1).any()):
        raise ValueError("no array of numbers")
    return array.reshape(shape).copy()  # a wrong number of items is a ValueError


def send(sock, message):
    """Write one message: its length in four bytes, then JSON."""
    data = _dumps(message, separators=(",", ":"), allow_nan=False).encode()
    if len(data) > MAX_FRAME or data.count(b",") + data.count(b"{") > 2 * MAX_ITEMS:
        raise ValueError("a value that is too large")
    sock.sendall(struct.pack(">I", len(data)) + data)


def receive(sock):
    """Read one message; EOFError at the end, ValueError for anything but modest JSON."""
    (size,) = struct.unpack(">I", _exactly(sock, 4))
    if size > MAX_FRAME:
        raise ValueError("a message that is too large")
    data = _exactly(sock, size)
    if data.count(b",") + data.count(b"{") + data.count(b"[") > 4 * MAX_ITEMS:
        raise ValueError("a message of too many parts")  # small parts take much memory
    try:
        return json.loads(data, parse_float=_refuse, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("a message nested too deeply") from error


def _exactly(sock, size):
    data = bytearray()
    while len(data) < size:
        part = sock.recv(min(size - len(data), 1 << 16))
        if not part:
            raise EOFError
        data += part
    return bytes(data)


def _refuse(text):
    raise ValueError(f"a bare number {text[:20]}")


def limit(limits):
    """Give up root and take on the limits, for good and before a student's code is run."""
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")  # if memory runs short, the kernel ends this process first
    if limits["uid"]:  # root is under no limit of processes
        os.setgroups([])
        os.setresgid(*[limits["uid"]] * 3)
        os.setresuid(*[limits["uid"]] * 3)
    for name, value in limits["rlimits"].items():
        kind = getattr(resource, f"RLIMIT_{name}")
        hard = resource.getrlimit(kind)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (value, value))
    forbid()


# Shared memory counts for no limit, and whoever makes a namespace of users may mount disks in it.
FORBIDDEN = {
    "x86_64": (0xC000003E, (29, 272, 319, 435, 248, 249, 250)),
    "aarch64": (0xC00000B7, (194, 97, 279, 435, 217, 218, 219)),
}  # shmget, unshare, memfd_create, clone3, add_key, request_key, keyctl
CLONE = {"x86_64": 56, "aarch64": 220}
NEW_USER = 0x10000000


def forbid():
    """Have the kernel refuse what the limits do not cover, from now on and for all children."""
    machine = os.uname().machine
    if sys.platform != "linux" or machine not in FORBIDDEN:
        return
    arch, numbers = FORBIDDEN[machine]
    load, equal, bits, answer = 0x20, 0x15, 0x45, 0x06
    allow, kill = (answer, 0, 0, 0x7FFF0000), (answer, 0, 0, 0x80000000)
    code = [(load, 0, 0, 4), (equal, 1, 0, arch), kill, (load, 0, 0, 0)]
    if machine == "x86_64":
        code += [(0x35, 0, 1, 0x40000000), kill]  # the x32 numbers of the same calls
    for number in numbers:
        error = 38 if number == 435 else 1  # libc falls back from clone3 to clone on ENOSYS
        code += [(equal, 0, 1, number), (answer, 0, 0, 0x50000 | error)]
    code += [(equal, 0, 3, CLONE[machine]), (load, 0, 0, 16), (bits, 0, 1, NEW_USER)]
    code += [(answer, 0, 0, 0x50001), allow]
    program = b"".join(struct.pack("HBBI", *line) for line in code)
    buffer = ctypes.create_string_buffer(program)
    filter = struct.pack("@HP", len(code), ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
    if libc.prctl(22, 2, filter, 0, 0):  # PR_SET_SECCOMP, SECCOMP_MODE_FILTER
        raise OSError(ctypes.get_errno(), "seccomp")


# Lines for IPython, which is not here: %magic, !shell, help? and name = %magic or !shell.
MAGIC = re.compile(r"^([ \t]*)(?:[%!?]|\w+ *= *[%!]|[\w.]+\?\??[ \t]*$).*$", re.MULTILINE)
PYTHON_MAGIC = re.compile(r"\s*%%(time|timeit|capture|prun)\b")
# Of these something is missing afterwards: a name, or what another file would have defined.
MISSED = re.compile(
    r"^[ \t]*(?:\w+ *= *[%!]|%(?:run|load)\b|%(?:time|timeit) +\w+ *=[^=])", re.MULTILINE
)


def parse(source):
    """The syntax tree of a cell, and whether something was dropped that will be missed."""
    if source.lstrip().startswith("%%") and not PYTHON_MAGIC.match(source):
        return ast.parse(""), True
    try:
        return ast.parse(source), False
    except SyntaxError:
        plain = MAGIC.sub(r"\1pass", source)
        if plain == source:
            raise
        return ast.parse(plain), bool(MISSED.search(source))


DEFINITIONS = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)


def run_cell(request, namespace):
    tree, dropped = parse(request["source"])
    if request["definitions"]:  # all that is run of a cell that hung or crashed before
        tree.body = [node for node in tree.body if isinstance(node, DEFINITIONS)]
    exec(compile(tree, f"<{request['cell']}>", "exec"), namespace)
    return {"dropped": dropped}


KEPT = {}  # what names meant where their test stands


def keep(request, namespace):
    """Remember what names are at a test; `loss = loss(0.5)` further down should cost nothing."""
    KEPT[request["test"]] = kept = {}
    for name in request["names"]:
        if name in namespace:
            value = namespace[name]
            kept[name] = value.copy() if type(value) in (list, dict, _ndarray) else value
    return {"value": None}


def find(request, namespace):
    """The value at the test; of functions the last one."""
    name, kept = request["name"], KEPT.get(request["test"], {})
    if name in kept and not (callable(kept[name]) and callable(namespace.get(name))):
        return kept[name]
    return namespace[name]


def fetch(request, namespace):
    value = find(request, namespace)
    return {"function": True} if callable(value) else {"value": encode(value)}


def call(request, namespace):
    args = [decode(value) for value in request["args"]]
    kwargs = {name: decode(value) for name, value in request["kwargs"].items()}
    return {"value": encode(find(request, namespace)(*args, **kwargs))}


class Notebook:
    """Stands for what `get_ipython()` returns where there is no IPython."""

    def __getattr__(self, name):
        return lambda *args, **kwargs: None


OPERATIONS = {"cell": run_cell, "keep": keep, "get": fetch, "call": call}


def explain(error):
    """The type of an exception, the types it is built on, and its text."""
    kind = type(error)
    try:
        text = str(error)[:2000]
    except BaseException:
        text = ""
    return [[t.__name__ for t in kind.__mro__][:10], text]


def serve(sock):
    """Answer one request after the other until the grader hangs up."""
    namespace = {"__name__": "__main__", "display": lambda *objects, **options: None}
    namespace["get_ipython"] = Notebook
    namespace["STUDENT_ID"] = os.environ.get("XENT_STUDENT", "")  # should its cell be lost
    send(sock, {"ready": True})
    while True:
        request = receive(sock)
        try:
            answer = {"ok": OPERATIONS[request["op"]](request, namespace)}
        except BaseException as error:  # SystemExit and KeyboardInterrupt, too
            answer = {"error": explain(error)}
        try:
            send(sock, {"number": request["number"], **answer})
        except ValueError as error:  # nothing was sent: the answer is too large
            send(sock, {"number": request["number"], "error": explain(error)})


def main():
    """Run as ``worker.py SETTINGS``; the settings are JSON, as `sandbox` writes them."""
    settings = json.loads(sys.argv.pop())
    sock = socket.socket(fileno=settings["socket"])
    sock.set_inheritable(False)
    os.register_at_fork(after_in_child=sock.close)  # a child must not answer, too
    limit(settings)
    null = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):  # nothing that is printed goes anywhere; input() finds the end
        os.dup2(null, stream)
    try:
        serve(sock)
    except (EOFError, OSError):
        os._exit(0)


if __name__ == "__main__":
    main()
