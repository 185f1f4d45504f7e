"""The laboratory as a library: the building blocks of experiments and comparisons, by name.

`from mnist1d.lab import CNN, Training, train_runs`. A name is loaded on first use, so that
importing this module loads neither JAX nor PyTorch nor scikit-learn. The names here are stable;
the modules that define them may change.
"""

from typing import TYPE_CHECKING

from mnist1d.dataset import imports

if TYPE_CHECKING:
    from mnist1d.dataset.constraints import (
        Count as Count,
        Each as Each,
        Integer as Integer,
        Number as Number,
        constrained as constrained,
    )
    from mnist1d.execution.compute import Compute as Compute
    from mnist1d.execution.store import Store as Store, Units as Units
    from mnist1d.execution.task import Task as Task
    from mnist1d.experiments import find_experiment as find_experiment
    from mnist1d.experiments.self_supervised.views import (
        ViewDraws as ViewDraws,
        apply_views as apply_views,
        centred_time as centred_time,
        draw_views as draw_views,
        level as level,
    )
    from mnist1d.figures.style import (
        Figure as Figure,
        bars_with_interval as bars_with_interval,
        house_style as house_style,
        line_with_interval as line_with_interval,
        mark_as_quick as mark_as_quick,
        panel_letter as panel_letter,
        signal_strip as signal_strip,
    )
    from mnist1d.harness.assembly import assemble as assemble
    from mnist1d.harness.claims import Claim as Claim, Judgement as Judgement, judge as judge
    from mnist1d.harness.interface import (
        InputError as InputError,
        Progress as Progress,
        Row as Row,
        counted as counted,
        is_other_data as is_other_data,
        silent as silent,
    )
    from mnist1d.harness.results import load_result as load_result, tidy_table as tidy_table
    from mnist1d.harness.verdicts.rules import (
        AtLeast as AtLeast,
        AtMost as AtMost,
        Counted as Counted,
        CountedAtLeast as CountedAtLeast,
        Equals as Equals,
        NoData as NoData,
        NoGain as NoGain,
        Positive as Positive,
        Rule as Rule,
        Similar as Similar,
    )
    from mnist1d.lab.candidates.averaging import EMA as EMA, SWA as SWA
    from mnist1d.lab.candidates.contract import (
        Candidate as Candidate,
        CandidateError as CandidateError,
        Outcome as Outcome,
        Run as Run,
        Schedule as Schedule,
        Sets as Sets,
        batch_order as batch_order,
    )
    from mnist1d.lab.candidates.equinox import EquinoxCandidate as EquinoxCandidate
    from mnist1d.lab.candidates.fitted import (
        FunctionCandidate as FunctionCandidate,
        SklearnCandidate as SklearnCandidate,
    )
    from mnist1d.lab.candidates.flax import FlaxCandidate as FlaxCandidate
    from mnist1d.lab.candidates.plain_jax import JaxCandidate as JaxCandidate
    from mnist1d.lab.candidates.torch import TorchCandidate as TorchCandidate
    from mnist1d.lab.comparison.compare import compare as compare
    from mnist1d.lab.comparison.evaluations import Evaluation as Evaluation
    from mnist1d.lab.comparison.protocol import Protocol as Protocol
    from mnist1d.lab.comparison.result import Comparison as Comparison
    from mnist1d.lab.grid import run_grid as run_grid
    from mnist1d.lab.leaderboard.records import (
        Record as Record,
        read_record as read_record,
        save_record as save_record,
    )
    from mnist1d.lab.leaderboard.verification import (
        Verification as Verification,
        verify as verify,
    )
    from mnist1d.lab.notebook import LivePlot as LivePlot, NotebookProgress as NotebookProgress
    from mnist1d.lab.statistics.differences import Difference as Difference
    from mnist1d.lab.tracks import TRACKS as TRACKS, Track as Track
    from mnist1d.measures.adjacency import (
        adjacency_probability as adjacency_probability,
        runs_per_unit as runs_per_unit,
    )
    from mnist1d.measures.collapse import Collapse as Collapse, neural_collapse as neural_collapse
    from mnist1d.measures.curvature import (
        hessian_product as hessian_product,
        lanczos as lanczos,
        sharpness as sharpness,
    )
    from mnist1d.measures.expressions import Measure as Measure, value as value
    from mnist1d.measures.lines import average as average, barrier as barrier, on_line as on_line
    from mnist1d.measures.matching import (
        match_activations as match_activations,
        match_weights as match_weights,
        mlp_axes as mlp_axes,
        permuted as permuted,
    )
    from mnist1d.measures.posterior import Posterior as Posterior
    from mnist1d.measures.power import (
        equivalence_p_value as equivalence_p_value,
        pairs_needed as pairs_needed,
        power_of_paired_test as power_of_paired_test,
        smallest_visible_difference as smallest_visible_difference,
    )
    from mnist1d.measures.power_laws import PowerLaw as PowerLaw, fit_power_law as fit_power_law
    from mnist1d.measures.probes import (
        fit_linear as fit_linear,
        knn_accuracy as knn_accuracy,
        linear_accuracy as linear_accuracy,
        neighbourhood_purity as neighbourhood_purity,
        quick_linear_accuracy as quick_linear_accuracy,
    )
    from mnist1d.measures.representations import (
        dead_units as dead_units,
        effective_rank as effective_rank,
        linear_cka as linear_cka,
        representations as representations,
        within_class_variability as within_class_variability,
    )
    from mnist1d.measures.uncertainty import (
        Estimate as Estimate,
        estimate as estimate,
        estimate_median as estimate_median,
        estimate_proportion as estimate_proportion,
        in_percent as in_percent,
        interval as interval,
        paired_difference as paired_difference,
    )
    from mnist1d.models import *  # noqa: F403
    from mnist1d.models.layers import Convolution as Convolution, Linear as Linear
    from mnist1d.models.masked_mlp import needed_units as needed_units
    from mnist1d.models.masks import (
        full_mask as full_mask,
        magnitude_mask as magnitude_mask,
        masked as masked,
        pack as pack,
        random_mask as random_mask,
        sparsity as sparsity,
        unpack as unpack,
        with_same_degrees as with_same_degrees,
        with_same_runs as with_same_runs,
    )
    from mnist1d.training import (
        Data as Data,
        History as History,
        Programs as Programs,
        RunProgram as RunProgram,
        Trained as Trained,
        Training as Training,
        accuracy as accuracy,
        as_data as as_data,
        compile_runs as compile_runs,
        cross_entropy as cross_entropy,
        info_nce as info_nce,
        initialise as initialise,
        keep_compiled_programs as keep_compiled_programs,
        longest_first as longest_first,
        nt_xent as nt_xent,
        sequential_batch as sequential_batch,
        sequential_rows as sequential_rows,
        shuffled_order as shuffled_order,
        train as train,
        train_runs as train_runs,
        use_all_cores as use_all_cores,
    )
    from mnist1d.training.supervised import supervised as supervised

__getattr__, __dir__ = imports.attach(__name__, __file__)
