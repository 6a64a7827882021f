"""What a teacher changes in grades.csv stays, and reaches the reports; nothing of it is lost."""

import json
import zipfile

import pytest
import test_coursework_classes as ours
from bs4 import BeautifulSoup
from test_coursework_classes import handed_in, lines, put, roster, run, table
from test_coursework_classes import type_in as change

from xentlib.coursework import marks, tables

source, graded = ours.source, ours.graded  # fixtures


def feedback(out, student):
    page = (out / f"feedback/{student}.html").read_text("utf-8")
    return " ".join(BeautifulSoup(page, "html.parser").main.get_text(" ").split())


def two(tmp_path):
    files = {"ada/hw.ipynb": handed_in(), "bob/1.ipynb": handed_in(written="a")}
    return put(tmp_path / "in", files | {"bob/2.ipynb": handed_in(written="b")}), tmp_path / "out"


def test_points_of_a_test_can_be_corrected_and_given_back(tmp_path, source, graded):
    folder, out = two(tmp_path)
    assert run(source, folder, out) == 0
    change(out, "ada", test="1,5")
    for _ in range(2):  # it stays
        assert run(source, folder, out) == 0
        assert (lines(out)["ada"]["t-02"], lines(out)["ada"]["auto"]) == ("1.5", "1.5")
    assert "1.5 of 3 points, given by hand" in feedback(out, "ada")
    assert [row[-1] for row in table(out / "grades-canvas.csv")[2:]] == ["1.5", "3"]
    change(out, "ada", test="")  # the program's again
    assert run(source, folder, out) == 0
    assert lines(out)["ada"]["t-02"] == "3" and "by hand" not in feedback(out, "ada")
    for wrong in "3.5", "-1", "x":
        change(out, "ada", test=wrong)
        assert run(source, folder, out) == 2


def test_corrected_points_outlast_a_new_file_and_someone_is_told(tmp_path, source, graded):
    folder, out = two(tmp_path)
    assert run(source, folder, out) == 0
    change(out, "ada", test="1")
    put(folder, {"ada/hw.ipynb": handed_in(written="new")})
    for _ in range(2):
        assert run(source, folder, out) == 0
        ada = lines(out)["ada"]
        assert (ada["t-02"], ada["status"]) == ("1", "REVIEW") and "t-02: your points" in ada[
            "notes"
        ]


def test_a_review_is_settled_by_writing_ok_until_there_is_something_new(tmp_path, source, graded):
    folder, out = two(tmp_path)
    assert run(source, folder, out) == 0
    assert lines(out)["bob"]["status"] == "REVIEW" and "look at this" in feedback(out, "bob")
    change(out, "bob", status="ok")
    for _ in range(2):
        assert run(source, folder, out) == 0
        assert lines(out)["bob"]["status"] == "ok" and "look at this" not in feedback(out, "bob")
        assert "several notebooks" in lines(out)["bob"]["notes"]
    change(out, "bob", status="REVIEW")
    assert run(source, folder, out) == 0 and lines(out)["bob"]["status"] == "REVIEW"
    change(out, "bob", status="ok")
    put(folder, {"bob/3.ipynb": handed_in(written="c")})
    assert run(source, folder, out) == 0 and lines(out)["bob"]["status"] == "REVIEW"


def test_a_mark_belongs_to_the_answer_that_was_marked(tmp_path, source, graded):
    folder, out = two(tmp_path)
    assert run(source, folder, out) == 0
    change(out, "ada", mark="2")
    assert run(source, folder, out) == 0 and lines(out)["ada"]["t-04 (of 2)"] == "2"
    put(folder, {"ada/hw.ipynb": handed_in(written="another answer")})
    for _ in range(2):
        assert run(source, folder, out) == 0
        ada = lines(out)["ada"]
        assert (ada["t-04 (of 2)"], ada["status"]) == ("", "REVIEW")
        assert "t-04: 2 points for an earlier answer" in ada["notes"]
        assert "not yet marked" in feedback(out, "ada")
    change(out, "ada", mark="1")
    for _ in range(2):
        assert run(source, folder, out) == 0
        ada = lines(out)["ada"]
        assert (ada["t-04 (of 2)"], ada["status"], ada["notes"]) == ("1", "ok", "")


def test_who_handed_in_nothing_readable_can_be_given_points(tmp_path, source, graded):
    out, listed = tmp_path / "out", roster(tmp_path, "student\nada\nbob\neve\n")
    folder = put(tmp_path / "in", {"ada/hw.ipynb": handed_in(), "bob/hw.ipynb": b"{"})
    args = source, folder, out, "--roster", listed
    assert run(*args) == 0
    change(out, "bob", test="2", mark="1.5")
    change(out, "eve", test="3")
    for _ in range(2):
        assert run(*args) == 0
        assert [row[-1] for row in table(out / "grades-canvas.csv")[2:]] == ["3", "3.5", "3"]
        assert (lines(out)["bob"]["t-02"], lines(out)["bob"]["status"]) == ("2", "UNREADABLE")
    assert "t-02: 2 of 3" in feedback(out, "bob") and "t-02: 3 of 3" in feedback(out, "eve")


def test_who_was_graded_before_keeps_it_where_only_late_files_are_given(tmp_path, source, graded):
    out, listed = tmp_path / "out", roster(tmp_path, "student\nada\nbob\neve\n")
    early = put(tmp_path / "early", {"ada/hw.ipynb": handed_in()})
    late = put(tmp_path / "late", {"bob/hw.ipynb": handed_in()})
    assert run(source, early, out, "--roster", listed) == 0
    change(out, "ada", mark="2")
    for folder, status in ((late, "REVIEW ok MISSING"), (early, "ok REVIEW MISSING")):
        for _ in range(2):
            assert run(source, folder, out, "--roster", listed) == 0
            assert [line["status"] for line in lines(out).values()] == status.split()
            assert [row[-1] for row in table(out / "grades-canvas.csv")[2:]] == ["5", "3", ""]
    assert "graded before, and not in SUBMISSIONS now" in lines(out)["bob"]["notes"]


def test_a_table_saved_with_semicolons_is_written_so_again(tmp_path, source, graded):
    folder, out = two(tmp_path)
    assert run(source, folder, out) == 0
    change(out, "ada", mark="1,5", test="2,5")
    text = (out / "grades.csv").read_text("utf-8-sig")
    assert ";" not in text.replace("; ", "")
    rows = table(out / "grades.csv")
    tables._table(out / "grades.csv", rows, "cp1252", ";")
    for _ in range(2):
        assert run(source, folder, out) == 0
        (ada,) = [line for line in ours.read_csv(out / "grades.csv") if line["student"] == "ada"]
        assert (ada["t-04 (of 2)"], ada["t-02"], ada["auto"]) == ("1,5", "2,5", "2,5")
    assert table(out / "grades-canvas.csv")[2][-1] == "4"


def test_zeros_that_a_spreadsheet_dropped_from_a_number_cost_nothing(tmp_path, source, graded):
    folder = put(tmp_path / "in", {"0020/a.ipynb": handed_in(), "7/b.ipynb": handed_in()})
    out = tmp_path / "out"
    assert run(source, folder, out) == 0
    change(out, "0020", mark="2", test="1", student="20")
    assert run(source, folder, out) == 0
    marked = {s: (line["t-02"], line["t-04 (of 2)"]) for s, line in lines(out).items()}
    assert marked == {"0020": ("1", "2"), "7": ("3", "")}
    put(folder, {"20/a.ipynb": handed_in()})
    assert run(source, folder, out) == 0
    change(out, "0020", student="2.0E+1")
    assert run(source, folder, out) == 0  # the file says whose they are
    assert lines(out)["0020"]["t-04 (of 2)"] == "2"
    change(out, "0020", file="", student="2.0E+1")
    assert run(source, folder, out) == 2  # whose are they?


def test_another_secret_is_not_made_up_where_one_was_given(tmp_path, source, graded, capsys):
    folder, out = two(tmp_path)
    assert run(source, folder, out, "--secret-file", tmp_path / "secret") == 0
    assert run(source, folder, out) == 2
    assert "give --secret-file as before" in capsys.readouterr().err
    assert run(source, folder, out, "--secret-file", tmp_path / "secret") == 0
    assert sorted(graded) == ["ada", "bob"]


def test_a_run_that_was_stopped_keeps_what_was_typed(tmp_path, source, graded):
    folder, out = two(tmp_path)
    put(folder, {"bob/2.ipynb": handed_in("# then Ctrl-C")})
    (folder / "bob/1.ipynb").unlink()
    assert run(source, folder, out) == 130
    put(folder, {"bob/2.ipynb": handed_in()})
    assert run(source, folder, out) == 0
    change(out, "bob", mark="2", test="1", status="ok")
    assert run(source, folder, out) == 0
    put(folder, {"ada/hw.ipynb": handed_in("# Ctrl-C")})
    source.write_text(source.read_text("utf-8").replace("Doubling", "Twice"), "utf-8")
    for _ in range(2):
        assert run(source, folder, out) == 130
        bob = lines(out)["bob"]
        assert (bob["status"], bob["t-02"], bob["t-04 (of 2)"]) == ("REVIEW", "", "2")
    put(folder, {"ada/hw.ipynb": handed_in()})
    assert run(source, folder, out) == 0
    bob = lines(out)["bob"]
    assert (bob["status"], bob["t-02"], bob["t-04 (of 2)"]) == ("ok", "1", "2")


def test_a_record_that_is_lost_or_damaged_costs_no_mark(tmp_path, source, graded):
    folder, out = two(tmp_path)
    assert run(source, folder, out) == 0
    change(out, "ada", mark="2")
    for text in "", "{", "[]", json.dumps({"ada": {"marks": {"odd": 1}}}):
        (out / ".table.json").write_text(text)
        assert run(source, folder, out) == 0
        assert (lines(out)["ada"]["t-04 (of 2)"], lines(out)["ada"]["t-02"]) == ("2", "3")
    assert marks.read(tmp_path / "nowhere", ours.ASKED) == {}


def test_points_typed_while_a_run_goes_on_are_not_overwritten(
    tmp_path, source, graded, monkeypatch
):
    folder, out = two(tmp_path)
    assert run(source, folder, out) == 0
    grade = ours.grading.grade

    def slowly(*args, **options):
        change(out, "ada", mark="2")
        return grade(*args, **options)

    monkeypatch.setattr(ours.grading, "grade", slowly)
    put(folder, {"bob/3.ipynb": handed_in(written="new")})
    assert run(source, folder, out) == 0
    assert lines(out)["ada"]["t-04 (of 2)"] == "2"


def test_the_grades_of_another_set_are_not_overwritten(tmp_path, source, graded, capsys):
    folder, out = two(tmp_path)
    assert run(source, folder, out) == 0
    before = (out / "grades.csv").read_bytes()
    other = tmp_path / "other.ipynb"
    other.write_bytes(source.read_bytes())
    assert run(other, folder, out) == 2
    assert "holds the grades of 'doubling'" in capsys.readouterr().err
    assert (out / "grades.csv").read_bytes() == before


def test_a_secret_among_the_submissions_is_refused(tmp_path, source, graded):
    folder, out = two(tmp_path)
    assert run(source, folder, out, "--secret-file", folder / "secret") == 2 and graded == []


def test_collecting_says_where_someone_should_look(tmp_path, source, capsys):
    folder, _ = two(tmp_path)
    assert ours.main(["collect", str(source), str(folder), str(tmp_path / "nb")]) == 0
    assert "look: bob: several notebooks; not graded: bob/1.ipynb" in capsys.readouterr().out


def test_feedback_goes_back_to_moodle_in_the_layout_of_its_download(tmp_path, source, graded):
    out = tmp_path / "out"
    listed = roster(tmp_path, ours.WORKSHEET)
    assert run(source, put(tmp_path / "in", ours.MOODLE), out, "--roster", listed) == 0
    with zipfile.ZipFile(out / "feedback-moodle.zip") as archive:
        names = archive.namelist()
        page = archive.read("Ada Lovelace_1234_assignsubmission_file_/feedback.html").decode()
    assert page == (out / "feedback/ada@uni.example.html").read_text("utf-8")
    assert len(names) == len(set(names)) and not any("_1240_" in name for name in names)
    assert all(name.count("_") == 4 and name.count("/") == 1 for name in names)


def test_downloads_of_a_class_in_one_folder_are_opened(tmp_path, source, graded):
    packed = {f"{n}.zip": ours.packed({k: v for k, v in ours.MOODLE.items() if n in k})
              for n in ("Ada", "_")}  # fmt: skip
    put(tmp_path / "in", packed)
    assert run(source, tmp_path / "in", tmp_path / "out") == 0
    plain = put(tmp_path / "plain", {})
    plain.mkdir()
    for name, data in ours.MOODLE.items():
        put(plain, {name: data})
    assert run(source, plain, tmp_path / "out2") == 0
    assert lines(tmp_path / "out").keys() == lines(tmp_path / "out2").keys()


def test_an_id_that_is_not_the_students_is_said_where_it_costs_something(
    tmp_path, source, capsys, monkeypatch, graded
):
    def grade(source, submission, *, student, secret, unsafe):
        failed = "" if student == "bob" else "Got 3"
        score = {"t-02": 0 if failed else 3}
        return ours.grading.Result(
            student, scores=score, points={"t-02": 3}, messages={"t-02": failed}, other_id="ada <l>"
        )

    monkeypatch.setattr(ours.grading, "grade", grade)
    files = {"s1/hw.ipynb": handed_in(), "bob/hw.ipynb": handed_in()}
    assert run(source, put(tmp_path / "in", files), tmp_path / "out") == 0
    assert "1 wrote another ID" in capsys.readouterr().out
    assert "has the ID ada <l> , and you are known as s1" in feedback(tmp_path / "out", "s1")
    assert "another ID" not in feedback(tmp_path / "out", "bob")


def test_the_teachers_points_are_counted_before_names_are_looked_for(tmp_path, source, graded):
    folder, out = two(tmp_path)
    assert run(source, folder, out) == 0
    change(out, "bob", test="1")
    for path in (folder / "bob").iterdir():
        path.unlink()
    (folder / "bob").rmdir()
    assert run(source, folder, out) == 0  # points for somebody who is not there any more
    assert (lines(out)["bob"]["t-02"], lines(out)["bob"]["status"]) == ("1", "REVIEW")


@pytest.mark.parametrize("columns", ["Identifier,Grade", "Identifier,Email address"])
def test_a_worksheet_without_names_is_a_roster(tmp_path, columns, source, graded):
    listed = roster(tmp_path, f"{columns}\nParticipant 7,\nParticipant 8,\n")
    folder = put(tmp_path / "in", {"Participant_7_assignsubmission_file_/x.ipynb": handed_in()})
    assert run(source, folder, tmp_path / "out", "--roster", listed) == 0
    status = {name: line["status"] for name, line in lines(tmp_path / "out").items()}
    assert status == {"Participant 7": "ok", "Participant 8": "MISSING"}


def test_a_mark_is_of_the_answer_that_was_shown(tmp_path, source, graded):
    folder, out = two(tmp_path)
    assert run(source, folder, out) == 0
    change(out, "ada", mark="2.0")  # typed, but not run again before there is another answer
    put(folder, {"ada/hw.ipynb": handed_in(written="another answer")})
    assert run(source, folder, out) == 0
    assert lines(out)["ada"]["t-04 (of 2)"] == "" and "earlier answer" in lines(out)["ada"]["notes"]
    put(folder, {"ada/hw.ipynb": b"{"})  # damaged, and then the same again
    change(out, "ada", mark="1.0")
    assert run(source, folder, out) == 0
    assert lines(out)["ada"]["status"] == "UNREADABLE"
    change(out, "ada", mark="1")
    put(folder, {"ada/hw.ipynb": handed_in(written="another answer")})
    assert run(source, folder, out) == 0
    assert (lines(out)["ada"]["t-04 (of 2)"], lines(out)["ada"]["notes"]) == ("1", "")


def test_a_set_whose_points_are_lowered_can_be_graded_again(tmp_path, source, graded):
    folder, out = two(tmp_path)
    assert run(source, folder, out) == 0
    text = source.read_text("utf-8")
    source.write_text(text.replace('"points": 3', '"points": 2'), "utf-8")
    assert source.read_text("utf-8") != text and run(source, folder, out) == 0


def test_who_could_not_be_graded_can_be_given_points(tmp_path, source, graded, capsys):
    folder, out = put(tmp_path / "in", {"ada/hw.ipynb": handed_in("# crash")}), tmp_path / "out"
    assert run(source, folder, out) == 0
    assert "not graded yet" not in capsys.readouterr().out
    change(out, "ada", test="3", mark="1")
    for _ in range(2):
        assert run(source, folder, out) == 0
        assert (lines(out)["ada"]["t-02"], table(out / "grades-canvas.csv")[2][-1]) == ("3", "4")


def test_scores_of_a_run_that_broke_off_while_writing_are_nobodys_word(
    tmp_path, source, graded, monkeypatch
):
    folder, out = two(tmp_path)
    assert run(source, folder, out) == 0
    right = ours.grading.grade

    def wrong(*args, **options):
        result = right(*args, **options)
        result.scores = {"t-02": 0}
        return result

    monkeypatch.setattr(ours.grading, "grade", wrong)
    source.write_text(source.read_text("utf-8").replace("Doubling", "Twice"), "utf-8")
    with monkeypatch.context() as patched:
        patched.setattr("xentlib.coursework.reports.write_canvas", lambda *a: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run(source, folder, out)
    assert lines(out)["ada"]["t-02"] == "0"
    monkeypatch.setattr(ours.grading, "grade", right)
    source.write_text(source.read_text("utf-8").replace("Twice", "Two"), "utf-8")
    assert run(source, folder, out) == 0
    assert lines(out)["ada"]["t-02"] == "3" and "by hand" not in feedback(out, "ada")


def test_two_rows_of_one_name_are_refused(tmp_path, source, graded):
    out = tmp_path / "out"
    folder = put(tmp_path / "in", {"007/a.ipynb": handed_in(), "7/b.ipynb": handed_in()})
    assert run(source, folder, out) == 0
    change(out, "007", mark="2", student="7")  # as a spreadsheet would
    assert run(source, folder, out) == 2


def test_a_settled_review_outlasts_a_run_that_was_stopped(tmp_path, source, graded):
    folder, out = two(tmp_path)
    assert run(source, folder, out) == 0
    change(out, "bob", status="ok")
    assert run(source, folder, out) == 0
    put(folder, {"ada/hw.ipynb": handed_in("# Ctrl-C")})
    source.write_text(source.read_text("utf-8").replace("Doubling", "Twice"), "utf-8")
    assert run(source, folder, out) == 130
    put(folder, {"ada/hw.ipynb": handed_in()})
    assert run(source, folder, out) == 0 and lines(out)["bob"]["status"] == "ok"


def test_a_students_own_zip_is_never_the_download_of_a_class(tmp_path, source, graded):
    inside = {"bob_22_9001_hw-9.ipynb": handed_in(), "eve_99_9002_hw.ipynb": handed_in()}
    own = {"ada_11_101_hw.zip": ours.packed(inside), "bob_22_102_hw.ipynb": handed_in()}
    long = {"_1" * 30_000 + "x": b"", "cem_33_9003_hw.ipynb": handed_in()}
    folder = put(tmp_path / "in", {**own, "dan.zip": ours.packed({**inside, **long})})
    assert run(source, folder, tmp_path / "out") == 0
    students = {name: line["file"] for name, line in lines(tmp_path / "out").items()}
    assert students.keys() == {"ada", "bob", "dan"} and students["bob"] == "bob_22_102_hw.ipynb"
