"""The README says what the records say; its examples run in `test_documents.py`."""

import json
import re
import runpy
from pathlib import Path

import numpy as np
import pytest

from mnist1d.experiments import EXPERIMENTS
from mnist1d.harness import claims
from mnist1d.harness.stored.findings import save_claims

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_tables_are_those_of_the_records():
    fill = runpy.run_path(str(ROOT / "docs" / "fill_readme.py"))
    for name in fill["PARTS"]:
        text = (ROOT / name).read_text(encoding="utf-8")
        assert fill["filled"](name, text) == text


@pytest.mark.slow
def test_claims_are_those_of_the_record(tmp_path, monkeypatch):
    # Stored numbers are rounded to six decimals. One that lies on the edge of two, to the precision
    # of a fit, is rounded differently by processors: it is compared before it is rounded.
    monkeypatch.setattr(
        claims, "_finite", lambda each: None if each is None or not np.isfinite(each) else each
    )
    kept = [each for each in EXPERIMENTS if (ROOT / "results" / each.NAME).is_dir()]
    assert len(kept) >= 2
    for each in kept:
        (tmp_path / each.NAME).symlink_to(ROOT / "results" / each.NAME)
    assert not save_claims(EXPERIMENTS, tmp_path)
    fresh, stored = (
        json.loads((folder / "claims.json").read_text(encoding="utf-8"))
        for folder in (tmp_path, ROOT / "results")
    )
    assert [each.keys() for each in fresh] == [each.keys() for each in stored]
    for claim, before in zip(fresh, stored, strict=True):
        assert claim == {
            name: pytest.approx(value, rel=0, abs=0.5e-6 + 1e-8)
            if isinstance(value, float)
            else value
            for name, value in before.items()
        }


def test_pictures_exist():
    pictures = re.findall(r"!\[.+\]\((.+)\)", README)
    assert pictures
    assert all((ROOT / picture).is_file() for picture in pictures)


def test_links_to_files_exist():
    files = re.findall(r"\]\(([^):]+)\)", README)
    assert "CONTRIBUTING.md" in files
    assert all((ROOT / file).exists() for file in files)
