"""Does MNIST-1D show grokking: test accuracy that rises long after all samples are fitted?

The paper's MLP is trained by AdamW on few samples, with the squared loss, from initial weights of
the usual size and from ones that are all multiplied by a factor, with weight decays and without,
and followed over the logarithm of the steps: training and test accuracy, the norm of the weights,
and how far features have moved from the initial ones.

What the literature says, of arithmetic, images and other data: small networks that learn a table of
an operation fit their samples after hundreds of steps and generalise after a hundred or a thousand
times as many, the later the fewer samples they have (Power et al.). The same appears on MNIST with
large initial weights, a squared loss and weight decay: the network fits its samples where it
starts, generalises when the decay has brought the norm of its weights down, after a time in inverse
proportion to the decay, and with initial weights of the usual size or no decay it does not grok
(Liu et al.). Large initial weights make training lazy: features hardly move, and generalise worse
(Chizat et al.); grokking is the transition to moving features, also without weight decay (Kumar et
al.), and with decay it comes when that has undone the large weights (Lyu et al.).

Limits:

1. The network is the paper's MLP, with fewer samples than the paper has. What convolutions,
   transformers or deeper networks do is another question.
2. "Fitted" is a training accuracy of 99 %, "generalised" 90 % of the highest test accuracy that
   the network reaches, as no number is reached with few samples and with many. With so few it is
   low: networks with large weights come late to about what those with usual weights have when they
   fit, and not to what more samples would give. Test samples are used for nothing but measuring.
3. Every step sees all samples, where Liu et al. have batches, and all weights and biases are
   multiplied and decay. The squared loss is half the squared distance of the outputs from labels
   as 0 and 1.
4. Samples, learning rate, decays, scales and steps are those with which networks of pilots, of
   trials 1000 and 1001, fit their samples long before large weights have decayed, within minutes.
   With 1,000 samples, in batches of 100, those with large weights fitted after thousands of steps,
   and their delay was less than tenfold; weights 8 times as large fitted later, too.
5. What is later than the last step is not seen. Without weight decay a rise came before it and was
   not at its end: "highest", and so "generalised", depends there on the number of steps.
6. The optimiser is that of the recipe, AdamW with an epsilon of 1e-8. It divides gradients by their
   own size, so that weights go on moving when all but nothing is left of a gradient: their norm
   grows in bursts, which Thilak et al. call slingshots and find with grokking. Decay and bursts are
   not told apart by these runs, nor what gradient descent would do.
7. Trial s has data of seed 42 + s and initial weights of seed s, with all scales and decays.
   Intervals therefore cover data and weights, and differences are paired.
"""

from typing import TYPE_CHECKING

from mnist1d.dataset import imports

if TYPE_CHECKING:
    from mnist1d.experiments.beyond.grokking.claims import CLAIMS as CLAIMS
    from mnist1d.experiments.beyond.grokking.config import Config as Config
    from mnist1d.experiments.beyond.grokking.figures import CAPTIONS as CAPTIONS, plot as plot
    from mnist1d.experiments.beyond.grokking.method import run as run
    from mnist1d.experiments.beyond.grokking.table import (
        explain as explain,
        remarks as remarks,
        summarise as summarise,
    )

NAME = "grokking"
TITLE = "Grokking: generalisation long after fitting"
VERSION = 1
HEADLINES = ("grokking",)
LITERATURE = (
    (
        "Chizat, Oyallon & Bach (2019), On lazy training in differentiable programming, NeurIPS, "
        "arXiv:1812.07956"
    ),
    (
        "Power, Burda, Edwards, Babuschkin & Misra (2022), Grokking: generalization beyond "
        "overfitting on small algorithmic datasets, arXiv:2201.02177"
    ),
    (
        "Thilak, Littwin, Zhai, Saremi, Paiss & Susskind (2022), The slingshot mechanism: an "
        "empirical study of adaptive optimizers and the grokking phenomenon, arXiv:2206.04817"
    ),
    (
        "Liu, Michaud & Tegmark (2023), Omnigrok: grokking beyond algorithmic data, ICLR, "
        "arXiv:2210.01117"
    ),
    (
        "Kumar, Bordelon, Gershman & Pehlevan (2024), Grokking as the transition from lazy to rich "
        "training dynamics, ICLR, arXiv:2310.06110"
    ),
    (
        "Lyu, Jin, Li, Du, Lee & Hu (2024), Dichotomy of early and late phase implicit biases can "
        "provably induce grokking, ICLR, arXiv:2311.18817"
    ),
)
TASKS = "a size of the training set and a decay, all its networks"

__getattr__, __dir__ = imports.attach(__name__, __file__)
