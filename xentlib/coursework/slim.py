"""Large notebooks without their outputs, which no grading needs; within limits.

What may be touched: the keys whose values are dropped. What is the wall: one pass over the bytes
with a bound on its steps, and no more brackets and commas than a notebook has, so that reading one
costs little time and memory whatever is in it.
"""

import re

MAX_PARTS = 200_000  # lists and objects in a notebook
MAX_ITEMS = 2_000_000
MAX_STEPS = 2_000_000
DROPPED = b'"outputs"', b'"widgets"'

# A string, with the colon behind it if it is a key, or a bracket. An open end ends the string, and
# nothing is ever tried twice.
_PART = re.compile(rb'"(?:[^"\\]++|\\.?)*+(?:"(\s*+:\s*+)?|\Z)|[][{}]', re.DOTALL)


def is_heavy(text):
    """Whether a text has more parts than a notebook needs, its outputs left out."""
    brackets, comma = ("{[", ",") if isinstance(text, str) else ((b"{", b"["), b",")
    return sum(map(text.count, brackets)) > MAX_PARTS or text.count(comma) > MAX_ITEMS


def slim(data):
    """The JSON of a notebook with its outputs emptied; None if it has too many parts for that."""
    pieces, kept, value, depth = [], 0, -1, 0
    for steps, part in enumerate(_PART.finditer(data)):
        if steps > MAX_STEPS:
            return None
        first = data[part.start()]
        if first == 0x22:  # a quotation mark
            if not depth and part[1] and data[part.start() : part.start() + 9] in DROPPED:
                value = part.end()
        elif first in b"[{":
            if depth:
                depth += 1
            elif part.start() == value:
                pieces.append(bytes(data[kept:value]) + b"[]")
                depth = 1
        elif depth:
            depth -= 1
            kept = part.end()
    return data if depth else b"".join(pieces) + bytes(data[kept:])
