"""The softmax losses beside their peers, and the grading of a class. `make bench` runs it.

Each line of the losses is the median of interleaved runs, so that a busy machine slows all alike.
"""

import contextlib
import io
import os
import tempfile
import time
import tracemalloc
from pathlib import Path

import numpy as np
import scipy.special
import sklearn.metrics

from xentlib import softmax_cross_entropy, softmax_cross_entropy_value_and_grad
from xentlib.coursework import classes, notebook, sandbox

try:
    import torch
except ImportError:
    torch = None

SHAPES = [(200_000, 10), (20_000, 1000), (200, 128_000)]
RUNS, SECONDS = 7, 6.0  # runs of each function, unless they take longer together


def data(n, k, dtype):
    rng = np.random.default_rng(0)
    return rng.standard_normal((n, k), dtype), rng.integers(0, k, n)


def values(z, y):
    rows, classes = np.arange(len(z)), np.arange(z.shape[1])

    def log_loss():
        return sklearn.metrics.log_loss(y, scipy.special.softmax(z, axis=1), labels=classes)

    yield "xentlib", lambda: softmax_cross_entropy(z, y)
    yield "SciPy log_softmax", lambda: -scipy.special.log_softmax(z, axis=1)[rows, y].mean()
    yield "scikit-learn log_loss", log_loss
    if torch:
        z_torch, y_torch = torch.from_numpy(z), torch.from_numpy(y)
        yield "PyTorch", lambda: torch.nn.functional.cross_entropy(z_torch, y_torch).item()


def gradients(z, y):
    rows = np.arange(len(z))

    def with_scipy():
        log_q = scipy.special.log_softmax(z, axis=1)
        value = -log_q[rows, y].mean()
        grad = np.exp(log_q, out=log_q)
        grad[rows, y] -= 1
        grad /= len(z)
        return value, grad

    yield "xentlib", lambda: softmax_cross_entropy_value_and_grad(z, y)
    yield "SciPy softmax - one-hot", with_scipy
    if torch:
        z_torch, y_torch = torch.from_numpy(z).requires_grad_(), torch.from_numpy(y)

        def with_torch():
            value = torch.nn.functional.cross_entropy(z_torch, y_torch)
            return value.item(), torch.autograd.grad(value, z_torch)[0]

        yield "PyTorch backward", with_torch


def medians(functions):
    """Seconds of each function, warmed up, in turns."""
    for f in functions:
        f()
    times = [[] for _ in functions]
    start = time.perf_counter()
    for run in range(RUNS):
        if run >= 3 and time.perf_counter() - start > SECONDS:
            break
        for f, seconds in zip(functions, times, strict=True):
            before = time.perf_counter()
            f()
            seconds.append(time.perf_counter() - before)
    return [np.median(seconds) for seconds in times]


def peak(f):
    """MiB that NumPy held at most at a time, the result included."""
    tracemalloc.start()
    f()
    size = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return size / 2**20


def compare():
    for title, make in ("value", values), ("value and gradient", gradients):
        for n, k in SHAPES:
            for dtype in np.float32, np.float64:
                z, y = data(n, k, dtype)
                names, functions = zip(*make(z, y), strict=True)
                seconds = medians(functions)
                print(f"\n{title}, {n} x {k}, {dtype.__name__}")
                for name, f, s in zip(names, functions, seconds, strict=True):
                    memory = "not measured" if "Torch" in name else f"{peak(f):8.1f} MiB"
                    ratio = f"{s / seconds[0]:5.1f} x"
                    print(f"  {name:24} {1e3 * s:8.1f} ms  {ratio}  {memory}", flush=True)


def scaling():
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    print("\ntime of an element, n x 10, in nanoseconds: value, value and gradient")
    for dtype in np.float32, np.float64:
        for size in 10**4, 10**5, 10**6, 10**7, 10**8:
            # logits, gradient and labels, and room for the random numbers
            needed = size * (2 * np.dtype(dtype).itemsize + 2)
            if needed > memory / 2:
                print(f"  {dtype.__name__} {size:9.0e}  skipped: needs {needed / 2**30:.1f} GiB")
                continue
            z, y = data(size // 10, 10, dtype)
            loss = medians([f for name, f in values(z, y) if name == "xentlib"])[0]
            grad = medians([f for name, f in gradients(z, y) if name == "xentlib"])[0]
            line = f"{1e9 * loss / size:6.2f} {1e9 * grad / size:6.2f}"
            print(f"  {dtype.__name__} {size:9.0e} {line}", flush=True)


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
    threads = f"{torch.get_num_threads()} threads" if torch else "not installed, left out"
    print(f"NumPy {np.__version__}, SciPy {scipy.__version__}, PyTorch: {threads}")
    with contextlib.suppress(KeyboardInterrupt):
        compare()
        scaling()
        coursework()
