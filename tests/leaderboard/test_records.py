"""Records: what is in them, and that damaged, edited and foreign files are refused."""

import numpy as np
import pytest

from mnist1d.harness import record
from mnist1d.harness.interface import InputError
from mnist1d.lab import TRACKS, Comparison, read_record, save_record
from mnist1d.lab.leaderboard.records import digest_of
from mnist1d.lab.leaderboard.scores import places
from mnist1d.lab.leaderboard.sources import read_sources, written


def changed(path, change, *, digest=True):
    """Change a record's contents, and by default its digest as well."""
    result = record.read(path)
    made = change(result)
    made = result if made is None else made
    if digest:
        made.attrs["record_digest"] = digest_of(made)
    record.write(made, path)


def test_a_record_has_code_numbers_author_and_circumstances(place):
    found = read_record(place)
    assert found.track is TRACKS["shuffled"]
    assert found.author == "A. Person"
    assert list(found.files) == ["mine.py", "parts_of_mine.py"]
    assert "def means(x, y)" in found.files["parts_of_mine.py"]
    assert found.candidates == ["means", "guess"]
    assert 20 < found.score("means").mean < 60
    assert 5 < found.score("guess").mean < 15
    assert found.score("guess").n == 5
    assert {"versions", "processor", "commit", "finished", "config"} <= set(found.result.attrs)
    assert found.finished[:2] == "20"


def test_a_record_is_a_result_of_a_comparison(place):
    found = Comparison.load(place)
    assert found.document()["track"] == "shuffled"
    assert "means" in str(found)


def test_the_better_candidate_stands_first(place):
    found = places([read_record(place)], TRACKS["shuffled"])
    assert [each.candidate for each in found] == ["means", "guess"]
    assert found[1].to_first.n == 5
    assert found[1].to_first.low > 10
    assert not places([read_record(place)], TRACKS["small"])


def _better(result):
    result.test_accuracy[0, 0] += 0.1


def _other_text(result):
    result.file_text[1] = "print('something else')"


def _other_author(result):
    result.attrs["author"] = "B. Person"


@pytest.mark.parametrize(
    "change",
    [
        _better,
        *(pytest.param(each, marks=pytest.mark.slow) for each in (_other_text, _other_author)),
    ],
)
def test_an_edited_record_is_noticed(place, change):
    changed(place, change, digest=False)
    with pytest.raises(InputError, match="was changed after it was written"):
        read_record(place)


def named(*names):
    return lambda result: result.assign(file_name=("file", np.array(names, object)))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda result: result.assign_attrs(track_digest="0" * 16), "of another protocol than"),
        pytest.param(
            lambda result: result.assign_attrs(track="tiny"),
            "no track 'tiny'",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            lambda result: result.assign_attrs(record_version=2),
            "must be a record of version 1",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            lambda result: result.assign_attrs(author=" "),
            "author must be a name",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            lambda result: result.isel(seed=slice(3)),
            "must have 5 runs, with seeds from 0, not",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            lambda result: result.drop_vars("test_prediction"),
            "must have test_prediction by",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            lambda result: result.drop_vars("file_text"),
            "is no record: it lacks",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            lambda result: result.assign_attrs(stopped_after=60.0),
            "budget stopped this comparison",
            marks=pytest.mark.slow,
        ),
        (named("mine.py", "../parts.py"), r"names such as mine.py .* not '../parts.py'"),
        pytest.param(named("/mine.py", "parts.py"), "not '/mine.py'", marks=pytest.mark.slow),
        pytest.param(named("mine.py", "parts.pth"), "not 'parts.pth'", marks=pytest.mark.slow),
        pytest.param(
            named("mine.py", "C:\\parts.py"),
            "names such as mine.py",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            lambda result: result.assign(test_accuracy=result.test_accuracy.where(result.seed < 4)),
            "means failed",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_record_that_says_more_than_it_may_is_refused(place, change, expected):
    changed(place, change)
    with pytest.raises(InputError, match=expected):
        read_record(place)


def test_damaged_and_foreign_files_are_refused(place):
    content = place.read_bytes()
    place.write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match="is damaged or no result"):
        read_record(place)
    place.write_text("accuracy: 100 %", "utf-8")
    with pytest.raises(InputError, match="is damaged or no result"):
        read_record(place)
    place.write_bytes(content)
    result = record.read(place)
    for name in ("track", "track_digest", "record_version", "record_digest", "author"):
        del result.attrs[name]
    record.write(result, place)
    with pytest.raises(InputError, match=r"is no record: `mnist1d compare FILE.py --track"):
        read_record(place)
    with pytest.raises(InputError, match="must be of a comparison by a track, one of small"):
        save_record(Comparison(result), place, file="mine.py", author="A. Person")
    with pytest.raises(FileNotFoundError):
        read_record("no.nc")


def test_files_must_be_texts_in_one_folder(tmp_path, monkeypatch):
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    for folder in (inside, outside):
        folder.mkdir()
    (outside / "far_away.py").touch()
    main = inside / "mine.py"
    main.write_bytes(b"import json\r\nimport near.by\r\n")
    (inside / "near").mkdir()
    (inside / "near" / "by.py").write_text("x = 1\n", "utf-8")
    assert read_sources(main) == {
        "mine.py": "import json\nimport near.by\n",
        "near/by.py": "x = 1\n",
    }
    main.write_text("import far_away", "utf-8")
    monkeypatch.syspath_prepend(str(outside))
    with pytest.raises(InputError, match=r"must be in the folder of mine\.py"):
        read_sources(main)
    main.write_text("# \x1b[31m", "utf-8")
    with pytest.raises(InputError, match="no control characters"):
        read_sources(main)
    main.write_bytes(b"# \xff")
    with pytest.raises(InputError, match="must be text in UTF-8"):
        read_sources(main)
    with pytest.raises(InputError, match="cannot be read"):
        read_sources(inside / "other.py")


def test_another_module_of_the_same_name_is_not_taken_in_its_place():
    texts = {"mine.py": "import json\n", "json.py": "x = 1\n"}
    with pytest.raises(InputError, match="another module json is loaded"), written(texts):
        pass
