"""Can an activation function be learned by gradient descent through trainings? Figure 7.

The activation f(x) = ELU(x) + 0.2 g(x) of a small classifier, g being a network applied to every
scalar, is learned by gradient descent on the loss of whole trainings of that classifier: 301 outer
steps, each through 301 inner steps. The paper's claim in numbers: the learned function is not
monotonic, has two local extrema, and exceeds ReLU, ELU and Swish by more than 5 percentage points
of test accuracy (68.4 % against 58.8, 50.8 and 57.8 % in its run).

Source: Greydanus & Kobak (2024), section 5.4, and its notebook. Differences from the paper and its
code:

1. Seeds. Five trials by default, from explicit keys; the code used PyTorch's seed 0. Seed s
   gives all functions the same initial weights of the classifier and the same noise, so that
   differences are paired.
2. The network g is 1-100-1 as in the code; the paper says 1-100-100-1. Three trials with it
   (`deep_seeds`), all else the same, show whether that can be done: in three trials before, the
   meta-gradient was not finite after 125 to 266 outer steps. They have no part in other numbers.
3. As in the code, but not mentioned in the paper: noise in the hidden layers of both networks at
   every pass, meta-gradients clipped at 0.1, the last 200 of 301 inner losses as objective,
   accuracy on the first 500 test samples.
4. Initial weights. In the code those of outer step 0 differ from those of all later steps, which
   are the same; here they are the same in all. The same noise recurs in every outer step, as in the
   code. Test accuracy has other noise; it is measured after the last inner step, and after every
   one only for the final comparison.
5. g is tabulated once per outer step and looked up (`models.scalar_network`), and the gradient of
   the training is written by hand (`inner_loop`); `evaluation="direct"` evaluates g everywhere.
   Both give the same meta-gradient to 1e-6, in float64.
6. The recorded functions are without noise; the code drew it once for each.
7. The piecewise linear function is shown twice: as published, and fitted to our function of the
   same seed by least squares with the best breaks (`pieces.fit_pieces`).
8. Extrema are counted on 100 points from -5 to 5; rises and falls below 0.1 do not count.
9. Beyond the paper: are the learned functions useful in other networks? The MLP and the CNN of the
   classification experiment are trained with them and with five known functions, each with its best
   learning rate on generated validation samples (`transfer`).
"""

from typing import TYPE_CHECKING

from mnist1d.dataset import imports

if TYPE_CHECKING:
    from mnist1d.experiments.metalearn_activation.claims import (
        CLAIMS as CLAIMS,
        explain as explain,
        summarise as summarise,
    )
    from mnist1d.experiments.metalearn_activation.config import Config as Config
    from mnist1d.experiments.metalearn_activation.figures import CAPTIONS as CAPTIONS, plot as plot
    from mnist1d.experiments.metalearn_activation.method import run as run

NAME = "metalearn-activation"
TITLE = "Metalearning an activation function (Figure 7)"
VERSION = 1
PAPER_SEEDS = 1
HEADLINES = (
    "beats-relu",
    "two-extrema",
)
"""Claims that answer the question, for the overview."""
FILLS_CORES = False
TASKS = "ten outer steps of a trial, in turn; the trainings of a setting"

__getattr__, __dir__ = imports.attach(__name__, __file__)
