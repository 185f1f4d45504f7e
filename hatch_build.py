"""A step of the build: the package gets the name of the commit that it is built from."""

import runpy
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

COMMIT = "src/mnist1d/execution/commit.py"


class CommitHook(BuildHookInterface[Any]):
    """Adds `commit.txt` to the wheel and to the archive of the sources."""

    _folder: tempfile.TemporaryDirectory[str] | None = None

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the file, unless the build is of a checkout in place or of an archive's folder."""
        package = Path(self.root, "src", "mnist1d")
        about = runpy.run_path(str(Path(self.root, COMMIT)))
        if version == "editable" or (package / about["FILE"]).exists():
            return
        self._folder = tempfile.TemporaryDirectory()
        path = Path(self._folder.name, about["FILE"])
        path.write_text(about["commit_of"](package.resolve()) + "\n", encoding="utf-8")
        place = "mnist1d" if self.target_name == "wheel" else "src/mnist1d"
        build_data["force_include"][str(path)] = f"{place}/{about['FILE']}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the file, which is in the artifact now."""
        del version, build_data, artifact_path
        if self._folder is not None:
            self._folder.cleanup()
