"""Exports hold what the dataset holds, to the last bit, and say how it was made."""

import csv
import json
import subprocess
import sys

import numpy as np
import pytest

from mnist1d import DatasetConfig, generate
from mnist1d.dataset import atomic, export, imports
from mnist1d.dataset.imports.installation import install_command

RICH = {
    "train": 30,
    "validation": 6,
    "test": 9,
    "label_noise": 0.4,
    "shifted_tests": {"still": {"max_translation": 1}},
    "templates": {"up": [0, 1, 0], "down": [0, -1, 0], "é": [0, 1, -1]},
    "final_seq_length": 5,
}
PARTS = ["train", "validation", "test", "still"]


@pytest.fixture(params=["float32", "float64"])
def dataset(request):
    return generate(**RICH, dtype=request.param, channel_axis=request.param == "float32")


def signals(dataset, name):
    return dataset.parts[name].x.reshape(-1, 5)


def test_pandas_has_a_row_per_sample(dataset):
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    frame = export.to_pandas(dataset)
    points = [f"x{i}" for i in range(5)]
    assert list(frame.columns) == ["part", "label", "label_clean", "label_noise", *points]
    assert isinstance(frame["part"].dtype, pandas.CategoricalDtype)
    for name in PARTS:
        rows = frame[frame["part"] == name]
        np.testing.assert_array_equal(rows[points].to_numpy(), signals(dataset, name), strict=True)
        np.testing.assert_array_equal(rows["label"], dataset.parts[name].y)
    train = frame[frame["part"] == "train"]
    np.testing.assert_array_equal(train["label_clean"], dataset.y_clean)
    np.testing.assert_array_equal(train["label_noise"], dataset.noise_mask)
    assert not frame[frame["part"] != "train"]["label_noise"].any()
    assert DatasetConfig.from_dict(frame.attrs["mnist1d"]["config"]) == dataset.config


def test_a_clean_set_has_no_columns_of_noise():
    pytest.importorskip("pandas", reason="pandas is not installed")
    assert list(export.to_pandas(generate(num_samples=10)).columns[:3]) == ["part", "label", "x0"]


def check_description(dataset, path):
    described = json.loads(path.read_text("utf-8"))
    assert DatasetConfig.from_dict(described["config"]) == dataset.config
    assert described["samples"] == {name: len(p.y) for name, p in dataset.parts.items()}
    assert (described["mean"], described["std"]) == (dataset.mean, dataset.std)
    assert described["class_names"] == ["up", "down", "é"]
    np.testing.assert_array_equal(np.array(described["t"], dtype=dataset.t.dtype), dataset.t)
    return described


def test_parquet_files_are_the_parts(dataset, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    paths = export.to_parquet(dataset, tmp_path / "new" / "folder")
    assert [path.name for path in paths] == [*(f"{name}.parquet" for name in PARTS), "dataset.json"]
    described = check_description(dataset, paths[-1])
    for name, path in zip(PARTS, paths, strict=False):
        table = parquet.read_table(path)
        columns = [table[f"x{i}"].to_numpy() for i in range(5)]
        np.testing.assert_array_equal(np.stack(columns, 1), signals(dataset, name), strict=True)
        np.testing.assert_array_equal(table["label"].to_numpy(), dataset.parts[name].y)
        assert json.loads(table.schema.metadata[b"mnist1d"]) == described


def test_pandas_reads_the_parquet_files_as_its_own(dataset, tmp_path):
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    export.to_parquet(dataset, tmp_path)
    frame = export.to_pandas(dataset)
    own = frame[frame["part"] == "validation"].drop(columns="part").reset_index(drop=True)
    pandas.testing.assert_frame_equal(pandas.read_parquet(tmp_path / "validation.parquet"), own)


def test_csv_files_give_the_same_numbers(dataset, tmp_path):
    paths = export.to_csv(dataset, tmp_path)
    assert [path.name for path in paths] == [*(f"{name}.csv" for name in PARTS), "dataset.json"]
    check_description(dataset, paths[-1])
    for name, path in zip(PARTS, paths, strict=False):
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        read = [[float(row[f"x{i}"]) for i in range(5)] for row in rows]
        read = np.array(read).astype(dataset.x.dtype)
        np.testing.assert_array_equal(read, signals(dataset, name), strict=True)
        assert [int(row["label"]) for row in rows] == dataset.parts[name].y.tolist()
    assert {row["label_noise"] for row in rows} == {"False"}
    if dataset.x.dtype == np.float32:
        assert max(map(len, rows[0].values())) < 16


def test_hugging_face_has_a_split_per_part(dataset, tmp_path):
    hf = pytest.importorskip("datasets", reason="datasets is not installed")
    made = export.to_huggingface(dataset)
    assert list(made) == PARTS
    assert made["train"].features["label"].names == ["up", "down", "é"]
    assert made["train"].features["label_clean"].int2str(1) == "down"
    hf.disable_progress_bars()
    made.save_to_disk(str(tmp_path / "saved"))
    loaded = hf.load_from_disk(str(tmp_path / "saved"))
    for name in PARTS:
        for split in (made[name], loaded[name]):
            # Its own conversion to NumPy would make float32 of everything.
            read = split[:]
            shape = (-1, 1, 5) if dataset.config.channel_axis else (-1, 5)
            assert dataset.config.dtype in str(split.features["signal"])
            x = np.array(read["signal"], dtype=dataset.config.dtype)
            np.testing.assert_array_equal(x, signals(dataset, name).reshape(shape), strict=True)
            np.testing.assert_array_equal(read["label"], dataset.parts[name].y)
            assert split.split == name
            said = json.loads(split.info.description.splitlines()[-1])
            assert DatasetConfig.from_dict(said["config"]) == dataset.config


def test_hugging_face_finds_the_splits_of_the_parquet_files(tmp_path, monkeypatch):
    hf = pytest.importorskip("datasets", reason="datasets is not installed")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    dataset = generate(num_samples=100)
    export.to_parquet(dataset, tmp_path / "data")
    hf.disable_progress_bars()
    files = {name: str(tmp_path / "data" / f"{name}.parquet") for name in ("train", "test")}
    loaded = hf.load_dataset("parquet", data_files=files, cache_dir=str(tmp_path / "cache"))
    assert {name: len(split) for name, split in loaded.items()} == {"train": 80, "test": 20}


CALLS = {
    "pandas": "from mnist1d import export; export.to_pandas(d)",
    "pyarrow": "from mnist1d import export; export.to_parquet(d, 'nowhere')",
    "datasets": "from mnist1d import export; export.to_huggingface(d)",
    "jax": "import mnist1d.jax",
    "torch": "import mnist1d.torch",
}


@pytest.fixture(scope="module")
def said_without():
    """Return what each call says without its package; all run in one process, as none loads any."""
    program = "import sys, mnist1d; d = mnist1d.generate(num_samples=10)\n" + "".join(
        f"sys.modules[{module!r}] = None\n"
        f"try:\n    {call}\nexcept ModuleNotFoundError as e:\n    print(e)\n"
        f"else:\n    print('nothing')\n"
        f"del sys.modules[{module!r}]\n"
        for module, call in CALLS.items()
    )
    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    return dict(zip(CALLS, said.splitlines(), strict=True))


@pytest.mark.parametrize(
    ("module", "extra"),
    [
        ("pandas", "export"),
        ("pyarrow", "export"),
        ("datasets", "huggingface"),
        ("jax", "jax"),
        ("torch", "torch"),
    ],
)
def test_a_missing_package_is_named_with_the_line_that_installs_it(module, extra, said_without):
    expected = f"this needs {module}; install it with: {install_command(extra)}"
    assert said_without[module] == expected


def test_a_package_that_lacks_one_of_its_own_says_so(tmp_path, monkeypatch):
    (tmp_path / "half_installed.py").write_text("import no_such_dependency\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="No module named 'no_such_dependency'"):
        imports.required("half_installed", extra="lab")


def test_a_full_disk_is_named_and_nothing_half_remains(tmp_path, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic.os, "fsync", full)
    with pytest.raises(OSError, match=r"cannot write .*train\.csv: No space left on device"):
        export.to_csv(generate(num_samples=10), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_place_of_the_folder_is_an_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"cannot write .*train\.csv"):
        export.to_csv(generate(num_samples=10), tmp_path / "file")


def test_parts_of_another_dataset_are_removed(tmp_path):
    export.to_csv(generate(num_samples=50, validation=10), tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(FileExistsError, match=r"parts of this dataset: validation\.csv; choose"):
        export.to_csv(generate(num_samples=50, seed=1), tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    export.to_csv(generate(num_samples=50, validation=10, seed=1), tmp_path)
