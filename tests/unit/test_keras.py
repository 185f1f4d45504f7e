"""The page on Keras: its code trains, and finds its runs again. Needs `pip install keras`."""

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "laboratory.md"
SMALL = """
small = {"seeds": 2, "tuning_seeds": 1, "n_steps": 100, "learning_rates": (0.003, 0.01)}
small |= {"references": False, "shuffled": False, "shifts": (), "folder": "out"}
"""


@pytest.mark.slow
@pytest.mark.skipif(find_spec("keras") is None, reason="Keras is not installed")
def test_the_code_of_the_page_trains_a_model_of_keras(tmp_path):
    blocks = re.findall(r"```py\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    (code,) = (block for block in blocks if "KERAS_BACKEND" in block)
    call = 'compare({"Keras": JaxCandidate(keras_pair(model))})'
    assert call in code
    code = code.replace(call, f"found = {call[:-1]}, **small)")
    shown = 'print(found.result.units_found, *found.result.test_accuracy.values.ravel(), sep="\\n")'
    (tmp_path / "page.py").write_text(SMALL + code + shown, "utf-8")
    environment = {**os.environ, "KERAS_HOME": str(tmp_path)}

    def run():
        command = [sys.executable, "page.py"]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert not done.returncode, done.stderr
        return [float(each) for each in done.stdout.split()]

    n_found, *accuracies = run()
    assert n_found == 0
    assert min(accuracies) > 0.2  # of ten classes
    assert len(set(accuracies)) == 2
    assert run() == [4, *accuracies]
