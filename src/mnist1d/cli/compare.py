"""The command `mnist1d compare`."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import tyro

from mnist1d.cli.config_options import given, options_of
from mnist1d.cli.terminal import GO_ON, Bars, fail, make_console, trouble
from mnist1d.harness.interface import InputError
from mnist1d.harness.loading import load_module
from mnist1d.harness.settings import with_settings
from mnist1d.lab.comparison.compare import compare as compare_candidates
from mnist1d.lab.comparison.protocol import Protocol
from mnist1d.training import keep_compiled_programs, use_all_cores

_OUT = Path("mnist1d-comparisons")

_File = Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="FILE.py")]
_Out = Annotated[Path, tyro.conf.arg(metavar="DIR")]


def compare(file: _File, /, *, out: _Out = _OUT) -> None:
    """Compare candidates of your own: tuned alike, paired by seed, beside the paper's models.

    Every field of the protocol is an option, too: `mnist1d compare FILE.py --help` shows them.

    Args:
        file: a Python file that defines CANDIDATES, a mapping from names to candidates, and may
            define PROTOCOL, a `mnist1d.lab.Protocol`.
        out: folder for the result, its figure and finished runs; made if needed.
    """
    _run(file, *_read(file), out)


def compare_command(name: str) -> Callable[..., None]:
    """Return the command `compare` with the fields of a file's protocol as options.

    Ends the program with a line if the file cannot be used.
    """
    file = Path(name)
    candidates, protocol = _read(file)
    options = options_of(protocol)

    def compare_file(
        *,
        out: _Out = _OUT,
        fields: Any = None,
    ) -> None:
        values = _single(fields)
        try:
            changed = with_settings(protocol, values)
        except (InputError, TypeError) as error:
            fail(str(error))
        _run(file, candidates, changed, out)

    compare_file.__doc__ = """Compare candidates of your own: tuned alike, paired by seed.

    Args:
        out: folder for the result, its figure and finished runs; made if needed.
    """
    compare_file.__defaults__ = None
    compare_file.__kwdefaults__ = {"out": _OUT, "fields": options()}
    compare_file.__annotations__ |= {
        # Without a prefix of its own, but with those of configurations inside.
        "fields": Annotated[options, tyro.conf.arg(name="")],
    }
    return compare_file


def _single(fields: Any) -> dict[str, Any]:
    """Return the values of options; several of one would be several protocols."""
    try:
        values = given(fields)
    except InputError as error:
        fail(str(error))
    for name, each in values.items():
        if len(each) > 1:
            fail(f"--{name.replace('_', '-')} takes one value, not {len(each)}")
    return {name: each[0] for name, each in values.items()}


def _read(file: Path) -> tuple[Mapping[str, Any], Protocol]:
    """Run a file with candidates, and return them with their protocol."""
    use_all_cores()  # a file may well start JAX
    if file.suffix != ".py":
        fail(f"{file} must be a Python file that ends in .py")
    try:
        module, _ = load_module(file)
    except InputError as error:
        fail(str(error))
    candidates = getattr(module, "CANDIDATES", None)
    if not isinstance(candidates, Mapping):
        fail(f"{file} must define CANDIDATES, a mapping from names to candidates")
    protocol = getattr(module, "PROTOCOL", None)
    if protocol is None:
        protocol = Protocol()
    if not isinstance(protocol, Protocol):
        fail(f"PROTOCOL in {file} must be a Protocol, not {protocol!r}")
    return candidates, protocol


def _run(file: Path, candidates: Mapping[str, Any], protocol: Protocol, out: Path) -> None:
    start, console, folder = time.perf_counter(), make_console(), out / file.stem
    try:
        keep_compiled_programs()
        with Bars(console) as progress:
            found = compare_candidates(candidates, protocol, folder=folder, progress=progress)
        found.save(folder)
    except InputError as error:
        fail(str(error))
    except OSError as error:
        fail(f"{trouble(error, out)}; {GO_ON}")
    console.print(found)
    console.print(
        f"{time.perf_counter() - start:.0f} s. Figure and result: {folder}",
        soft_wrap=True,
        markup=False,
    )
