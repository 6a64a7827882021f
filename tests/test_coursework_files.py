"""Files as classes hand them in, and as an attacker would: nothing is lost, no one else touched."""

import csv
import io
import json
import os
import re
import struct
import time
import tracemalloc
import zipfile

import pytest
import test_coursework_classes as ours
from hypothesis import given, settings
from hypothesis import strategies as st
from test_coursework_classes import (
    SOURCE,
    by_student,
    cell,
    handed_in,
    lines,
    packed,
    put,
    roster,
    run,
    table,
)

from xentlib.coursework import choosing, classes, files, notebook, slim, submissions
from xentlib.coursework.__main__ import main
from xentlib.coursework.choosing import choose
from xentlib.coursework.safe import cell_text, clean, file_name, line
from xentlib.coursework.submissions import find

source, graded = ours.source, ours.graded  # fixtures
RAW = re.compile("[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069]")
ASSIGNMENT = choosing.Assignment(notebook.node(json.loads(json.dumps(SOURCE)) | {}))


def blank():
    fresh = notebook.fresh(notebook.node(json.loads(json.dumps(SOURCE))))
    return notebook.writes(fresh).encode()


def pick(one, wish=""):
    file, _, notes = classes._choose(one, ASSIGNMENT, wish)
    return file and file.path, notes


# --- What an honest student hands in --------------------------------------------------------------


@pytest.mark.parametrize(
    ("solved", "empty"),
    [
        ("hw-Copy1.ipynb", "hw.ipynb"),
        ("hw.ipynb", "hw (1).ipynb"),
        ("hw.ipynb", "later/hw.ipynb"),
        ("hw-Copy1.ipynb", "hw-Copy2.ipynb"),
    ],
)
def test_a_blank_copy_beside_the_work_is_not_graded_and_someone_looks(tmp_path, solved, empty):
    put(tmp_path, {f"ada/{solved}": handed_in(), f"ada/{empty}": blank()})
    os.utime(tmp_path / "ada" / solved, (10**9, 10**9))
    path, notes = pick(find(tmp_path)[0])
    assert path == f"ada/{solved}"
    assert "has no answers" in notes[0] and empty in notes[1]


def test_a_blank_copy_with_an_id_in_it_is_blank(tmp_path):
    book = json.loads(blank())
    own = cell("code", 'STUDENT_ID = "ada"', "own")
    book["cells"].insert(0, own)
    put(tmp_path, {"ada/a.ipynb": handed_in(), "ada/b.ipynb": json.dumps(book).encode()})
    os.utime(tmp_path / "ada/a.ipynb", (10**9, 10**9))
    assert pick(find(tmp_path)[0])[0] == "ada/a.ipynb"


def test_the_teacher_says_which_file_counts(tmp_path, source, graded):
    files = {"ada/old.ipynb": handed_in(written="1"), "ada/new.ipynb": handed_in(written="2")}
    folder, out = put(tmp_path / "in", files), tmp_path / "out"
    os.utime(folder / "ada/old.ipynb", (10**9, 10**9))
    assert run(source, folder, out) == 0 and lines(out)["ada"]["file"] == "ada/new.ipynb"
    for typed in "old.ipynb", "ada/old.ipynb":
        ours.type_in(out, "ada", file=typed)
        for _ in range(2):  # it stays
            assert run(source, folder, out) == 0
            assert lines(out)["ada"]["file"] == "ada/old.ipynb"
            assert "not graded: ada/new.ipynb" in lines(out)["ada"]["notes"]
    ours.type_in(out, "ada", file="")  # the program's choice again
    assert run(source, folder, out) == 0 and lines(out)["ada"]["file"] == "ada/new.ipynb"
    ours.type_in(out, "ada", file="none.ipynb")
    assert run(source, folder, out) == 0
    assert lines(out)["ada"]["file"] == "ada/new.ipynb"
    assert "'none.ipynb', which is not among" in lines(out)["ada"]["notes"]


def another_set():
    """A set with the ids of `SOURCE` and other texts."""
    book = json.loads(json.dumps(SOURCE))
    texts = ("# Halving numbers", "def halve(x):\n    return x / 2", "assert halve(4) == 2, 'half'")
    for one, text in zip(book["cells"], (*texts, "## How many halves?", "Two."), strict=True):
        one["source"] = text
    return json.dumps(book).encode()


def test_a_set_with_the_same_ids_is_told_by_its_texts(tmp_path):
    put(tmp_path, {"ada/hw.ipynb": another_set()})
    assert "is it another notebook?" in pick(find(tmp_path)[0])[1][0]
    put(tmp_path, {"ada/mine.ipynb": handed_in()})
    os.utime(tmp_path / "ada/mine.ipynb", (10**9, 10**9))
    assert pick(find(tmp_path)[0]) == ("ada/mine.ipynb", [])
    (tmp_path / "b.zip").write_bytes(packed({"x.ipynb": another_set(), "y.ipynb": handed_in()}))
    assert pick(by_student(find(tmp_path))["b"]) == ("b.zip/y.ipynb", [])


def test_a_notebook_without_metadata_or_with_other_layout_is_still_of_this_set():
    book = json.loads(handed_in())
    for one in book["cells"]:
        one["metadata"] = {}
        del one["id"]
    assert ASSIGNMENT.share(notebook.parse(json.dumps(book))) > 0.5
    book["cells"].insert(2, cell("markdown", "my own text\n\nof two lines", "o"))
    assert ASSIGNMENT.share(notebook.parse(json.dumps(book))) > 0.5


def test_the_sets_of_the_course_are_told_apart():
    folder = ours.Path(__file__).parent / "assignments"
    books = [notebook.read(path) for path in sorted(folder.glob("*/*.ipynb"))]
    for book in books:
        wanted = choosing.Assignment(book)
        for other in books:
            share = wanted.share(notebook.solved(other))
            assert share == 1 if other is book else share < 0.4


LATE = {"Zoe_1240_assignsubmission_file_/hw.ipynb": handed_in()}


@pytest.mark.parametrize("layout", ["moodle", "canvas"])
def test_a_late_download_with_one_student_fills_his_row(tmp_path, layout):
    if layout == "moodle":
        first, late, name = ours.MOODLE, LATE, "COURSE-Set 1-77{}.zip"
    else:
        first, name = ours.CANVAS, "submissions{}.zip"
        late = {"zoe_LATE_540_9440_hw1.ipynb": handed_in()}
    put(tmp_path, {name.format(""): packed(first), name.format(" (1)"): packed(late)})
    found, alone = by_student(find(tmp_path)), by_student(find(tmp_path / name.format("")))
    (new,) = found.keys() - alone.keys()
    assert new.lower() == "zoe" and len(found[new].files) == 1
    assert {s: len(one.files) for s, one in found.items() if s != new} == {
        s: len(one.files) for s, one in alone.items()
    }


def test_a_late_download_beside_folders_is_named_and_nobodys_work_changes(tmp_path):
    put(tmp_path, ours.MOODLE)
    before = by_student(find(tmp_path))
    put(tmp_path, {"COURSE-Set 1-77.zip": packed(LATE)})
    found = by_student(find(tmp_path))
    assert found.keys() - before.keys() == {"COURSE-Set 1-77"}
    assert "download of a whole class" in found["COURSE-Set 1-77"].problems[0]


def test_what_another_download_says_of_a_student_does_not_replace_the_work(tmp_path):
    own = {f"{n}_{i}_assignsubmission_file_/hw.ipynb": handed_in() for i, n in enumerate("ABC")}
    other = {"A_0_assignsubmission_file_/hw9.ipynb": handed_in(written="not mine")}
    put(tmp_path, {"class.zip": packed(own), "zzz.zip": packed({**other, **LATE})})
    found = by_student(find(tmp_path))
    path, notes = pick(found["A"])
    assert path.endswith("/hw.ipynb") and "not graded: A_0" in notes[0]
    assert sorted(found) == ["A", "B", "C", "Zoe"]
    assert pick(found["B"])[1] == []


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"]
)
def test_a_notebook_is_read_in_the_encodings_of_editors(encoding):
    book = json.loads(handed_in(written="Größe für Émile"))
    data = json.dumps(book, ensure_ascii=False).encode(encoding)
    assert notebook.parse(notebook.decoded(data)).cells[4].source == "Größe für Émile"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"7z\xbc\xaf\x27\x1c" + bytes(9), "a .7z archive"),
        (b"Rar!\x1a\7\0", "a .rar archive"),
        (b"\x1f\x8b\x08" + bytes(9), "a .gz archive"),
        (b"BZh91AY", "a .bz2 archive"),
        (bytes(257) + b"ustar  ", "a .tar archive"),
        (b"%PDF-1.7", "a PDF"),
        (b"\x89PNG\r\n", "a picture"),
        (b"PK\3\4" + bytes(9), "a zip file or a document"),
        (b"<!DOCTYPE html><p>", "a web page"),
        (b'{"cells": [\n<<<<<<< HEAD\n1\n=======\n2\n>>>>>>> b\n]}', "Git could not merge"),
        (b'{"a": 1}', "JSON of another kind"),
        (b"[" * 100_000, "nested too deeply"),
        (bytes(range(128, 256)), "no text in UTF-8"),
    ],
)
def test_what_is_no_notebook_is_named_in_plain_words(data, why):
    with pytest.raises(notebook.Unreadable, match=re.escape(why)):
        notebook.parse(notebook.decoded(data))


@pytest.mark.parametrize("ending", ["7z", "rar", "tar.gz", "tgz", "tar", "bz2", "xz"])
def test_archives_of_other_kinds_are_named(tmp_path, ending):
    (one,) = find(put(tmp_path, {f"ada/hw.{ending}": b"??"}))
    assert "archive; hand in the notebook itself" in pick(one)[1][0]


def test_only_the_copies_of_jupyter_are_unreadable_and_said(tmp_path, source, graded):
    copies = {".ipynb_checkpoints/hw-checkpoint.ipynb": handed_in()}
    files = {f"ada/{name}": data for name, data in copies.items()}
    files |= {"bob/hw.zip": packed(copies), "cem/.ipynb": handed_in(), "dan/": ""}
    assert run(source, put(tmp_path / "in", files), tmp_path / "out") == 0
    got = lines(tmp_path / "out")
    for student in "ada", "bob":
        assert got[student]["status"] == "UNREADABLE"
        assert "only Jupyter's automatic copy" in got[student]["notes"]
        assert "automatic copy" in (tmp_path / f"out/feedback/{student}.html").read_text("utf-8")
    assert (got["cem"]["status"], got["dan"]["status"]) == ("ok", "MISSING")


@pytest.mark.parametrize("name", [".hidden", "~$lock", "__pycache__", "._ada", "Thumbs.db"])
@pytest.mark.parametrize("as_zip", [False, True])
def test_a_folder_with_the_name_of_a_hidden_one_has_a_row(tmp_path, name, as_zip):
    work = {f"{name}/hw.ipynb": handed_in(), "bob/hw.ipynb": handed_in()}
    place = put(tmp_path, {"all.zip": packed(work)}) / "all.zip" if as_zip else put(tmp_path, work)
    found = by_student(find(place))
    assert sorted(found) == sorted([name, "bob"]) and len(found[name].files) == 1


def test_a_large_output_is_left_out_and_the_rest_is_graded(tmp_path, source, graded):
    book = json.loads(handed_in(written="mine"))
    data = {"image/png": "A" * 24_000_000, "text/plain": '"outputs": ['}
    book["cells"][1]["outputs"] = [{"output_type": "display_data", "data": data, "metadata": {}}]
    files = {"ada/hw.ipynb": json.dumps(book).encode()}
    files["bob/hw.zip"] = packed({"hw.ipynb": files["ada/hw.ipynb"]})
    book["cells"][4]["source"] = "B" * 21_000_000
    files["eve/hw.ipynb"] = json.dumps(book).encode()
    assert run(source, put(tmp_path / "in", files), tmp_path / "out") == 0
    got = lines(tmp_path / "out")
    assert [got[s]["status"] for s in ("ada", "bob", "eve")] == ["ok", "ok", "UNREADABLE"]
    assert "larger than 20 MB even without its outputs" in got["eve"]["notes"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just("outputs"), inner),
    max_leaves=30,
)


def emptied(value):
    if isinstance(value, dict):
        full = (list, dict)
        return {
            k: [] if k in ("outputs", "widgets") and isinstance(v, full) else emptied(v)
            for k, v in value.items()
        }
    return [emptied(item) for item in value] if isinstance(value, list) else value


@settings(deadline=None)
@given(JSON, st.sampled_from([None, 1]), st.booleans())
def test_only_outputs_are_left_out(value, indent, ascii):
    data = json.dumps(value, indent=indent, ensure_ascii=ascii).encode("utf-8", "surrogatepass")
    assert json.loads(slim.slim(data).decode("utf-8", "surrogatepass")) == emptied(value)


@settings(deadline=None)
@given(st.text('"\\[]{}:outpswidge ', max_size=200))
def test_no_text_stops_the_leaving_out(text):
    slim.slim(text.encode())


OTHER_PLATFORMS = {
    "Blackboard": [
        "Set 1_{id}_attempt_2025-03-01-12-00-00_hw.ipynb",
        "Set 1_{id}_attempt_2025-03-01-12-00-00.txt",
    ],
    "Brightspace": ["12345-678{n} - {name} - Mar 1, 2025 1200 PM/hw.ipynb", "index.html"],
    "Sakai": ["Set/{last}({id})/Submission attachment(s)/hw.ipynb", "Set/grades.csv"],
}


@pytest.mark.parametrize("platform", OTHER_PLATFORMS)
def test_downloads_of_other_platforms_are_named_and_make_up_no_student(tmp_path, platform):
    people = [("al", "Ada Lovelace", "Lovelace, Ada"), ("bli", "Bo Li", "Li, Bo")]
    files = {
        path.format(id=id, name=name, last=last, n=n): handed_in() if "hw" in path else b"x"
        for path in OTHER_PLATFORMS[platform]
        for n, (id, name, last) in enumerate(people)
    }
    listed, said = roster(tmp_path, "student,name\nal,Ada Lovelace\nbli,Bo Li\n"), []
    found = by_student(find(put(tmp_path / "in", files), listed, words=said))
    assert sorted(found) == ["al", "bli"] and all(pick(one)[0] for one in found.values())
    assert any(f"a download of {platform}" in word for word in said)


def test_anonymous_downloads_are_said_and_gradescopes_numbers_as_well(tmp_path):
    names = {f"anon_a{i}Bxz_77000{i}_hw.ipynb": handed_in() for i in range(3)}
    said = []
    assert len(find(put(tmp_path / "a", names), words=said)) == 3 and "anonymous" in said[0]
    names = {f"submission_3000{i}/hw.ipynb": handed_in() for i in range(3)}
    names["submission_metadata.yml"] = b"x: y"
    said = []
    assert len(find(put(tmp_path / "b", names), words=said)) == 3 and "rename them" in said[1]


# --- A teacher's word -----------------------------------------------------------------------------


@pytest.fixture
def marked(tmp_path, source, graded):
    """A class whose three students have points, a changed test, and a settled REVIEW."""
    files = {f"{s}/hw.ipynb": handed_in() for s in ("202301234567", "202301234568", "3-4")}
    folder, out = put(tmp_path / "in", files), tmp_path / "out"
    put(folder, {"3-4/old.ipynb": handed_in(written="old")})
    os.utime(folder / "3-4/old.ipynb", (10**9, 10**9))
    assert run(source, folder, out) == 0
    ours.type_in(out, "202301234567", mark="1.5", test="2")
    ours.type_in(out, "202301234568", mark="1")
    ours.type_in(out, "3-4", mark="2", status="ok")
    assert run(source, folder, out) == 0
    return source, folder, out


def spoil_nothing(path):
    pass


def delete(path):
    path.unlink()


def empty(path):
    path.write_bytes(b"")


def only_head(path):
    path.write_text(path.read_text("utf-8-sig").splitlines()[0])


def filtered(path):
    path.write_text("\n".join(path.read_text("utf-8-sig").splitlines()[:2]))


def without(*names):
    def change(path):
        head, *rows = table(path)
        keep = [i for i, name in enumerate(head) if name not in names]
        ours.tables._table(path, [[row[i] for i in keep] for row in (head, *rows)])

    return change


def cut_short(path):
    path.write_text(path.read_text("utf-8-sig").rsplit(",", 2)[0])


def through_excel(path):
    text = path.read_text("utf-8-sig").replace('"3-4"', '"04-Mar"')
    path.write_text(re.sub(r'"20230123456\d"', '"2.02301E+11"', text))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (spoil_nothing, False),
        (delete, True),
        (empty, True),
        (only_head, True),
        (filtered, True),
        (cut_short, True),
        (without("t-04 (of 2)"), True),
        (without("t-02", "t-04 (of 2)", "status", "file"), True),
        (through_excel, False),
    ],
)
def test_what_a_teacher_typed_outlasts_the_table(marked, capsys, change, said):
    source, folder, out = marked
    before = (out / "grades.csv").read_bytes()
    change(out / "grades.csv")
    capsys.readouterr()
    for turn in range(2):
        assert run(source, folder, out) == 0
        assert (out / "grades.csv").read_bytes() == before
        assert ("restored from the last run" in capsys.readouterr().out) == (said and not turn)


def test_a_table_saved_in_another_format_is_said_not_to_be_read(marked, capsys):
    source, folder, out = marked
    (out / "grades.xlsx").write_bytes(b"PK")
    os.utime(out / "grades.csv", (10**9, 10**9))
    assert run(source, folder, out) == 0
    assert "grades.xlsx is not read: save the table as grades.csv" in capsys.readouterr().out


def test_points_are_taken_back_only_in_their_cells_and_it_is_said(marked, capsys):
    source, folder, out = marked
    ours.type_in(out, "202301234567", mark="", test="")
    assert run(source, folder, out) == 0
    row = lines(out)["202301234567"]
    assert (row["t-04 (of 2)"], row["t-02"]) == ("", "3")
    said = capsys.readouterr().out
    assert "Points taken back" in said and "202301234567 t-04 (1.5)" in said and "t-02 (2)" in said


def test_a_mangled_name_with_points_and_no_file_is_refused_with_what_to_do(marked, capsys):
    source, folder, out = marked
    for who in "202301234567", "202301234568":
        ours.type_in(out, who, file="", student="2.02301E+11")
    before = (out / "grades.csv").read_bytes()
    assert run(source, folder, out) == 2 and (out / "grades.csv").read_bytes() == before
    assert "column `student` as text" in capsys.readouterr().err


def test_restored_points_of_a_question_that_is_gone_are_not_lost_in_silence(marked, capsys):
    source, folder, out = marked
    (out / "grades.csv").unlink()
    text = source.read_text("utf-8").replace('"points": 2', '"points": 1')
    source.write_text(text, "utf-8")
    assert run(source, folder, out) == 2 and "name another OUT" in capsys.readouterr().err


def test_an_older_release_that_many_have_is_no_edit_and_one_students_is(tmp_path, source, graded):
    """Also if nbgrader's checksum, which anyone can compute, fits the edit."""
    text = 'assert double(2) == 4, "an older message"'
    files = {}
    for student, test in [("ada", text), ("bob", text), ("cem", None), ("mal", "assert True")]:
        book = notebook.solved(notebook.node(json.loads(json.dumps(SOURCE))))
        if test:
            book.cells[2].source = test
            book.cells[2].metadata.nbgrader.checksum = notebook.checksum(book.cells[2])
        files[f"{student}/hw.ipynb"] = notebook.writes(book).encode()

    def grade(assignment, submission, *, student, secret, unsafe):
        notes = classes.transplant.transplant(assignment, submission)[1]
        return ours.grading.Result(
            student,
            "REVIEW" if notes else "ok",
            {"t-02": 3},
            {"t-02": 3},
            {"t-02": ""},
            notes=notes,
        )

    folder, out = put(tmp_path / "in", files), tmp_path / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ours.grading, "grade", grade)
        assert run(source, folder, out) == 0
    got = {student: (row["status"], row["notes"]) for student, row in lines(out).items()}
    assert got == {
        **dict.fromkeys(("ada", "bob", "cem"), ("ok", "")),
        "mal": ("REVIEW", "t-02: this test cell was edited; the original is used"),
    }


# --- Names ----------------------------------------------------------------------------------------


def moodle(number, name):
    return {f"{name}_{number}_assignsubmission_file_/hw.ipynb": handed_in(written=str(number))}


def test_a_namesake_who_comes_later_moves_nobodys_row_marks_or_data(tmp_path, source, graded):
    folder, out = put(tmp_path / "in", moodle(11, "Ada L")), tmp_path / "out"
    assert run(source, folder, out) == 0
    ours.type_in(out, "Ada L", mark="2")
    put(folder, moodle(12, "Ada L"))
    graded.clear()
    assert run(source, folder, out) == 0
    assert graded == ["Ada L"]  # the new one, by the data that were drawn at home
    got = lines(out)
    assert got["Ada L"]["t-04 (of 2)"] == "2" and got["Ada L"]["file"].startswith("Ada L_11_")
    assert got["Ada L 12"]["t-04 (of 2)"] == "" and len(got) == 2


def test_namesakes_of_one_download_are_both_graded_by_the_name_they_know(tmp_path, source, graded):
    folder, out = put(tmp_path / "in", moodle(11, "Ada L") | moodle(12, "Ada L")), tmp_path / "out"
    assert run(source, folder, out) == 0
    assert graded == ["Ada L"] * 2 and sorted(lines(out)) == ["Ada L 11", "Ada L 12"]


def test_a_student_who_takes_another_name_stops_nobody(tmp_path, source, graded):
    folder, out = put(tmp_path / "in", moodle(11, "Ada") | moodle(12, "Mal")), tmp_path / "out"
    assert run(source, folder, out) == 0
    for who in "Ada", "Mal":
        ours.type_in(out, who, mark="2")
    os.rename(folder / "Mal_12_assignsubmission_file_", folder / "Ada_12_assignsubmission_file_")
    graded.clear()
    assert run(source, folder, out) == 0 and graded == []
    assert {s: row["t-04 (of 2)"] for s, row in lines(out).items()} == {"Ada": "2", "Mal": "2"}


def test_a_worksheet_with_one_name_twice_tells_them_apart_by_its_numbers(tmp_path, source, graded):
    folder = put(tmp_path / "in", moodle(11, "Ada") | moodle(12, "Ada"))
    text = "Identifier,Full name,Grade\nParticipant 11,Ada,\nParticipant 12,Ada,\n"
    assert run(source, folder, tmp_path / "out", "--roster", roster(tmp_path, text)) == 0
    assert sorted(lines(tmp_path / "out")) == ["Ada 11", "Ada 12"] and graded == ["Ada"] * 2


def test_an_exact_id_wins_over_a_name(tmp_path):
    folder = put(tmp_path / "in", {f"{s}/hw.ipynb": handed_in() for s in ("s01", "S02")})
    listed = roster(tmp_path, "student,name\ns01,Ada Lovelace\ns02,s01\ns03,S02\n")
    found = by_student(find(folder, listed))
    assert {s: len(one.files) for s, one in found.items()} == {"s01": 1, "s02": 1, "s03": 0}


def test_a_student_called_points_possible_is_on_the_roster(tmp_path):
    text = "Student,ID,SIS Login ID,Section\n    Points Possible,,,\n"
    text += '"Possible, Points Possible",12,pp,1\n'
    folder = put(tmp_path / "in", {"pointspossible_12_102_hw.ipynb": handed_in()})
    (one,) = find(folder, roster(tmp_path, text))
    assert one.student == "pp" and len(one.files) == 1


# --- Hostile files --------------------------------------------------------------------------------


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_is_stored_or_deflated_or_not_read(tmp_path, method):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", method) as archive, archive.open("hw.ipynb", "w") as file:
        for _ in range(60):
            file.write(bytes(1 << 20))
    tracemalloc.start()
    try:
        (one,) = find(put(tmp_path, {"ada/hw.zip": data.getvalue(), "bob/": ""}))[:1]
        path, notes = pick(one)
        assert path is None and "pack it as an ordinary zip file" in notes[0]
        assert tracemalloc.get_traced_memory()[1] < 10e6
    finally:
        tracemalloc.stop()


def test_a_bomb_of_many_members_is_read_up_to_a_bound_in_all(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "MAX_ARCHIVE", 3_000_000)
    monkeypatch.setattr(files, "MAX_BYTES", 1_000_000)
    bomb = packed({f"{i}.ipynb": bytes(1_200_000) for i in range(40)})
    (one,) = find(put(tmp_path, {"ada/hw.zip": bomb}))
    _, notes = pick(one)
    assert "more than 3 MB; the rest was not read" in notes[0] and len(notes) < 6


def list_of_links(number):
    """A zip file of links, made by hand: fast."""
    body, listed = io.BytesIO(), io.BytesIO()
    for i in range(number):
        name, at = b"%06d" % i, body.tell()
        body.write(struct.pack("<4s5H3I2H", b"PK\3\4", 20, 0, 0, 0, 33, 0, 0, 0, 6, 0) + name)
        head = (b"PK\1\2", 20 | 3 << 8, 20, 0, 0, 0, 33, 0, 0, 0, 6, 0, 0, 0, 0, 0o120777 << 16, at)
        listed.write(struct.pack("<4s6H3I5H2I", *head) + name)
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, number, number, listed.tell(), body.tell(), 0)
    return body.getvalue() + listed.getvalue() + end


def test_a_zip_of_many_links_makes_few_notes(tmp_path):
    folder = put(tmp_path, {"ada/hw.zip": list_of_links(20_000), "bob/hw.ipynb": handed_in()})
    put(folder, {"cem/hw.zip": list_of_links(60_000)})
    found = by_student(find(folder))
    assert len(found["ada"].problems) < 30
    assert sum(map(len, found["ada"].problems)) < 10_000
    assert "too many files" in found["cem"].problems[0] and len(found["bob"].files) == 1


def test_the_zips_of_a_class_are_not_kept_together(tmp_path):
    for i in range(6):
        data = io.BytesIO()
        with zipfile.ZipFile(data, "w") as archive:
            archive.writestr("hw.txt", os.urandom(4_000_000))
        put(tmp_path, {f"s{i}/hw.zip": data.getvalue(), f"s{i}/hw.ipynb": handed_in()})
    (tmp_path / "all.zip").write_bytes(
        packed({f"s{i}/hw.zip": (tmp_path / f"s{i}/hw.zip").read_bytes() for i in range(6)})
    )
    for place in tmp_path, tmp_path / "all.zip":
        tracemalloc.start()
        try:
            people = find(place)
            assert tracemalloc.get_traced_memory()[1] < 20e6
            assert len(people) >= 6
        finally:
            tracemalloc.stop()
            files._zip(lambda: io.BytesIO(packed({"x": "y"})))


@pytest.mark.parametrize("part", ["{},", "[],", "1,", '{"a":1},'])
def test_a_notebook_of_very_many_parts_is_refused_soon_and_small(part):
    text = '{"nbformat":4,"metadata":{"x":[' + part * (4_000_000 // len(part)) + '0]},"cells":[]}'
    began = time.process_time()
    with pytest.raises(notebook.Unreadable, match=r"lists and objects|0 cells"):
        notebook.parse(text)
    assert time.process_time() - began < 15


def test_many_parts_in_outputs_are_left_out():
    book = json.loads(handed_in())
    book["cells"][1]["outputs"] = [{"output_type": "display_data", "data": {"x": [{}] * 300_000}}]
    assert len(notebook.parse(json.dumps(book)).cells) == 5


HOSTILE_NAMES = [
    ".zip" * 16_000 + "x",
    "_1" * 30_000 + "x",
    "(1)" * 20_000,
    "a_1_attempt_" * 5000,
    "1-1 - " * 10_000,
    "_assignsubmission_" * 3000,
    "-" * 60_000,
    "/".join("d" * 500),
    "\u202e" * 20_000,
    "=" * 60_000,
    " " * 60_000,
]


@pytest.mark.parametrize("name", HOSTILE_NAMES, ids=lambda name: ascii(name[:12]))
def test_no_name_slows_the_class_or_its_pages(tmp_path, name):
    began = time.process_time()
    inside = {f"{name}{i}.ipynb": handed_in(written=str(i)) for i in range(20)}
    put(tmp_path, {"ada/hw.zip": packed(inside), "bob/hw.ipynb": handed_in()})
    put(tmp_path, {"all/x.zip": packed({f"{name}/{i}": handed_in() for i in range(20)})})
    found = by_student(find(tmp_path))
    (tmp_path / "w.zip").write_bytes(packed({f"{name}{i}/hw.ipynb": b"{}" for i in range(20)}))
    found |= by_student(find(tmp_path / "w.zip"))
    for one in found.values():
        path, notes = pick(one)
        assert sum(map(len, notes)) < 20_000
        for text in (one.student, path or "", *notes):
            assert len(file_name(text)) < 100 and len(cell_text(text)) < 5000
            line(text), clean(text)
    assert all(
        len(part) <= 255 for one in found.values() for f in one.files for part in f.path.split("/")
    )
    assert time.process_time() - began < 10


def test_a_folder_that_becomes_a_link_is_not_read_at_any_step(tmp_path):
    folder = put(tmp_path / "in", {"ada/a/hw.ipynb": handed_in(), "mal/a/hw.ipynb": blank()})
    found = by_student(find(folder))
    for swapped, target in ("mal", "ada"), ("mal/a", "../ada/a"):
        away = folder / swapped
        away.rename(tmp_path / "away")
        away.symlink_to(target)
        path, notes = pick(found["mal"])
        assert path is None and "a link, which is not followed" in notes[0]
        away.unlink()
        (tmp_path / "away").rename(away)
    assert pick(found["mal"])[0] == "mal/a/hw.ipynb"


def test_a_file_that_vanishes_while_files_are_looked_for_costs_nobody_else(tmp_path, monkeypatch):
    put(tmp_path, {f"s{i}/hw.ipynb": handed_in() for i in range(3)})
    opened = files._open

    def vanishing(base, parts):
        found = opened(base, parts)
        (tmp_path / "s1/hw.ipynb").unlink(missing_ok=True)
        return found

    monkeypatch.setattr(files, "_open", vanishing)
    scandir = os.scandir

    class Vanishing:
        def __init__(self, where):
            self.inner = scandir(where)

        def __enter__(self):
            return self

        def __exit__(self, *error):
            self.inner.close()

        def __iter__(self):
            for entry in [*self.inner]:
                (tmp_path / "s2/hw.ipynb").unlink(missing_ok=True)
                yield entry

    monkeypatch.setattr(os, "scandir", Vanishing)
    found = by_student(find(tmp_path))
    assert sorted(found) == ["s0", "s1", "s2"] and pick(found["s0"])[0]


def test_nothing_of_a_students_reaches_the_terminal_raw(tmp_path, source, capsys):
    book = json.loads(handed_in())
    evil = "2\x1b]0;OWNED\x07\x1b[2J\u202e\nlook: bob: cheated\u2028not collected: bob"
    book["metadata"]["language_info"] = {"name": "python", "version": evil}
    files = {"ada\x1b[2J\nlook: bob: x/hw.ipynb": json.dumps(book).encode()}
    files |= {f"eve\u202e/x\nnot collected: bob: {evil[2:9]}.ipynb": b"{"}
    files |= {"eve\u202e/hw.ipynb": handed_in(), "bob/hw.ipynb": handed_in()}
    folder = put(tmp_path / "in", files)
    main(["collect", str(source), str(folder), str(tmp_path / "nb")])
    said = capsys.readouterr().out
    forged = "look: bob", "not collected: bob"
    assert not any(text.startswith(forged) for text in said.split("\n"))
    assert not RAW.search(said.replace("\n", ""))


@given(st.text())
def test_a_line_is_one_line_of_visible_text(text):
    assert not RAW.search(line(text))
    assert line(text) == line(line(text))


def test_no_text_turns_the_direction_of_a_page_or_a_table(tmp_path, source, graded):
    turned = "a\u202eb\u2066c\u2069"
    folder = put(tmp_path / "in", {f"{turned}/hw.ipynb": handed_in(written=turned)})
    assert run(source, folder, tmp_path / "out") == 0
    for path in [*(tmp_path / "out").rglob("*.html"), *(tmp_path / "out").glob("*.csv")]:
        assert not re.search("[\u202a-\u202e\u2066-\u2069]", path.read_text("utf-8"))


def both_separators(text):
    """Cells as an import sees them that takes commas, semicolons and tabs for separators."""
    rows = []
    for text_line in text.splitlines():
        cells, quoted = [""], False
        for c in text_line:
            quoted ^= c == '"'
            if c in ",;\t" and not quoted:
                cells.append("")
            elif c != '"':
                cells[-1] += c
        rows.append(cells)
    return rows


def test_a_name_cannot_become_cells_whatever_separates_them(tmp_path, source, graded):
    name = "hw.ipynb;ok;6;6;3;2;1;4;.ipynb"
    folder = put(tmp_path / "in", {f"mal/{name}": handed_in(), "ada;ok,1/hw.ipynb": handed_in()})
    assert run(source, folder, tmp_path / "out") == 0
    for path in (tmp_path / "out").glob("*.csv"):
        rows = both_separators(path.read_text("utf-8-sig"))
        assert len({len(row) for row in rows}) == 1
        assert rows == table(path)


def test_a_long_answer_is_cut_in_the_pages_with_a_word(tmp_path, source, graded):
    folder = put(tmp_path / "in", {"mal/hw.ipynb": handed_in(written='"' * 3_000_000)})
    put(folder, {"ada/hw.ipynb": handed_in(written="mine")})
    out = tmp_path / "out"
    assert run(source, folder, out) == 0
    for page in (out / "written.html", out / "feedback/mal.html"):
        assert page.stat().st_size < 1_000_000
        assert "2900000 more characters are in the notebook" in page.read_text("utf-8")
    assert "mine" in (out / "written.html").read_text("utf-8")


def test_all_tables_are_read_by_the_importers_rules(tmp_path, source, graded):
    listed = roster(tmp_path, ours.WORKSHEET)
    assert run(source, put(tmp_path / "in", ours.MOODLE), tmp_path / "out", "--roster", listed) == 0
    with open(tmp_path / "out/grades-moodle.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {"Identifier", "Grade", "Last modified (grade)", "Feedback comments"} <= rows[0].keys()
    assert sum(row["Identifier"].removeprefix("Participant ").isdigit() for row in rows) == len(
        rows
    )
    head, points, *_ = table(tmp_path / "out/grades-canvas.csv")
    assert ours.canvas_takes(head) and points[0] == "    Points Possible"


def test_too_many_files_of_one_student_are_told_in_few_words(tmp_path):
    inside = {f"{'x' * 200}{i}.ipynb": "{" for i in range(300)}
    (one,) = find(put(tmp_path, {"ada/hw.zip": packed(inside)}))
    _, notes = pick(one)
    assert len(notes) < 30 and any("and 180 more files" in note for note in notes)
    assert choose(one, lambda data: 1)[0] is not None
    assert submissions.MAX_FILES == 200
