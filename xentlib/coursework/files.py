"""Reading what was handed in, file by file: from folders and from zip files, within limits.

What may be touched: the words, and what counts as a hidden file. What is the wall: nothing is
unpacked or written; no link is followed at any step of a path; a file is read in small pieces
against a bound on what comes out, stored or deflated only; the list of a zip file, the number of
its members and the length of their names are bounded before they are looked at; one zip file is
in memory at a time.
"""

import errno
import io
import itertools
import os
import stat
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field

from xentlib.coursework.safe import clean, label
from xentlib.coursework.slim import slim

MAX_BYTES = 20_000_000  # of one notebook, without its outputs
MAX_ARCHIVE = 100_000_000  # of one file as it is read, and of all that is read of one student
MAX_LIST = 2_000_000  # bytes of the list of members in a zip file
MAX_MEMBERS = 5000  # looked at in a student's zip file
MAX_DEPTH = 12  # of folders
PIECE = 1 << 18

JUNK = {"__MACOSX", "__pycache__", "Thumbs.db", "desktop.ini"}
NEVER = {"__MACOSX", ".ipynb_checkpoints", ".git"}  # no student is called so
HIDDEN = "a hidden folder, which is not looked into; hand in the notebook itself"
COPIES = "only Jupyter's automatic copy; hand in the notebook itself"
LINK = "a link, which is not followed"


class Unusable(Exception):
    """A file that cannot be read; the message says why, for the teacher and the student."""

    def __init__(self, why, size=0):
        super().__init__(why)
        self.size = size  # bytes that were read in vain


@dataclass(frozen=True)
class File:
    """One file of a student; `read` gives its bytes or raises Unusable."""

    path: str
    modified: float
    read: Callable[[], bytes] = field(repr=False, compare=False)
    open: Callable | None = field(default=None, repr=False, compare=False)  # the same as a stream
    rank: int = 0  # below 0: from elsewhere than the class's own download


@dataclass
class Entry:
    """A file, an empty folder, or what could not be read, under its path in parts."""

    parts: tuple[str, ...]
    file: File | None = None
    problem: str = ""
    hidden: bool = False  # a problem only where nothing else was handed in


def is_zip(name):
    return name.lower().endswith(".zip")


def _junk(name):
    # a hurry may name a file so
    hidden = name.startswith(".") and not name.lower().endswith((".ipynb", ".zip"))
    return hidden or name.startswith(("._", "~$")) or name in JUNK


def _hidden(parts):
    why = COPIES if parts[-1] == ".ipynb_checkpoints" else HIDDEN
    return Entry(parts, problem=why, hidden=True)


# --- Bytes ----------------------------------------------------------------------------------------


def _open(base, parts):
    """A descriptor of what lies below the folder `base`; no step on the way may be a link."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    flags |= getattr(os, "O_BINARY", 0)
    if os.open not in os.supports_dir_fd:  # not on Linux, where alone code is run
        return os.open(os.path.join(base, *parts), flags)
    at = os.open(base, os.O_RDONLY | os.O_DIRECTORY)
    for left, part in zip(range(len(parts) - 1, -1, -1), parts, strict=True):
        try:
            below = os.open(part, flags | (os.O_DIRECTORY if left else 0), dir_fd=at)
        finally:
            os.close(at)
        at = below
    return at


def _why(error):
    if error.errno in (errno.ELOOP, errno.ENOTDIR):
        return LINK
    return f"cannot be read: {error.strerror}"


def _stream(base, parts):
    """The file as a stream; a link or a pipe that took its place since is not opened."""
    try:
        file = os.fdopen(_open(base, parts), "rb")
    except OSError as error:
        raise Unusable(_why(error)) from None
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise Unusable("not a regular file")
    return file


def _bytes(file, name):
    """All of a file within the limits; of a large notebook what is left without its outputs."""
    limit = MAX_ARCHIVE if is_zip(name) else MAX_BYTES
    data = bytearray()
    while piece := file.read(PIECE):
        data += piece
        if len(data) > limit == MAX_BYTES and data[:100].lstrip()[:1] == b"{":
            limit = MAX_ARCHIVE
        if len(data) > limit:
            raise Unusable(f"larger than {limit // 1_000_000} MB", len(data))
    if len(data) > MAX_BYTES and not is_zip(name):
        small = slim(data)
        if small is None or len(small) > MAX_BYTES:
            why = f"larger than {MAX_BYTES // 1_000_000} MB even without its outputs; take large"
            raise Unusable(f"{why} pictures and data out of it", len(data))
        return bytes(small)
    return bytes(data)


# --- Folders --------------------------------------------------------------------------------------


def folder(base, parts=()):
    """Everything below `base`, links and empty folders included."""
    if len(parts) > MAX_DEPTH:
        yield Entry(parts, problem=f"more than {MAX_DEPTH} folders deep")
        return
    try:
        found = _scan(base, parts)
    except OSError as error:
        yield Entry(parts, problem=_why(error))
        return
    for name, kind, modified in found:
        below = (*parts, name)
        if _junk(name) and (parts or kind != "folder"):
            if kind == "folder" and name != "__MACOSX":
                yield _hidden(below)
        elif kind == "link":
            yield Entry(below, problem=LINK)
        elif kind == "folder":
            inner = list(folder(base, below)) if _junk(name) else folder(base, below)
            if _junk(name) and not _is_work(name, inner):
                continue
            empty = True
            for one in inner:
                empty = False
                yield one
            if empty:
                yield Entry((*below, ""))
        else:
            yield Entry(below, on_disk(base, below, modified))


def _is_work(name, entries):
    """Whether a folder with the name of a hidden one is a student's."""
    return name not in NEVER and any(
        e.file and e.parts[-1].lower().endswith((".ipynb", ".zip")) for e in entries
    )


def _scan(base, parts):
    """Name, kind and time of each entry of a folder; one that vanishes meanwhile is left out."""
    by_number = os.scandir in os.supports_fd and os.open in os.supports_dir_fd
    at = _open(base, parts) if by_number else None
    try:
        found = []
        with os.scandir(os.path.join(base, *parts) if at is None else at) as entries:
            for entry in entries:
                try:
                    info = entry.stat(follow_symlinks=False)
                except OSError:
                    continue
                kind = "folder" if stat.S_ISDIR(info.st_mode) else "file"
                kind = "link" if stat.S_ISLNK(info.st_mode) else kind
                found.append((entry.name, kind, info.st_mtime))
        return sorted(found)
    finally:
        if at is not None:
            os.close(at)


def on_disk(base, parts, modified=None):
    """The File below `base`."""
    if modified is None:
        modified = os.stat(os.path.join(base, *parts), follow_symlinks=False).st_mtime

    def read():
        with _stream(base, parts) as file:
            return _bytes(file, parts[-1])

    return File(clean("/".join(parts)), modified, read, lambda: _stream(base, parts))


# --- Zip files ------------------------------------------------------------------------------------

_last = [None, None]  # the source that was read last, and its zip file


class _Zip(zipfile.ZipFile):
    """A zip file that closes its stream with itself."""

    def __init__(self, stream):
        self.stream = stream
        super().__init__(stream)

    def close(self):
        super().close()
        self.stream.close()


def _zip(source):
    """The zip file in a stream that `source()` opens; only the last one stays open."""
    if _last[0] is not source:
        if _last[1]:
            _last[1].close()
        _last[:] = [None, None]  # before the next is read
        _last[:] = [source, listed(source())]
    return _last[1]


def listed(stream, limit=MAX_LIST):
    """The zip file in a stream, if its list of members is no longer than `limit`."""
    try:
        end = zipfile._EndRecData(stream)
        if end and end[zipfile._ECD_SIZE] > limit:
            raise Unusable("a zip file with too many files in it")
        return _Zip(stream)
    except Unusable:
        stream.close()
        raise
    except Exception:  # what odd files provoke is not foreseeable
        stream.close()
        raise Unusable("not a readable zip file") from None


def archive(source, parts=(), whole=None):
    """The entries of a zip file. Names in it are labels only: nothing is written anywhere.

    `source()` opens it, each time that something is read from it; or it is `whole`, open already.
    """
    for info in (whole or _zip(source)).infolist():
        names = info.filename.replace("\\", "/").split("/")
        names = [label(n) for n in names if n not in ("", ".", "..")]
        below = (*parts, *names)
        if not names:
            continue
        hidden = next((n for n, name in enumerate(names[:-1]) if _junk(name)), None)
        if hidden == 0 and not parts and names[0] not in NEVER and ".ipynb" in names[-1].lower():
            hidden = None  # a student who is called so
        if hidden is not None:
            if names[hidden] != "__MACOSX":
                yield _hidden(below[: len(parts) + hidden + 1])
        elif _junk(names[-1]):
            continue
        elif len(below) > MAX_DEPTH + 2:
            yield Entry((*below[:MAX_DEPTH], below[-1]), _packed(source, whole, info, below))
        elif stat.S_ISLNK(info.external_attr >> 16):
            yield Entry(below, problem=LINK)
        elif info.is_dir():
            yield Entry((*below, ""))
        else:
            yield Entry(below, _packed(source, whole, info, below))


def _packed(source, whole, info, parts):
    def read():
        if info.flag_bits & 1:
            raise Unusable("locked with a password")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            kind = zipfile.compressor_names.get(info.compress_type, "an unknown method")
            raise Unusable(f"packed with {kind}; pack it as an ordinary zip file")
        try:
            with (whole or _zip(source)).open(info) as file:
                return _bytes(file, parts[-1])
        except Unusable:
            raise
        except Exception:
            raise Unusable("damaged, or packed in an unknown way") from None

    try:
        modified = time.mktime((*info.date_time, 0, 0, -1))
    except (ValueError, OverflowError):
        modified = 0.0
    path = "/".join(parts if len(parts) <= MAX_DEPTH else (*parts[:MAX_DEPTH], "…", parts[-1]))
    return File(clean(path), modified, read, lambda: io.BytesIO(read()))


def opened(entries):
    """The same entries, with the files of a student's zip in its place."""
    for entry in entries:
        if not (entry.file and is_zip(entry.parts[-1])):
            yield entry
            continue
        try:
            found = archive(entry.file.open, entry.parts)
            inner = list(itertools.islice(found, MAX_MEMBERS + 1))
        except Unusable as error:
            yield Entry(entry.parts, problem=str(error))
            continue
        for one in inner[:MAX_MEMBERS]:
            if one.file and is_zip(one.parts[-1]):
                one = Entry(one.parts, problem="an archive in an archive, which is not opened")
            yield one
        if len(inner) > MAX_MEMBERS:
            yield Entry(entry.parts, problem=f"more than {MAX_MEMBERS} files; the rest was left")
        if not inner:
            yield Entry(entry.parts, problem="an empty zip file")
