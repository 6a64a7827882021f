"""Problem sets: handing them out, and grading what comes back, safely.

A set is one notebook in nbgrader's format that holds the solutions and the hidden tests. From it
`release` cuts the student's version, and `grade` runs what a student hands in: the student's code
in a sandboxed process, the tests here. ``python -m xentlib.coursework`` lists the commands.

Notebooks of students import `student_rng` and `hidden_rng`; nothing else here is meant for them.
"""

from xentlib.coursework.personal import hidden_rng, student_rng

__all__ = ["hidden_rng", "student_rng"]
