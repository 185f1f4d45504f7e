"""Do activation functions that are learned in small networks help wider, deeper and other ones?

The paper learns an activation function by gradient descent through whole trainings (section 5.4)
and asks in section 6 whether such a function would help larger networks as well. Here functions are
learned inside the MLP and the CNN of Table 1. Both networks, at one, two and four times their width
and with one and two more layers, are then trained with the learned functions and with seven known
ones (ReLU, ELU, Swish, GELU, tanh, Snake x + sin² x, sine), each at its own best learning rate, and
in the networks of Table 1 also at one rate for all, as the paper compares them. The literature's
best case is Swish: found by a search with small networks, it tends to work better than ReLU in
deeper ones (Ramachandran et al., 2017).

The function is f(x) = ELU(x) + 0.2 g(x), g a network 1-32-1 (1-100-1 in the paper's code). An outer
step draws new initial weights and new batches, trains the network by RMSprop for some steps, and
updates g by Adam with the gradient, through the training, of the mean loss of its later batches,
which no step has seen before.

Source: Greydanus & Kobak (2024), sections 5.4 and 6. Limits:

1. Seeds. Trial s learns both functions and draws the initial weights of all networks from seed s;
   all functions share them, so that differences between functions are paired. The trials that
   choose learning rates are others: their functions and networks have no seed in common with those
   that claims are about.
2. The learning rate of every function in every network is the best of the same five, by accuracy on
   generated validation samples in one trial. Accuracy is measured on 10,000 generated samples,
   which choose nothing.
3. Networks are trained for 800 steps of Adam whose rate falls to zero along a cosine, not for 6,001
   at a constant rate as in Table 1; accuracies are those after the last step.
4. Learning differs from the paper's: 100 outer steps through 200 inner ones, Adam in place of
   gradient descent, other weights and batches in every outer step in place of the same ones, and no
   noise in hidden layers. Where the gradient through a training is not finite, the step is left
   out and counted.
5. Learning in the CNN is not stable. In pilots on other seeds the objective fell from 1.47 nats to
   0.7 and then, as the function became steeper, rose above 2 within 20 outer steps; with a third of
   the rate (0.03) it only fell to 1.37 in 40 steps. So the function that is used is that of the
   outer step with the lowest objective, a mean of five steps.
6. Functions learned through 200 steps may be good for the beginning of a training, and not for its
   end. One data set is one kind of task.
7. Deeper MLPs have further residual layers; deeper CNNs further convolutions of stride 1 after the
   strided ones, without residual connections.
8. Advantages are over the mean of ReLU, ELU and Swish, the functions that the paper compares with:
   the best of three chosen after the run would be biased upwards.
"""

from typing import TYPE_CHECKING

from mnist1d.dataset import imports

if TYPE_CHECKING:
    from mnist1d.experiments.beyond.activation_transfer.claims import (
        CLAIMS as CLAIMS,
        explain as explain,
        remarks as remarks,
        summarise as summarise,
    )
    from mnist1d.experiments.beyond.activation_transfer.config import Config as Config
    from mnist1d.experiments.beyond.activation_transfer.figures import (
        CAPTIONS as CAPTIONS,
        plot as plot,
    )
    from mnist1d.experiments.beyond.activation_transfer.method import run as run

NAME = "activation-transfer"
TITLE = "Learned activation functions in larger networks"
VERSION = 1
HEADLINES = ("beats-snake-mlp",)
LITERATURE = (
    "Greydanus & Kobak (2024), Scaling Down Deep Learning with MNIST-1D, ICML, section 6",
    "Ramachandran, Zoph & Le (2017), Searching for Activation Functions, arXiv:1710.05941 (Swish)",
    "Clevert et al. (2016), Fast and Accurate Deep Network Learning by ELUs, arXiv:1511.07289",
    "Hendrycks & Gimpel (2016), Gaussian Error Linear Units, arXiv:1606.08415",
    "Ziyin et al. (2020), Neural Networks Fail to Learn Periodic Functions, arXiv:2006.08195",
    "Sitzmann et al. (2020), Implicit Neural Representations, arXiv:2006.09661 (sine)",
)
TASKS = "a trial's learning; then an architecture of a size and a trial, with all functions"

__getattr__, __dir__ = imports.attach(__name__, __file__)
