"""Settings of the whole test session, made before JAX starts.

Tests run in several processes (`-n 0`: in one). Those of a file stay together, as they share what
takes long.

Without the `lab` extra there is no JAX, and only the tests of the core can run.
"""

import atexit
import functools
import gc
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from importlib.metadata import version
from importlib.util import find_spec

import pytest

# A shell that starts the tests in the background has them ignore Ctrl-C, and with them the commands
# that they start, some of which are interrupted on purpose.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Compiling takes most of the time of tests: this level of XLA saves a tenth to two thirds of it, by
# the program, and its older code for fused operations a third of the rest, while programs run as
# fast. Commands that tests start have both from here, too. A flag that XLA does not know ends the
# process: the second one is for versions that were seen to have it.
FLAGS = {"optimization_level": "--xla_backend_optimization_level=1"}
if find_spec("jaxlib") and version("jaxlib").startswith(("0.8.", "0.9.", "0.10.")):
    FLAGS["fusion_emitters"] = "--xla_cpu_use_fusion_emitters=false"
for word, flag in FLAGS.items():
    if word not in os.environ.get("XLA_FLAGS", ""):
        os.environ["XLA_FLAGS"] = (os.environ.get("XLA_FLAGS", "") + " " + flag).strip()

# Tests run as many at a time as there are cores: further threads of linear algebra would wait for
# each other, which takes several times as much of a processor as the work itself.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# A program that several tests and the commands that they start need is compiled once, and
# forgotten with the session.
if find_spec("jax") is not None and "JAX_COMPILATION_CACHE_DIR" not in os.environ:
    compiled = tempfile.TemporaryDirectory(prefix="mnist1d-compiled-")
    atexit.register(compiled.cleanup)
    os.environ["JAX_COMPILATION_CACHE_DIR"] = compiled.name


@pytest.hookimpl(trylast=True)
def pytest_configure(config):
    """Set JAX up where tests run; the process that hands them out to others need not load it."""
    if find_spec("jax") is None or config.pluginmanager.hasplugin("dsession"):
        return
    import jax
    import optax
    from jaxtyping import install_import_hook

    if "JAX_PLATFORMS" not in os.environ:
        # Tests compare to rounding error; a GPU's default products are coarser.
        jax.config.update("jax_platforms", "cpu")
    jax.config.update("jax_num_cpu_devices", 4)
    jax.config.update("jax_compilation_cache_dir", os.environ["JAX_COMPILATION_CACHE_DIR"])
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)
    jax.config.update("jax_numpy_dtype_promotion", "strict")
    jax.config.update("jax_numpy_rank_promotion", "raise")

    # Every call checks its shapes and types against the annotations.
    install_import_hook(["mnist1d.models", "mnist1d.training"], "beartype.beartype")

    # Optax's Adam raises a float to an integer power, the one mixing of types that is not ours.
    optax.tree.bias_correction = jax.numpy_dtype_promotion("standard")(optax.tree.bias_correction)


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Have garbage looked for less often.

    Nothing is frozen: Hypothesis asks the collector who holds its generator of random numbers.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.set_threshold(10_000, 20, 20)
        gc.enable()


def compiled_quickly():
    if find_spec("jax") is None:
        yield
        return
    import jax

    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


@pytest.fixture
def quick_compilation():
    """Compile without most optimisations, where a test takes its time compiling, not running."""
    yield from compiled_quickly()


@pytest.fixture(scope="module")
def quick_module():
    """Compile so in all of a module, its fixtures among them, which come before those of a test."""
    yield from compiled_quickly()


@pytest.fixture
def mixed_types():
    """Let code that is not ours, such as Optax's schedules, mix types and ranks of arrays."""
    import jax

    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield


@pytest.fixture(scope="module")
def kept_tables():
    """Make the tables of each stream once: they have no state, and take longer than samples."""
    from mnist1d.stream import stream

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stream, "Tables", functools.cache(stream.Tables))
        yield


@pytest.fixture(scope="session")
def code_blocks():
    """Return a function that lists the code blocks of a document in a language."""
    sybil = pytest.importorskip("sybil", reason="sybil is not installed")
    markdown = pytest.importorskip("sybil.parsers.markdown")

    def found(document, language):
        parser = sybil.Sybil([markdown.CodeBlockParser(language)])
        return [str(example.parsed) for example in parser.parse(document)]

    return found


@pytest.fixture(scope="module")
def one_device():
    """Have an experiment's tasks take one device in turn: every device has programs of its own.

    That a program is stored does not help, as it is for one device, too. Tests of the commands and
    of `Compute` have several devices.
    """
    import jax

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jax, "device_count", lambda: 1)
        yield


@pytest.fixture
def command_line(monkeypatch):
    """Return a function that runs a command of `mnist1d` in this process."""
    cli = pytest.importorskip("mnist1d.cli", reason="the laboratory is not installed")

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["mnist1d", *map(str, arguments)])
        cli.main()

    return run


@pytest.fixture
def outcome(command_line, capsys):
    """Return a function that runs a command, and returns its exit code, output and errors."""

    def run(*arguments):
        capsys.readouterr()
        code = 0
        try:
            command_line(*arguments)
        except SystemExit as end:
            code = end.code
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.fixture
def refusal(command_line, capsys):
    """Return a function that runs a command, which must be refused, and returns what it says."""

    def run(*arguments):
        with pytest.raises(SystemExit) as stop:
            command_line(*arguments)
        assert stop.value.code == 2
        return capsys.readouterr().err

    return run


COMMANDS = """
import sys
from mnist1d.cli import main

if __name__ == "__main__":
    for each in sys.argv[1].split("\\n"):
        sys.argv = ["mnist1d", *each.split("\\t")]
        code = 0
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
        for stream in (sys.stdout, sys.stderr):
            print("\\n== ended:", code, file=stream, flush=True)
"""


@pytest.fixture(scope="session")
def commands():
    """Return a function that runs commands, one after the other, in one new process.

    It takes the arguments of each, a program that comes first, options of Python, and changes of
    the environment; it returns exit code, output and errors of each, as bytes.
    """

    def run(*several, prelude="", options=(), environment={}):  # noqa: B006 (which stays as it is)
        lines = "\n".join("\t".join(map(str, arguments)) for arguments in several)
        done = subprocess.run(
            [sys.executable, *options, "-c", prelude + COMMANDS, lines],
            env=os.environ | environment,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode(errors="replace")
        said = [re.split(rb"\r?\n== ended: (\d+)\r?\n", s) for s in (done.stdout, done.stderr)]
        codes, outputs, errors = map(int, said[0][1::2]), said[0][:-1:2], said[1][:-1:2]
        found = list(zip(codes, outputs, errors, strict=True))
        assert len(found) == len(several)
        return found

    return run


@pytest.fixture(scope="module")
def browser():
    """Return a browser, of playwright; its event loop ends with the module, as others need one."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
    chromium = next(filter(None, map(shutil.which, names)), None)
    if chromium is None:
        pytest.skip("no Chromium is installed")
    # As root, which tests in a container run as, Chromium has no sandbox.
    options = {"executable_path": chromium, "args": ["--no-sandbox"]}
    with playwright.sync_playwright() as running, running.chromium.launch(**options) as started:
        yield started
