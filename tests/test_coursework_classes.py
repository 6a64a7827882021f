"""A class's submissions: everyone has one row, and nothing hostile is alive in a report."""

import csv
import io
import json
import os
import re
import signal
import stat
import subprocess
import sys
import threading
import time
import unicodedata
import zipfile
from collections import Counter
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st

from xentlib.coursework import (
    classes,
    grading,
    marks,
    notebook,
    sandbox,
    tables,
)
from xentlib.coursework.__main__ import main
from xentlib.coursework.choosing import choose
from xentlib.coursework.pages import feedback_page, written_page
from xentlib.coursework.roster import Submission, read_csv, read_roster
from xentlib.coursework.rows import Question, Row, questions
from xentlib.coursework.safe import cell_text, clean, file_names, write
from xentlib.coursework.submissions import find

# --- A small assignment and its submissions -------------------------------------------------------


def cell(kind, text, id=None, **meta):
    made = {"cell_type": kind, "id": id or f"t-{abs(hash(text)) % 10**8}", "metadata": {}}
    made["source"] = text
    if meta:
        nbgrader = {"grade": False, "solution": False, "locked": False, "task": False}
        made["metadata"]["nbgrader"] = {
            **nbgrader,
            "grade_id": id,
            "schema_version": 3,
            "cell_type": kind,
            **meta,
        }
    if kind == "code":
        made |= {"outputs": [], "execution_count": None}
    return made


def notebook_of(*cells):
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {
        "cells": list(cells),
        "metadata": {"kernelspec": kernel},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


SOURCE = notebook_of(
    cell("markdown", "# Doubling\n\nWrite `double`.", "t-00"),
    cell(
        "code",
        "def double(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION",
        "t-01",
        solution=True,
    ),
    cell(
        "code",
        'assert double(2) == 4, f"Got {double(2)}: twice 2 is 4"',
        "t-02",
        grade=True,
        locked=True,
        points=3,
    ),
    cell("markdown", "## Why?\n\n**Rubric**\n\n- 2 points: says why\n- 1 point: says what", "t-03"),
    cell("markdown", "Because 2x = x + x.", "t-04", grade=True, solution=True, points=2),
)
ASKED = questions(SOURCE)


def handed_in(code="def double(x):\n    return 2 * x", written="x and x"):
    """A submission's bytes."""
    made = json.loads(json.dumps(SOURCE))
    made["cells"][1]["source"] = code
    made["cells"][4]["source"] = written
    return json.dumps(made).encode()


def shared(data):
    cells = json.loads(data)["cells"]
    return sum("nbgrader" in c["metadata"] for c in cells)


def put(folder, files):
    for name, content in files.items():
        path = folder / name
        if name.endswith("/"):
            path.mkdir(parents=True, exist_ok=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def packed(files):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return data.getvalue()


def by_student(found):
    students = [one.student for one in found]
    assert len(set(students)) == len(students)
    return {one.student: one for one in found}


def chosen(one):
    file, _, notes = choose(one, shared)
    return file and file.path.split("/")[-1], notes


# --- Layouts --------------------------------------------------------------------------------------


def test_a_folder_or_a_file_is_one_student_however_nested(tmp_path):
    files = {"ada/set/final/hw.ipynb": handed_in(), "bob.ipynb": handed_in(), "eve/": ""}
    files |= {
        "cem/My work.ipynb.txt": handed_in(),
        "dan.json": handed_in(),
        "fay/no ending": handed_in(),
    }
    found = by_student(find(put(tmp_path, files)))
    assert sorted(found) == ["ada", "bob", "cem", "dan", "eve", "fay"]
    got = {student: chosen(one)[0] for student, one in found.items()}
    assert got == {
        "ada": "hw.ipynb",
        "bob": "bob.ipynb",
        "cem": "My work.ipynb.txt",
        "dan": "dan.json",
        "eve": None,
        "fay": "no ending",
    }


MOODLE = {
    "Ada Lovelace_1234_assignsubmission_file_/hw1.ipynb": handed_in(),
    "Ada Lovelace_1234_assignsubmission_onlinetext_/onlinetext.html": "<p>see file</p>",
    "Émile Borel_1235_assignsubmission_file/nested/hw (1).ipynb": handed_in(),
    "Ada Lovelace_1236_assignsubmission_file_hw1.ipynb": handed_in(),
    "Group A-Bob Hope_1237_assignsubmission_file_/Bob_1_assignsubmission_file_.ipynb": handed_in(),
}
CANVAS = {
    "lovelaceada_501_9001_hw1.ipynb": handed_in(written="first"),
    "lovelaceada_LATE_501_9055_hw1-1.ipynb": handed_in(written="second"),
    "lovelaceada_LATE_501_9044_hw1-2.ipynb": handed_in(written="third"),
    "borelemile_502_9002_hw1.pdf": b"%PDF-1.4",
    "hopebob_503_9003_my_1_2_work.ipynb": handed_in(),
    "ngokim_LATE_505_9005_hw1.ipynb": handed_in(),
}


@pytest.mark.parametrize("wrapped", ["", "submissions/", "a/b/"])
@pytest.mark.parametrize("as_zip", [False, True])
def test_a_moodle_download_is_understood_as_it_comes(tmp_path, as_zip, wrapped):
    files = {wrapped + name: data for name, data in MOODLE.items()}
    if as_zip:
        (tmp_path / "all.zip").write_bytes(packed(files))
        folder = tmp_path / "all.zip"
    else:
        folder = put(tmp_path, files)
    found = by_student(find(folder))
    assert sorted(found) == [
        "Ada Lovelace 1234",
        "Ada Lovelace 1236",
        "Group A-Bob Hope",
        "Émile Borel",
    ]
    assert all(chosen(one)[0] for one in found.values())
    assert found["Émile Borel"].lms == {"kind": "moodle", "id": "1235"}
    assert len(found["Ada Lovelace 1234"].files) == 2


@pytest.mark.parametrize("wrapped", ["", "submissions/"])
@pytest.mark.parametrize("as_zip", [False, True])
def test_a_canvas_download_is_understood_as_it_comes(tmp_path, as_zip, wrapped):
    files = {wrapped + name: data for name, data in CANVAS.items()}
    if as_zip:
        put(tmp_path, {"submissions.zip": packed(files)})
    else:
        put(tmp_path, files)
    found = by_student(find(tmp_path))
    assert sorted(found) == ["borelemile", "hopebob", "lovelaceada", "ngokim"]
    name, notes = chosen(found["lovelaceada"])
    assert name == "lovelaceada_LATE_501_9044_hw1-2.ipynb"
    assert "hw1-1.ipynb" in notes[0] and "9001_hw1.ipynb" in notes[0]
    assert chosen(found["borelemile"])[0] is None and "PDF" in chosen(found["borelemile"])[1][0]
    assert found["hopebob"].lms == {"kind": "canvas", "id": "503"}


def test_names_that_only_look_like_canvas_stay_apart(tmp_path):
    files = {f"hw_1_2_{name}.ipynb": handed_in() for name in ("ada", "bob")}
    assert len(find(put(tmp_path, files))) == 2


def test_one_notebook_alone_is_a_class_of_one(tmp_path):
    put(tmp_path, {"ada.ipynb": handed_in()})
    assert [one.student for one in find(tmp_path / "ada.ipynb")] == ["ada"]


def test_one_students_folder_is_not_taken_for_the_class(tmp_path):
    put(tmp_path, {"ada/set1/set1.ipynb": handed_in()})
    assert [one.student for one in find(tmp_path)] == ["ada"]


def test_hidden_files_and_checkpoints_are_no_submissions(tmp_path):
    files = {
        "bob/.ipynb": handed_in(),
        ".DS_Store": "x",
        "__MACOSX/._ada.ipynb": "x",
        "ada/.ipynb_checkpoints/hw.ipynb": "{}",
    }
    found = find(put(tmp_path, files | {"ada/hw.ipynb": handed_in()}))
    assert [(one.student, len(one.files)) for one in found] == [("ada", 1), ("bob", 1)]


def test_students_whose_names_differ_only_in_case_or_form_keep_their_own_rows(tmp_path):
    names = ["Zoë", unicodedata.normalize("NFD", "Zoë"), "zoë"]
    found = find(put(tmp_path, {f"{name}/hw.ipynb": handed_in(written=name) for name in names}))
    if len(list(tmp_path.iterdir())) < 3:
        pytest.skip("this file system takes them for one")
    assert sorted(one.student for one in found) == sorted(names)
    assert all("differs only" in one.notes[0] for one in found)
    assert len({name.casefold() for name in file_names(names).values()}) == 3


def test_the_newest_notebook_of_this_assignment_wins_and_the_others_are_named(tmp_path):
    other = json.dumps(notebook_of(cell("markdown", "another assignment"))).encode()
    files = {"ada/old.ipynb": handed_in(written="1"), "ada/new.ipynb": handed_in(written="2")}
    put(tmp_path, files | {"ada/newest.ipynb": other, "ada/data.csv": "1,2"})
    for age, name in enumerate(["old", "new", "newest"]):
        os.utime(tmp_path / f"ada/{name}.ipynb", (10**9 + 100 * age,) * 2)
    name, notes = chosen(find(tmp_path)[0])
    assert name == "new.ipynb"
    assert len(notes) == 1 and "old.ipynb" in notes[0] and "newest" not in notes[0]


def test_a_copy_of_the_same_notebook_needs_no_look(tmp_path):
    put(tmp_path, {"ada/hw1.ipynb": handed_in(), "ada/hw1 (2).ipynb": handed_in()})
    assert chosen(find(tmp_path)[0])[1] == []


def test_a_students_archive_is_looked_into_but_not_an_archive_in_it(tmp_path):
    inner = packed({"deep.ipynb": handed_in()})
    files = {
        "ada/work.zip": packed({"hw/hw.ipynb": handed_in()}),
        "bob.zip": packed({"x.zip": inner}),
    }
    found = by_student(find(put(tmp_path, files | {"cem/hw.zip": b"PK broken"})))
    assert chosen(found["ada"]) == ("hw.ipynb", [])
    assert "archive in an archive" in chosen(found["bob"])[1][0]
    assert "not a readable zip" in chosen(found["cem"])[1][0]


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("hw.ipynb", b"", "empty"),
        ("hw.ipynb", b" \n", "empty"),
        ("hw.ipynb", handed_in()[:-300], "Expecting|Unterminated|delimiter"),
        ("hw.html", b"<html>", "web page"),
        ("hw.pdf", b"%PDF", "PDF"),
        ("hw.py", b"print(1)", "Python script"),
        ("hw.ipynb", b"[" * 200_000, "recursion|Stack overflow"),
    ],
)
def test_what_is_no_notebook_is_told_with_its_reason(tmp_path, name, data, reason):
    (one,) = find(put(tmp_path, {f"ada/{name}": data, "ada/notes.txt": "hello"}))
    file, _, notes = choose(one, shared)
    assert file is None
    assert any(re.search(reason, note) and name in note for note in notes)


# --- Hostile files --------------------------------------------------------------------------------


def test_links_are_reported_and_never_followed(tmp_path):
    outside = put(tmp_path / "outside", {"bob/hw.ipynb": handed_in(), "secret.ipynb": handed_in()})
    folder = put(tmp_path / "in", {"ada/mine.txt": "x", "eve/hw.ipynb": handed_in()})
    (folder / "ada/hw.ipynb").symlink_to(outside / "secret.ipynb")
    (folder / "ada/more").symlink_to(outside)
    (folder / "cem").symlink_to(outside / "bob")
    (folder / "eve/loop").symlink_to(folder)
    found = by_student(find(folder))
    assert sorted(found) == ["ada", "cem", "eve"]
    for student in "ada", "cem":
        name, notes = chosen(found[student])
        assert name is None and "a link, which is not followed" in notes[0]
    assert chosen(found["eve"])[0] == "hw.ipynb" and "link" in chosen(found["eve"])[1][0]


def test_a_file_that_becomes_a_link_or_a_pipe_is_not_opened(tmp_path):
    outside = put(tmp_path / "outside", {"hw.ipynb": handed_in()})
    folder = put(tmp_path / "in", {"ada/hw.ipynb": handed_in(), "bob/hw.ipynb": handed_in()})
    found = by_student(find(folder))
    for student in "ada", "bob":
        (folder / student / "hw.ipynb").unlink()
    (folder / "ada/hw.ipynb").symlink_to(outside / "hw.ipynb")
    os.mkfifo(folder / "bob/hw.ipynb")
    assert all(chosen(one)[0] is None for one in found.values())
    assert "not a regular file" in chosen(found["bob"])[1][0]


def test_what_may_not_be_read_is_reported(tmp_path, monkeypatch):
    def forbidden(path, *args, **kwargs):
        raise PermissionError(13, "Permission denied")

    (one,) = find(put(tmp_path, {"ada/hw.ipynb": handed_in()}))
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", forbidden)
        assert "cannot be read: Permission denied" in chosen(one)[1][0]
    scandir = os.scandir
    hidden = lambda path: forbidden(path) if str(path).endswith("ada") else scandir(path)  # noqa: E731
    monkeypatch.setattr(os, "scandir", hidden)
    (one,) = find(tmp_path)
    assert chosen(one) == (None, ["ada: cannot be read: Permission denied"])


def test_an_archive_writes_nothing_and_its_names_lead_nowhere(tmp_path):
    names = ["../../ada/hw.ipynb", "/etc/bob/hw.ipynb", "..\\cem\\hw.ipynb", "dan/hw.ipynb"]
    link = zipfile.ZipInfo("eve/hw.ipynb")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    put(
        tmp_path, {"in/all.zip": packed({**dict.fromkeys(names, handed_in()), link: "/etc/passwd"})}
    )
    before = sorted(tmp_path.rglob("*"))
    found = by_student(find(tmp_path / "in/all.zip"))
    assert sorted(found) == ["ada", "cem", "dan", "etc", "eve"]
    assert chosen(found["ada"])[0] == "hw.ipynb"
    assert "a link" in chosen(found["eve"])[1][0]
    assert sorted(tmp_path.rglob("*")) == before


def test_a_zip_bomb_is_cut_short(tmp_path):
    bomb = packed({"hw.ipynb": bytes(30_000_000)})
    assert len(bomb) < 100_000
    many = packed({f"{i}.ipynb": "{}" for i in range(1000)})
    found = by_student(find(put(tmp_path, {"ada/x.zip": bomb, "bob/x.zip": many})))
    assert "larger than 20 MB" in chosen(found["ada"])[1][0]
    assert len(found["bob"].files) <= 200 and "more than 200 files" in found["bob"].notes[0]


def test_a_locked_archive_is_reported(tmp_path):
    data = bytearray(packed({"hw.ipynb": handed_in()}))
    data[6] |= 1  # in the file's header ...
    data[data.index(b"PK\1\2") + 8] |= 1  # ... and in the list of files: encrypted
    (one,) = find(put(tmp_path, {"ada/x.zip": bytes(data)}))
    assert "password" in chosen(one)[1][0]


# --- The roster -----------------------------------------------------------------------------------

CANVAS_ROSTER = """Student,ID,SIS User ID,SIS Login ID,Section,set1 (77),Final Score
    Points Possible,,,,,5,(read only)
"Lovelace, Ada",501,S1,ada@uni.example,A,,
"Borel, Émile",502,S2,borel@uni.example,A,,
"Nobody, Nora",504,S4,nora@uni.example,B,,
"Student, Test",999,,,A,,
"""
MOODLE_ROSTER = """\ufeff"First name","Last name","ID number",Institution,"Email address","Grade"
Ada,Lovelace,M1,,ada@uni.example,
Émile,Borel,M2,,borel@uni.example,
Nora,Nobody,M4,,nora@uni.example,
"""
WORKSHEET = """Identifier,"Full name","Email address",Status,Grade,"Last modified (grade)"
"Participant 1234","Ada Lovelace",ada@uni.example,Submitted,,-
"Participant 1236","Ada Lovelace",lovelace@uni.example,Submitted,,-
"Participant 1240","Nora Nobody",nora@uni.example,"No submission",,-
"""


def roster(tmp_path, text):
    path = tmp_path / "roster.csv"
    path.write_text(text, "utf-8")
    return path


def test_a_canvas_gradebook_is_a_roster(tmp_path):
    listed = roster(tmp_path, CANVAS_ROSTER)
    found = by_student(find(put(tmp_path / "in", CANVAS), listed))
    logins = ["ada@uni.example", "borel@uni.example", "nora@uni.example"]
    assert found.keys() == {*logins, "hopebob", "ngokim"}
    assert chosen(found[logins[0]])[0] == "lovelaceada_LATE_501_9044_hw1-2.ipynb"
    assert found[logins[2]].files == [] and found["hopebob"].notes


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_moodle_gradebook_is_a_roster(tmp_path, separator):
    listed = roster(tmp_path, MOODLE_ROSTER.replace(",", separator))
    files = {n: d for n, d in MOODLE.items() if "1236" not in n}
    found = by_student(find(put(tmp_path / "in", files), listed))
    assert sorted(found) == ["Group A-Bob Hope", "M1", "M2", "M4"]
    assert found["M1"].email == "ada@uni.example" and found["M1"].lms["id"] == "1234"
    assert chosen(found["M2"])[0] == "hw (1).ipynb"


def test_moodles_worksheet_tells_two_students_of_one_name_apart(tmp_path):
    found = by_student(find(put(tmp_path / "in", MOODLE), roster(tmp_path, WORKSHEET)))
    assert len(found["ada@uni.example"].files) == 2
    assert len(found["lovelace@uni.example"].files) == 1
    assert found["nora@uni.example"].files == []


def test_a_plain_roster_finds_students_by_any_name_and_in_folders_of_sections(tmp_path):
    listed = roster(
        tmp_path, "student,name,email\nal1,Ada Lovelace,a@x.example\neb2,Émile Borel,\nnn3,,\n"
    )
    files = {"Section 1/AL1/hw.ipynb": handed_in(), "Section 2/lovelace, emile/hw.ipynb": b""}
    files |= {"borel emile.ipynb": handed_in()}
    found = by_student(find(put(tmp_path / "in", files), listed))
    assert sorted(found) == ["Section 2", "al1", "eb2", "nn3"]
    assert chosen(found["al1"])[0] == "hw.ipynb" and chosen(found["eb2"])[0] == "borel emile.ipynb"
    assert "not on the roster" in found["Section 2"].notes[0]


def test_a_name_that_two_on_the_roster_have_is_given_to_neither(tmp_path):
    listed = roster(tmp_path, "student,name\na1,Ada L\na2,Ada L\na3,Eve\n")
    found = by_student(find(put(tmp_path / "in", {"Ada L/hw.ipynb": handed_in()}), listed))
    assert sorted(found) == ["Ada L", "a1", "a2", "a3"]
    assert len(found["Ada L"].files) == 1 and "several of this name" in found["Ada L"].notes[0]


def test_the_roster_may_lie_among_the_submissions(tmp_path):
    listed = roster(put(tmp_path, {"ada/hw.ipynb": handed_in()}), "student\nada\nbob\n")
    assert sorted(by_student(find(tmp_path, listed))) == ["ada", "bob"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no rows"),
        ("who,mark\nada,1\n", "no column `student`"),
        ("student\n\n", "no rows|names no student"),
        ("student,name\nada,Ada\nada,Adam\n", "two rows of the roster are called 'ada'"),
    ],
)
def test_a_roster_that_is_none_is_refused(tmp_path, text, reason):
    with pytest.raises(ValueError, match=reason):
        read_roster(roster(tmp_path, text))


# --- Laws of names --------------------------------------------------------------------------------

HOSTILE = [
    "<script>alert(1)</script>",
    "</pre><img src=x onerror=alert(1)>",
    '"><svg onload="alert(1)">',
    "javascript:alert(1)",
    "[x](javascript:alert(1))",
    "</title></style><script>alert(1)</script>",
    "<!--",
    "]]>",
    "&lt;script&gt;",
    "=HYPERLINK(1)",
    " \t=1+1",
    "\ufeff=1+1",
    "＝1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    '"=1',
    "a;=1+1",
    "a\n=1+1",
    "a\r=1+1",
    "\x00\x1b[31m",
    "\ud800",
    "\u202etxt.exe",
    "..",
    "con",
    "a" * 300,
]
TEXTS = st.one_of(
    st.text(max_size=30),
    st.sampled_from(HOSTILE),
    st.tuples(st.sampled_from(HOSTILE), st.text(max_size=5)).map("".join),
    st.tuples(st.text(max_size=5), st.sampled_from(HOSTILE)).map("".join),
)


@given(TEXTS)
def test_clean_text_can_be_written_and_holds_no_control_character(text):
    kept = clean(text)
    kept.encode("utf-8")
    assert not any(unicodedata.category(c) == "Cc" for c in kept if c not in "\n\t")
    assert clean(kept) == kept


@given(st.lists(TEXTS, unique=True))
def test_file_names_are_harmless_and_unique_whatever_the_students_are_called(students):
    names = file_names(students)
    assert list(names) == students
    alike = Counter(unicodedata.normalize("NFKC", n).casefold() for n in names.values())
    assert all(times == 1 for times in alike.values())
    for name in names.values():
        assert name and name[0] not in "-. " and len(f"{name}.html".encode()) < 200
        assert not set(name) & set('/\\<>:"|?*\0\n\r\t%#')
        assert Path(name).name == name and name.casefold() not in ("con", "nul", "..", ".")


@given(
    st.dictionaries(
        st.text(st.sampled_from("abAéE\u0301 _1\x01\x02"), min_size=1, max_size=6), st.booleans()
    )
)
def test_every_student_has_exactly_one_row_with_a_roster_or_without(tmp_path_factory, names):
    names = {n.strip(): yes for n, yes in names.items() if n.strip()}
    folder = tmp_path_factory.mktemp("in")
    files = {f"{name}/hw.ipynb": handed_in() for name, yes in names.items() if yes}
    found = by_student(find(put(folder, files)))
    assert len(found) == len(files)
    assert sum(len(one.files) for one in found.values()) == len(files)
    listed = roster(tmp_path_factory.mktemp("roster"), "student\n" + "\n".join([*names, "zz"]))
    try:
        read_roster(listed)
    except ValueError:
        return
    found = by_student(find(folder, listed))
    spaced = {words(name) for name in names}
    assert spaced | {"zz"} <= found.keys()
    assert sum(len(one.files) for one in found.values()) == len(files)


# --- Reports --------------------------------------------------------------------------------------


@st.composite
def rows(draw):
    student = clean(" ".join(draw(TEXTS).split())) or "x"
    name = clean(" ".join(draw(TEXTS).split()))
    kind = draw(st.sampled_from(["", "moodle", "canvas"]))
    lms = {"kind": kind, "id": "12", "login": draw(TEXTS), "section": draw(TEXTS)} if kind else {}
    one = Submission(student, name, draw(TEXTS), lms=lms)
    status = draw(st.sampled_from(["ok", "REVIEW", "UNREADABLE", "MISSING"]))
    row = Row(one, status, clean(draw(TEXTS)), draw(st.lists(TEXTS, max_size=3)))
    if status in ("ok", "REVIEW"):
        row.scores = {"t-02": draw(st.sampled_from([0, 3]))}
        row.messages, row.written = {"t-02": draw(TEXTS)}, {"t-04": draw(TEXTS)}
    return row


def table(path):
    text = path.read_bytes().decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline=""), strict=True))


def is_alive(text):
    """Whether a spreadsheet could run it, at the start or after a semicolon in some countries."""
    return any(
        unicodedata.normalize("NFKC", part.lstrip(" \t\r\n\"'\ufeff")[:1])[:1]
        in ("=", "+", "-", "@")
        and not part.lstrip(" ").startswith("'")
        for part in re.split(r"[;\t\r\n]", text)
    )


def check_page(page):
    soup = BeautifulSoup(page, "html.parser")
    allowed = (
        "html head meta title style body main h1 h2 h3 p bdi table caption thead tbody tr th td"
    )
    allowed += " a section article pre span nav ul ol li details summary code"
    assert {tag.name for tag in soup.find_all(True)} <= set(allowed.split())
    for tag in soup.find_all(True):
        assert not any(name.startswith("on") or name in ("src", "style") for name in tag.attrs)
        assert tag.get("href", "#").startswith("#")
    policy = soup.find("meta", attrs={"http-equiv": "Content-Security-Policy"})
    assert "default-src 'none'" in policy["content"]
    assert soup.html["lang"] and len(soup.find_all("h1")) == 1 and soup.title.get_text()
    return soup


def words(text):
    return " ".join(clean(text).split())


@given(rows())
def test_text_of_students_reaches_their_page_whole_and_dead(row):
    soup = check_page(feedback_page(row, ASKED, "set"))
    text = words(soup.get_text())
    assert words(row.submission.name or row.student) in text
    if row.scores is not None:
        shown = [words(pre.get_text()) for pre in soup.find_all("pre")]
        assert words(row.written["t-04"].strip()) in [*shown, ""]
        if row.scores["t-02"] < 3 and row.messages["t-02"]:
            assert words(row.messages["t-02"]) in shown


@given(st.lists(rows(), max_size=4))
def test_all_written_answers_are_there_once_whole_and_dead(some):
    soup = check_page(written_page(some, ASKED, "set", "secret"))
    shown = Counter(words(pre.get_text()) for pre in soup.select("article pre"))
    answers = [row.written.get("t-04", "") for row in some]
    assert shown == Counter(words(answer) for answer in answers if answer.strip())
    assert "2 points: says why" in soup.get_text() and "Because 2x" in soup.get_text()


@given(some=st.lists(rows(), max_size=4))
def test_no_cell_of_a_table_can_begin_a_formula_and_every_row_is_there(some, tmp_path_factory):
    folder = tmp_path_factory.mktemp("out")
    tables.write_grades(folder / "a.csv", some, ASKED)
    tables.write_canvas(folder / "b.csv", some, ASKED, "=set")
    tables.write_moodle(folder / "c.csv", some, ASKED)
    for name, extra in (("a.csv", 1), ("b.csv", 2), ("c.csv", 1)):
        text = (folder / name).read_bytes().decode("utf-8-sig")
        lines = table(folder / name)
        assert len(lines) == len(some) + extra
        assert {len(line) for line in lines} == {len(lines[0])}
        assert not any(is_alive(field) for line in lines for field in line)
        assert text.count("\n") == len(lines)  # no field holds a line break
    students = [line["student"].replace("'", "") for line in read_csv(folder / "a.csv")]
    assert students == [cell_text(row.student).replace("'", "") for row in some]


@given(TEXTS)
def test_only_an_apostrophe_is_added_to_what_a_table_shows(text):
    shown = cell_text(text)
    assert shown.replace("'", "") == words(text).replace("'", "")
    assert not is_alive(shown)


def test_grades_has_the_columns_that_were_promised(tmp_path):
    row = Row(Submission("ada"), "ok", "hw.ipynb", scores={"t-02": 3})
    tables.write_grades(tmp_path / "grades.csv", [row], ASKED)
    data = (tmp_path / "grades.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")  # Excel needs it to read UTF-8
    assert data.decode("utf-8-sig").splitlines() == [
        '"student","file","status","auto","auto_max","t-02","t-04 (of 2)","notes"',
        '"ada","hw.ipynb","ok","3","3","3","",""',
    ]


def canvas_takes(head):
    """The rules of Canvas's importer (lib/gradebook_importer.rb) for a first line."""
    columns = 3
    if len(head) <= 3 or "Student" not in head[0] or "ID" not in head[1]:
        return False
    if re.search(r"SIS\s+Login\s+ID", head[2]):
        columns += 1
    return "Section" in head[columns - 1]


def test_canvas_and_moodle_find_the_students_and_their_points(tmp_path):
    canvas = {
        "kind": "canvas",
        "id": "501",
        "login": "ada",
        "section": "A",
        "student": "Lovelace, Ada",
    }
    moodle = {"kind": "moodle", "id": "1234", "idnumber": "M1"}
    some = [
        Row(Submission("ada", lms=canvas), "ok", scores={"t-02": 3}, marks={"t-04": "1.5"}),
        Row(Submission("M1", "Ada", "a@x.example", lms=moodle), "ok", scores={"t-02": 0}),
        Row(Submission("bob"), "MISSING"),
    ]
    tables.write_canvas(tmp_path / "c.csv", some, ASKED, "set1")
    tables.write_moodle(tmp_path / "m.csv", some, ASKED)
    head, possible, *lines = table(tmp_path / "c.csv")
    assert canvas_takes(head) and head[-1] == "set1"
    assert possible[0].strip() == "Points Possible" and possible[-1] == "5"
    assert lines[0] == ["Lovelace, Ada", "501", "ada", "A", "4.5"]
    assert lines[2] == ["bob", "", "bob", "", ""]
    lines = read_csv(tmp_path / "m.csv")
    # what Moodle's offline grading asks for (mod/assign/feedback/offline/importgradeslib.php)
    assert {"Identifier", "Grade", "Last modified (grade)"} <= lines[0].keys()
    assert lines[1]["Identifier"] == "Participant 1234" and lines[1]["Grade"] == "0"
    assert lines[1]["Email address"] == "a@x.example" and lines[1]["Maximum Grade"] == "5"
    assert lines[2]["Grade"] == ""


@given(TEXTS)
def test_moodles_comment_holds_no_tag(text):
    row = Row(Submission("ada"), "ok", scores={"t-02": 0}, messages={"t-02": text})
    soup = BeautifulSoup(tables._comment(row, ASKED), "html.parser")
    assert soup.find_all(True) == []
    assert not soup.find_all(string=lambda s: type(s).__name__ in ("Comment", "Doctype", "CData"))
    assert words(text)[:200].strip() in soup.get_text()


def test_the_order_of_written_answers_changes_with_the_secret():
    some = [Row(Submission(f"s{i}"), "ok", scores={}, written={"t-04": f"w{i}"}) for i in range(20)]
    pages = [written_page(some, ASKED, "set", secret) for secret in ("a", "b", "a")]
    orders = [re.findall(r"w\d+", BeautifulSoup(p, "html.parser").get_text()) for p in pages]
    assert orders[0] == orders[2] != orders[1]
    assert sorted(orders[0]) == sorted(orders[1])


def marked(out, asked):
    """The points of written answers in grades.csv."""
    return {name: one.written for name, one in marks.read(out, asked).items() if one.written}


def test_marks_are_read_back_as_any_spreadsheet_saves_them(tmp_path):
    path = tmp_path / "grades.csv"
    for text in "student,t-04 (of 2)\nada,1.5\nbob,\n", "student;t-04 (of 2)\r\nada;1,5\r\n":
        for encoding in "utf-8", "utf-8-sig", "cp1252":
            path.write_bytes(text.encode(encoding))
            assert marked(tmp_path, ASKED) == {"ada": {"t-04": "1.5"}}
    for wrong in "3", "x", "-1", "nan":
        path.write_text(f"student,t-04 (of 2)\nada,{wrong}\n", "utf-8")
        with pytest.raises(ValueError, match="write a number from 0 to 2"):
            marks.read(tmp_path, ASKED)


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    write(path, "old")
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        write(path, "new")
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_questions_have_their_heading_their_rubric_and_their_model_answer():
    assert ASKED[0] == Question("t-02", 3, False, "Doubling", SOURCE["cells"][0]["source"])
    assert (ASKED[1].title, ASKED[1].model) == ("Why?", "Because 2x = x + x.")
    assert ASKED[1].rubric.endswith("1 point: says what") and ASKED[1].rubric.startswith("**Rubric")


# --- A whole class, graded ------------------------------------------------------------------------


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "doubling.ipynb"
    path.write_text(json.dumps(SOURCE), "utf-8")
    return path


@pytest.fixture
def graded(monkeypatch):
    """Grading without a sandbox or a process; the list of students graded."""
    students = []

    def grade(source, submission, *, student, secret, unsafe):
        code = submission.cells[1].source
        students.append(student)
        if "Ctrl-C" in code:
            raise KeyboardInterrupt
        if "crash" in code:
            raise RuntimeError("a mistake of ours")
        result = grading.Result(student, scores={"t-02": 3}, points={"t-02": 3})
        result.messages, result.manual = {"t-02": ""}, {"t-04": 2}
        result.written = {"t-04": submission.cells[4].source}
        return result

    monkeypatch.setattr(grading, "grade", grade)
    monkeypatch.setattr(sandbox, "available", lambda: True)
    return students


def lines(out):
    read = {line["student"]: line for line in read_csv(out / "grades.csv")}
    assert len(read) == len(table(out / "grades.csv")) - 1
    return read


def type_in(out, who, **cells):
    """Type something into the row of a student, as a spreadsheet would save it."""
    head, *rows = table(out / "grades.csv")
    for row in rows:
        for name, text in cells.items():
            if row[0] == who:
                row[head.index({"mark": "t-04 (of 2)", "test": "t-02"}.get(name, name))] = text
    tables._table(out / "grades.csv", [head, *rows], "utf-8-sig")


def run(*args):
    return main(["grade", *map(str, args), "--jobs", "1"])


def test_everyone_there_or_on_the_roster_has_a_row_a_page_and_a_status(tmp_path, source, graded):
    files = {"ada/hw.ipynb": handed_in(), "bob.ipynb": b"{", "cem/1.ipynb": handed_in(written="a")}
    put(tmp_path / "in", files | {"cem/2.ipynb": handed_in(written="b"), "dan/": ""})
    out, listed = tmp_path / "out", roster(tmp_path, "student\nada\nbob\ncem\ndan\neve\n")
    assert run(source, tmp_path / "in", out, "--roster", listed) == 0
    status = {student: line["status"] for student, line in lines(out).items()}
    assert status == {
        "ada": "ok",
        "bob": "UNREADABLE",
        "cem": "REVIEW",
        "dan": "MISSING",
        "eve": "MISSING",
    }
    assert lines(out)["ada"] == {
        "student": "ada",
        "file": "ada/hw.ipynb",
        "status": "ok",
        "auto": "3",
        "auto_max": "3",
        "t-02": "3",
        "t-04 (of 2)": "",
        "notes": "",
    }
    assert (
        lines(out)["bob"]["auto"] == ""
        and "bob.ipynb: not a notebook" in lines(out)["bob"]["notes"]
    )
    assert {p.name for p in (out / "feedback").iterdir()} == {f"{s}.html" for s in status}
    for page in (out / "feedback").iterdir():
        check_page(page.read_text("utf-8"))
    names = {"grades.csv", "grades-canvas.csv", "grades-moodle.csv", "written.html", "feedback"}
    assert {p.name for p in out.iterdir()} - {".results", ".secret", ".table.json"} == names


def test_a_second_run_grades_only_what_is_new_or_changed(tmp_path, source, graded):
    folder = put(tmp_path / "in", {f"{s}/hw.ipynb": handed_in() for s in ("ada", "bob", "cem")})
    out = tmp_path / "out"

    def again(*args):
        graded.clear()
        assert run(source, folder, out, *args) == 0
        assert {line["auto"] for line in lines(out).values()} == {"3"}
        return sorted(graded)

    assert again() == ["ada", "bob", "cem"]
    before = (out / "grades.csv").read_bytes()
    assert again() == [] and (out / "grades.csv").read_bytes() == before
    put(folder, {"dan/hw.ipynb": handed_in(), "bob/hw.ipynb": handed_in(written="changed")})
    assert again() == ["bob", "dan"]
    next((out / ".results").iterdir()).write_text('{"digest": ')  # cut short
    assert len(again()) == 1
    assert again("--unsafe") == ["ada", "bob", "cem", "dan"]
    assert again("--unsafe", "--secret-file", tmp_path / "new") == ["ada", "bob", "cem", "dan"]
    source.write_text(source.read_text("utf-8").replace("twice 2", "two times 2"), "utf-8")
    assert again("--unsafe", "--secret-file", tmp_path / "new") == ["ada", "bob", "cem", "dan"]


def test_ctrl_c_loses_nothing_and_the_next_run_does_the_rest(tmp_path, source, graded):
    folder = put(tmp_path / "in", {f"{s}/hw.ipynb": handed_in() for s in ("ada", "cem", "dan")})
    put(folder, {"bob/hw.ipynb": handed_in("# Ctrl-C")})
    out = tmp_path / "out"
    assert run(source, folder, out) == 130
    got = lines(out)
    assert sorted(got) == ["ada", "bob", "cem", "dan"] and got["ada"]["status"] == "ok"
    assert got["bob"]["auto"] == "" and "not graded yet" in got["bob"]["notes"]
    put(folder, {"bob/hw.ipynb": handed_in()})
    graded.clear()
    assert run(source, folder, out) == 0
    assert "ada" not in graded and {line["status"] for line in lines(out).values()} == {"ok"}


def test_a_mistake_of_the_grader_costs_one_student_a_look_and_is_tried_again(
    tmp_path, source, graded
):
    files = {"ada/hw.ipynb": handed_in("# crash"), "bob/hw.ipynb": handed_in()}
    for _ in range(2):
        assert run(source, put(tmp_path / "in", files), tmp_path / "out") == 0
    assert graded.count("ada") == 2 and graded.count("bob") == 1
    got = lines(tmp_path / "out")
    assert (got["ada"]["status"], got["bob"]["status"]) == ("REVIEW", "ok")
    assert "could not be graded: RuntimeError: a mistake of ours" in got["ada"]["notes"]


def test_a_teachers_points_are_kept_and_reach_every_report(tmp_path, source, graded, capsys):
    folder = put(tmp_path / "in", {f"{s}/hw.ipynb": handed_in() for s in ("ada", "bob")})
    out = tmp_path / "out"
    assert run(source, folder, out) == 0
    type_in(out, "bob", **{"t-04 (of 2)": "1.5"})
    for _ in range(2):
        assert run(source, folder, out) == 0
        assert lines(out)["bob"]["t-04 (of 2)"] == "1.5" and lines(out)["ada"]["t-04 (of 2)"] == ""
    assert table(out / "grades-canvas.csv")[3][-1] == "4.5"
    assert "4.5 of 5 points" in (out / "feedback/bob.html").read_text("utf-8")
    assert "1.5 of 2 points" in (out / "feedback/bob.html").read_text("utf-8")
    (folder / "bob/hw.ipynb").rename(folder / "zed.ipynb")
    (folder / "bob").rmdir()
    for _ in range(2):
        assert run(source, folder, out) == 0  # whose points they were is gone: they stay
        bob = lines(out)["bob"]
        assert (bob["status"], bob["t-02"], bob["t-04 (of 2)"]) == ("REVIEW", "3", "1.5")
        assert "neither in the submissions nor on the roster" in bob["notes"]
    type_in(out, "bob", file="", student="bub")  # a name that nobody ever had
    before = (out / "grades.csv").read_bytes()
    assert run(source, folder, out) == 2
    assert "has points for 'bub'" in capsys.readouterr().err
    assert (out / "grades.csv").read_bytes() == before


def test_an_answer_left_as_it_was_is_no_answer(tmp_path, source, graded):
    files = {"ada/hw.ipynb": handed_in(written=notebook.TEXT_STUB), "bob/hw.ipynb": handed_in()}
    assert run(source, put(tmp_path / "in", files), tmp_path / "out") == 0
    page = (tmp_path / "out/written.html").read_text("utf-8")
    assert "No answer: 1" in page and notebook.TEXT_STUB not in page
    assert "There is no answer: 0 of 2 points." in (tmp_path / "out/feedback/ada.html").read_text(
        "utf-8"
    )


def test_the_secret_is_made_once_for_its_owner_only(tmp_path, source, graded, capsys):
    folder = put(tmp_path / "in", {"ada/hw.ipynb": handed_in()})
    file = tmp_path / "keys/secret"
    for _ in range(2):
        assert run(source, folder, tmp_path / "out", "--secret-file", file) == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600 and len(file.read_text().strip()) == 64
    assert capsys.readouterr().err.count("New secret") == 1
    assert not (tmp_path / "out/.secret").exists()


@pytest.mark.parametrize(
    "wrong", ["source", "submissions", "roster", "secret", "out", "client", "jobs"]
)
def test_what_is_wrong_is_said_before_anything_is_graded(tmp_path, source, graded, capsys, wrong):
    folder = put(tmp_path / "in", {"ada/hw.ipynb": handed_in()})
    args = [source, folder, tmp_path / "out"]
    if wrong == "source":
        args[0] = folder / "ada/none.ipynb"
    elif wrong == "submissions":
        args[1] = tmp_path / "nowhere"
    elif wrong == "roster":
        args += ["--roster", tmp_path / "nowhere.csv"]
    elif wrong == "secret":
        args += ["--secret-file", put(tmp_path, {"empty": ""}) / "empty"]
    elif wrong == "out":
        args[2] = folder / "out"
    elif wrong == "client":
        args += ["--client", "nonsense://"]
    assert main(["grade", *map(str, args), "--jobs", "0" if wrong == "jobs" else "1"]) == 2
    assert capsys.readouterr().err.startswith("xent-coursework: ")
    assert graded == [] and not (tmp_path / "out/grades.csv").exists()


def test_without_bubblewrap_it_refuses_and_says_what_would_not_be_protected(
    tmp_path, source, graded, capsys, monkeypatch
):
    monkeypatch.setattr(sandbox, "available", lambda: False)
    args = source, put(tmp_path / "in", {"ada/hw.ipynb": handed_in()}), tmp_path / "out"
    assert run(*args) == 2 and graded == []
    said = capsys.readouterr().err
    assert "apt install bubblewrap" in said and "--unsafe" in said and "read your files" in said
    assert run(*args, "--unsafe") == 0 and graded == ["ada"]


@pytest.mark.parametrize("place", range(5))
def test_nothing_is_graded_where_the_students_code_could_read_it(
    tmp_path, source, graded, capsys, monkeypatch, place
):
    python = tmp_path / "python"
    monkeypatch.setattr(sys, "prefix", str(python))
    folder = put(tmp_path / "in", {"ada/hw.ipynb": handed_in()})
    listed = roster(tmp_path, "student\nada\n")
    (tmp_path / "secret").write_text("s")
    paths = [source, folder, tmp_path / "out", tmp_path / "secret", listed]
    inside = python / paths[place].name
    python.mkdir()
    if paths[place].exists():
        paths[place].rename(inside)
    paths[place] = inside
    args = [*paths[:3], "--secret-file", paths[3], "--roster", paths[4]]
    assert run(*args) == 2 and graded == []
    said = capsys.readouterr().err
    assert f"{inside} lies in {python}, which the students' code can read" in said
    assert run(*args, "--unsafe") == 0 and graded == ["ada"]


def test_collect_lays_the_answers_out_for_nbgrader(tmp_path, source, capsys):
    files = {"Ada L/deep/My hw.ipynb.txt": handed_in(written="mine"), "bob.ipynb": b"", "a/b/": ""}
    put(tmp_path / "in", files)
    assert main(["collect", str(source), str(tmp_path / "in"), str(tmp_path / "nb")]) == 0
    (made,) = (tmp_path / "nb").rglob("*.ipynb")
    assert made == tmp_path / "nb/submitted/Ada L/doubling/doubling.ipynb"
    fresh = notebook.read(made)
    assert [cell.source for cell in fresh.cells if notebook.grade_id(cell) == "t-04"] == ["mine"]
    assert "BEGIN SOLUTION" not in made.read_text("utf-8")
    said = capsys.readouterr().out
    assert "not collected: bob: bob.ipynb: empty" in said and "not collected: a: nothing" in said


# --- Processes and clusters -----------------------------------------------------------------------

needs_bubblewrap = pytest.mark.skipif(not sandbox.available(), reason="needs bubblewrap")


def small_class(tmp_path):
    files = {f"s{i}/hw.ipynb": handed_in(written=f"I am {i}") for i in range(4)}
    files["wrong/hw.ipynb"] = handed_in("def double(x):\n    return x + 1")
    return put(tmp_path / "in", files)


def check_small_class(out):
    scores = {student: line["auto"] for student, line in lines(out).items()}
    assert scores == {**{f"s{i}": "3" for i in range(4)}, "wrong": "0"}
    assert "Got 3: twice 2 is 4" in (out / "feedback/wrong.html").read_text("utf-8")
    assert all(f"I am {i}" in (out / "written.html").read_text("utf-8") for i in range(4))


@needs_bubblewrap
def test_two_processes_grade_a_class(tmp_path, source):
    args = source, small_class(tmp_path), tmp_path / "out", "--jobs", 2
    assert main(["grade", *map(str, args)]) == 0
    check_small_class(tmp_path / "out")


@needs_bubblewrap
def test_a_dask_cluster_grades_a_class_and_its_workers_may_come_late(
    tmp_path, source, capsys, monkeypatch
):
    from dask.distributed import LocalCluster

    with LocalCluster(
        n_workers=0,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address=None,
        memory_limit=0,
        local_directory=tmp_path,
    ) as cluster:
        args = source, small_class(tmp_path), tmp_path / "out", "--client"
        command = ["grade", *map(str, args), cluster.scheduler_address]
        monkeypatch.setattr("xentlib.coursework.cluster.START", 1)
        assert main(command) == 2 and "no worker has come in 1 s" in capsys.readouterr().err
        monkeypatch.setattr("xentlib.coursework.cluster.START", 60)
        late = threading.Timer(0.5, cluster.scale, [2])
        late.start()
        assert main(command) == 0
        late.join()
    check_small_class(tmp_path / "out")


def test_a_grading_process_that_is_killed_costs_nobody_else_a_result(
    tmp_path, source, graded, monkeypatch
):
    def grade_one(number, source, data, student, secret, unsafe):
        if student == "s2":
            os._exit(1)
        return number, {
            "scores": {"t-02": 3},
            "messages": {},
            "written": {},
            "notes": [],
            "status": "ok",
            "other_id": "",
        }

    monkeypatch.setattr(classes, "grade_one", grade_one)
    folder = put(tmp_path / "in", {f"s{i}/hw.ipynb": handed_in() for i in range(5)})
    args = source, folder, tmp_path / "out", "--jobs", 2
    assert main(["grade", *map(str, args)]) == 0
    got = {
        student: (line["auto"], line["status"]) for student, line in lines(tmp_path / "out").items()
    }
    assert got == {**{f"s{i}": ("3", "ok") for i in (0, 1, 3, 4)}, "s2": ("", "REVIEW")}


@needs_bubblewrap
def test_a_real_ctrl_c_keeps_what_is_done_and_leaves_no_process(tmp_path, source):
    folder = put(tmp_path / "in", {f"s{i}/hw.ipynb": handed_in() for i in range(3)})
    put(folder, {"z/hw.ipynb": handed_in("while True:\n    pass")})
    out = tmp_path / "out"
    command = [
        sys.executable,
        "-m",
        "xentlib.coursework",
        "grade",
        source,
        folder,
        out,
        "--jobs",
        "2",
    ]
    with subprocess.Popen(command, start_new_session=True, stderr=subprocess.PIPE) as process:
        while len(list((out / ".results").glob("*.json"))) < 3 and process.poll() is None:
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 130
    assert [lines(out)[s]["status"] for s in ("s0", "s1", "s2", "z")] == ["ok"] * 3 + ["REVIEW"]
    for _ in range(100):
        left = subprocess.run(["pgrep", "-g", str(process.pid)], capture_output=True).stdout
        if not left:
            break
        time.sleep(0.1)
    assert left == b""
