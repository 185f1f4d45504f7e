"""Does the second descent appear over epochs and samples, too, and does weight decay remove it?

The paper shows double descent over the width of networks. Here it is followed everywhere it is said
to be, on the paper's noisy labels: over the width of its MLP, over the epochs of its CNN, over the
number of samples, and in least squares on random features, where the threshold is known beforehand.
All of it without weight decay and with the best of several, which every trial chooses for every
size on samples of its own. Neural collapse is measured through the threshold of the width, and
over the epochs of a wide MLP that fits few samples.

What the literature says: the test error peaks where a model just fits its training samples, and
falls beyond to below its first minimum (Belkin et al.). So it does in deep networks over width and,
with noisy labels, over epochs, and more samples may hurt (Nakkiran et al. 2020); in linear
regression the peak is where there are as many samples as features (Advani & Saxe, Nakkiran 2019).
With the optimal penalty on the weights the error only falls, in linear regression by proof and in
networks by experiment (Nakkiran et al. 2021). Networks that fit all labels and train on collapse:
features of a class become a point, class means a simplex, weights point to them, and the nearest of
them decides (Papyan et al.).

Limits:

1. Noise is the paper's: 15 % of the training labels are redrawn and may be the old ones. Validation
   and test labels are right. The MLP has the paper's 4,000 samples; networks make half of its
   updates at twice its rate, which takes half of the time.
2. All networks make as many updates at the same constant rate, whatever the number of samples.
   "At the end" is the mean of the last ten evaluations, as the error goes on fluctuating.
3. Weight decay is the gradient of half the squared length of all parameters, biases included, times
   the decay. The best is that with the lowest validation error at the end (of random features, the
   lowest validation loss), among those tried: the true optimum is at least as good.
4. Trial s has data of seed 42 + s and initial weights of seed s; smaller training sets are the
   first samples of the largest. Intervals therefore cover data and weights, and differences are
   paired.
5. The training error and neural collapse are those of the first 1,000 training samples, or of all
   if there are fewer; classes of collapse are the noisy labels.
6. Over samples the claims are about the test loss. The test error of this network falls with more
   samples all along, only more slowly below the threshold.
7. A network of fewer than nine units cannot have ten class means at the angles of a simplex: its
   NC2 is above zero whatever the training. Over the epochs collapse is followed in one network of
   its own, which sees few samples often: 1,000 of them 1,000 times. It is on its way there, not
   complete: claims are about its direction.
"""

from typing import TYPE_CHECKING

from mnist1d.dataset import imports

if TYPE_CHECKING:
    from mnist1d.experiments.beyond.double_descent_complete.claims import CLAIMS as CLAIMS
    from mnist1d.experiments.beyond.double_descent_complete.config import Config as Config
    from mnist1d.experiments.beyond.double_descent_complete.figures import (
        CAPTIONS as CAPTIONS,
        plot as plot,
    )
    from mnist1d.experiments.beyond.double_descent_complete.method import run as run
    from mnist1d.experiments.beyond.double_descent_complete.table import (
        explain as explain,
        remarks as remarks,
        summarise as summarise,
    )

NAME = "double-descent-complete"
TITLE = "Double descent over width, epochs and samples"
VERSION = 1
HEADLINES = ("samples-best-decay-no-rise",)
LITERATURE = (
    (
        "Advani & Saxe (2017), High-dimensional dynamics of generalization error in neural "
        "networks, arXiv:1710.03667"
    ),
    (
        "Belkin, Hsu, Ma & Mandal (2019), Reconciling modern machine-learning practice and the "
        "classical bias-variance trade-off, PNAS 116(32), arXiv:1812.11118"
    ),
    (
        "Hastie, Montanari, Rosset & Tibshirani (2022), Surprises in high-dimensional ridgeless "
        "least squares interpolation, Annals of Statistics 50(2), arXiv:1903.08560"
    ),
    (
        "Nakkiran (2019), More data can hurt for linear regression: sample-wise double descent, "
        "arXiv:1912.07242"
    ),
    (
        "Nakkiran, Kaplun, Bansal, Yang, Barak & Sutskever (2020), Deep double descent: where "
        "bigger models and more data hurt, ICLR, arXiv:1912.02292"
    ),
    (
        "Papyan, Han & Donoho (2020), Prevalence of neural collapse during the terminal phase of "
        "deep learning training, PNAS 117(40), arXiv:2008.08186"
    ),
    (
        "Nguyen, Levie, Lienen, Kutyniok & Hüllermeier (2023), Memorization-dilation: modeling "
        "neural collapse under label noise, ICLR, arXiv:2206.05530"
    ),
    (
        "Nakkiran, Venkat, Kakade & Ma (2021), Optimal regularization can mitigate double descent, "
        "ICLR, arXiv:2003.01897"
    ),
)
TASKS = "networks of a size, the narrow ones together; a fit of random features"

__getattr__, __dir__ = imports.attach(__name__, __file__)
