"""An experiment of the paper that takes no time, and a plan for it."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

from mnist1d.execution.task import Task
from mnist1d.figures.style import Figure
from mnist1d.harness import record
from mnist1d.harness.claims import Claim
from mnist1d.harness.stored import commits
from mnist1d.harness.stored.plan import Plan, Planned
from mnist1d.harness.verdicts.rules import Equals, Positive
from mnist1d.measures.expressions import value

TAGGED = "a" * 40


@dataclasses.dataclass(frozen=True)
class Config:
    seeds: int = 5
    rate: float = 0.1


def run(config, *, progress, compute):  # noqa: ARG001
    def make(_config):
        def runner(tasks, _device, _on_step):
            for task in tasks:
                seed = task.key["seed"]
                loss = np.random.default_rng(seed).normal(2.0, 0.1)
                yield task, {"loss": np.array(loss)}

        return runner

    tasks = [Task({"seed": seed}, {"seed": seed}) for seed in range(config.seeds)]
    found = {
        task.labels["seed"]: arrays["loss"].item()
        for task, arrays in compute(tasks, make, None, devices="none")
    }
    losses = [found[seed] for seed in range(config.seeds)]
    return xr.Dataset({"loss": ("seed", losses)}, {"seed": range(config.seeds)})


def figures(_):
    figure = Figure(figsize=(1, 1))
    figure.subplots().plot([0, 1])
    return {"figure": figure}


@pytest.fixture
def experiment(tmp_path):
    """Return an experiment of the paper that takes no time."""
    (tmp_path / "package").mkdir()
    loss = value("loss")
    return SimpleNamespace(
        NAME="tiny",
        TITLE="Tiny (Figure 0)",
        VERSION=1,
        PAPER_SEEDS=1,
        Config=Config,
        run=run,
        plot=figures,
        summarise=lambda _: [],
        CLAIMS=(
            Claim("loss", "The loss (nats)", "Table 1", Equals(2.0, 0.5), loss),
            Claim("positive", "There is a loss (nats)", "Section 1", Positive(), loss),
        ),
        USES_JAX=False,
        __file__=str(tmp_path / "package" / "__init__.py"),
    )


@pytest.fixture
def changed(experiment):
    """Return a function that makes the experiment with other attributes."""
    return lambda **names: SimpleNamespace(**{**vars(experiment), **names})


@pytest.fixture
def commit(monkeypatch):
    """Return a function that sets the commit of the code."""

    def set_to(name):
        for module in (record, commits):
            monkeypatch.setattr(module, "commit_of_code", lambda: name)

    set_to(TAGGED)
    return set_to


@pytest.fixture
def plan(experiment):
    return Plan("record-1", {"tiny": Planned(3)}).begun("record-1", TAGGED, [experiment])
