"""Blocks cover an array once; threads change neither results nor errors, and know their place."""

import contextlib
import multiprocessing
import os
import threading
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xentlib import _blocks


@given(st.lists(st.integers(1, 7), max_size=4), st.integers(1, 9), st.integers(1, 200))
def test_blocks_cover_every_row_once_and_are_contiguous_and_small(shape, row, size):
    array = np.zeros((*shape, row))
    times = np.zeros(shape, int)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_blocks, "SIZE", size)
        indices = _blocks.blocks(tuple(shape), row)
    for index in indices:
        times[index] += 1
        block = array[index]
        assert block.flags.c_contiguous
        assert block.size <= size or block.size == row
    assert (times == 1).all()


def test_blocks_are_not_smaller_than_they_must_be(monkeypatch):
    monkeypatch.setattr(_blocks, "SIZE", 800)
    assert len(_blocks.blocks((1000,), 80)) == 100
    assert len(_blocks.blocks((1000, 2), 40)) == 100
    assert len(_blocks.blocks((3, 1000), 80)) == 300


def test_an_array_of_one_block_is_not_cut():
    assert _blocks.blocks((3, 4), 8) == [(...,)]
    assert _blocks.blocks((), 2**40) == [(...,)]


@pytest.fixture
def three_threads(monkeypatch):
    monkeypatch.setattr(_blocks, "_processors", lambda: 3)


def test_results_stand_in_the_order_of_the_parts(three_threads):
    def work(part):
        time.sleep(0.001 * (part % 3))
        return part, threading.get_ident()

    found = _blocks.spread(work, range(30))
    assert [part for part, _ in found] == list(range(30))
    assert len({thread for _, thread in found}) == 3
    few = _blocks.spread(work, range(3))
    assert {thread for _, thread in few} == {threading.get_ident()}


def test_the_first_part_that_fails_gives_the_error_and_the_rest_is_left(three_threads):
    started = []

    def work(part):
        started.append(part)
        time.sleep(0.05 if part == 5 else 0.002)
        if part >= 5:
            raise ValueError(part)

    with pytest.raises(ValueError, match=r"^5$"):
        _blocks.spread(work, range(30))
    assert len(started) < 12


@pytest.mark.parametrize("where", ["work", "between"])
def test_an_interrupt_ends_all_threads(three_threads, where, monkeypatch):
    here, done = threading.current_thread(), []

    class Interrupted(_blocks.deque):
        def popleft(self):
            if where == "between" and threading.current_thread() is here:
                raise KeyboardInterrupt
            return super().popleft()

    def work(part):
        if threading.current_thread() is here:
            raise KeyboardInterrupt
        time.sleep(0.001)
        done.append(part)

    monkeypatch.setattr(_blocks, "deque", Interrupted)
    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        _blocks.spread(work, range(1000))
    assert threading.active_count() == before
    assert len(done) < 500


def test_threads_take_the_callers_floating_point_errors_with_them(three_threads):
    def work(part):
        time.sleep(0.001)
        return np.geterr()["over"]

    with np.errstate(over="raise"):
        assert set(_blocks.spread(work, range(20))) == {"raise"}


def test_where_no_thread_can_be_started_one_does_all(three_threads, monkeypatch):
    def refuse(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert _blocks.spread(lambda part: part, range(9)) == list(range(9))


def test_threads_are_no_more_than_the_processors_of_the_process(monkeypatch):
    monkeypatch.setattr(_blocks.os, "sched_getaffinity", lambda pid: {0, 3, 5}, raising=False)
    for limit, threads in ("", 3), ("2", 2), ("2,1", 2), ("12", 3), ("0", 3), ("many", 3):
        monkeypatch.setenv("OMP_NUM_THREADS", limit)
        assert _blocks._processors() == threads
    monkeypatch.delenv("OMP_NUM_THREADS")
    monkeypatch.setattr(_blocks.os, "sched_getaffinity", lambda pid: set(range(64)))
    assert _blocks._processors() == _blocks._THREADS
    monkeypatch.delattr(_blocks.os, "sched_getaffinity")
    monkeypatch.setattr(_blocks.os, "cpu_count", lambda: None)
    assert _blocks._processors() == 1


def test_in_a_thread_that_shares_work_already_there_is_one(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(_blocks.os, "sched_getaffinity", lambda pid: {0, 3, 5}, raising=False)
    found = []
    thread = threading.Thread(target=lambda: found.append(_blocks._processors()))
    thread.start()
    thread.join()
    assert found == [1]


def test_in_a_process_that_shares_work_already_there_is_one(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(_blocks._processors) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_fork_of_the_process_can_use_threads_again(three_threads):
    parts = range(8)
    assert _blocks.spread(lambda part: part, parts) == list(parts)
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            os._exit(0 if _blocks.spread(lambda part: part, parts) == list(parts) else 1)
        os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
