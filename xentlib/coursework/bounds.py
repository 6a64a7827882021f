"""What a test may use in the grader: time and memory, whatever the answers that it works with.

What may be touched: the numbers. What is the wall: an answer that makes a test long or large costs
its own points, and nobody else's time.
"""

import ctypes
import threading
import time

PATIENCE = 6  # times the limit, on the clock


class TooLong(BaseException):
    """No Exception, so that a test cannot catch it."""


class Alarm:
    """Ends a test that takes too long, not counting the time it waits for the student's process.

    What counts is the CPU time of the test's thread; on the clock it may take several times as
    long. An exception set from another thread works in every thread, as a signal does not; like a
    signal it waits for the end of a single long operation.
    """

    def __init__(self, seconds, sandbox):
        self.seconds, self.sandbox = seconds, sandbox
        self.thread, self.lock = threading.get_ident(), threading.Lock()
        self.clock = time.pthread_getcpuclockid(self.thread)

    def __enter__(self):
        self.end = time.clock_gettime(self.clock) + self.seconds
        self.last = time.monotonic() + PATIENCE * self.seconds - self.sandbox.waited
        self._arm(self.seconds)

    def _arm(self, seconds):
        self.timer = threading.Timer(seconds, self._ring)
        self.timer.daemon = True
        self.timer.start()

    def _ring(self):
        with self.lock:
            if self.timer is None:
                return
            left = self.end - time.clock_gettime(self.clock)
            late = time.monotonic() > self.last + self.sandbox.waited and not self.sandbox.waiting
            if left > 0 and not late:
                self._arm(max(left, 0.05))
            else:
                exception = ctypes.py_object(TooLong)
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self.thread), exception)

    def __exit__(self, *exception):
        with self.lock:
            self.timer.cancel()
            self.timer = None
