"""The laboratory as a library: everything that experiments are made of, by name.

`from mnist1d.lab import CNN, Training, train_runs`. A name is loaded when it is asked for, so
that importing this module loads neither JAX nor PyTorch nor scikit-learn. Names here stay; where
they are defined may change.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mnist1d.execution.units import Units
    from mnist1d.experiments import find_experiment
    from mnist1d.experiments.self_supervised.views import (
        ViewDraws,
        apply_views,
        centred_time,
        draw_views,
        level,
    )
    from mnist1d.figures.style import (
        bars_with_interval,
        house_style,
        line_with_interval,
        mark_as_quick,
        panel_letter,
        signal_strip,
    )
    from mnist1d.harness.claims import AtLeast, Claim, Equals, Judgement, Positive, Rule, judge
    from mnist1d.harness.interface import InputError, Progress, Row, is_other_data, silent
    from mnist1d.harness.results import load_result, tidy_table
    from mnist1d.lab.candidates.contract import (
        Candidate,
        CandidateError,
        Outcome,
        Run,
        Schedule,
        Sets,
        batch_order,
    )
    from mnist1d.lab.candidates.equinox import EquinoxCandidate
    from mnist1d.lab.candidates.fitted import FunctionCandidate, SklearnCandidate
    from mnist1d.lab.candidates.torch import TorchCandidate
    from mnist1d.lab.comparison.compare import compare
    from mnist1d.lab.comparison.protocol import Protocol
    from mnist1d.lab.comparison.result import Comparison, Difference
    from mnist1d.lab.grid import run_grid
    from mnist1d.measures.adjacency import adjacency_probability, runs_per_unit
    from mnist1d.measures.probes import (
        fit_linear,
        knn_accuracy,
        linear_accuracy,
        neighbourhood_purity,
        quick_linear_accuracy,
    )
    from mnist1d.measures.representations import (
        effective_rank,
        linear_cka,
        representations,
        within_class_variability,
    )
    from mnist1d.measures.uncertainty import (
        Estimate,
        estimate,
        estimate_proportion,
        in_percent,
        interval,
        paired_difference,
    )
    from mnist1d.models import (
        CNN,
        GRU,
        MLP,
        Encoder,
        Logistic,
        MaskedMLP,
        PoolingCNN,
        count_parameters,
        predict,
    )
    from mnist1d.models.layers import Convolution, Linear
    from mnist1d.models.masked_mlp import needed_units
    from mnist1d.models.masks import (
        full_mask,
        magnitude_mask,
        masked,
        pack,
        random_mask,
        sparsity,
        unpack,
        with_same_degrees,
        with_same_runs,
    )
    from mnist1d.training import (
        History,
        RunProgram,
        Trained,
        Training,
        accuracy,
        as_data,
        compile_runs,
        cross_entropy,
        info_nce,
        initialise,
        keep_compiled_programs,
        longest_first,
        nt_xent,
        sequential_batch,
        shuffled_order,
        train,
        train_runs,
        use_all_cores,
    )
    from mnist1d.training.supervised import supervised

# For each module the names that come from it.
_ORIGINS: dict[str, tuple[str, ...]] = {
    "mnist1d.harness.claims": (
        "AtLeast",
        "Claim",
        "Equals",
        "Judgement",
        "Positive",
        "Rule",
        "judge",
    ),
    "mnist1d.experiments.self_supervised.views": (
        "ViewDraws",
        "apply_views",
        "centred_time",
        "draw_views",
        "level",
    ),
    "mnist1d.experiments": ("find_experiment",),
    "mnist1d.measures.probes": (
        "fit_linear",
        "knn_accuracy",
        "linear_accuracy",
        "neighbourhood_purity",
        "quick_linear_accuracy",
    ),
    "mnist1d.harness.results": ("load_result", "tidy_table"),
    "mnist1d.harness.interface": ("InputError", "Progress", "Row", "is_other_data", "silent"),
    "mnist1d.lab.grid": ("run_grid",),
    "mnist1d.execution.units": ("Units",),
    "mnist1d.lab.candidates.contract": (
        "Candidate",
        "CandidateError",
        "Outcome",
        "Run",
        "Schedule",
        "Sets",
        "batch_order",
    ),
    "mnist1d.lab.comparison.compare": ("compare",),
    "mnist1d.lab.comparison.result": ("Comparison", "Difference"),
    "mnist1d.lab.candidates.equinox": ("EquinoxCandidate",),
    "mnist1d.lab.candidates.fitted": ("FunctionCandidate", "SklearnCandidate"),
    "mnist1d.measures.representations": (
        "effective_rank",
        "linear_cka",
        "representations",
        "within_class_variability",
    ),
    "mnist1d.lab.comparison.protocol": ("Protocol",),
    "mnist1d.training.supervised": ("supervised",),
    "mnist1d.lab.candidates.torch": ("TorchCandidate",),
    "mnist1d.models": (
        "CNN",
        "Encoder",
        "GRU",
        "Logistic",
        "MLP",
        "MaskedMLP",
        "PoolingCNN",
        "count_parameters",
        "predict",
    ),
    "mnist1d.models.layers": ("Convolution", "Linear"),
    "mnist1d.figures.style": (
        "bars_with_interval",
        "house_style",
        "line_with_interval",
        "mark_as_quick",
        "panel_letter",
        "signal_strip",
    ),
    "mnist1d.measures.adjacency": ("adjacency_probability", "runs_per_unit"),
    "mnist1d.models.masked_mlp": ("needed_units",),
    "mnist1d.models.masks": (
        "full_mask",
        "magnitude_mask",
        "masked",
        "pack",
        "random_mask",
        "sparsity",
        "unpack",
        "with_same_degrees",
        "with_same_runs",
    ),
    "mnist1d.training": (
        "History",
        "RunProgram",
        "Trained",
        "Training",
        "accuracy",
        "as_data",
        "compile_runs",
        "cross_entropy",
        "info_nce",
        "initialise",
        "keep_compiled_programs",
        "longest_first",
        "nt_xent",
        "sequential_batch",
        "shuffled_order",
        "train",
        "train_runs",
        "use_all_cores",
    ),
    "mnist1d.measures.uncertainty": (
        "Estimate",
        "estimate",
        "estimate_proportion",
        "in_percent",
        "interval",
        "paired_difference",
    ),
}
_MODULES = {name: module for module, names in _ORIGINS.items() for name in names}

__all__ = [
    "CNN",
    "GRU",
    "MLP",
    "AtLeast",
    "Candidate",
    "CandidateError",
    "Claim",
    "Comparison",
    "Convolution",
    "Difference",
    "Encoder",
    "Equals",
    "EquinoxCandidate",
    "Estimate",
    "FunctionCandidate",
    "History",
    "InputError",
    "Judgement",
    "Linear",
    "Logistic",
    "MaskedMLP",
    "Outcome",
    "PoolingCNN",
    "Positive",
    "Progress",
    "Protocol",
    "Row",
    "Rule",
    "Run",
    "RunProgram",
    "Schedule",
    "Sets",
    "SklearnCandidate",
    "TorchCandidate",
    "Trained",
    "Training",
    "Units",
    "ViewDraws",
    "accuracy",
    "adjacency_probability",
    "apply_views",
    "as_data",
    "bars_with_interval",
    "batch_order",
    "centred_time",
    "compare",
    "compile_runs",
    "count_parameters",
    "cross_entropy",
    "draw_views",
    "effective_rank",
    "estimate",
    "estimate_proportion",
    "find_experiment",
    "fit_linear",
    "full_mask",
    "house_style",
    "in_percent",
    "info_nce",
    "initialise",
    "interval",
    "is_other_data",
    "judge",
    "keep_compiled_programs",
    "knn_accuracy",
    "level",
    "line_with_interval",
    "linear_accuracy",
    "linear_cka",
    "load_result",
    "longest_first",
    "magnitude_mask",
    "mark_as_quick",
    "masked",
    "needed_units",
    "neighbourhood_purity",
    "nt_xent",
    "pack",
    "paired_difference",
    "panel_letter",
    "predict",
    "quick_linear_accuracy",
    "random_mask",
    "representations",
    "run_grid",
    "runs_per_unit",
    "sequential_batch",
    "shuffled_order",
    "signal_strip",
    "silent",
    "sparsity",
    "supervised",
    "tidy_table",
    "train",
    "train_runs",
    "unpack",
    "use_all_cores",
    "with_same_degrees",
    "with_same_runs",
    "within_class_variability",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_MODULES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
