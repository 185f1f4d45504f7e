"""Damaged sets of shards: put right, or refused in one line and left as they are."""

import json
import shutil
import time

import pytest

from mnist1d import shards

pytestmark = pytest.mark.usefixtures("kept_tables")
MANIFEST = "manifest.json"
VALUES = (
    None, True, -1, 0, 3, 2**70, 1.5, float("nan"), "", "x" * 5000, "a\nb", [], [[]], {}, {"x": 1},
    {"bytes": 5, "sha256": "0" * 64}, {"bytes": True, "sha256": "0" * 64}, {"x" * 5000: 1},
)  # fmt: skip


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def said(there):
    """Return what files say; white space in the manifest says nothing."""
    return there | {MANIFEST: json.loads(there[MANIFEST])}


def make(folder):
    return shards.generate(
        num_samples=30, shard_size=10, out=str(folder), file_format="npy", workers=1
    )


def edited(content, rng):
    """Return a manifest with other values, or without some of them."""
    manifest = json.loads(content)
    for _ in range(rng.integers(1, 4)):
        place = manifest
        while isinstance(place, dict) and place:
            name = list(place)[rng.integers(len(place))]
            if isinstance(place[name], dict) and rng.random() < 0.7:
                place = place[name]
                continue
            if rng.random() < 0.2:
                del place[name]
            elif rng.random() < 0.2:
                place["y" * int(rng.integers(1, 3000))] = place[name]
            else:
                place[name] = VALUES[rng.integers(len(VALUES))]
            break
    return json.dumps(manifest).encode()


@pytest.fixture
def whole(tmp_path):
    make(tmp_path / "set")
    return contents(tmp_path / "set")


def test_damaged_sets_are_put_right_or_refused(tmp_path, whole, cases, damage):
    folder = tmp_path / "set"
    for rng in cases(25):
        shutil.rmtree(folder)
        folder.mkdir()
        there = dict(whole)
        for name in rng.choice(list(whole), int(rng.integers(1, 3)), replace=False).tolist():
            if name == MANIFEST and rng.random() < 0.7:
                there[name] = edited(there[name], rng)
            elif rng.random() < 0.2:
                del there[name]
            else:
                there[name] = damage(there[name], rng)
        for name, content in there.items():
            (folder / name).write_bytes(content)
        start = time.process_time()
        try:
            made = make(folder)
        except ValueError as error:
            assert contents(folder) == there
            assert str(folder) in str(error)  # noqa: PT017 (other errors may not pass)
            assert len(str(error)) < len(str(folder)) + 800  # noqa: PT017
            assert "\n" not in str(error)  # noqa: PT017
        else:
            assert said(contents(folder)) == said(whole)
            assert all("\n" not in note and len(note) < 300 for note in made.notes)
        assert time.process_time() - start < 10
