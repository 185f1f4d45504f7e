"""Can the learning rate itself be learnt by gradient descent? Figure 6.

A small network is trained for 200 steps of plain gradient descent, and the mean of the 200 losses
is differentiated, through all steps, with respect to the learning rate, which then takes a step of
gradient descent of its own. Fifty such outer steps make a trial. The paper's claim: from 1.5 and
from 0.15 the learning rate converges to the same value, 0.62.

Source: PAPER section 5. Differences from the paper and its code:

1. Initial weights. The published numbers depend on PyTorch's weights for seed 0. Both trials are
   run from these (`PyTorchStream` draws them without PyTorch), and from weights of our own, 20
   draws by default: 0.62 is one draw's number, and an interval needs several.
2. The derivative is taken in forward mode; PyTorch goes backwards through the stored graph. The
   number is the same, but for rounding.
3. Beyond the paper: the objective is also swept over the learning rate, in two passes, for every
   draw, to see whether the gradient ends where the sweep has its minimum.
4. A trial whose meta-gradient is not finite ends there and says at which outer and inner step; its
   record up to there is kept, and the other trials go on.
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
TAKES_SECONDS = True

__getattr__, __dir__ = imports.attach(__name__, __file__)
