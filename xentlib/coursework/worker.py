"""Runs a student's code: the untrusted side. It knows no hidden test, no expected value, no secret.

A stand-alone script that needs the standard library and NumPy only; `process` starts it and sends
requests through one pipe, the answers go back through another. Pipes carry bytes and nothing else.

What may be touched: all of it, since nothing here is a wall. A student's code lives in this process
and can do here what it likes: replace NumPy, find the pipes, write to them. What it gains is the
power to choose its own answers, which it has anyway. The number in each request, drawn at random by
the grader, protects one thing: an answer written before its question was asked is recognised. It
cannot protect a student from his own code. The walls are in `bubblewrap` (what can be seen),
`confine` (what can be done), `process` (how long) and `wire` (what comes across).
"""

import ast
import builtins
import fcntl
import json
import os
import re
import sys

if __package__:
    from xentlib.coursework import confine
    from xentlib.coursework.wire import decode, encode, receive, send
else:  # the package as a whole would import much
    sys.path.insert(0, os.path.dirname(__file__))
    import confine
    from wire import decode, encode, receive, send

    del sys.path[0]

ENDLESS = 100  # answers to input() in one cell

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


DEFINITIONS = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def run_cell(request, namespace):
    tree, dropped = parse(request["source"])
    if request["definitions"]:  # all that is run of a cell that hung or crashed before
        tree.body = [node for node in tree.body if isinstance(node, DEFINITIONS)]
    code = compile(tree, f"<{request['cell']}>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    typed.cell, typed.lines = True, 0
    try:
        result = eval(code, namespace)
        if result is not None:  # the cell awaits something
            loop().run_until_complete(result)
    finally:
        request["typed"] = typed.lines
        typed.cell = False
    return {"dropped": dropped}


def loop():
    """One event loop for all cells, as in IPython."""
    import asyncio  # takes time, and hardly anybody needs it

    if not hasattr(loop, "it"):
        loop.it = asyncio.new_event_loop()
        asyncio.set_event_loop(loop.it)
    return loop.it


def typed(prompt=""):
    """Stands for input(): in a cell an empty line, as if somebody pressed Enter."""
    if not typed.cell or typed.lines >= ENDLESS:
        raise EOFError("EOF when reading a line")
    typed.lines += 1
    return ""


typed.cell, typed.lines = False, 0


def fetch(request, namespace):
    value = namespace[request["name"]]
    return {"function": True} if callable(value) else {"value": encode(value)}


def call(request, namespace):
    args = [decode(value) for value in request["args"]]
    kwargs = {name: decode(value) for name, value in request["kwargs"].items()}
    return {"value": encode(namespace[request["name"]](*args, **kwargs))}


class Notebook:
    """Stands for what `get_ipython()` returns where there is no IPython."""

    def __getattr__(self, name):
        return lambda *args, **kwargs: None


OPERATIONS = {"cell": run_cell, "get": fetch, "call": call}


def explain(error):
    """The type of an exception, the types it is built on, and its text."""
    kind = type(error)
    try:
        text = str(error)[:2000]
    except BaseException:
        text = ""
    return [[t.__name__ for t in kind.__mro__][:10], text]


def serve(read, write):
    """Answer one request after the other until the grader hangs up."""
    namespace = {"__name__": "__main__", "display": lambda *objects, **options: None}
    namespace["get_ipython"] = Notebook
    namespace["STUDENT_ID"] = os.environ.get("XENT_STUDENT", "")  # should its cell be lost
    builtins.input = typed
    send(write, {"ready": True})
    while True:
        request = receive(read)
        try:
            answer = {"ok": OPERATIONS[request["op"]](request, namespace)}
        except BaseException as error:  # SystemExit and KeyboardInterrupt, too
            answer = {"error": explain(error)}
        answer |= {"number": request["number"], "typed": request.get("typed", 0)}
        try:
            send(write, answer)
        except ValueError as error:  # nothing was sent: the answer is too large
            send(write, {"number": request["number"], "error": explain(error)})


def main():
    """Run as ``worker.py SETTINGS``; the settings are JSON, as `process` writes them."""
    settings = json.loads(sys.argv.pop())
    requests, answers = 3, 4
    ends = settings["requests"], settings["answers"]
    kept = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 9) for fd in ends]
    for fd, place in zip(kept, (requests, answers), strict=True):
        os.dup2(fd, place, inheritable=False)
    os.closerange(5, 256)
    null = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):  # nothing that is printed goes anywhere, nothing comes in
        os.dup2(null, stream)
    os.close(null)
    os.register_at_fork(after_in_child=lambda: os.closerange(requests, answers + 1))
    confine.limit(settings)

    def write(data):
        left = memoryview(data)
        while left:
            left = left[os.write(answers, left) :]

    try:
        serve(lambda size: os.read(requests, size), write)
    except (EOFError, OSError):
        os._exit(0)


if __name__ == "__main__":
    main()
