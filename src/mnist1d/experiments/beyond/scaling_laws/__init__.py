"""How does the loss fall with parameters, samples and work, and what is left at infinity?

MLPs of six widths see endless samples of the native stream, every one of them new, and their loss
is measured on the way: so parameters, samples and their product, the work, are varied in one table.
An MLP and a CNN are also trained on fixed numbers of samples, over and over. As the generator is
known, so is the best that any classifier can do: the posterior of the class given a signal
(`mnist1d.measures.posterior`), and with it the loss that is left at infinite sizes.

What the literature says, of texts, images and speech: the loss falls with samples as a power, and
another architecture changes the factor and not the exponent (Hestness et al.); likewise with
parameters and work, wider networks need fewer samples, and the best use of work is a large network
that is stopped early, whose size grows as the work to the 0.73 (Kaplan et al.), or to the 0.5, as
fast as the samples (Hoffmann et al.). The constant of such laws is the entropy of the data, which
nobody knows (Henighan et al.). Up to four passes over samples are as good as new ones (Muennighoff
et al.).

How the least loss is computed: given class, padding and shift, a signal is Gaussian, with a mean
that is linear in scale and slope. The integral over the slope is a normal probability, that over
the scale a sum over nodes, and all combinations of class, padding and shift are summed over. So the
posterior is exact but for rounding, and no lower or upper bound is needed; that its mean entropy is
its loss is checked by a claim. The loss of the widest MLP is the upper bound that one would have
without knowing the generator.

Limits:

1. Networks are MLPs of two hidden layers, from 490 to 79,000 parameters, and laws are fitted over
   factors of 160 in parameters and 16 in samples: less than one would like for an exponent.
2. Work is 6 operations per parameter and sample, as in the literature; small matrices do not reach
   the speed of large ones.
3. The optimiser is schedule-free AdamW, without decay of weights: the average that it evaluates
   needs no schedule that knows the end, so that one training has the losses of all shorter ones.
   Losses are those of its averages. Cosine schedules of every length may be a little better.
4. The learning rate of a network is the best of five in a trial of its own, by the mean logarithm
   of the validation loss over the training. The batch size is the same for all.
5. On fixed numbers of samples the step is that with the lowest validation loss, of every 20, and
   the learning rate that of new samples; all networks make as many updates, and the last number is
   seen once. Decay of weights, or a rate for every number, might help where samples are few.
6. Fits leave out the first sixteenth of the training. Where a fit fails, it has no number, and the
   report says why.
7. Trial s has the stream of seed 42 + s and initial weights of seed s. Intervals therefore cover
   data, test samples and weights, and differences are paired.
"""

from typing import TYPE_CHECKING

from mnist1d.dataset import imports

if TYPE_CHECKING:
    from mnist1d.experiments.beyond.scaling_laws.claims import (
        CLAIMS as CLAIMS,
        remarks as remarks,
        summarise as summarise,
    )
    from mnist1d.experiments.beyond.scaling_laws.config import Config as Config
    from mnist1d.experiments.beyond.scaling_laws.figures import CAPTIONS as CAPTIONS, plot as plot
    from mnist1d.experiments.beyond.scaling_laws.method import run as run

NAME = "scaling-laws"
TITLE = "Scaling laws, and the least loss that is possible"
VERSION = 1
HEADLINES = ("constant-is-best-joint",)
LITERATURE = (
    "Greydanus & Kobak (2024), Scaling down deep learning with MNIST-1D, ICML, section 4",
    ("Hestness et al. (2017), Deep learning scaling is predictable, empirically, arXiv:1712.00409"),
    "Kaplan et al. (2020), Scaling laws for neural language models, arXiv:2001.08361",
    "Henighan et al. (2020), Scaling laws for autoregressive generative modeling, arXiv:2010.14701",
    (
        "Hoffmann et al. (2022), Training compute-optimal large language models, NeurIPS, "
        "arXiv:2203.15556"
    ),
    "Muennighoff et al. (2023), Scaling data-constrained language models, arXiv:2305.16264",
    "Defazio et al. (2024), The road less scheduled, NeurIPS, arXiv:2405.15682",
)
TASKS = "a network and its number of steps, all trials; the posteriors"

__getattr__, __dir__ = imports.attach(__name__, __file__)
