"""The laboratory as a library: everything that experiments are made of, by name.

`from mnist1d.lab import CNN, Training, train_runs`. A name is loaded when it is asked for, so
that importing this module loads neither JAX nor PyTorch nor scikit-learn. Names here stay; where
they are defined may change.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mnist1d.experiments.claims import AtLeast, Claim, Equals, Judgement, Positive, Rule, judge
    from mnist1d.experiments.contrastive_views import (
        ViewDraws,
        apply_views,
        centred_time,
        draw_views,
        level,
    )
    from mnist1d.experiments.loading import find_experiment
    from mnist1d.experiments.probes import (
        fit_linear,
        knn_accuracy,
        linear_accuracy,
        neighbourhood_purity,
        quick_linear_accuracy,
    )
    from mnist1d.experiments.results import load_result, tidy_table
    from mnist1d.experiments.summary import InputError, Progress, Row, is_other_data, silent
    from mnist1d.experiments.sweep import run_grid
    from mnist1d.experiments.units import Units
    from mnist1d.lab.candidate_runs import (
        Candidate,
        CandidateError,
        Outcome,
        Run,
        Schedule,
        Sets,
        batch_order,
    )
    from mnist1d.lab.comparison import compare
    from mnist1d.lab.comparison_result import Comparison, Difference
    from mnist1d.lab.equinox_candidates import EquinoxCandidate
    from mnist1d.lab.fitted_candidates import FunctionCandidate, SklearnCandidate
    from mnist1d.lab.hidden_representations import (
        effective_rank,
        linear_cka,
        representations,
        within_class_variability,
    )
    from mnist1d.lab.protocol import Protocol
    from mnist1d.lab.supervised_training import supervised
    from mnist1d.lab.torch_candidates import TorchCandidate
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
    from mnist1d.plotting import (
        bars_with_interval,
        house_style,
        line_with_interval,
        mark_as_quick,
        panel_letter,
        signal_strip,
    )
    from mnist1d.pruning import (
        adjacency_probability,
        full_mask,
        magnitude_mask,
        masked,
        needed_units,
        pack,
        random_mask,
        runs_per_unit,
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
    from mnist1d.uncertainty import (
        Estimate,
        estimate,
        estimate_proportion,
        in_percent,
        interval,
        paired_difference,
    )

# For each module the names that come from it.
_ORIGINS: dict[str, tuple[str, ...]] = {
    "mnist1d.experiments.claims": (
        "AtLeast",
        "Claim",
        "Equals",
        "Judgement",
        "Positive",
        "Rule",
        "judge",
    ),
    "mnist1d.experiments.contrastive_views": (
        "ViewDraws",
        "apply_views",
        "centred_time",
        "draw_views",
        "level",
    ),
    "mnist1d.experiments.loading": ("find_experiment",),
    "mnist1d.experiments.probes": (
        "fit_linear",
        "knn_accuracy",
        "linear_accuracy",
        "neighbourhood_purity",
        "quick_linear_accuracy",
    ),
    "mnist1d.experiments.results": ("load_result", "tidy_table"),
    "mnist1d.experiments.summary": ("InputError", "Progress", "Row", "is_other_data", "silent"),
    "mnist1d.experiments.sweep": ("run_grid",),
    "mnist1d.experiments.units": ("Units",),
    "mnist1d.lab.candidate_runs": (
        "Candidate",
        "CandidateError",
        "Outcome",
        "Run",
        "Schedule",
        "Sets",
        "batch_order",
    ),
    "mnist1d.lab.comparison": ("compare",),
    "mnist1d.lab.comparison_result": ("Comparison", "Difference"),
    "mnist1d.lab.equinox_candidates": ("EquinoxCandidate",),
    "mnist1d.lab.fitted_candidates": ("FunctionCandidate", "SklearnCandidate"),
    "mnist1d.lab.hidden_representations": (
        "effective_rank",
        "linear_cka",
        "representations",
        "within_class_variability",
    ),
    "mnist1d.lab.protocol": ("Protocol",),
    "mnist1d.lab.supervised_training": ("supervised",),
    "mnist1d.lab.torch_candidates": ("TorchCandidate",),
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
    "mnist1d.plotting": (
        "bars_with_interval",
        "house_style",
        "line_with_interval",
        "mark_as_quick",
        "panel_letter",
        "signal_strip",
    ),
    "mnist1d.pruning": (
        "adjacency_probability",
        "full_mask",
        "magnitude_mask",
        "masked",
        "needed_units",
        "pack",
        "random_mask",
        "runs_per_unit",
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
    "mnist1d.uncertainty": (
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
