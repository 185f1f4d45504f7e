"""Does the best learning rate change with the width, and can one be tuned on a small network?

The paper's MLP is trained with Adam at widths from 32 to 2,048, and with SGD up to 512, for five
epochs at many constant learning rates. In the standard parametrisation, PyTorch's, every array has
the same rate; in the maximal-update parametrisation (`mnist1d.training.parametrisation`) initial
weights to the output fall with the width, and so do Adam's rates of weights behind a hidden layer;
of SGD, those of the first layer and of hidden biases rise and those of weights to the output fall.
At the first width both are the same network and the same training. Measured are the best rate by
width, what it costs to use that of the smallest network for the largest, and how far the outputs of
the layers move in the first five updates.

What the literature says, of images and texts: in the standard parametrisation the best rate falls
with the width, hidden layers and logits move the further the wider the network, and at one rate
wider networks become worse; in maximal update the best rate stays, activations move as far at all
widths, wider is always better, and better than in the standard parametrisation even where that is
tuned (Yang & Hu; Yang et al., figures 1, 3 and 5). As Adam moves every weight by about the rate,
the change of a unit adds up over its inputs, so that rates behind a hidden layer have to fall as
1 / width. On the cross-entropy logits may grow without harm, so that the best rate falls slower
than that (Haas et al.). Lingle finds that tuned rates transfer in most cases, not in all; Everett
et al. that other parametrisations can transfer, too, with rates for every layer.

Limits:

1. The base width is 32, and small: what holds in the limit of large widths may not yet hold there.
   In maximal update Adam's best rate moves most below width 128. Rates, initial weights and
   activations are those of PyTorch at width 32; ratios of the rates of the layers are not tuned.
2. Trainings have 200 updates, the samples of the published set five times each, without schedule or
   decay of weights. The best rate of a longer training may be another.
3. The loss is that of the batches of the last epoch, each before its update: all samples once. A
   training that diverged, or has a larger loss than guessing, ln 10, counts as guessing.
4. A best rate is the vertex of a parabola through the lowest loss and its neighbours, in
   logarithms; rates are factors of two apart. Networks wider than 512 have five rates around the
   best one of the width before, and the tuned one. Where a neighbour diverged, as beside the best
   rates of SGD, its loss of ln 10 draws the vertex to one place, and intervals are too narrow.
5. The tuned rate is that of the lowest mean at width 32 of the same trials that are compared. The
   next larger rate is nearly as good there, and trials share the choice, which intervals do not
   cover: on it depends whether the transfer in maximal update costs more than 5 %.
6. Adam's epsilon is 1e-8 at all widths; gradients are far larger here.
7. Trial s has data of seed 42 + s and initial weights of seed s; all its networks see the same
   batches. Intervals therefore cover data and weights, and differences are paired.
8. That Adam's best rate falls in the standard parametrisation, as 1 / width, and slower than that,
   is one number, judged by three rules.
"""

from typing import TYPE_CHECKING

from mnist1d.dataset import imports

if TYPE_CHECKING:
    from mnist1d.experiments.beyond.learning_rate_transfer.claims import (
        CLAIMS as CLAIMS,
    )
    from mnist1d.experiments.beyond.learning_rate_transfer.config import Config as Config
    from mnist1d.experiments.beyond.learning_rate_transfer.figures import (
        CAPTIONS as CAPTIONS,
        plot as plot,
    )
    from mnist1d.experiments.beyond.learning_rate_transfer.method import run as run
    from mnist1d.experiments.beyond.learning_rate_transfer.table import (
        explain as explain,
        remarks as remarks,
        summarise as summarise,
    )

NAME = "learning-rate-transfer"
TITLE = "Learning rates tuned on a small network"
VERSION = 1
HEADLINES = ("mup-rate-stays",)
LITERATURE = (
    (
        "Yang & Hu (2021), Tensor Programs IV: Feature learning in infinite-width neural networks, "
        "ICML, arXiv:2011.14522"
    ),
    (
        "Yang et al. (2022), Tensor Programs V: Tuning large neural networks via zero-shot "
        "hyperparameter transfer, arXiv:2203.03466"
    ),
    "Lingle (2024), A large-scale exploration of μ-transfer, arXiv:2404.05728",
    (
        "Everett et al. (2024), Scaling exponents across parameterizations and optimizers, ICML, "
        "arXiv:2407.05872"
    ),
    (
        "Haas, Bordt, von Luxburg & Vankadara (2025), On the surprising effectiveness of large "
        "learning rates under standard width scaling, arXiv:2505.22491"
    ),
)
TASKS = "a width in a parametrisation with an optimiser, all rates of a trial"

__getattr__, __dir__ = imports.attach(__name__, __file__)
