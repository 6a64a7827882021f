"""``python -m xentlib.coursework``: the teacher's commands."""

import argparse
import sys
from pathlib import Path

from xentlib.coursework import grading, notebook
from xentlib.coursework.safe import line, write

NEEDED = "joblib nbformat tqdm"  # what xentlib[coursework] adds


def release(args):
    """Write the student's version of each source."""
    targets = [args.out / path.name for path in args.source]
    if len({path.resolve() for path in [*targets, *args.source]}) < 2 * len(targets):
        raise ValueError("each SOURCE needs a name of its own, and OUT must be another folder")
    made = [notebook.writes(notebook.release(notebook.read(p.resolve()))) for p in args.source]
    for path, text in zip(targets, made, strict=True):
        write(path, text)
        print(path)


def check(args):
    """Grade each source and its student's version."""
    for path in args.source:
        result = grading.check(notebook.read(path.resolve()), args.seeds, unsafe=args.unsafe)
        auto, manual = sum(result.points.values()), sum(result.manual.values())
        print(f"{path.name}: {auto:g} points by tests, {manual:g} for written answers; all well")


def grade(args):
    """Grade a class; 0 if everyone was graded, 130 after Ctrl-C, 2 if something is wrong before."""
    from xentlib.coursework import classes

    try:
        done = classes.grade(
            args.source,
            args.submissions,
            args.out,
            jobs=args.jobs,
            secret_file=args.secret_file,
            client=args.client,
            roster=args.roster,
            unsafe=args.unsafe,
        )
    except ValueError as error:
        _complain(error)
        return 2
    except KeyboardInterrupt:  # before or after the grading itself; each result is already kept
        return 130
    return 0 if done else 130


def collect(args):
    """Lay out the answers in fresh notebooks for nbgrader."""
    from xentlib.coursework import classes

    try:
        left, look, words = classes.collect(
            args.source, args.submissions, args.out, roster=args.roster
        )
    except ValueError as error:
        _complain(error)
        return 2
    for word in words:
        print(line(word))
    for student, reasons in left.items():
        print(f"not collected: {line(student)}: {line('; '.join(reasons))}")
    for student, notes in look.items():
        print(f"look: {line(student)}: {line('; '.join(notes))}")
    return 0


def _complain(error):
    """Say what is wrong; names of students may be in it."""
    print("xent-coursework:", "\n".join(map(line, str(error).split("\n"))), file=sys.stderr)


def _count(text):
    if int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be 1 or more, got {text}")
    return int(text)


def parser():
    """The command line."""
    top = argparse.ArgumentParser("xent-coursework", description=__doc__.split(": ")[1])
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("release", help="cut the student's version of a problem set")
    command.add_argument("source", nargs="+", type=Path, metavar="SOURCE")
    command.add_argument("out", type=Path, metavar="OUT", help="folder to write to")
    command.set_defaults(run=release)

    command = commands.add_parser("check", help="grade the solution and the empty stub")
    command.add_argument("source", nargs="+", type=Path, metavar="SOURCE")
    command.add_argument("--seeds", type=_count, default=20, help="how often (default: 20)")
    command.add_argument("--unsafe", action="store_true", help="without a sandbox")
    command.set_defaults(run=check)

    for name, run, about in (
        ("grade", grade, "grade a class and write its reports"),
        ("collect", collect, "move answers into fresh notebooks, for nbgrader's autograde"),
    ):
        command = commands.add_parser(name, help=about, description=f"{about}.".capitalize())
        command.add_argument("source", type=Path, metavar="SOURCE", help="with solutions and tests")
        command.add_argument(
            "submissions",
            type=Path,
            metavar="SUBMISSIONS",
            help="a folder or file a student, or a download from Moodle or Canvas, zipped or not",
        )
        command.add_argument("out", type=Path, metavar="OUT", help="folder to write to")
        command.add_argument(
            "--roster",
            type=Path,
            metavar="CSV",
            help="a column `student`, or a gradebook export of Moodle or Canvas: says who is "
            "MISSING, and by which name each student's own data are drawn",
        )
        command.set_defaults(run=run)
        if name == "collect":
            continue
        command.add_argument("--jobs", type=int, metavar="N", help="processes (default: all cores)")
        command.add_argument(
            "--secret-file",
            type=Path,
            metavar="F",
            help="the hidden tests' random data depend on it; made if it is not there "
            "(default: OUT/.secret)",
        )
        command.add_argument(
            "--client",
            metavar="ADDRESS",
            help="of a Dask scheduler, tcp://…, whose workers then grade; it and they hold the "
            "tests and the secret, so they must be yours",
        )
        command.add_argument("--unsafe", action="store_true", help="without a sandbox")

    return top


def main(argv=None):
    """Run one command; return the exit status."""
    args = parser().parse_args(argv)
    try:
        return args.run(args) or 0
    except ModuleNotFoundError as error:
        if error.name not in NEEDED:
            raise
        print(f"xent-coursework: needs {error.name}: pip install {NEEDED}", file=sys.stderr)
        return 2
    except (ValueError, RuntimeError, OSError) as error:
        _complain(error)
        return 1


if __name__ == "__main__":
    sys.exit(main())
