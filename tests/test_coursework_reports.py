"""What the reports of a class say, and who is found, where a class is out of the ordinary."""

import base64
import contextlib
import hashlib
import io
import os
import re
from dataclasses import replace

import pytest
import test_coursework_classes as ours
from hypothesis import given, settings
from hypothesis import strategies as st
from test_coursework_classes import ASKED, by_student, cell, check_page, put, table, words

from xentlib.coursework import files as limits
from xentlib.coursework import marks, reports, tables
from xentlib.coursework.choosing import choose
from xentlib.coursework.pages import feedback_page, written_page
from xentlib.coursework.roster import Submission
from xentlib.coursework.rows import Question, Row, questions
from xentlib.coursework.safe import clean, file_name, file_names
from xentlib.coursework.submissions import find

WHY, HOW = Question("w", 2.0, True, "1. Why?"), Question("v", 1, True, "How?", "Say how.")
MIXED = [WHY, Question("a", 1, False, "A"), Question("b", 4, False, "B < C"), HOW]


def page_of(row, asked=MIXED):
    soup = check_page(feedback_page(row, asked, "set"))
    return soup, words(soup.main.get_text(" "))


def test_a_question_has_the_last_heading_and_the_text_since_the_question_before():
    first, *more = [cell("code", f"# no\nassert {i}", i, grade=True, points=1) for i in "abc"]
    texts = [cell("markdown", t) for t in ("# Set", "## Bits (1 point)\n\nrubric: one", "So?")]
    asked = questions(ours.notebook_of(first, *texts, *more))
    assert [q.title for q in asked] == ["a", "Bits (b)", "Bits (c)"]
    expected = [("# Set\n\n## Bits (1 point)\n\nSo?", "rubric: one"), ("", "")]
    assert [(q.prompt, q.rubric) for q in asked[1:]] == expected


def test_a_file_name_is_safe_on_any_system_and_differs_from_the_one_it_replaces():
    assert file_name("aux.v2") != "aux.v2" and file_name("a/b") != "a_b"
    assert len({name.replace("ﬁ", "fi") for name in file_names(["ﬁx", "fix"]).values()}) == 2


def test_marks_of_several_questions_are_read_up_to_full_marks(tmp_path):
    put(tmp_path, {"grades.csv": "student,a,w (of 2),v (of 1)\nada,1, 2 ,0.25\nbob,1, ,\n"})
    assert ours.marked(tmp_path, MIXED) == {"ada": {"w": "2", "v": "0.25"}}


def test_each_table_has_the_points_and_the_numbers_of_its_own_lms(tmp_path, monkeypatch):
    lms = {"kind": "moodle", "id": "12", "identifier": "Teilnehmer/in12", "username": "ada22"}
    ada = Row(Submission("s1", "Ada", lms={"kind": "canvas", "id": "501"}), "ok", "'=f")
    ada.scores, ada.marks, ada.notes = {"a": 1, "b": 2.125}, {"w": "2"}, ["−1", "2" * 2000]
    ada.written = {"v": "So."}
    ada.messages = {"a": "passed", "b": "a;=1 <?x " + "y" * 300}
    eve = Row(Submission("s2", "Eve", "e@x", lms={**lms, "modified": "Monday"}), "UNREADABLE")
    rows = [ada, replace(eve, marks={"w": "1.5"}), Row(Submission("p", "Pat"), "MISSING")]
    monkeypatch.setattr(reports, "questions", lambda source: MIXED)
    reports.write_all(tmp_path, rows, ours.SOURCE, "set1", "key")
    plain, canvas, moodle = (table(tmp_path / f"grades{x}.csv") for x in ("", "-canvas", "-moodle"))
    assert (tmp_path / "grades.csv").stat().st_mode & 0o777 == 0o644
    assert "<h1>Doubling: written" in (tmp_path / "written.html").read_text("utf-8")
    assert plain[0][4:] == ["auto_max", "a", "b", "w (of 2)", "v (of 1)", "notes"]
    assert plain[1][1:-1] == ["''=f", "ok", "3.125", "5", "1", "2.125", "2", ""]
    assert plain[1][-1] == "'−1 | " + "2" * 1995 + " …"
    assert plain[2][3:] == ["", "5", "", "", "1.5", "", ""]
    assert canvas[0][-1] == "set1" and canvas[2] == ["Ada", "501", "", "", "5.125"]
    assert canvas[3:] == [["Eve", "", "s2", "", "1.5"], ["Pat", "", "p", "", ""]]
    assert moodle[1][:-1] == ["", "Ada", "", "s1", "", "5.125", "8", "–"]
    assert moodle[2][:-1] == ["Teilnehmer/in12", "Eve", "e@x", "", "ada22", "1.5", "8", "Monday"]
    assert moodle[3] == ["", "Pat", "", "p", "", "", "8", "–", "Nothing was handed in."]
    lost = f"(a;'=1 &lt;?x {'y' * 191})"
    assert moodle[1][-1] == f"w: 2 of 2 | a: 1 of 1 | b: 2.125 of 4 {lost} | v: not yet of 1"


@pytest.mark.parametrize("text", ours.HOSTILE, ids=ascii)
def test_every_field_of_a_page_is_dead_whole_and_clean(text):
    row = Row(Submission(text, text), "ok", text, scores={"t-02": 0}, written={"t-04": text})
    row.messages = {"t-02": text}
    asked = [ASKED[0], replace(ASKED[1], title=text, prompt=text, rubric=text, model=text)]
    unread = Row(row.submission, "UNREADABLE", notes=[text])
    pages = [feedback_page(r, asked, text) for r in (row, unread)]
    for page in (*pages, written_page([row, unread], asked, text, "key")):
        soup = check_page(page)
        assert {words(tag.get_text()) for tag in soup(["bdi", "pre"])} == {words(text)}
        assert all(words(text) in words(tag.get_text()) for tag in (soup.title, soup.h1))
        assert clean(page) == page and soup.meta["charset"] == "utf-8"
        style = base64.b64encode(hashlib.sha256(soup.style.get_text().encode()).digest())
        assert f"\"default-src 'none'; style-src 'sha256-{style.decode()}'\"" in page


def test_a_page_leads_from_each_question_to_its_section_and_to_the_largest_gain_first():
    row = Row(Submission("ada"), "ok", "hw.ipynb", scores={"a": 0, "b": 2}, marks={"w": "1.5"})
    row.written = {"w": "Thus.", "v": "So."}
    soup, text = page_of(row)
    heads = [(f"#{part['id']}", part.h2.get_text()) for part in soup("section")]
    links = [(a["href"], a.get_text()) for a in soup("a")]
    assert links == [*heads, heads[2], heads[1]]
    assert [head[1] for head in heads] == ["1. Why?", "2. A", "3. B < C", "4. How?"]
    assert [li.get_text().split(" point")[0] for li in soup("li")] == ["3. B < C, 2", "2. A, 1"]
    assert [tr.td.get_text() for tr in soup.tbody("tr")] == ["1.5", "0", "2", "not yet"]
    for said in "3.5 of 8 points so far", "Graded: hw.ipynb", "answer, 1.5 of 2", "not yet marked":
        assert said in text
    assert "Not passed : 2 of 4" in text and "The test failed without a message." in text
    assert "by hand" not in text and "as it was handed out" not in text
    assert "so far" not in page_of(replace(row, marks={"w": "1", "v": "1"}))[1]


def test_a_page_says_what_the_student_can_do_next():
    row = Row(Submission("ada"), "REVIEW", "f", scores={"a": 1, "b": 4})
    assert "passed. Compare your written" in page_of(row)[1] and "by hand" in page_of(row)[1]
    assert "passed. Well done." in page_of(row, MIXED[1:3])[1]
    assert "still as" in page_of(replace(row, scores={}, messages={"a": "NotImplementedError"}))[1]
    first = {"MISSING": "Nothing was", "REVIEW": "Not graded", "UNREADABLE": "could not be read"}
    for status, said in first.items():
        text = page_of(Row(Submission("ada"), status, notes=["no JSON"]))[1]
        assert said in text
        assert ("no JSON" in text) == ("save it, and hand in" in text) == (status == "UNREADABLE")


def test_answers_are_read_without_names_and_nobodys_two_answers_are_linked():
    rows = [Row(Submission(f"s{i}"), "ok", "f", written={"w": "x", "v": "y"}) for i in range(9)]
    soup = check_page(written_page(rows, MIXED, "set", "key"))
    assert [a["href"] + a.get_text() for a in soup("a")] == ["#q11. Why?", "#q44. How?"]
    assert len({h3.get_text() for h3 in soup("h3")}) == 18 and "Say how." in soup.get_text()
    assert sorted(b.get_text() for b in soup("bdi")) == sorted([r.student for r in rows] * 2)
    page = check_page(written_page(rows, ASKED, "set", "key"))
    assert [d.summary.get_text() for d in page("details", open=True)] == ["Rubric"]
    for closed in soup("details", open=False):
        closed.decompose()
    assert not re.search(r"\bs\d\b", soup.get_text())


LAYOUTS = [  # what was handed in, the roster, and the number of files of each student
    ("all/ all/ada/hw.ipynb", "", {"ada": 1}),
    ("in/a/ada/hw.ipynb in/a/bob/hw.ipynb", "", {"ada": 1, "bob": 1}),
    ("ada/hw.ipynb ada/data/x.csv ada/img/y.png", "", {"ada": 3}),
    ("b/hw.ipynb b/~$hw.ipynb b/.ipynb_checkpoints/hw.ipynb eve/", "", {"b": 1, "eve": 0}),
    ("C.ipynb.txt b.IPYNB .ipynb", "", {"b": 1, "C": 1, "unnamed": 1}),
    ("a\x01/hw.ipynb a\x02/hw.ipynb", "", {"a\ufffd": 1, "a\ufffd (2)": 1}),
    ("in/a/ada.ipynb in/a/bob.ipynb", "student\nada,more\nbob", {"ada": 1, "bob": 1}),
    ("!!!/hw.ipynb", "student\nada", {"!!!": 1, "ada": 0}),
    ("AdaL/hw.ipynb adal/hw.ipynb", "student,name\na1,AdaL", {"a1": 1, "adal": 1}),
    ("b", "student,name\nb,Eve\na,b", {"a": 0, "b": 1}),
    ("ABLM S3", 'Student,ID,SIS User ID,Section\n"L M, A B",1,,\nB,2,S3,', {"S3": 1, "1": 1}),
    ("S1", "Student,ID,SIS User ID,SIS Login ID,Section\nTest Student,2,S1,t,", {"t": 1}),
    ("u1 u2", "Full name,ID number,Username\nA,,u1\nB,7,u2", {"u1": 1, "7": 1}),
    ("AL", "First name;Surname\nA;L\nB;M, N, O, P, Q", {"A L": 1, "B M, N, O, P, Q": 0}),
]


@pytest.mark.parametrize(("names", "listed", "files"), LAYOUTS)
def test_everyone_is_found_once_in_the_order_of_names(tmp_path, names, listed, files):
    (tmp_path / "all.zip").write_bytes(ours.packed(dict.fromkeys(names.split(), "{}")))
    found = find(tmp_path / "all.zip", listed and ours.roster(tmp_path, listed))
    assert [(one.student, len(one.files)) for one in found] == list(files.items())


def test_a_roster_is_read_as_it_was_saved_and_kept_for_the_way_back(tmp_path, monkeypatch):
    text = "Identifier;Full name;Username;Last modified (grade)\nTeilnehmer/in7;Émile B;e;Monday\n"
    put(tmp_path, {"emileb.ipynb": "{}", "roster.csv": text.encode("cp1252")})
    monkeypatch.chdir(tmp_path)
    (one,) = find(".", "roster.csv")
    assert (one.student, one.name, len(one.files)) == ("e", "Émile B", 1)
    assert one.lms["identifier"] == "Teilnehmer/in7" and one.lms["modified"] == "Monday"


def test_what_needs_a_look_stays_with_the_student_of_the_roster(tmp_path):
    files = {"a1.ipynb": "{}", "Ada L/x.ipynb": "{}", "bob.ZIP": "PK", "dan.zip": ours.packed({})}
    files["cem.zip"] = ours.packed({f"{i}.csv": "" for i in range(203)})
    listed = ours.roster(tmp_path, "student,name\na1,Ada L\nbob\ncem\ndan\n")
    found = by_student(find(put(tmp_path / "in", files), listed))
    assert found["a1"].notes == ["all of these were taken for this student: Ada L, a1"]
    assert found["bob"].problems == ["bob.ZIP: not a readable zip file"]
    assert found["cem"].notes == ["more than 200 files; the rest was not looked at"]
    assert found["dan"].problems == ["dan.zip: an empty zip file"]


@pytest.mark.parametrize("place", [37, -120, -114], ids=["data", "method", "sum"])
def test_a_damaged_archive_in_the_download_costs_nobody_else_a_place(tmp_path, place):
    data = bytearray(ours.packed({"bob.zip": bytes(range(256)), "ada.ipynb": "{}"}))
    data[place] ^= 99
    found = by_student(find(put(tmp_path, {"all.zip": bytes(data)}) / "all.zip"))
    assert len(found["ada"].files) == 1 and re.search(
        "damaged|packed with", found["bob"].problems[0]
    )
    with pytest.raises(ValueError, match="not a readable zip"):
        find(put(tmp_path, {"all.zip": "PK"}) / "all.zip")
    assert "not a readable zip" in find(tmp_path)[0].problems[0]


def test_limits_allow_what_they_say_and_no_more(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "MAX_BYTES", 1000)
    files = {"ada/a.ipynb": b"1" * 1000, "ada/b.ipynb": b"1" * 1001, "d/" * 12 + "x": ""}
    files |= {"d/" * 13 + "y": "", "eve.zip": ours.packed(dict.fromkeys("abcdefghijkl", "{}"))}
    found = by_student(find(put(tmp_path, files)))
    assert choose(found["ada"], len)[1:] == (b"1" * 1000, ["ada/b.ipynb: larger than 0 MB"])
    assert len(found["eve"].files) == 12 and len(found["d"].files) == len(found["d"].problems) == 1


def test_of_files_of_one_age_the_highest_number_is_graded_and_the_rest_told_once(tmp_path):
    files = {"a/hw (2).ipynb": "2", "a/hw (10).ipynb": "10", "a/x.ipynb": "", "a/x.zip": "PK"}
    files |= {"b/HW.PDF": "", "c_1_9_hw.ipynb": "9", "c_1_10_hw.ipynb": "10"}
    a, b, c = find(put(tmp_path, {"all.zip": ours.packed(files)}) / "all.zip")
    assert choose(a, lambda data: 0)[1] == choose(c, len)[1] == b"10"
    notes = " ".join(choose(a, lambda data: 0)[2])
    for said in "hw (2).ipynb", "no cell has an id", "x.ipynb: empty", "x.zip: not a":
        assert notes.count(said) == 1
    assert "a PDF" in choose(b, len)[2][0]


def test_an_export_beside_the_notebook_needs_no_look(tmp_path):
    files = {"hw.ipynb": "{}", "hw.html": "<p>", "hw.pdf": "%PDF", "data.csv": "1,2"}
    (one,) = find(put(tmp_path, {f"ada/{name}": text for name, text in files.items()}))
    assert choose(one, lambda data: {b"{}": 1}[data])[1:] == (b"{}", [])


def test_where_too_much_was_handed_in_someone_looks(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "MAX_ARCHIVE", 1_000_000)
    (one,) = find(put(tmp_path, {f"ada/{i}.ipynb": b"1" * 400_000 for i in range(4)}))
    assert "more than 1 MB; the rest was not read" in choose(one, lambda data: 1)[2]


@pytest.mark.parametrize(("mark", "offset"), [(b"PK\1\2", 6), (b"PK\3\4", 4)])
def test_a_zip_of_an_unknown_version_costs_only_its_student(tmp_path, mark, offset):
    data = bytearray(ours.packed({"hw.ipynb": "{}"}))
    data[data.index(mark) + offset] = 99
    found = by_student(find(put(tmp_path, {"ada/x.zip": bytes(data), "bob/hw.ipynb": "{}"})))
    assert len(found["bob"].files) == 1
    choose(found["ada"], len)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=5))
def test_no_damage_to_a_zip_costs_more_than_its_own_files(changes):
    data = bytearray(ours.packed({"hw.ipynb": "{}" * 50, "b/c.ipynb": "{}"}))
    for place, value in changes:
        data[place % len(data)] = value
    entry = limits.File("x.zip", 0, lambda: bytes(data), lambda: io.BytesIO(data))
    for one in limits.opened([limits.Entry(("x.zip",), entry)]):
        if one.file:
            with contextlib.suppress(limits.Unusable):
                one.file.read()


@pytest.mark.parametrize(
    "text",
    [
        "student,w (of 3),v (of 1)\nada,2.5,\n",  # the points of the question were changed
        "student,x (of 2)\nada,1\n",  # the question was dropped
        "Who,w (of 2)\nada,1\n",
    ],
)
def test_marks_that_fit_no_question_are_refused_and_not_written_over(tmp_path, text):
    with pytest.raises(ValueError, match=r"has points in the column|no column `student`"):
        marks.read(put(tmp_path, {"grades.csv": text}), MIXED)


def test_marks_are_read_from_every_way_to_save_a_table(tmp_path):
    text = "student\tw (of 2)\tx (of 9)\r\nÉmile\t1,5\t\r\n"
    for encoding in "utf-8", "utf-8-sig", "utf-16", "cp1252":
        put(tmp_path, {"grades.csv": text.encode(encoding)})
        assert ours.marked(tmp_path, MIXED) == {"Émile": {"w": "1.5"}}
    with pytest.raises(ValueError, match="not a table"):
        marks.read(put(tmp_path, {"grades.csv": "student\n" + "a" * 200_000}), MIXED)


def test_a_namesake_with_another_number_is_another_student(tmp_path):
    listed = "Identifier,Full name\nParticipant 1234,Ada Lovelace\n"
    names = ["Ada Lovelace_1236", "Bob_7"]
    put(tmp_path / "in", {f"{name}_assignsubmission_file_/hw.ipynb": "{}" for name in names})
    more = "Participant 7,Bob\n"
    found = find(tmp_path / "in", ours.roster(tmp_path, listed + more))
    assert [(len(one.files), bool(one.notes)) for one in found] == [
        (0, False),
        (1, True),
        (1, False),
    ]
    more = "Participant 8,Bob\n"  # the numbers of another assignment: only names are left
    found = find(tmp_path / "in", ours.roster(tmp_path, listed + more))
    assert [(len(one.files), bool(one.notes)) for one in found] == [(1, False), (1, False)]


def test_nobody_has_a_total_before_being_graded_and_points_by_hand_are_shown():
    row = Row(Submission("ada"), "REVIEW", "hw", ["later"], marks={"w": "1.5"}, waiting=True)
    assert row.total is None and "1.5" not in page_of(row)[1]
    row.status, row.waiting = "UNREADABLE", False
    assert row.total == 1.5 and "w: 1.5 of 2" in page_of(row)[1]
    assert tables._comment(row, MIXED).endswith("notebook. | w: 1.5 of 2")


def test_names_that_look_like_those_made_for_others_stay_apart():
    made = file_names(["Ada", "ada", file_names(["Ada", "ada"])["ada"]])
    assert len({name.casefold() for name in made.values()}) == 3


def test_the_heading_is_one_that_a_reader_sees(tmp_path):
    source = ours.notebook_of(cell("code", "# run me first", "c"), *ours.SOURCE["cells"])
    reports.write_all(tmp_path, [], source, "set1", "key")
    assert "<title>Doubling: " in (tmp_path / "written.html").read_text("utf-8")


def test_a_newer_notebook_of_another_set_is_not_graded(tmp_path):
    """Sets share names of cells, such as q1: the one with most of them is meant."""
    shares = {b"this": 0.9, b"half": 0.3, b"other": 0.0}
    put(tmp_path, {f"ada/{name.decode()}.ipynb": name for name in shares})
    for age, name in enumerate(("this", "half", "other")):
        os.utime(tmp_path / f"ada/{name}.ipynb", (1000 * age, 1000 * age))
    (one,) = find(tmp_path)
    _, data, notes = choose(one, shares.get)
    assert (data, notes) == (b"this", ["several notebooks; not graded: ada/half.ipynb"])
    one.files = [file for file in one.files if "this" not in file.path]
    assert "hardly any cell" in choose(one, shares.get)[2][0]
