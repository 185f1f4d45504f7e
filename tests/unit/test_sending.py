"""Candidates arrive in other processes with the modules of the user as they are here."""

import pickle
import subprocess
import sys

import pytest

from mnist1d.lab.candidates.fitted import FunctionCandidate

pytest.importorskip("cloudpickle", reason="cloudpickle is not installed")

from mnist1d.lab.candidates.sending import packed

ARRIVES = """
import pickle, sys
candidate = pickle.loads(sys.stdin.buffer.read())
print(candidate.function(None, None))
"""


@pytest.mark.slow
def test_modules_that_functions_import_arrive_with_their_present_values(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "sent_settings.py").write_text("WIDTH = 10", encoding="utf-8")
    (tmp_path / "sent_layers.py").write_text(
        "def width():\n    import sent_settings\n    return sent_settings.WIDTH\n", encoding="utf-8"
    )

    def late(x, y):  # noqa: ARG001
        from sent_layers import width

        return width()

    assert late(None, None) == 10
    monkeypatch.setattr(sys.modules["sent_settings"], "WIDTH", 50)
    sent = packed(FunctionCandidate(late))
    assert pickle.loads(sent).function(None, None) == 50  # noqa: S301
    arrived = subprocess.run(
        [sys.executable, "-c", ARRIVES], input=sent, capture_output=True, check=True
    )
    assert int(arrived.stdout) == 50
    for name in ("sent_settings", "sent_layers"):
        sys.modules.pop(name)
