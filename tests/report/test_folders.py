"""Where the documents of a folder of results go, and folders with something wrong in them."""

import re
import shutil
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest
import xarray as xr

from mnist1d.experiments import PAPER, double_descent
from mnist1d.harness import record

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]


def links_in(path):
    """Return where the links of a document lead, as paths."""
    found = re.findall(r"\]\(([^)]+)\)", path.read_text(encoding="utf-8"))
    return [path.parent / unquote(link) for link in found if link != "./claims.json"]


def test_documents_go_into_the_record(tmp_path, small_record, run):
    folder = small_record(tmp_path / "record")
    run(folder)
    inside = (folder / "RESULTS.md").read_text(encoding="utf-8")
    assert "](./compared.svg)" in inside
    assert (folder / "compared.svg").is_file()
    assert "](./double-descent/README.md)" in inside
    assert "`mnist1d report .`" in inside
    page = (folder / "double-descent" / "README.md").read_text(encoding="utf-8")
    assert "](../RESULTS.md)" in page
    assert "](figure.png)" in page
    assert "](result.nc)" in page
    assert (folder / "dataset" / "README.md").is_file()


def test_documents_around_the_record_have_its_pages_inside(
    monkeypatch, tmp_path, small_record, run
):
    folder = small_record(tmp_path / "record")
    run(folder, "--out", tmp_path)
    page = (folder / "double-descent" / "README.md").read_text(encoding="utf-8")
    assert "](../../RESULTS.md)" in page
    assert not (tmp_path / "double-descent").exists()
    monkeypatch.chdir(tmp_path)
    run("record", "--out", ".")
    assert (folder / "double-descent" / "README.md").read_text(encoding="utf-8") == page


def test_nothing_is_written_to_a_record_outside_the_output(tmp_path, small_record, run):
    folder = small_record(tmp_path / "record")
    (folder / "claims.json").write_text("[]", encoding="utf-8")
    (folder / "double-descent" / "figure-loss.png").unlink()
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    out = folder / "my documents"
    run(folder, "--out", out)
    after = [path for path in folder.rglob("*") if path.is_file() and out not in path.parents]
    assert {path: path.stat().st_mtime_ns for path in after} == before
    pages = [out / "RESULTS.md", out / "double-descent" / "README.md", out / "dataset/README.md"]
    for page in pages:
        links = links_in(page)
        assert len(links) > 1
        assert all(link.is_file() for link in links), links
        assert all(out in link.parents for link in links if link.suffix == ".png")
    assert folder / "double-descent" / "result.nc" in [
        each.resolve() for each in links_in(pages[1])
    ]
    kept = (folder / "double-descent" / "figure.png").read_bytes()
    assert (out / "double-descent" / "figure.png").read_bytes() == kept


def test_the_pages_of_another_record_are_not_replaced(tmp_path, small_record, fails):
    folder, other = (small_record(tmp_path / name) for name in ("one", "other"))
    message = fails(folder, "--out", other)
    assert "another record has its result.nc there; choose another folder" in message
    assert not (other / "RESULTS.md").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_record_may_be_named_by_way_of_a_link(tmp_path, small_record, run):
    folder = small_record(tmp_path / "place" / "record")
    (tmp_path / "link").symlink_to(tmp_path / "place", target_is_directory=True)
    run(folder, "--out", tmp_path / "link")
    page = folder / "double-descent" / "README.md"
    assert all(
        link.is_file() for link in [*links_in(page), *links_in(page.parents[2] / "RESULTS.md")[1:]]
    )


def test_a_folder_with_spaces_has_links_that_work(tmp_path, small_record, run):
    folder = small_record(tmp_path / "my record")
    run(folder, "--out", tmp_path)
    text = (tmp_path / "RESULTS.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert "my%20record/double-descent/README.md" in links
    assert all((tmp_path / link.replace("%20", " ")).is_file() for link in links[1:])


def test_a_page_of_someone_else_is_not_replaced(tmp_path, small_record, run, fails):
    folder = small_record(tmp_path)
    notes = folder / "double-descent" / "README.md"
    notes.write_text("My notes.")
    message = fails(folder)
    assert f"cannot write {notes}: there is one that `mnist1d report` did not make" in message
    assert notes.read_text() == "My notes."
    assert not (folder / "RESULTS.md").exists()
    notes.unlink()
    run(folder)
    run(folder)


def test_the_same_record_makes_the_same_documents(tmp_path, small_record, run):
    folder = small_record(tmp_path)
    made = []
    for _ in range(2):
        run(folder)
        names = ("RESULTS.md", "report.html", "double-descent/README.md", "dataset/README.md")
        made.append([(folder / name).read_bytes() for name in names])
    assert made[0] == made[1]


def test_a_figure_that_the_record_lacks_is_drawn(tmp_path, small_record, run):
    folder = small_record(tmp_path / "record")
    (folder / "double-descent" / "figure.png").unlink()
    before = (folder / "double-descent" / "figure-loss.png").stat().st_mtime_ns
    run(folder)
    assert (folder / "double-descent" / "figure.png").read_bytes().startswith(b"\x89PNG")
    assert (folder / "double-descent" / "figure-loss.png").stat().st_mtime_ns == before


def test_a_folder_that_is_not_there_is_named(tmp_path, fails):
    message = fails(tmp_path / "none")
    assert f"{tmp_path / 'none'} is no folder" in message


def test_a_folder_without_results_names_the_command_that_makes_them(tmp_path, fails):
    (tmp_path / "classification").mkdir()
    message = fails(tmp_path)
    assert f"no results in {tmp_path}; `mnist1d reproduce --out {tmp_path}` makes them" in message
    assert not (tmp_path / "RESULTS.md").exists()


@pytest.mark.parametrize("n_bytes", [0, 100, 50_000])
def test_a_damaged_result_is_named(tmp_path, n_bytes, fails):
    whole = (ROOT / "results" / "double-descent" / "result.nc").read_bytes()
    path = tmp_path / "double-descent" / "result.nc"
    path.parent.mkdir()
    path.write_bytes(whole[:n_bytes])
    assert f"{path} is damaged" in fails(tmp_path)


def test_a_damaged_result_does_not_hide_the_others(capsys, tmp_path, small_record, run):
    small_record(tmp_path)
    damaged = tmp_path / "pooling" / "result.nc"
    damaged.parent.mkdir()
    damaged.write_bytes(b"not a <b>result</b>")
    with pytest.raises(SystemExit) as stop:
        run(tmp_path)
    said = capsys.readouterr()
    assert stop.value.code == 3
    assert said.err.startswith(f"mnist1d: {damaged} is damaged")
    assert len(said.err.splitlines()) == 1
    assert "1 of 8 experiments" in said.out
    for name in ("RESULTS.md", "report.html"):
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert "Not in this report: pooling" in text
        assert str(damaged) in text
        assert "mnist1d reproduce pooling" not in text
    assert (tmp_path / "double-descent" / "README.md").is_file()


def test_a_result_that_lacks_what_a_figure_needs_does_not_hide_the_others(
    capsys, tmp_path, small_record, run
):
    small_record(tmp_path)
    name = "metalearn-learning-rate"
    shutil.copytree(ROOT / "results" / name, tmp_path / name)
    path = tmp_path / name / "result.nc"
    result = record.read(path)
    record.write(result.drop_vars("published_objective"), path)
    with pytest.raises(SystemExit):
        run(tmp_path)
    assert f"{path} does not hold what metalearn-learning-rate" in capsys.readouterr().err
    text = (tmp_path / "RESULTS.md").read_text(encoding="utf-8")
    assert "**Not in this report: metalearn-learning-rate.**" in text
    assert "(./double-descent/README.md)" in text


def test_a_result_of_another_experiment_is_named(tmp_path, fails):
    shutil.copytree(ROOT / "results" / "double-descent", tmp_path / "classification")
    message = fails(tmp_path)
    assert f"{tmp_path / 'classification' / 'result.nc'} holds no result" in message


@pytest.mark.parametrize("lacking", ["error_last", "test_loss", "attribute"])
def test_a_result_that_lacks_something_is_named(tmp_path, lacking, fails):
    path = tmp_path / "double-descent" / "result.nc"
    path.parent.mkdir()
    with xr.open_dataset(ROOT / "results" / "double-descent" / "result.nc") as whole:
        part = whole.load()
    if lacking == "attribute":
        del part.attrs["versions"]
    else:
        part = part.drop_vars([lacking])  # the second is needed by a figure alone
    part.to_netcdf(path, engine="h5netcdf")
    message = fails(tmp_path)
    assert f"{path} does not hold what double-descent of this version needs" in message


def test_an_output_folder_that_cannot_be_written_is_named(tmp_path, small_record, fails):
    (tmp_path / "file").touch()
    folder = small_record(tmp_path / "record")
    message = fails(folder, "--out", tmp_path / "file")
    assert f"cannot write {tmp_path / 'file'}" in message


def test_experiments_that_are_missing_are_named_with_their_command(tmp_path, small_record, run):
    run(small_record(tmp_path))
    for name in ("RESULTS.md", "report.html"):
        text = (tmp_path / name).read_text(encoding="utf-8")
        for experiment in PAPER:
            command = f"mnist1d reproduce {experiment.NAME}"
            assert command in text or (name, experiment) == ("RESULTS.md", double_descent)
        assert f"1 of {len(PAPER)} experiments" in text
