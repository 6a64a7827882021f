"""What crosses the wall between a student's process and the grader: bytes, and in them plain data.

This is the only module that both sides run, and all that the grader reads of a student's process
goes through `receive` and `decode`. It needs the standard library and NumPy.

What may be touched: kinds of plain data may be added. What is the wall: a message has a largest
size, a largest number of parts, which is counted before they are parsed, and of values, keys, large
ints and characters, which are counted as they are built; not many numbers can share a hash; no
object is made but None, bool, int, float, str, list, tuple, dict and arrays of numbers. Whoever
adds a kind counts it.
"""

import base64
import json
import numbers
import struct

import numpy as np

MAX_FRAME = 16 << 20  # bytes of one message
MAX_ITEMS = 100_000  # values in one message, those in lists and dicts included
MAX_PARTS = 4 * MAX_ITEMS  # of the JSON: small ones take much memory
MAX_KEYS = 10_000  # of all dicts of a message
LARGE = 1 << 60  # beyond it an int has the hash of a smaller one
MAX_LARGE = 1000  # such ints in one message
MAX_DEPTH = 4  # lists within lists
MAX_ARRAY = 8_000_000  # bytes
MAX_NDIM = 8
MAX_TEXT = 200_000  # characters of all strings of a message
MAX_BITS = 10_000  # of an int; Python writes no more than 4300 digits
DTYPES = {
    np.dtype(name).str: np.dtype(name)
    for name in ("?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8")
}
_ndarray, _generic, _dumps = np.ndarray, np.generic, json.dumps  # as they are before a student's


class Count:
    """What one message has held so far."""

    def __init__(self):
        self.items = self.keys = self.text = self.large = 0

    def add(self, items=0, keys=0, text=0, large=0):
        self.items, self.keys, self.text = self.items + items, self.keys + keys, self.text + text
        self.large += large
        if self.large > MAX_LARGE:
            raise ValueError(f"more than {MAX_LARGE} ints above 2 ** 60")
        if self.items > MAX_ITEMS:
            raise ValueError(f"more than {MAX_ITEMS} values; use an array")
        if self.keys > MAX_KEYS:
            raise ValueError(f"more than {MAX_KEYS} keys")
        if self.text > MAX_TEXT:
            raise ValueError(f"strings of more than {MAX_TEXT} characters")


def encode(value, depth=0, count=None):
    """Plain data as JSON; TypeError or ValueError if `value` is anything else or too large."""
    count = count or Count()
    if depth > MAX_DEPTH:
        raise ValueError(f"nested more than {MAX_DEPTH} deep")
    count.add(1)
    if value is None or value is True or value is False:
        return value
    if isinstance(value, str):  # also numpy.str_
        count.add(text=len(value))
        return str.__str__(value)
    if isinstance(value, _generic):
        return {"scalar": _encode_array(np.asarray(value))}
    if isinstance(value, int):
        if value.bit_length() > MAX_BITS:
            raise ValueError(f"an int of more than {MAX_BITS} bits")
        count.add(large=abs(int.__index__(value)) > LARGE)
        return int.__index__(value)
    if isinstance(value, float):
        return {"float": float.hex(value)}
    if isinstance(value, _ndarray):
        return {"array": _encode_array(np.asarray(value))}
    if isinstance(value, list | tuple):
        count.add(len(value))
        count.add(-len(value))
        kind = "tuple" if isinstance(value, tuple) else "list"
        return {kind: [encode(item, depth + 1, count) for item in value]}
    if _real(value):  # a Fraction, a Decimal
        return {"float": float.hex(float(value))}
    if hasattr(type(value), "__array__"):  # a Series, a tensor
        return {"array": _encode_array(np.asarray(value))}
    if isinstance(value, dict):
        pairs = value.items()
        count.add(keys=len(pairs))
        return {"dict": [[_encode_key(k, count), encode(v, depth + 1, count)] for k, v in pairs]}
    raise TypeError(
        f"a value of type {type(value).__name__}; "
        "use numbers, strings, lists, tuples, dicts or NumPy arrays"
    )


def _encode_key(key, count):
    if isinstance(key, _generic):
        key = key.item()
    if not isinstance(key, str | int | float | None):
        raise TypeError(f"a dict with a key of type {type(key).__name__}; use strings or numbers")
    return encode(key, count=count)


def _encode_array(array):
    if array.dtype.kind == "O":
        array = _numbers(array)
    if array.dtype.kind not in "biuf" or array.dtype.itemsize > 8:
        raise TypeError(f"an array of dtype {array.dtype}; use bool, int or float")
    if array.ndim > MAX_NDIM:
        raise ValueError(f"an array of {array.ndim} axes; at most {MAX_NDIM}")
    if array.nbytes > MAX_ARRAY:
        raise ValueError(f"an array of {array.nbytes} bytes; at most {MAX_ARRAY}")
    array = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).reshape(array.shape)
    return [array.dtype.str, list(array.shape), base64.b64encode(array.tobytes()).decode()]


def _numbers(array):
    """An array of numbers for one of objects that are all numbers, as of `numpy.frompyfunc`."""
    if array.size > MAX_ITEMS or not all(_real(x) for x in array.flat):
        return array
    plain = np.array([x.item() if isinstance(x, _generic) else x for x in array.flat])
    return (plain if plain.dtype.kind in "biuf" else plain.astype(float)).reshape(array.shape)


def _real(value):
    return isinstance(value, numbers.Number) and not isinstance(value, complex)


def decode(message, depth=0, count=None):
    """The value that `encode` wrote; ValueError for anything it would not have written."""
    count = count or Count()
    count.add(1)
    if message is None or type(message) is bool:
        return message
    if type(message) is int and message.bit_length() <= MAX_BITS:
        count.add(large=abs(message) > LARGE)
        return message
    if type(message) is str:
        count.add(text=len(message))
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
        items = [decode(item, depth + 1, count) for item in body]
        return items if kind == "list" else tuple(items)
    if kind == "dict" and type(body) is list:
        count.add(keys=len(body))
        if not all(type(pair) is list and len(pair) == 2 for pair in body):
            raise ValueError("no pairs")
        return {_decode_key(k, count): decode(v, depth + 1, count) for k, v in body}
    raise ValueError("no plain data")


def _decode_key(message, count):
    key = decode(message, MAX_DEPTH, count)
    if not isinstance(key, str | int | float | None):
        raise ValueError("no plain key")
    return key


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


def send(write, message):
    """Write one message: its length in four bytes, then JSON."""
    data = _dumps(message, separators=(",", ":"), allow_nan=False).encode()
    if len(data) > MAX_FRAME or _parts(data) > MAX_PARTS:
        raise ValueError("a value that is too large")
    write(struct.pack(">I", len(data)) + data)


def receive(read):
    """Read one message; EOFError at the end, ValueError for anything but modest JSON."""
    (size,) = struct.unpack(">I", _exactly(read, 4))
    if size > MAX_FRAME:
        raise ValueError("a message that is too large")
    data = _exactly(read, size)
    if _parts(data) > MAX_PARTS:
        raise ValueError("a message of too many parts")
    try:
        return json.loads(data.decode("ascii"), parse_float=_refuse, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("a message nested too deeply") from error


def _parts(data):
    return sum(map(data.count, (b",", b"{", b"[")))


def _exactly(read, size):
    data = bytearray()
    while len(data) < size:
        part = read(min(size - len(data), 1 << 16))
        if not part:
            raise EOFError
        data += part
    return bytes(data)


def _refuse(text):
    raise ValueError(f"a bare number {text[:20]}")
