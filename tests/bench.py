"""What takes time in xentlib, beside its peers, and the grading of a class. `make bench` runs it.

All that is compared runs in turns, so that a busy machine slows all alike; a ratio below 1 says
that xentlib is faster than the fastest peer. PyTorch, optax and bitarray take part if installed.
"""

import contextlib
import io
import os
import platform
import re
import tempfile
import time
import tracemalloc
from functools import partial
from pathlib import Path

import numpy as np
import scipy.special
import sklearn
from sklearn.tree import DecisionTreeClassifier

import xentlib
from xentlib import softmax_cross_entropy, softmax_cross_entropy_value_and_grad
from xentlib.coursework import classes, notebook, sandbox

try:
    import torch
except ImportError:
    torch = None
try:
    import bitarray
except ImportError:
    bitarray = None

SHAPES = [(200_000, 10), (20_000, 1000), (200, 128_000), (32, 10)]
THREADS = 1, 2
THREADED = "xentlib", "PyTorch"  # the others use one
RUNS, SECONDS = 15, 4.0  # runs of each function, unless they take longer together


def machine():
    processor = platform.processor()
    with contextlib.suppress(OSError, TypeError):
        text = Path("/proc/cpuinfo").read_text("utf-8")
        processor = re.search(r"model name\s*: (.*)", text)[1]
    vectors = np.show_config(mode="dicts")["SIMD Extensions"]
    level = (vectors.get("found") or vectors["baseline"])[-1]
    versions = f"NumPy {np.__version__}, SciPy {scipy.__version__}, scikit-learn "
    versions += f"{sklearn.__version__}, PyTorch {torch.__version__ if torch else 'not installed'}"
    print(f"{processor}, {os.cpu_count()} processors; vector level of NumPy's loops: {level}")
    print(f"Python {platform.python_version()}, {versions}")


def data(n, k, dtype):
    rng = np.random.default_rng(0)
    return rng.standard_normal((n, k), dtype), rng.integers(0, k, n)


def values(z, y):
    """The loss in each library."""
    rows = np.arange(len(z))

    def with_numpy():
        e = z - z.max(axis=1, keepdims=True)
        return (np.log(np.exp(e).sum(axis=1)) - e[rows, y]).mean()

    yield "SciPy", lambda: -scipy.special.log_softmax(z, axis=1)[rows, y].mean()
    yield "NumPy", with_numpy
    yield "xentlib", lambda: softmax_cross_entropy(z, y)
    if torch:
        z_torch, y_torch = torch.from_numpy(z), torch.from_numpy(y)
        yield "PyTorch", lambda: torch.nn.functional.cross_entropy(z_torch, y_torch).item()


def gradients(z, y):
    """The loss and its gradient in each library."""
    rows = np.arange(len(z))

    def with_scipy():
        q = scipy.special.softmax(z, axis=1)
        value = -np.log(q[rows, y]).mean()
        q[rows, y] -= 1
        q /= len(z)
        return value, q

    def with_numpy():
        e = z - z.max(axis=1, keepdims=True)
        d = e[rows, y]
        np.exp(e, out=e)
        total = e.sum(axis=1)
        e /= total[:, np.newaxis] * len(z)
        e[rows, y] -= 1 / len(z)
        return (np.log(total) - d).mean(), e

    yield "SciPy", with_scipy
    yield "NumPy", with_numpy
    yield "xentlib", lambda: softmax_cross_entropy_value_and_grad(z, y)
    if torch:
        z_torch, y_torch = torch.from_numpy(z).requires_grad_(), torch.from_numpy(y)

        def with_torch():
            value = torch.nn.functional.cross_entropy(z_torch, y_torch)
            return value.item(), torch.autograd.grad(value, z_torch)[0]

        yield "PyTorch", with_torch


def use(threads):
    os.environ["OMP_NUM_THREADS"] = str(threads)  # xentlib asks for it at every call
    if torch:
        torch.set_num_threads(threads)


def seconds(functions):
    """The median and the least time of each function, warmed up, in turns."""
    times, repeats = [], []
    for threads, f in functions:
        use(threads)
        f()
        begin = time.perf_counter()
        f()
        repeats.append(max(1, int(1e-3 / (time.perf_counter() - begin))))
        times.append([])
    start = time.perf_counter()
    for run in range(RUNS):
        if run >= 3 and time.perf_counter() - start > SECONDS:
            break
        for (threads, f), taken, repeat in zip(functions, times, repeats, strict=True):
            use(threads)
            f()  # the threads of another library may still be awake
            begin = time.perf_counter()
            for _ in range(repeat):
                f()
            taken.append((time.perf_counter() - begin) / repeat)
    return [(np.median(taken), min(taken)) for taken in times]


def peak(f):
    """MiB that NumPy held at most at a time, the result included."""
    tracemalloc.start()
    f()
    size = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return size / 2**20


def unit(x):
    return f"{1e3 * x:.3g} ms" if x >= 1e-3 else f"{1e6 * x:.3g} us"


def losses():
    print("\nmedian (least) of each; a ratio to the fastest peer, of medians (of least times)")
    for title, make in ("value", values), ("value and gradient", gradients):
        for n, k in SHAPES:
            for dtype in np.float32, np.float64:
                z, y = data(n, k, dtype)
                named = list(make(z, y))
                trials = [
                    (threads, name, f)
                    for name, f in named
                    for threads in (THREADS if name in THREADED else THREADS[:1])
                ]
                taken = seconds([(threads, f) for threads, _, f in trials])
                memory = peak(dict(named)["xentlib"])
                print(f"\n{title}, {dtype.__name__}, {n} x {k} (peak: {memory:.1f} MiB)")
                for threads in THREADS:
                    rows = [
                        (name, *found)
                        for (t, name, _), found in zip(trials, taken, strict=True)
                        if t == threads or name not in THREADED
                    ]
                    print(f"  {threads} thread{'s'[: threads - 1]}: {comparison(rows)}", flush=True)


def comparison(rows):
    """Of (name, median, least time): the times, and the ratio of the first to the fastest other."""
    rows = sorted(rows, key=lambda row: row[0] != "xentlib")
    (_, *ours), *peers = rows
    times = ", ".join(f"{name} {unit(median)} ({unit(least)})" for name, median, least in rows)
    ratios = [ours[i] / min(peer[i + 1] for peer in peers) for i in (0, 1)]
    return f"ratio {ratios[0]:.2f} ({ratios[1]:.2f}); {times}"


def peers():
    """Other functions that have a peer: what is done, xentlib, the peer's name, the peer."""
    rng = np.random.default_rng(0)
    p = xentlib.normalize(1 / np.arange(1, 101))
    code = xentlib.huffman_code(p)
    symbols = rng.choice(100, 10**6, p=p).tolist()
    bits = xentlib.encode(symbols, code)
    if bitarray:
        words = {symbol: bitarray.bitarray(word) for symbol, word in enumerate(code)}
        tree = bitarray.decodetree(words)

        def encode():
            found = bitarray.bitarray()
            found.encode(words, symbols)
            return found

        yield "encode 1e6 symbols", lambda: xentlib.encode(symbols, code), "bitarray", encode
        yield (
            "decode 1e6 symbols",
            lambda: xentlib.decode(bits, code),
            "bitarray",
            lambda: list(bitarray.bitarray(bits).decode(tree)),
        )
    for n, k in (10**6, 10), (10**5, 100):
        x, y = rng.standard_normal(n), rng.integers(0, k, n)
        stump = DecisionTreeClassifier(max_depth=1, criterion="entropy")
        yield (
            f"best_split, {n} values, {k} classes",
            partial(xentlib.best_split, x, y),
            "scikit-learn's tree",
            partial(stump.fit, x[:, np.newaxis], y),
        )
    for axis in 0, 1:
        z = rng.standard_normal((10**5, 100), np.float32)
        for name in "softmax", "log_softmax", "logsumexp":
            yield (
                f"{name} of 1e5 x 100 float32 along axis {axis}",
                partial(getattr(xentlib, name), z, axis=axis),
                "SciPy",
                partial(getattr(scipy.special, name), z, axis=axis),
            )


def others():
    print("\nother functions, one thread")
    for title, f, name, peer in peers():
        ours, theirs = seconds([(1, f), (1, peer)])
        rows = [("xentlib", *ours), (name, *theirs)]
        print(f"  {title}: {comparison(rows)}; {peak(f):.1f} MiB", flush=True)


def scaling():
    print("\ntime of an element, n x 10, in nanoseconds: value, value and gradient")
    for dtype in np.float32, np.float64:
        for size in 10**4, 10**5, 10**6, 10**7:
            z, y = data(size // 10, 10, dtype)
            for threads in THREADS:
                functions = [dict(make(z, y))["xentlib"] for make in (values, gradients)]
                (loss, _), (grad, _) = seconds([(threads, f) for f in functions])
                line = f"{1e9 * loss / size:6.2f} {1e9 * grad / size:6.2f}"
                print(f"  {dtype.__name__} {size:9.0e}, threads: {threads} {line}", flush=True)


def coursework():
    """Every student hands in the solution of a set."""
    if not sandbox.available():
        print("\ngrading a class: left out, bubblewrap does not work here")
        return
    for name in "set4-gradients", "set5-digits":
        source = Path(__file__).parent / "assignments" / name / f"{name}.ipynb"
        for students in 20, 1000:
            if students == 1000 and name == "set5-digits":
                continue
            with tempfile.TemporaryDirectory() as folder:
                submissions = Path(folder, "submissions")
                submissions.mkdir()
                text = notebook.writes(notebook.solved(notebook.read(source)))
                for number in range(students):
                    (submissions / f"student{number}.ipynb").write_text(text, "utf-8")
                begin = time.perf_counter()
                with (
                    contextlib.redirect_stdout(io.StringIO()),
                    contextlib.redirect_stderr(io.StringIO()),
                ):
                    classes.grade(source, submissions, Path(folder, "out"), jobs=2)
                seconds = time.perf_counter() - begin
            print(
                f"grading {students} submissions of {name}, 2 processes: {seconds:.1f} s",
                flush=True,
            )


if __name__ == "__main__":
    machine()
    with contextlib.suppress(KeyboardInterrupt):
        losses()
        others()
        scaling()
        coursework()
