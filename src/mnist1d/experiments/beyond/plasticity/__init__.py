"""Does a network that learns one task after the other lose the ability to learn?

An MLP learns a hundred tasks in turn, each for as many steps: the same signals with random labels,
new ones for every task, which can only be learned by heart; or the true labels of signals whose
points are in another order in every task. How well it learns a task is the accuracy of the batches,
each before its update, mean over the task. The control is a network that is drawn anew for every
task. Beside Adam and SGD there are remedies: L2 regularisation, also towards the initial weights;
continual backpropagation, which draws the least useful units anew, one at a time; layer
normalisation, also with L2; and weights that are shrunk and perturbed before every task.

What the literature says, of images: the accuracy falls from task to task, below that of a new
network, with SGD and more so with Adam, while units die, weights grow and representations lose rank
(Dohare et al.; Lyle et al. 2023). L2 regularisation and shrinking mitigate it, continual
backpropagation keeps the ability to learn for as long as one looks (Dohare et al.), and so does L2
towards the initial weights, better than L2 (Kumar et al.). Layer normalisation helps (Lyle et al.
2023), and keeps all of it together with L2 (Lyle et al. 2024). Shrinking and perturbing is from
training that goes on with more samples (Ash & Adams).

Limits:

1. A network of two layers of 64 units learns 100 signals by heart, in 300 steps: tasks of minutes
   in the literature, and networks of millions of weights, are not here.
2. The learning rate of Adam is the usual one for all methods. That of SGD is such that a new
   network learns a task about as fast. Neither was tuned: smaller rates lose less, or later. At
   these two SGD loses the ability sooner, and over all tasks more, where the literature has Adam.
3. The strength of a remedy is the best of four, by the mean accuracy over all tasks of a trial of
   its own.
4. Nothing is said of what is still known of earlier tasks, nor of new signals: the accuracy is of
   the training samples.
5. Continual backpropagation forgets Adam's means of the weights that it draws anew, and not their
   number of steps, so that their first updates are up to three times as long. Utilities are of the
   mean absolute output over a batch.
6. Weights shrink before a task and not at every step, and Adam then begins anew, as in a new
   network, so that both are one method with different strengths. All other remedies go on
   with Adam; what shrinking does and what beginning anew does are not told apart.
7. Layer normalisation is of the inputs of the activation functions, without scales and shifts that
   are learned.
8. What is lost is lost as the second layer dies as a whole, with accuracies of chance, where those
   in Dohare et al. fall by degrees, with up to a quarter of the units dead. Whether a remedy
   removes half of the loss is here whether it prevents this, and says little of a slow decline.
9. Trial s has data of seed 42 + s, and tasks and initial weights of seed s. Intervals therefore
   cover all of these, and differences are paired.
"""

from typing import TYPE_CHECKING

from mnist1d.dataset import imports

if TYPE_CHECKING:
    from mnist1d.experiments.beyond.plasticity.claims import CLAIMS as CLAIMS
    from mnist1d.experiments.beyond.plasticity.config import Config as Config
    from mnist1d.experiments.beyond.plasticity.figures import CAPTIONS as CAPTIONS, plot as plot
    from mnist1d.experiments.beyond.plasticity.method import run as run
    from mnist1d.experiments.beyond.plasticity.table import (
        explain as explain,
        remarks as remarks,
        summarise as summarise,
    )

NAME = "plasticity"
TITLE = "Loss of plasticity, and what prevents it"
VERSION = 1
HEADLINES = ("adam-loses",)
LITERATURE = (
    "Ash & Adams (2020), On warm-starting neural network training, NeurIPS, arXiv:1910.08475",
    (
        "Lyle, Zheng, Nikishin, Avila Pires, Pascanu & Dabney (2023), Understanding plasticity in "
        "neural networks, ICML, arXiv:2303.01486"
    ),
    (
        "Kumar, Marklund & Van Roy (2023), Maintaining plasticity in continual learning via "
        "regenerative regularization, arXiv:2308.11958"
    ),
    (
        "Dohare, Hernandez-Garcia, Lan, Rahman, Mahmood & Sutton (2024), Loss of plasticity in "
        "deep continual learning, Nature 632, arXiv:2306.13812"
    ),
    (
        "Lyle, Zheng, Khetarpal, van Hasselt, Pascanu, Martens & Dabney (2024), Disentangling the "
        "causes of plasticity loss in neural networks, arXiv:2402.18762"
    ),
)
TASKS = "a training on a kind of tasks, all its networks"

__getattr__, __dir__ = imports.attach(__name__, __file__)
