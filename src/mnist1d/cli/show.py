"""The command `mnist1d show`."""

from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from mnist1d.cli.options.command import error_line
from mnist1d.cli.options.dataset import PUBLISHED_OPTIONS, DatasetOptions
from mnist1d.cli.output.ending import BROKEN, complain, fail, say
from mnist1d.cli.output.outcome import Outcome
from mnist1d.dataset.imports import required
from mnist1d.mnist import FOLDER_VARIABLE, load_mnist, mnist_folder

__all__ = ["show"]

# Endings of paths that are meant to be files, but of other formats.
_OTHER_FILES = (".bmp", ".eps", ".gif", ".jpeg", ".jpg", ".ps", ".svg", ".tif", ".tiff", ".webp")

# The pictures to which an option applies.
_CONCERNED = {
    "rows": ("samples",),
    "first": ("samples",),
    "part": ("samples",),
    "num_samples": ("samples",),
    "seed": ("samples", "building", "overview"),
    "mnist": ("overview",),
}


def show(
    picture: Annotated[
        Literal["samples", "templates", "building", "overview"], tyro.conf.Positional
    ] = "samples",
    /,
    *,
    out: Annotated[Path, tyro.conf.arg(metavar="FILE|DIR")] = Path("mnist1d-pictures"),
    format: Annotated[  # noqa: A002 (the option's name)
        Literal["png", "pdf", "both"],
        tyro.conf.arg(help_behavior_hint="(default: both, or as the file's name ends)"),
    ] = "both",
    dark: bool = False,
    rows: Annotated[
        int | None, tyro.conf.arg(metavar="N", help_behavior_hint="(default: 1)")
    ] = None,
    first: Annotated[int | None, tyro.conf.arg(metavar="N", help_behavior_hint="")] = None,
    part: Annotated[
        Literal["train", "test"] | None,
        tyro.conf.arg(metavar="train|test", help_behavior_hint="(default: train)"),
    ] = None,
    num_samples: Annotated[
        int | None, tyro.conf.arg(metavar="N", help_behavior_hint="(default: 5000)")
    ] = None,
    seed: Annotated[
        int | None,
        tyro.conf.arg(metavar="SEED", help_behavior_hint="(default: 42; of building: 0)"),
    ] = None,
    mnist: Annotated[
        Path | None,
        tyro.conf.arg(metavar="DIR", help_behavior_hint=f"(default: ${FOLDER_VARIABLE})"),
    ] = None,
    dpi: int = 100,
    json: bool = False,
    quiet: bool = False,
    dataset: Annotated[DatasetOptions, tyro.conf.OmitArgPrefixes] = PUBLISHED_OPTIONS,
) -> Outcome:
    """Draw the dataset: samples, templates, how a sample is built, or all of it in one overview.

    Prints the files that it writes; equal options make equal files. In a folder, there is also one
    file per step of building a sample.

    Args:
        picture: samples with labels, their templates, how they are built, or all in an overview.
        out: a file that ends in .png or .pdf, or a folder; made if needed.
        format: of the files in a folder.
        dark: white dots on black in place of black lines on white.
        rows: samples of every class.
        first: that many samples in stored order, in place of so many of every class.
        part: of the dataset, whose samples are drawn.
        num_samples: of the dataset, all parts together; fewer for signals of very many points.
        seed: of the samples, 0 to 2**32 - 1.
        mnist: folder with MNIST's four files, for the overview.
        dpi: pixels per inch of a PNG.
        json: write one JSON document in place of the files' names.
        quiet: say nothing of what is left out.
        dataset: what the samples are.
    """
    written = []
    try:
        given = {"rows": rows, "first": first, "part": part, "num_samples": num_samples}
        _check_concern(picture, **given, seed=seed, mnist=mnist)
        paths = _paths(picture, out, format)
        config = dataset.config()
        required("matplotlib", extra="lab")
        pictures = import_module("mnist1d.figures.signals")
        drawn: dict[str, Any] = {}
        if picture == "samples":
            changes = {"seed": seed, "num_samples": num_samples}
            config = config.replace(**{k: v for k, v in changes.items() if v is not None})
            choice = {"rows": rows, "first": first, "part": part or "train"}
            drawn[""] = pictures.samples_picture(config, dark=dark, **choice)
        elif picture == "templates":
            drawn[""] = pictures.templates_picture(config, dark=dark)
        elif picture == "building":
            chosen = {"seed": 0 if seed is None else seed, "dark": dark}
            drawn[""] = pictures.building_picture(config, **chosen)
            if out not in paths:
                steps = pictures.building_sequence(config, **chosen)
                drawn |= {f"-{number}": figure for number, figure in enumerate(steps)}
        else:
            images = None
            if mnist is not None or (mnist_folder() and config.templates is None):
                images = load_mnist(mnist)
            elif config.templates is None and not quiet:
                complain(f"MNIST is left out: name its folder with --mnist or in {FOLDER_VARIABLE}")
            drawn[""] = pictures.overview_picture(
                config, mnist=images, seed=config.seed if seed is None else seed, dark=dark
            )
        for suffix, figure in drawn.items():
            for path in paths:
                named = path.with_name(f"{path.stem}{suffix}{path.suffix}")
                pictures.save_picture(figure, named, dpi=dpi)
                written.append(named)
                if not json:
                    say(str(named))
    except ModuleNotFoundError as error:
        fail(str(error), BROKEN)
    except (MemoryError, OSError, TypeError, ValueError) as error:
        fail(error_line(error))
    return Outcome({"command": "show", "picture": picture, "files": written})


def _check_concern(picture: str, **given: Any) -> None:
    """Refuse options of another picture, which would have no effect."""
    for name, value in given.items():
        if value is not None and picture not in _CONCERNED[name]:
            option, others = name.replace("_", "-"), ", ".join(_CONCERNED[name])
            raise ValueError(f"--{option} must be left out with {picture}; it belongs to {others}")


def _paths(picture: str, out: Path, file_format: str) -> list[Path]:
    """Return the files that the picture goes to."""
    suffix = out.suffix.lower()
    if suffix in {".png", ".pdf"}:
        if file_format not in {"both", suffix[1:]}:
            raise ValueError(f"--format {file_format} contradicts --out {out}")
        return [out]
    if out.is_file() or (suffix in _OTHER_FILES and not out.is_dir()):
        raise ValueError(f"--out must end in .png or .pdf, or be a folder, not {out}")
    formats = ("png", "pdf") if file_format == "both" else (file_format,)
    return [out / f"{picture}.{name}" for name in formats]
