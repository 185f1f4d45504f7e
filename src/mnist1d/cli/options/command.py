"""Functions that commands share: errors in one line, devices, schedulers, fields as options.

Nothing here is slow to import: commands import what they need for their work when they run.
"""

import inspect
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import tyro

from mnist1d.cli.output.ending import BROKEN, REFUSED, complain, fail
from mnist1d.cli.output.outcome import Outcome
from mnist1d.dataset.atomic import is_write_error

RESUME_HINT = "finished work is kept: run the same command again to continue"
"""The hint in messages of interrupted work."""

Scheduler = Annotated[
    str | None, tyro.conf.arg(metavar="ADDRESS", help_behavior_hint="(default: this machine)")
]
"""The option `--scheduler`: address of a Dask scheduler."""


# Where Matplotlib's folders cannot be written, it makes one for the session and says so at length.
_REMARKS = ("Matplotlib created a temporary", "mkdir -p failed")
logging.getLogger("matplotlib").addFilter(lambda line: not str(line.msg).startswith(_REMARKS))

RECORD = Path("mnist1d-results")
"""The folder that `mnist1d reproduce` writes, unless it is told otherwise."""


def error_line(error: BaseException, path: str | Path = "") -> str:
    """Return an error in one line, with the file that could not be read or written.

    Args:
        error: any error.
        path: the file, if the error does not name one.

    >>> error_line(FileNotFoundError(2, "No such file or directory", "data.csv"), "out")
    'data.csv: No such file or directory'
    >>> error_line(ValueError("seeds must be at least 1"))
    'seeds must be at least 1'
    """
    if not isinstance(error, OSError) or isinstance(error, ConnectionError):
        return str(error)
    place = os.fsdecode(error.filename or path)
    what = error.strerror or str(error)
    line = f"{place}: {what}" if place else what
    return f"cannot write {line}" if is_write_error(error) else line


@contextmanager
def exit_on_error(out: str | Path = "", *, resumable: bool = True) -> Iterator[None]:
    """Exit with one line on errors of input, files and clusters, and a hint on how to resume.

    Args:
        out: where the command writes.
        resumable: whether the same command resumes the work.
    """
    from mnist1d.execution.cluster import ClusterError
    from mnist1d.harness.interface import InputError

    try:
        yield
    except InputError as error:
        is_missing = isinstance(error.__cause__, ModuleNotFoundError)
        fail(str(error), BROKEN if is_missing else REFUSED)
    except BrokenPipeError:
        raise
    except (ClusterError, OSError) as error:
        fail(f"{error_line(error, out)}; {RESUME_HINT}" if resumable else error_line(error, out))


def prepare_devices() -> None:
    """Make every core a device of JAX, and cache compiled programs."""
    from mnist1d.execution import devices

    devices.use_all_cores()
    devices.keep_compiled_programs()
    if devices.needs_cache_folder() and devices.cache_folder() is None:
        note = "there is no home folder, so that compiled programs are not kept"
        complain(f"{note}; JAX_COMPILATION_CACHE_DIR names a folder")


@contextmanager
def connected(scheduler: str | None) -> Iterator[Executor | None]:
    """Return the executor of a Dask scheduler, or None without one.

    Exits with a one-line error if the scheduler cannot be used.
    """
    if scheduler is None:
        yield None
        return
    from mnist1d.execution.cluster import ClusterExecutor, silence_log

    try:
        executor = ClusterExecutor(scheduler)
    except ModuleNotFoundError as error:
        fail(str(error), BROKEN)
    except ConnectionError as error:
        fail(str(error))
    silence_log()
    try:
        yield executor
    finally:
        executor.shutdown(wait=False, cancel_futures=True)


def with_fields(
    command: Callable[..., Outcome],
    work: Callable[..., Outcome],
    config: Any,
    quick: Any = None,
    *,
    about: str,
    owner: str | None = None,
) -> Callable[..., Outcome]:
    """Return a command with the fields of a configuration as further options.

    Exits with a one-line error if a field has the name of an option, or an option no value.

    Args:
        command: whose options come first, with their help.
        work: does the work: a function of the values of the fields that were given, by field, and
            of the command's options as keywords.
        config: the configuration whose values are shown as defaults.
        quick: the configuration of a quick run, whose values are shown where they differ.
        about: the beginning of the help.
        owner: name of the configuration in messages; that of its class if omitted.
    """
    from mnist1d.cli.options.config import given, options_of
    from mnist1d.harness.interface import InputError

    try:
        options = options_of(config, quick)
    except InputError as error:
        fail(str(error))
    owner = owner or type(config).__name__
    parameters = inspect.signature(command, eval_str=True).parameters.values()
    own = [each for each in parameters if each.kind is each.KEYWORD_ONLY]
    for option in own:
        if option.name in options.__annotations__:
            fail(f"{owner} must not have a field {option.name}: it is an option of the command")

    def with_values(**arguments: Any) -> Outcome:
        used = arguments.pop("fields", None)
        try:
            values = {} if used is None else given(used)
        except InputError as error:
            fail(str(error))
        return work(values, **{each.name: each.default for each in own} | arguments)

    fields = inspect.Parameter(
        "fields",
        inspect.Parameter.KEYWORD_ONLY,
        default=options(),
        # Without a prefix, but with those of nested configurations.
        annotation=Annotated[options, tyro.conf.arg(name="")],
    )
    _, heading, arguments = (inspect.getdoc(command) or "").partition("Args:")
    with_values.__doc__ = f"{about}\n\n{heading}{arguments}"
    with_values.__dict__["__signature__"] = inspect.Signature([*own, fields])
    with_values.__annotations__ = {each.name: each.annotation for each in [*own, fields]}
    return with_values


def only_values(values: Mapping[str, list[Any]]) -> dict[str, Any]:
    """Return the one value of every field; exit with a one-line error if there are several."""
    for name, each in values.items():
        if len(each) > 1:
            fail(f"--{name.replace('_', '-')} takes one value, not {len(each)}")
    return {name: each[0] for name, each in values.items()}
