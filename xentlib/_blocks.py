"""Large arrays are worked on in blocks that a cache can hold, by as many threads as help."""

import math
import os
import threading
from collections import deque
from contextlib import suppress
from contextvars import copy_context

SIZE = 1 << 20  # bytes of a block
_THREADS = 8  # beyond these, memory sets the pace


def blocks(shape, row):
    """Indices of the blocks of an array: of `shape` rows, each of `row` bytes.

    A block of a contiguous array is contiguous.
    """
    if not shape or math.prod(shape) * row <= SIZE:
        return [(...,)]
    first, *others = shape
    step = SIZE // (math.prod(others) * row)
    if step == 0 and others:
        inner = blocks(others, row)
        return [(i, *index) for i in range(first) for index in inner]
    step = max(1, step)
    return [(slice(start, start + step),) for start in range(0, first, step)]


def spread(work, parts):
    """``[work(part) for part in parts]``; of many parts, each thread takes the next.

    It pays because NumPy lets other threads run while it computes. Which thread does what changes
    no result; and the error that is raised is that of the first part that has one.
    """
    threads = min(len(parts) // 2, _processors()) if len(parts) > 3 else 1
    if threads < 2:
        return [work(part) for part in parts]
    todo, found, failed = deque(enumerate(parts)), [None] * len(parts), {}

    def take():
        while todo and not failed:
            try:
                number, part = todo.popleft()
            except IndexError:  # another thread was quicker
                return
            try:
                found[number] = work(part)
            except BaseException as error:
                failed[number] = error

    helpers = []
    try:
        with suppress(RuntimeError):  # where no thread can be started, this one does it all
            for _ in range(threads - 1):
                # in a copy of the context, so with the caller's numpy.errstate
                helper = threading.Thread(target=copy_context().run, args=(take,))
                helper.start()
                helpers.append(helper)
        take()
    finally:
        todo.clear()
        for helper in helpers:
            helper.join()
    if failed:
        raise failed[min(failed)]
    return found


def _processors():
    """How many threads to use: one in a thread or a process that was started to share the work."""
    from multiprocessing import parent_process

    if threading.current_thread() is not threading.main_thread() or parent_process():
        return 1
    if hasattr(os, "sched_getaffinity"):
        processors = len(os.sched_getaffinity(0))
    else:
        processors = os.cpu_count() or 1
    limit = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    return min(processors, int(limit) if limit.isdecimal() and int(limit) else _THREADS)
