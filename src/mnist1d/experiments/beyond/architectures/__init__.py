"""What does each architecture's bias buy, and how many samples is it worth?

The paper's Table 1 has four models of four sizes, trained on 4,000 samples. Here ten architectures
of today are compared at equal numbers of parameters, each at its own best learning rate: the
paper's MLP, CNN and GRU, an LSTM, a temporal convolutional network, a residual network, an
MLP-mixer, a transformer, a diagonal state-space model, and a linear readout of random Fourier
features; beside them ten nearest neighbours, which have no parameters. Each is trained on 500 to
50,000 samples, on signals whose points are shuffled, and tested on samples with other noise, slope,
height and position than those it was trained on.

What the literature says: convolutions, recurrences and attention know different things about
signals, and the less is built in, the more samples are needed. Vision transformers and mixers fall
behind convolutional networks on small sets and catch up on large ones (Dosovitskiy et al.,
Tolstikhin et al.); temporal convolutions exceed recurrent networks (Bai et al.); residual networks
are a strong baseline for time series (Wang et al.); state-space models exceed transformers and
recurrent networks on sequences of points (Gu et al.); and trained features exceed random ones
(Ghorbani et al.).

Limits:

1. Size is the number of trained parameters, 5,000 or 15,000, within 5 %. Architectures differ in
   their work per step, and there are other ways to spend the same parameters: width, depth and
   patches were not tuned (`mnist1d.models.of_size`).
2. The learning rate of an architecture and a size is the best of the same five, by accuracy on
   samples of a trial of its own, at 4,000 samples with their points in order. It is kept for other
   numbers of samples and for shuffled points, as `mnist1d.lab.compare` does.
3. All are trained for as many updates, 800 of Adam with batches of 100 in stored order, whose rate
   falls to zero along a cosine: 160 passes over 500 samples, 1.6 over 50,000.
4. Trial s has data of seed 42 + s and initial weights of seed s. Its smaller training sets are the
   first samples of the largest, and all are on its scale. Intervals therefore cover data and
   weights, and differences are paired.
5. What happens with shuffled points, other numbers of samples and shifted tests is measured at the
   smaller size alone.
6. Transformer and mixer see patches of four points in ten places; a patch of one point would have
   another bias.
7. "Reaches the MLP" is interpolated between the numbers of samples that were tried, on a
   logarithmic scale, and no smaller or larger than these.
"""

from typing import TYPE_CHECKING

from mnist1d.dataset import imports

if TYPE_CHECKING:
    from mnist1d.experiments.beyond.architectures.claims import (
        CLAIMS as CLAIMS,
        explain as explain,
        remarks as remarks,
        summarise as summarise,
    )
    from mnist1d.experiments.beyond.architectures.config import Config as Config
    from mnist1d.experiments.beyond.architectures.figures import CAPTIONS as CAPTIONS, plot as plot
    from mnist1d.experiments.beyond.architectures.method import run as run

NAME = "architectures"
TITLE = "Ten architectures at equal size"
VERSION = 1
HEADLINES = ("cnn-beats-mlp",)
LITERATURE = (
    "Greydanus & Kobak (2024), Scaling down deep learning with MNIST-1D, ICML, section 4",
    "Rahimi & Recht (2007), Random features for large-scale kernel machines, NeurIPS",
    (
        "Wang, Yan & Oates (2017), Time series classification from scratch with deep neural "
        "networks: a strong baseline, IJCNN, arXiv:1611.06455"
    ),
    (
        "Bai, Kolter & Koltun (2018), An empirical evaluation of generic convolutional and "
        "recurrent networks for sequence modeling, arXiv:1803.01271"
    ),
    "Zhang (2019), Making convolutional networks shift-invariant again, ICML, arXiv:1904.11486",
    (
        "Ghorbani, Mei, Misiakiewicz & Montanari (2020), When do neural networks outperform kernel "
        "methods?, NeurIPS, arXiv:2006.13409"
    ),
    (
        "Dosovitskiy et al. (2021), An image is worth 16x16 words: transformers for image "
        "recognition at scale, ICLR, arXiv:2010.11929"
    ),
    "Tolstikhin et al. (2021), MLP-Mixer: an all-MLP architecture for vision, arXiv:2105.01601",
    (
        "Gu, Goel & Ré (2022), Efficiently modeling long sequences with structured state spaces, "
        "ICLR, arXiv:2111.00396"
    ),
)
TASKS = "an architecture of a size, all its networks"

__getattr__, __dir__ = imports.attach(__name__, __file__)
