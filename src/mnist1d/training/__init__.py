"""Training: the loop of every experiment, and many runs as one compiled program."""

from typing import TYPE_CHECKING

from mnist1d.dataset import imports

if TYPE_CHECKING:
    from mnist1d.execution.devices import (
        keep_compiled_programs as keep_compiled_programs,
        use_all_cores as use_all_cores,
    )
    from mnist1d.execution.executors import longest_first as longest_first
    from mnist1d.training.batching import (
        Data as Data,
        as_data as as_data,
        sequential_batch as sequential_batch,
        sequential_rows as sequential_rows,
        shuffled_order as shuffled_order,
    )
    from mnist1d.training.loop import History as History, Training as Training, train as train
    from mnist1d.training.losses import (
        accuracy as accuracy,
        cross_entropy as cross_entropy,
        info_nce as info_nce,
        nt_xent as nt_xent,
    )
    from mnist1d.training.runs import (
        OnEvaluation as OnEvaluation,
        Programs as Programs,
        Report as Report,
        RunProgram as RunProgram,
        Trained as Trained,
        compile_runs as compile_runs,
        initialise as initialise,
        train_runs as train_runs,
    )
    from mnist1d.training.stateful import Stateful as Stateful

__getattr__, __dir__ = imports.attach(__name__, __file__)
