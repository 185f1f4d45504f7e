"""Can the learning rate itself be learnt by gradient descent? Figure 6.

A small network is trained for 200 steps of plain gradient descent, and the mean of the 200 losses
is differentiated, through all steps, with respect to the learning rate, which then takes a step of
gradient descent itself. A trial consists of fifty such outer steps. The paper's claim: from 1.5 and
from 0.15 the learning rate converges to the same value, 0.62.

Source: Greydanus & Kobak (2024), section 5.3, and its notebook. Differences from the paper and its
code:

1. Initial weights. The published numbers depend on PyTorch's weights for seed 0. Both trials are
   run from these (`PyTorchStream` draws them without PyTorch), and from our own weights, 20 draws
   by default: 0.62 is the number of one draw, and an interval needs several.
2. The derivative is taken in forward mode; PyTorch goes backwards through the stored graph. The
   numbers are the same up to rounding.
3. Beyond the paper: the objective is also swept over the learning rate, in two passes, for every
   draw, to see whether the gradient ends at the minimum of the sweep.
4. A trial whose meta-gradient is not finite ends there and reports the outer and inner step; its
   record up to there is kept, and the other trials continue.
5. The figure shows the published trials as lines, our own draws as bands of their mean.
"""

from typing import TYPE_CHECKING

from mnist1d.dataset import imports

if TYPE_CHECKING:
    from mnist1d.experiments.metalearn_learning_rate.claims import (
        CLAIMS as CLAIMS,
        remarks as remarks,
        summarise as summarise,
    )
    from mnist1d.experiments.metalearn_learning_rate.config import Config as Config
    from mnist1d.experiments.metalearn_learning_rate.figures import (
        CAPTIONS as CAPTIONS,
        plot as plot,
    )
    from mnist1d.experiments.metalearn_learning_rate.method import run as run

NAME = "metalearn-learning-rate"
TITLE = "Metalearning a learning rate (Figure 6)"
VERSION = 1
PAPER_SEEDS = 1
HEADLINES = (
    "rate-published-weights",
    "same-rate",
)
"""Claims that answer the question, for the overview."""
TAKES_SECONDS = True
TASKS = "ten outer steps of all trials, in turn; the sweep"

__getattr__, __dir__ = imports.attach(__name__, __file__)
