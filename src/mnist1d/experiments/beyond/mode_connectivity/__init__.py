"""Are networks connected by straight lines, from when on, and is the average of weights any good?

Children of one network train on in different orders of the same samples, from a split at the start
or later, and loss and error are measured along the straight line between two of them. So they are
between networks of independent initial weights, of three widths, before and after the hidden units
of one are brought into the order of the other. Where a line has no barrier, weights can be
averaged: over the end of a training (SWA), and over children (a soup), beside the ensemble of
their outputs.

What the literature says, of images and texts: children of a split at the start have a barrier
between them, on all but the smallest data; early in training networks become stable, so that later
splits leave none (Frankle et al.). Independent networks have one, which rises and then falls with
width, and may have none once their units are matched (Entezari et al.); matching removes it between
wide networks, by weights about as well as by what units compute (Ainsworth et al.). The average of
weights from the last part of a training has lower test error than the last of them, and often a
slightly higher training loss (Izmailov et al.). Soups of networks with one parent are better than
each and nearly as good as their ensemble, and soups of independent networks guess (Wortsman et
al.). Ensembles are better of independent networks, which differ more (Fort et al.).

The barrier is that of Entezari et al.: how far loss or error rises above the straight line between
its values at both ends, at the worst place. Frankle et al. and Ainsworth et al. take the mean of
the ends, which is the same where both are equal. As for Frankle et al., networks are stable where
the barrier of the test error is below 2 points.

Limits:

1. The training set has 16,000 samples, four times the paper's: on 4,000 the MLP ends without
   errors on any of them, and averages of its last weights err as often as the last.
2. Adam has the paper's constant rate, and children inherit its state. Frankle et al. lower the rate
   in the course of the training, so that their children end nearer to each other.
3. A barrier is the largest excess at 21 places of a line. It is never below zero, so that the noise
   of finite samples makes it a little positive.
4. The paper's MLP adds its second layer to its first, so both have one order of units. Its matching
   by weights is a quadratic assignment, of which a local optimum is found; wider networks than ours
   may have none left. Units of the CNN are not matched.
5. Weights of SWA are averaged over the last quarter at the rate of the whole training, every 40
   steps; Izmailov et al. raise the rate for it and take one per epoch. What they compare it with
   ends at a rate that has fallen. Our last weights are those of a constant rate, with
   noise that an average removes: most probably this flatters SWA, in error and in training loss.
6. Wortsman et al. choose what goes into a soup, and fine-tune with other rates and augmentation;
   ours are the uniform ones of children that differ by their order of samples alone. Theirs end at
   a rate that has fallen; ours do not, which flatters soups beside one network as it does SWA.
7. Trial s has data of seed 42 + s, and initial weights and orders of seed s. Intervals therefore
   cover data and weights, and differences are paired.
"""

from typing import TYPE_CHECKING

from mnist1d.dataset import imports

if TYPE_CHECKING:
    from mnist1d.experiments.beyond.mode_connectivity.claims import (
        CLAIMS as CLAIMS,
    )
    from mnist1d.experiments.beyond.mode_connectivity.config import Config as Config
    from mnist1d.experiments.beyond.mode_connectivity.figures import (
        CAPTIONS as CAPTIONS,
        plot as plot,
    )
    from mnist1d.experiments.beyond.mode_connectivity.method import run as run
    from mnist1d.experiments.beyond.mode_connectivity.table import (
        explain as explain,
        remarks as remarks,
        summarise as summarise,
    )

NAME = "mode-connectivity"
TITLE = "Straight lines between networks, and averages of weights"
VERSION = 1
HEADLINES = ("stable-early-mlp",)
LITERATURE = (
    (
        "Izmailov, Podoprikhin, Garipov, Vetrov & Wilson (2018), Averaging weights leads to wider "
        "optima and better generalization, UAI, arXiv:1803.05407"
    ),
    (
        "Fort, Hu & Lakshminarayanan (2019), Deep ensembles: a loss landscape perspective, "
        "arXiv:1912.02757"
    ),
    (
        "Frankle, Dziugaite, Roy & Carbin (2020), Linear mode connectivity and the lottery ticket "
        "hypothesis, ICML, arXiv:1912.05671"
    ),
    (
        "Entezari, Sedghi, Saukh & Neyshabur (2022), The role of permutation invariance in linear "
        "mode connectivity of neural networks, ICLR, arXiv:2110.06296"
    ),
    (
        "Wortsman et al. (2022), Model soups: averaging weights of multiple fine-tuned models "
        "improves accuracy without increasing inference time, ICML, arXiv:2203.05482"
    ),
    (
        "Ainsworth, Hayase & Srinivasa (2023), Git re-basin: merging models modulo permutation "
        "symmetries, ICLR, arXiv:2209.04836"
    ),
)
TASKS = "a network and its split, or its size, all trials"

__getattr__, __dir__ = imports.attach(__name__, __file__)
