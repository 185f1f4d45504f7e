"""PyTorch candidates train as a plain loop does, and say what is wrong with a model."""

# ruff: noqa: ARG005, E402, NPY002 (PyTorch may be missing; the global random state is what is tested)

import random

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from torch import nn

import mnist1d
from mnist1d.lab.candidates.averaging import EMA
from mnist1d.lab.candidates.contract import CandidateError, Run, Schedule, Sets, batch_order
from mnist1d.lab.candidates.torch import TorchCandidate

SHORT = Schedule(n_steps=12, batch_size=100, evaluate_every=6)


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    """Several would wait for each other longer than these networks take."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n_threads)


@pytest.fixture(scope="module")
def sets():
    data = mnist1d.load()
    x, y = data.x[:1000].astype(np.float32), data.y[:1000].astype(np.int32)
    x_test, y_test = data.x_test.astype(np.float32), data.y_test.astype(np.int32)
    return Sets(x, y, {"validation": x_test, "train": x}, y_test)


class Network(nn.Module):
    def __init__(self, hidden_size=20, p=0.0):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(40, hidden_size), nn.ReLU(), nn.Dropout(p), nn.Linear(hidden_size, 10)
        )

    def forward(self, x):
        return self.layers(x)


class Convolutional(nn.Module):
    """Takes (batch, 1, length), as most people write it."""

    def __init__(self):
        super().__init__()
        self.convolution = nn.Conv1d(1, 5, 5, stride=2)
        self.output = nn.Linear(90, 10)

    def forward(self, x):
        return self.output(self.convolution(x).relu().flatten(1))


def runs_of(*settings, seeds=(0,)):
    return [Run(each, seed, "only") for each in settings for seed in seeds]


def outcomes(candidate, runs, sets, schedule=SHORT):
    done = candidate.train(runs, {"only": sets}, schedule, lambda steps, total: None)
    return [outcome for _, outcome in sorted(done, key=lambda pair: pair[0])]


def plain_loop(sets, seed, learning_rate):
    """Train as anybody would, on the batches of the seed."""
    x, y = torch.from_numpy(sets.x), torch.from_numpy(sets.y).long()
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = Network()
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)
    losses = []
    for rows in torch.from_numpy(batch_order(len(x), SHORT, seed).astype(np.int64)):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    with torch.no_grad():
        predicted = model(torch.from_numpy(sets.evaluated["validation"])).argmax(1).numpy()
    return np.reshape(losses, (2, 6)).mean(axis=1), predicted


@pytest.mark.slow
def test_a_run_equals_a_plain_loop(sets):
    runs = runs_of({"learning_rate": 0.01}, {"learning_rate": 0.001}, seeds=(3, 4))
    for run, outcome in zip(runs, outcomes(TorchCandidate(Network), runs, sets), strict=True):
        losses, predicted = plain_loop(sets, run.seed, run.settings["learning_rate"])
        np.testing.assert_allclose(outcome.train_loss, losses, rtol=1e-6)
        np.testing.assert_array_equal(outcome.predictions["validation"], predicted)
        assert outcome.validation_accuracy[-1] == np.mean(predicted == sets.y_validation)
        assert outcome.predictions["train"].shape == (1000,)
        assert outcome.seconds > 0


@pytest.mark.slow
def test_global_random_state_stays_as_it_is(sets):
    states = (torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate())
    candidate = TorchCandidate(lambda: Network(p=0.5))
    candidate.check(sets, SHORT)
    running = candidate.train(
        runs_of({"learning_rate": 0.01}, seeds=(0, 1)), {"only": sets}, SHORT, lambda *_: None
    )
    next(running)  # between two runs, too
    assert torch.equal(torch.get_rng_state(), states[0])
    next(running)
    assert torch.equal(torch.get_rng_state(), states[0])
    assert np.array_equal(np.random.get_state()[1], states[1])
    assert random.getstate() == states[2]


@pytest.mark.slow
def test_progress_counts_the_steps_of_all_runs(sets):
    reports = []
    runs = runs_of({"learning_rate": 0.01}, seeds=(0, 1))
    list(
        TorchCandidate(Network).train(
            runs, {"only": sets}, SHORT, lambda *news: reports.append(news)
        )
    )
    assert reports == [(0, 24), (6, 24), (12, 24), (18, 24), (24, 24)]


@pytest.mark.slow
def test_settings_go_to_the_functions_that_name_them(sets):
    seen = []

    def loss(logits, labels, *, smoothing):
        return nn.functional.cross_entropy(logits, labels, label_smoothing=smoothing)

    class Watched(torch.optim.SGD):
        def __init__(self, parameters, lr, momentum=0.0):
            parameters = list(parameters)
            seen.append((lr, momentum, len(parameters[0])))
            super().__init__(parameters, lr, momentum=momentum)

    search = {"learning_rate": [0.5], "hidden_size": [30], "smoothing": [0.1], "momentum": [0.9]}
    candidate = TorchCandidate(Network, optimizer=Watched, loss=loss, search=search)
    plain = dict.fromkeys(search, 0) | {"learning_rate": 0.5, "hidden_size": 30}
    settings = [{**plain, "momentum": 0.9}, {**plain, "momentum": 0.9, "smoothing": 0.1}]
    first, second = outcomes(candidate, runs_of(*settings), sets)
    assert seen == [(0.5, 0.9, 30)] * 2
    assert first.train_loss[0] < second.train_loss[0]  # smoothing makes certainty expensive


def test_a_search_space_that_nothing_takes_is_refused():
    with pytest.raises(ValueError, match="search has widht, which make or optimizer or loss"):
        TorchCandidate(Network, search={"widht": [3]})
    with pytest.raises(ValueError, match="one or more values of learning_rate"):
        TorchCandidate(Network, search={"learning_rate": []})


def test_the_rate_that_is_not_tuned_is_the_optimizers():
    search = {"hidden_size": np.array([3, 5])}
    assert TorchCandidate(Network, search=search).search == {"hidden_size": [3, 5]}
    assert TorchCandidate(Network, search=search).untuned_rate == "0.001"
    own = TorchCandidate(Network, optimizer=lambda parameters, rate: None, search=search)
    assert own.untuned_rate == "the optimizer's own"


def test_a_rate_by_the_optimizers_own_name_is_tuned(sets):
    candidate = TorchCandidate(Network, torch.optim.SGD, search={"lr": (0.001, 0.5)})
    assert candidate.untuned_rate == ""
    slow, fast = outcomes(candidate, runs_of({"lr": 0.001}, {"lr": 0.5}), sets)
    assert fast.train_loss[-1] < slow.train_loss[-1]


def test_a_schedule_moves_on_after_every_step(sets):
    def only_first(optimizer, n_steps):
        assert n_steps == 12
        return torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: float(step == 0))

    runs = runs_of({"learning_rate": 0.5})
    make = {"optimizer": torch.optim.SGD, "schedule": only_first}
    (still,) = outcomes(TorchCandidate(Network, **make), runs, sets)
    (one_step,) = outcomes(
        TorchCandidate(Network, optimizer=torch.optim.SGD), runs, sets, Schedule(1, 100, 1)
    )
    np.testing.assert_array_equal(
        still.predictions["validation"], one_step.predictions["validation"]
    )


def test_a_plateau_is_judged_by_the_validation_loss_at_every_evaluation(sets):
    seen, rates = [], []

    class Watched(torch.optim.lr_scheduler.ReduceLROnPlateau):
        def step(self, metrics):
            seen.append(metrics)
            super().step(metrics)
            rates.append(self.optimizer.param_groups[0]["lr"])

    def schedule(optimizer, n_steps):  # noqa: ARG001
        return Watched(optimizer, mode="max", patience=0, factor=0.1, threshold=1.0)

    candidate = TorchCandidate(Network, optimizer=torch.optim.SGD, schedule=schedule)
    candidate.check(sets, SHORT)
    seen.clear(), rates.clear()
    (outcome,) = outcomes(candidate, runs_of({"learning_rate": 0.5}), sets)
    assert len(seen) == 2
    assert seen[0] > seen[1] > 1  # a loss, not an accuracy
    np.testing.assert_allclose(rates, [0.5, 0.05])
    plain = TorchCandidate(Network, optimizer=torch.optim.SGD)
    (other,) = outcomes(plain, runs_of({"learning_rate": 0.5}), sets, Schedule(18, 100, 6))
    assert outcome.train_loss[0] == other.train_loss[0]


class Sharp(torch.optim.SGD):
    """Perturbs the weights, and steps with the gradient that it finds there, as SAM does."""

    def __init__(self, parameters, lr):
        super().__init__(parameters, lr)
        self.n_steps = 0

    @torch.no_grad()
    def step(self, closure=None):
        assert all(each.grad is not None for each in self.param_groups[0]["params"])
        for each in self.param_groups[0]["params"]:
            each.add_(0.05)
        closure()  # without one: 'NoneType' object is not callable
        for each in self.param_groups[0]["params"]:
            each.sub_(0.05)
        super().step()
        self.n_steps += 1


class Refusing(Sharp):
    def step(self, closure=None):
        assert closure is not None
        super().step(closure)


def test_an_optimizer_that_needs_a_closure_gets_one(sets):
    def learned(optimizer, rate):
        candidate = TorchCandidate(Network, optimizer=optimizer)
        candidate.check(sets, SHORT)
        return outcomes(candidate, runs_of({"learning_rate": rate}), sets)[0].train_loss

    (plain, sharp, refusing) = (learned(each, 0.1) for each in (torch.optim.SGD, Sharp, Refusing))
    np.testing.assert_array_equal(sharp, refusing)
    assert 0 < abs(sharp - plain).max() < 0.1  # steps are alike, and nothing stays perturbed


@pytest.mark.slow
def test_lbfgs_trains_as_in_a_plain_loop(sets):
    candidate = TorchCandidate(Network, optimizer=torch.optim.LBFGS)
    candidate.check(sets, SHORT)
    (outcome,) = outcomes(candidate, runs_of({"learning_rate": 0.01}), sets)
    x, y = torch.from_numpy(sets.x), torch.from_numpy(sets.y).long()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = Network()
    optimizer, losses = torch.optim.LBFGS(model.parameters(), lr=0.01), []

    for rows in torch.from_numpy(batch_order(len(x), SHORT, 0).astype(np.int64)):

        def closure(rows=rows):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
            loss.backward()
            return loss

        losses.append(optimizer.step(closure).item())
    np.testing.assert_allclose(outcome.train_loss, np.reshape(losses, (2, 6)).mean(1), rtol=1e-5)


def test_other_errors_of_an_optimizer_are_reported(sets):
    class Broken(torch.optim.SGD):
        def step(self, closure=None):  # noqa: ARG002
            raise RuntimeError("no steps today")

    with pytest.raises(CandidateError, match=r"after 0 of 2 steps .* no steps today"):
        TorchCandidate(Network, optimizer=Broken).check(sets, SHORT)


def test_augmentation_sees_training_batches_alone_and_draws_from_the_seed(sets):
    shapes = []

    def augment(x):
        shapes.append(tuple(x.shape))
        return x + torch.randn_like(x)

    candidate = TorchCandidate(Network, augment=augment)
    runs = runs_of({"learning_rate": 0.01}, {"learning_rate": 0.01}, seeds=(5,))
    first, second = outcomes(candidate, runs, sets)
    assert shapes == [(100, 40)] * 24
    np.testing.assert_array_equal(first.train_loss, second.train_loss)
    (bare,) = outcomes(TorchCandidate(Network), runs[:1], sets)
    assert abs(first.train_loss - bare.train_loss).min() > 1e-3


def test_dropout_is_off_where_predictions_are_made(sets):
    candidate = TorchCandidate(lambda: Network(p=0.9), optimizer=torch.optim.SGD)
    (dropped,) = outcomes(candidate, runs_of({"learning_rate": 0.0}), sets)
    (whole,) = outcomes(
        TorchCandidate(Network, optimizer=torch.optim.SGD), runs_of({"learning_rate": 0.0}), sets
    )
    np.testing.assert_array_equal(
        dropped.predictions["validation"], whole.predictions["validation"]
    )
    assert np.ptp(dropped.train_loss) > 0  # and on in training


def test_a_check_counts_trained_parameters(sets):
    def frozen():
        model = Network(hidden_size=20)
        model.layers[0].requires_grad_(requires_grad=False)
        return model

    assert TorchCandidate(Network).check(sets, SHORT) == 40 * 20 + 20 + 20 * 10 + 10
    assert TorchCandidate(frozen).check(sets, SHORT) == 20 * 10 + 10
    lazy = TorchCandidate(lambda: nn.Sequential(nn.LazyLinear(7), nn.Linear(7, 10)))
    assert lazy.check(sets, SHORT) == 40 * 7 + 7 + 7 * 10 + 10


class Remembering(nn.Module):
    """Keeps a first hidden state for the largest batch that it has seen."""

    def __init__(self):
        super().__init__()
        self.recurrent, self.output = nn.GRU(8, 8, batch_first=True), nn.Linear(8, 10)
        self.start = None

    def forward(self, x):
        if self.start is None or self.start.shape[1] < len(x):
            self.start = torch.zeros(1, len(x), 8)
        hidden = self.recurrent(x.reshape(len(x), 5, 8), self.start[:, : len(x)].contiguous())[1]
        return self.output(hidden[0])


def test_what_a_model_keeps_of_a_prediction_serves_in_training(sets):
    (outcome,) = outcomes(TorchCandidate(Remembering), runs_of({"learning_rate": 0.01}), sets)
    assert np.isfinite(outcome.train_loss).all()


class Attached(Remembering):
    """Keeps a state that the next step would have to be traced back through."""

    def forward(self, x):
        if not self.training:
            return self.output(x[:, :8] * 0 if self.start is None else x[:, :8] + self.start)
        logits = self.output(x[:, :8] if self.start is None else x[:, :8] + self.start)
        self.start = logits.mean()
        return logits


def not_finite():
    model = nn.Linear(40, 10)
    nn.init.constant_(model.bias, torch.nan)
    return model


class Raising(nn.Module):
    def forward(self, x):
        raise RuntimeError(f"no idea what to do\nwith {x.shape}")


class Restless(nn.Module):
    def __init__(self):
        super().__init__()
        self.output = nn.Linear(40, 10)
        self.count = 0

    def forward(self, x):
        return self.output(x + torch.from_numpy(RESTLESS.normal(size=40).astype(np.float32)))


RESTLESS = np.random.default_rng(0)
ONE = nn.Linear(40, 10)


class WithRouter(nn.Module):
    """Returns a loss of its own beside the logits, as mixtures of experts do."""

    def __init__(self):
        super().__init__()
        self.output = nn.Linear(40, 10)

    def forward(self, x):
        return self.output(x), x.mean()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (WithRouter, "got tuple: a model returns logits alone, .* written as a training function"),
        (Convolutional, r"takes signals of shape \(200, 1, 40\).*\(200, 40\).*x\[:, None, :\]"),
        (lambda: nn.Linear(40, 11), r"expected logits of shape \(200, 10\).*got shape \(200, 11\)"),
        (lambda: nn.Flatten(0), r"got shape \(8000,\)"),
        (not_finite, "expected finite logits"),
        (Raising, "the model raised RuntimeError: no idea what to do$"),
        (Attached, "after 1 of 2 steps .*Trying to backward through the graph a second time"),
        (Restless, "not the same twice with the same seed"),
        (lambda: ONE, "gave the same one twice"),
        (lambda: "a network", "make must give a torch.nn.Module, got str"),
    ],
)
def test_a_bad_model_is_reported_with_what_was_expected(make, message, sets):
    with pytest.raises(CandidateError, match=message):
        TorchCandidate(make).check(sets, SHORT)


def test_a_bad_loss_is_reported(sets):
    candidate = TorchCandidate(Network, loss=nn.CrossEntropyLoss(reduction="none"))
    with pytest.raises(CandidateError, match=r"expected one number as loss, got \(200,\)"):
        candidate.check(sets, SHORT)


def test_a_model_in_place_of_its_class_is_refused():
    with pytest.raises(TypeError, match=r"TorchCandidate\(lambda: Network\(...\)\)"):
        TorchCandidate(Network())


def test_what_raises_in_the_middle_is_named_and_earlier_runs_are_kept(sets):
    calls = []

    def augment(x):
        calls.append(1)
        if len(calls) == 12 + 5:
            raise RuntimeError("out of luck")
        return x

    candidate = TorchCandidate(Network, augment=augment)
    runs = runs_of({"learning_rate": 0.01}, seeds=(0, 1))
    running = candidate.train(runs, {"only": sets}, SHORT, lambda *_: None)
    assert next(running)[0] == 0
    message = "after 4 of 12 steps with seed 1 and learning_rate 0.01: RuntimeError: out of luck"
    with pytest.raises(CandidateError, match=message):
        next(running)


def test_parameters_are_counted_with_the_settings_of_the_model(sets):
    candidate = TorchCandidate(Network, search={"hidden_size": [5, 10]})
    counts = [candidate.count({"hidden_size": n}, sets) for n in (5, 10)]
    assert counts == [41 * 5 + 60, 410 + 110]
    assert candidate.check(sets, SHORT) == counts[0]


def test_a_check_schedules_as_many_steps_as_a_run_has(sets):
    reports = []

    def warmed_up(optimizer, n_steps):
        reports.append(n_steps)
        warm = torch.optim.lr_scheduler.LinearLR(optimizer, total_iters=n_steps // 10)
        if not n_steps // 10:
            raise ValueError("no steps to warm up in")
        return warm

    TorchCandidate(Network, schedule=warmed_up).check(sets, SHORT)
    assert reports == [12, 12]


def test_a_run_of_one_step_is_checked_with_one(sets):
    factors = [1.0, 0.5]  # before the step and after it
    made = torch.optim.lr_scheduler.LambdaLR
    candidate = TorchCandidate(
        Network, schedule=lambda optimizer, n_steps: made(optimizer, lambda step: factors[step])
    )
    candidate.check(sets, Schedule(1, 100, 1))


def test_a_diverged_run_is_not_finite(sets):
    candidate = TorchCandidate(Network, optimizer=torch.optim.SGD)
    (outcome,) = outcomes(candidate, runs_of({"learning_rate": 1e30}), sets)
    assert not np.isfinite(outcome.train_loss[-1])
    assert np.isnan(outcome.validation_accuracy[-1])


def test_another_function_is_another_source():
    sources = {
        TorchCandidate(lambda: Network(20)).source(),
        TorchCandidate(lambda: Network(30)).source(),
        TorchCandidate(Network).source(),
        TorchCandidate(Network, optimizer=torch.optim.SGD).source(),
    }
    assert len(sources) == 4
    frozen = [nn.Linear(40, 40) for _ in range(2)]
    texts = {
        TorchCandidate(lambda each=each: nn.Sequential(each, Network())).source() for each in frozen
    }
    assert len(texts) == 2
    # What is tried changes no run.
    assert TorchCandidate(Network, search={"learning_rate": [0.1]}).source() in sources


def averages_by_hand(sets, candidate):
    """Train as `candidate`, without its average; return the mean of all weights after each step."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = candidate.make()
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        x, y = torch.tensor(sets.x), torch.tensor(sets.y, dtype=torch.int64)
        seen = []
        for rows in torch.tensor(np.asarray(batch_order(len(x), SHORT, 0)), dtype=torch.int64):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
            optimizer.step()
            seen.append([each.detach().clone() for each in model.parameters()])
        with torch.no_grad():
            for each, values in zip(model.parameters(), zip(*seen, strict=True), strict=True):
                each.copy_(torch.stack(values).mean(0))
        return model(torch.tensor(sets.evaluated["validation"])).argmax(1).numpy()


class Averaging(torch.optim.SGD):
    """Trains, and has the mean of all weights for evaluation."""

    def __init__(self, parameters, rate):
        super().__init__(parameters, rate)
        self.means, self.n, self.is_training = None, 0, False

    def step(self):
        assert self.is_training
        super().step()
        self.n += 1
        weights = [each.detach() for each in self.param_groups[0]["params"]]
        if self.means is None:
            self.means = [torch.zeros_like(each) for each in weights]
        for mean, each in zip(self.means, weights, strict=True):
            mean.add_((each - mean) / self.n)

    def _exchange(self):
        for mean, each in zip(self.means, self.param_groups[0]["params"], strict=True):
            mean_before = mean.clone()
            mean.copy_(each.data)
            each.data.copy_(mean_before)

    def eval(self):
        if self.is_training:
            self._exchange()
        self.is_training = False

    def train(self):
        if not self.is_training and self.n:
            self._exchange()
        self.is_training = True


@pytest.mark.parametrize("what", ["average", pytest.param("optimizer", marks=pytest.mark.slow)])
def test_averaged_weights_are_evaluated_and_others_trained(sets, what):
    sgd = torch.optim.SGD
    by_model = TorchCandidate(Network, optimizer=sgd, average=torch.optim.swa_utils.AveragedModel)
    candidate = by_model if what == "average" else TorchCandidate(Network, optimizer=Averaging)
    candidate.check(sets, SHORT)
    (found,) = outcomes(candidate, runs_of({"learning_rate": 0.1}), sets)
    expected = averages_by_hand(sets, candidate)
    assert (found.predictions["validation"] == expected).mean() > 0.99  # but for rounding
    (plain,) = outcomes(
        TorchCandidate(Network, optimizer=sgd), runs_of({"learning_rate": 0.1}), sets
    )
    np.testing.assert_array_equal(plain.train_loss, found.train_loss)
    assert (plain.predictions["validation"] != expected).mean() > 0.02
    assert by_model.source() != TorchCandidate(Network, optimizer=sgd).source()


def test_a_run_that_stops_early_is_judged_by_its_best_state(sets):
    schedule, runs = Schedule(20, 100, 2), runs_of({"learning_rate": 3.0})
    whole, kept, short = (
        outcomes(
            TorchCandidate(lambda: nn.Linear(40, 10), patience=patience), runs, sets, schedule
        )[0]
        for patience in (None, 10, 1)
    )
    best = int(whole.validation_accuracy.argmax())
    assert best < 9, "the last evaluation is the best, so that nothing is tested"
    assert (whole.step, kept.step) == (None, 2 * (best + 1))
    highest = np.maximum.accumulate(whole.validation_accuracy)
    np.testing.assert_array_equal(kept.validation_accuracy, highest)
    right = (kept.predictions["validation"] == sets.y_validation).mean()
    np.testing.assert_allclose(right, highest[-1])
    n = int(np.isfinite(short.train_loss).sum())
    assert n < len(short.validation_accuracy) == len(short.train_loss) == 10
    np.testing.assert_array_equal(short.train_loss[:n], whole.train_loss[:n])


def test_averages_by_name_are_those_of_pytorch(sets):
    swa = torch.optim.swa_utils
    own = swa.get_ema_multi_avg_fn(0.9)
    named, by_function = (
        outcomes(TorchCandidate(Network, average=each), runs_of({"learning_rate": 0.1}), sets)[0]
        for each in (EMA(0.9), lambda model: swa.AveragedModel(model, multi_avg_fn=own))
    )
    for name, classes in named.predictions.items():
        np.testing.assert_array_equal(classes, by_function.predictions[name])


def test_a_device_that_is_not_here_is_an_error():
    for device in ("gpu", "cuda:99", "mps", 0):
        with pytest.raises(ValueError, match=r"device must be one that is here \(cpu.*, not"):
            TorchCandidate(Network, device=device)
    for device in ("cpu", torch.device("cpu")):
        assert TorchCandidate(Network, device=device).side_by_side
