"""Runs next to each other in processes: the same numbers, one thread each, and failures named."""

# ruff: noqa: ARG001 (functions have the arguments that they are called with)

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import mnist1d
from mnist1d.execution.blas import limited_threads
from mnist1d.harness.interface import InputError
from mnist1d.harness.lines import Lines
from mnist1d.lab.candidates.contract import CandidateError, Run, Schedule, Sets
from mnist1d.lab.candidates.fitted import FunctionCandidate, SklearnCandidate
from mnist1d.lab.comparison import workers as module
from mnist1d.lab.comparison.compare import compare
from mnist1d.lab.comparison.protocol import Protocol
from mnist1d.lab.comparison.workers import Workers

SHORT = Schedule(n_steps=12, batch_size=100, evaluate_every=6)
HERE = os.getpid()


@pytest.fixture(scope="module")
def sets():
    data = mnist1d.load()
    x, y = data.x[:600].astype(np.float32), data.y[:600]
    x_test, y_test = data.x_test[:300].astype(np.float32), data.y_test[:300]
    return {"only": Sets(x, y, {"validation": x_test, "train": x}, y_test)}


@pytest.fixture
def at_once(monkeypatch):
    """Have processes started for runs of any length."""
    monkeypatch.setattr(module, "_START_SECONDS", 0)


def runs_of(n, settings=None):
    return [Run(settings or {}, seed, "only") for seed in range(n)]


def trained(workers, candidate, runs, sets, report=lambda *_: None, **more):
    found = list(workers.train(candidate, runs, sets, SHORT, report, **more))
    assert sorted(number for number, _ in found) == list(range(len(runs)))
    return [outcome for _, outcome in sorted(found, key=lambda pair: pair[0])]


def answering(answer):
    """Return a candidate that predicts the last digits of what a function returns, for all."""

    def learn(x, y, *, seed):
        digits = [int(digit) for digit in f"{answer(seed):0600d}"]
        return lambda new: np.array(digits[-len(new) :])

    return FunctionCandidate(learn)


PIDS = answering(lambda _: os.getpid())


def answers(outcomes):
    return [int("".join(map(str, each.predictions["validation"]))) for each in outcomes]


def test_short_runs_stay_here_and_so_do_all_with_one_worker(sets, monkeypatch):
    with Workers(2) as workers:
        assert answers(trained(workers, PIDS, runs_of(4), sets)) == [HERE] * 4
        assert workers._executor is None
    monkeypatch.setattr(module, "_START_SECONDS", 0)
    with Workers(1) as workers:
        assert answers(trained(workers, PIDS, runs_of(4), sets)) == [HERE] * 4


def test_what_cannot_be_sent_stays_here(sets, at_once):
    lock, notes = threading.Lock(), []

    def locked(seed):
        with lock:
            return os.getpid()

    with Workers(2, note=notes.append) as workers:
        assert answers(trained(workers, answering(locked), runs_of(4), sets)) == [HERE] * 4
    (note,) = notes
    assert note.startswith("runs train one after the other, in this process: expected what can be")
    assert "cannot pickle '_thread.lock' object" in note


@pytest.mark.slow
def test_what_goes_wrong_in_a_process_is_the_candidates_failure(sets, at_once):
    class OddError(Exception):
        def __init__(self, one, two):  # cannot be made again elsewhere
            super().__init__(f"{one} and {two}")

    def raising(seed):
        if seed == 1:
            raise OddError("odd", "end")
        return 0

    def dying(seed):
        if seed == 1:
            os._exit(3)
        return 0

    with Workers(2) as workers:
        with pytest.raises(
            CandidateError, match=r"failed with seed 1 and .* OddError: odd and end"
        ):
            trained(workers, answering(raising), runs_of(4), sets)
        with pytest.raises(CandidateError, match="ended its process"):
            trained(workers, answering(dying), runs_of(4), sets)
        assert answers(trained(workers, answering(lambda _: 5), runs_of(4), sets)) == [5] * 4
        loaded = answering(lambda _: int("xarray" in sys.modules))  # which takes time to load
        assert answers(trained(workers, loaded, runs_of(4), sets)) == [0] * 4


@pytest.mark.slow
def test_nothing_goes_on_when_nobody_wants_it(sets, at_once):
    def slow(seed):
        time.sleep(60 if seed else 0)
        return seed

    def interrupted(done, total):
        if done == 12:  # of the run that was finished here
            raise KeyboardInterrupt

    start = time.perf_counter()
    with Workers(2) as workers:
        running = workers.train(answering(slow), runs_of(4), sets, SHORT, lambda *_: None)
        next(running)
        running.close()
        assert workers._executor is None
        running = workers.train(answering(slow), runs_of(4), sets, SHORT, interrupted)
        with pytest.raises(KeyboardInterrupt):
            list(running)
        assert workers._executor is None
    assert time.perf_counter() - start < 30


@pytest.mark.parametrize("settings", [{"workers": 0}, {"threads": 0}, {"workers": "two"}])
def test_numbers_of_workers_and_threads_are_checked(settings):
    (name,) = settings
    with pytest.raises(InputError, match=f"{name} must be"):
        compare({"a": PIDS}, **settings)


def test_workers_are_those_of_an_executor():
    with ThreadPoolExecutor(1) as executor, pytest.raises(InputError, match="left out with an ex"):
        compare({"a": PIDS}, executor=executor, workers=2)


SCRIPT = """
import os, sys
import numpy as np
from mnist1d.lab import DatasetConfig, compare
from mnist1d.lab.comparison import workers

workers._START_SECONDS = 0
print("started")


class Network:
    def fit(self, x, y):
        self.classes = np.unique(y)

    def predict(self, x):
        open(f"of {os.getpid()}", "w").close()
        return np.full(len(x), 3)


def learn(x, y):
    return Network().predict


found = compare(
    {"estimator": Network, "function": learn}, seeds=4, n_steps=10, evaluate_every=10,
    references=False, shuffled=False, shifts=(), workers=2,
)
print(found.failures, found.result.test_accuracy.values.min() > 0)
"""


@pytest.mark.slow
def test_a_script_needs_no_guard_and_its_classes_and_functions_are_found(tmp_path):
    (tmp_path / "mine.py").write_text(SCRIPT.replace("DatasetConfig, ", ""), encoding="utf-8")
    environment = {**os.environ, "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, "mine.py"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["started", "{} True"]
    assert len(list(tmp_path.glob("of *"))) >= 2


LONG = """
import os, time
import numpy as np
from mnist1d.lab.comparison import workers

workers._START_SECONDS = 0


def wait(x, y, *, seed):
    open(f"began {seed}", "w").close()
    time.sleep(600 if seed else 0)
    return lambda signals: np.zeros(len(signals), int)


CANDIDATES = {"waiting": wait}
PROTOCOL = dict(seeds=20, n_steps=10, evaluate_every=10)
PROTOCOL |= dict(references=False, shuffled=False, shifts=())
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_command_that_is_stopped_leaves_no_process_no_file_and_no_word_of_leaks(tmp_path, sent):
    (tmp_path / "long.py").write_text(LONG, encoding="utf-8")
    temporary, said = tmp_path / "temporary", tmp_path / "said"
    temporary.mkdir()
    with said.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "mnist1d", "compare", "long.py", "--workers", "2"],
            cwd=tmp_path,
            env={**os.environ, "JAX_PLATFORMS": "cpu", "TMPDIR": str(temporary)},
            stdout=subprocess.DEVNULL,
            stderr=file,
        )
        while not (tmp_path / "began 2").exists():
            assert process.poll() is None, said.read_text()
            time.sleep(0.05)
    assert [path.name for path in temporary.glob("*/*")] == ["steps"]
    process.send_signal(sent)
    assert process.wait(60) == (-sent if sent == signal.SIGKILL else 130)
    # What a killed process leaves is removed by others, and only when they have noticed.
    for _ in range(600):
        if not [*temporary.iterdir()]:
            break
        time.sleep(0.05)
    assert not [*temporary.iterdir()]
    lines = said.read_text().splitlines()
    assert all(line.startswith(("waiting, ", "mnist1d: interrupted; ")) for line in lines), lines
    assert (lines[-1:] or [""])[0].startswith("mnist1d: interrupted") == (sent != signal.SIGKILL)


def test_a_protocol_runs_with_workers_as_without():
    protocol = Protocol(
        data=mnist1d.DatasetConfig(train=400, test=200),
        validation_samples=500,
        seeds=2,
        n_steps=10,
        evaluate_every=10,
        shuffled=False,
        shifts=(),
        references=False,
    )
    candidates = {"a": answering(lambda seed: seed), "b": SklearnCandidate(Nearest)}
    one, other = (compare(candidates, protocol, workers=n).result for n in (1, 2))
    np.testing.assert_array_equal(one.test_prediction, other.test_prediction)
    assert (one.cpu_seconds >= 0).all()


def test_by_default_progress_is_lines_on_standard_error(capsys):
    clock = iter(range(0, 1000, 4))
    say = Lines(clock=lambda: float(next(clock)))
    for done in range(0, 160, 10):
        say("relu, tuning", done, 1500)
    say("relu failed: no luck", 0, 0)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.splitlines() == [
        "relu, tuning: 30 of 1,500, 12 s",
        "relu, tuning: 60 of 1,500, 24 s",
        "relu, tuning: 90 of 1,500, 36 s",
        "relu, tuning: 120 of 1,500, 48 s",
        "relu, tuning: 150 of 1,500, 60 s",
        "relu failed: no luck",
    ]


class Nearest:
    def fit(self, x, y):
        self.means = np.array([x[y == label].mean(axis=0) for label in range(10)])

    def predict(self, x):
        return ((x[:, None] - self.means) ** 2).sum(axis=2).argmin(axis=1)


# Last, as every process that starts once PyTorch is loaded here loads it, too.


@pytest.mark.slow
def test_runs_train_in_several_processes_the_first_here_and_the_numbers_are_the_same(sets, at_once):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    torch_candidates = pytest.importorskip("mnist1d.lab.candidates.torch")
    width = 7

    class Network(torch.nn.Sequential):
        def __init__(self):
            layers = (torch.nn.Linear(40, width), torch.nn.Dropout(0.1), torch.nn.Linear(width, 10))
            super().__init__(*layers)

    candidate, runs = torch_candidates.TorchCandidate(Network), runs_of(5, {"learning_rate": 0.01})
    with limited_threads(1):
        alone = dict(candidate.train(runs, sets, SHORT, lambda *_: None))
    reports = []
    with Workers(2) as workers:
        for _ in range(2):
            heard = {number: [] for number in range(5)}
            found = trained(
                workers,
                candidate,
                runs,
                sets,
                lambda *news: reports.append(news),
                on_evaluation=lambda number, *values: heard[number].append(values),  # noqa: B023
            )
            for number, outcome in enumerate(found):
                curves = np.stack([outcome.validation_accuracy, outcome.train_loss], axis=1)
                np.testing.assert_allclose(heard[number], curves, rtol=1e-6)
            for number, outcome in enumerate(found):
                for name in ("train_loss", "validation_accuracy"):
                    np.testing.assert_array_equal(
                        getattr(outcome, name), getattr(alone[number], name)
                    )
                assert outcome.seconds > 0
                assert outcome.cpu_seconds > 0
        assert len(reports) > 4
        assert {total for _, total in reports} == {60}
        assert reports[-1] == (60, 60)
        first = [done for done, _ in reports[: reports.index((60, 60)) + 1]]
        assert first == sorted(first)
        pids = answers(trained(workers, PIDS, runs_of(8), sets))
        assert HERE not in pids
    with Workers(2) as workers:
        pids = answers(trained(workers, PIDS, runs_of(3), sets))
        assert pids[0] == HERE
        assert HERE not in pids[1:]


@pytest.mark.slow
def test_a_run_has_one_thread_and_the_settings_of_this_process(sets, at_once):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")

    def asked(seed):
        double = torch.get_default_dtype() == torch.float64
        return 100 * torch.get_num_threads() + 10 * double + int(os.getpid() == HERE)

    before = torch.get_num_threads()
    torch.set_num_threads(4)
    torch.set_default_dtype(torch.float64)
    try:
        with Workers(2) as workers:
            found = answers(trained(workers, answering(asked), runs_of(3), sets))
        with Workers(2, threads=3) as workers:
            more = answers(trained(workers, answering(asked), runs_of(2), sets))
        assert torch.get_num_threads() == 4
    finally:
        torch.set_num_threads(before)
        torch.set_default_dtype(torch.float32)
    assert found == [111, 110, 110]
    assert more == [311, 311]  # the last one of all is not worth a process
