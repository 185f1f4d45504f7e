"""Does training run at the edge of stability, and where is the edge of each method?

On a quadratic loss, gradient descent at a learning rate is stable where the largest eigenvalue of
the Hessian, the sharpness, is below 2 / rate. Networks are no quadratic losses, and still sharpness
rises to this value and stays there. Here the paper's MLP is trained on all samples at once at four
learning rates, with momentum, with Adam, whose edge is one of the preconditioned Hessian, with
sharpness-aware minimisation, with SGD, and on the cross-entropy; on the way sharpness is measured
by Lanczos, with products of the Hessian that are exact.

What the literature says, of images and texts: with gradient descent sharpness rises to 2 / rate and
then hovers right at, or just above, this value, while the loss rises from step to step and falls in
the long run; on the cross-entropy it falls at the end of the training; with momentum b the value is
2 (1 + b) / rate; with SGD it stays below, the more so the smaller the batches (Cohen et al. 2021,
Jastrzębski et al.). Adam on all samples hovers at 38 / rate in the preconditioned Hessian (Cohen et
al. 2022). Sharpness-aware minimisation finds flatter places (Foret et al.), and has an edge of its
own, which falls with the length of the gradient (Long & Bartlett).

Limits:

1. The network has relu, as all of the paper's, which has no second derivative at zero: Lanczos
   sees the Hessian between the kinks. Cohen et al. show mostly smooth networks, and find the same
   with relu.
2. The training set has 1,000 samples, so that five trials of all methods take minutes. Of the loss
   of a batch nothing is measured: sharpness is always that of all training samples.
3. The squared loss is half the squared distance of the outputs from labels as 0 and 1, as in the
   code of Cohen et al.; the loss of a method and its edge are in this unit.
4. Every method makes as many updates. They end at different losses, and SGD, which sees fewer
   samples per update, has seen fewer in all.
5. Trial s has data of seed 42 + s and initial weights of seed s. Intervals therefore cover data and
   weights, and differences are paired.
6. "At the edge" is from 95 % of it on, and sharpness is measured every so many steps, not at each.
7. Whether flat places generalise better is another question. Test accuracies stand in the table,
   and no claim is made of them.
"""

from typing import TYPE_CHECKING

from mnist1d.dataset import imports

if TYPE_CHECKING:
    from mnist1d.experiments.beyond.edge_of_stability.claims import (
        CLAIMS as CLAIMS,
        remarks as remarks,
        summarise as summarise,
    )
    from mnist1d.experiments.beyond.edge_of_stability.config import Config as Config
    from mnist1d.experiments.beyond.edge_of_stability.figures import (
        CAPTIONS as CAPTIONS,
        plot as plot,
    )
    from mnist1d.experiments.beyond.edge_of_stability.method import run as run

NAME = "edge-of-stability"
TITLE = "The edge of stability"
VERSION = 1
HEADLINES = ("gd-at-edge-0.1",)
LITERATURE = (
    (
        "Jastrzębski et al. (2020), The break-even point on optimization trajectories of deep "
        "neural networks, ICLR, arXiv:2002.09572"
    ),
    (
        "Cohen, Kaur, Li, Kolter & Talwalkar (2021), Gradient descent on neural networks typically "
        "occurs at the edge of stability, ICLR, arXiv:2103.00065"
    ),
    (
        "Foret, Kleiner, Mobahi & Neyshabur (2021), Sharpness-aware minimization for efficiently "
        "improving generalization, ICLR, arXiv:2010.01412"
    ),
    ("Cohen et al. (2022), Adaptive gradient methods at the edge of stability, arXiv:2207.14484"),
    (
        "Long & Bartlett (2024), Sharpness-aware minimization and the edge of stability, JMLR 25, "
        "arXiv:2309.12488"
    ),
)
TASKS = "a method at a rate, all its networks"

__getattr__, __dir__ = imports.attach(__name__, __file__)
