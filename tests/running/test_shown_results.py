"""`mnist1d show-result`: stored results in words, and as tables."""

from pathlib import Path

import pytest
import xarray as xr

from mnist1d.harness import results


def test_stored_results_are_shown(command, capsys):
    command("run", "coin.py", "--n-throws", 5, 7, "--side", "tail")
    capsys.readouterr()
    command("show-result", "mnist1d-runs/coin")
    text = " ".join(capsys.readouterr().out.split())
    for part in (
        "experiment coin",
        "n_throws 5, 7",
        "side tail",
        "seed 4 0, 1, 2, 3",
        "n_throws = 7",
    ):
        assert part in text


def test_a_variable_with_a_few_numbers_per_seed_is_shown(command, coin, capsys):
    text = coin.text.partition("def run")[0] + (
        "def run(config):\n"
        "    few = (('width', 'seed'), [[0.25, 0.75], [7.0, 7.0]])\n"
        "    many = (('step', 'seed'), np.ones((50, 2)))\n"
        "    coords = {'seed': [0, 1], 'width': [8, 16], 'step': range(50)}\n"
        "    return xr.Dataset({'few': few, 'many': many}, coords)\n"
    )
    Path("coin.py").write_text(text, encoding="utf-8")
    command("run", "coin.py")
    shown = " ".join(capsys.readouterr().out.split())
    assert "few, mean" in shown
    assert "8 0.5" in shown
    assert "16 7" in shown
    assert "many" not in shown


def test_claims_are_shown_with_the_experiments_file_or_without(command, coin, capsys):
    Path("coin.py").write_text(coin.text + coin.more + coin.claims, encoding="utf-8")
    command("run", "coin.py")
    assert "2 confirmed, 1 refuted" in capsys.readouterr().out
    command("show-result", "mnist1d-runs/coin")
    shown = capsys.readouterr().out
    assert "share of the side" in shown
    assert "2 confirmed, 1 refuted" in shown
    command("show-result", "mnist1d-runs/coin", "--experiment", "coin.py")
    assert "share of the side" in capsys.readouterr().out


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_table_has_a_row_per_seed_and_value(command, suffix):
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    if suffix == "parquet":
        pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    command("run", "coin.py", "--n-throws", 5, 7)
    command("show-result", "mnist1d-runs/coin", "--table", f"table.{suffix}")
    # Read as text and turned into a number by Python: not every pandas reads all digits.
    options = {"dtype": {"value": str}} if suffix == "csv" else {}
    table = getattr(pandas, f"read_{suffix}")(f"table.{suffix}", **options)
    assert table.columns.tolist() == ["n_throws", "seed", "variable", "value"]
    result = results.load_result("mnist1d-runs/coin")
    assert len(table) == 2 * 4
    for row in table.itertuples():
        assert float(row.value) == result.share.sel(n_throws=row.n_throws, seed=row.seed)


def test_tables_of_nothing_are_refused(command, failure):
    command("run", "coin.py")
    folder = "mnist1d-runs/coin"
    message = failure("show-result", folder, "--table", "a.csv", "--variables", "b")
    assert "no variable of numbers named b; there are: share" in message
    message = failure("show-result", folder, "--table", "a.txt")
    assert "must end in .csv or .parquet, not a.txt" in message
    message = failure("show-result", "mnist1d-runs")
    assert "there are: mnist1d-runs/coin/result.nc" in message
    Path("other.nc").write_bytes(b"something")
    assert "other.nc is damaged" in failure("show-result", "other.nc")


def test_whole_numbers_stay_whole_where_a_variable_lacks_a_dimension():
    result = xr.Dataset(
        {"a": ("seed", [0.5, 0.25]), "b": 3.0, "c": ("x", ["text"])}, {"seed": [0, 1]}
    )
    table = results.tidy_table(result, ["a", "b"])
    assert str(table["seed"].dtype) == "Int64"
    assert table["value"].tolist() == [0.5, 0.25, 3.0]
    with pytest.raises(ValueError, match="no variable of numbers named c"):
        results.tidy_table(result, ["c"])
