"""Do generated signals have what the generator gives, and when are they copies of training samples?

Flow matching learns a velocity that carries noise to signals of a class, from 100 to 100,000
training samples. As the generator of MNIST-1D is known, generated signals need no judge that was
itself trained: its posterior (`mnist1d.measures.posterior`) gives the class, the shift, the scale
and the density of every signal. Besides, signals are compared with the nearest training samples,
with those of a second network that saw other samples and starts from the same noise, and by
classifiers.

What the literature says, of images: flow matching along straight paths generates samples of the
data's distribution (Lipman et al., Liu et al.), though good samples and a good likelihood need not
go together (Theis et al.). From few samples a network memorises (Gu et al.), later the more there
are (Bonnaire et al.); with many only few samples are replicas (Somepalli et al.), and two networks
trained on disjoint sets generate nearly the same from the same noise (Kadkhodaie et al.).
Classifiers of true images recognise generated ones as well as true ones if nothing was memorised
(Shmelkov et al.), while those trained on generated images are worse (Ravuri & Vinyals). Heun's
method needs fewer evaluations of the network than Euler's (Karras et al.).

Limits:

1. The network is a U-Net of 146,000 parameters, trained for half a minute: what it lacks with
   100,000 samples, longer training or a larger network may lessen.
2. All networks make as many updates. Of few samples each is seen more often, and memorising is a
   matter of updates as much as of samples: both are in the result. Times until half are replicas
   are on a grid of updates, and of a rate that falls over the last 30 %: with 200 samples four of
   five trials come to half only then, where the share jumps, so that the exponent is of two
   different rates.
3. A replica is a signal whose nearest training sample is nearer than a third of the second nearest,
   as usual for images. Copies of a part of a sample are not counted. Fresh true signals
   are never nearer than half of the second nearest, nor are generated ones with 100,000 samples:
   both shares are 0 in every trial, and their difference has no spread.
4. Shift and scale are those that the posterior finds most probable, or expects, not known numbers;
   true signals are treated alike.
5. Densities fall steeply beside the signals, as white noise is weak where the digit is: they are
   compared by medians.
6. The second network is trained with the smallest and the largest number of samples alone. That
   two agree has a high floor: untrained ones do at 85 % (mean of the five trials, 76 to 91 %), as
   the best velocity for white noise is added to the output of both.
7. The exact flow that methods are compared with is Heun's with 32 steps, whose error is by the
   order of the method a sixteenth of that with 8.
8. Trial s has the stream of seed 42 + s and initial weights of seed s. Intervals therefore cover
   data, weights and noise, and differences are paired.
"""

from typing import TYPE_CHECKING

from mnist1d.dataset import imports

if TYPE_CHECKING:
    from mnist1d.experiments.beyond.generation.claims import (
        CLAIMS as CLAIMS,
        explain as explain,
        remarks as remarks,
        summarise as summarise,
    )
    from mnist1d.experiments.beyond.generation.config import Config as Config
    from mnist1d.experiments.beyond.generation.figures import CAPTIONS as CAPTIONS, plot as plot
    from mnist1d.experiments.beyond.generation.method import run as run

NAME = "generation"
TITLE = "Generated signals, judged by the generator"
VERSION = 1
HEADLINES = ("nearer-to-twin-many",)
LITERATURE = (
    (
        "Theis, van den Oord & Bethge (2016), A note on the evaluation of generative models, ICLR, "
        "arXiv:1511.01844"
    ),
    "Shmelkov, Schmid & Alahari (2018), How good is my GAN?, ECCV, arXiv:1807.09499",
    (
        "Ravuri & Vinyals (2019), Classification accuracy score for conditional generative models, "
        "NeurIPS, arXiv:1905.10887"
    ),
    "Ho, Jain & Abbeel (2020), Denoising diffusion probabilistic models, NeurIPS, arXiv:2006.11239",
    (
        "Karras et al. (2022), Elucidating the design space of diffusion-based generative models, "
        "NeurIPS, arXiv:2206.00364"
    ),
    "Lipman et al. (2023), Flow matching for generative modeling, ICLR, arXiv:2210.02747",
    (
        "Liu, Gong & Liu (2023), Flow straight and fast: learning to generate and transfer data "
        "with rectified flow, ICLR, arXiv:2209.03003"
    ),
    (
        "Somepalli et al. (2023), Diffusion art or digital forgery? Investigating data replication "
        "in diffusion models, CVPR, arXiv:2212.03860"
    ),
    "Gu et al. (2023), On memorization in diffusion models, arXiv:2310.02664",
    (
        "Kadkhodaie et al. (2024), Generalization in diffusion models arises from "
        "geometry-adaptive harmonic representations, ICLR, arXiv:2310.02557"
    ),
    (
        "Bonnaire et al. (2025), Why diffusion models don't memorize: the role of implicit "
        "dynamical regularization in training, NeurIPS, arXiv:2505.17638"
    ),
)
TASKS = "a number of training samples, all trials; the true signals"

__getattr__, __dir__ = imports.attach(__name__, __file__)
