"""Do lottery tickets become local as data and networks grow?

The paper finds more neighbouring weights in the first layer of its lottery tickets than in random
masks, with 4,000 samples and 500 hidden units, and wishes to know whether that holds at scale
(section 6). A random mask has its weights spread evenly over units and inputs, though, and a ticket
has not: units that many weights lead to have neighbouring ones by chance. Here tickets are found
from 1,000 to 100,000 samples, in networks of three widths, by pruning in rounds and at once, and
their pairs and runs of three and four neighbouring weights are compared with those of random masks
that have as many weights for every unit and for every input. The same is done after the positions
of all weights were shuffled, which leaves nothing but chance.

What the literature says of images: fully connected networks that are pruned in rounds become local,
the more so the larger the training set, and pruning in rounds is particularly good at it
(Pellegrini & Biroli); local connections are also found by a variant of the lasso (Neyshabur);
localised receptive fields come from the higher-order statistics of the inputs (Ingrosso & Goldt),
which pruning in rounds amplifies (Redman et al.).

Limits:

1. Rounds. Twelve networks are trained in a row, each with 81 % of the weights of the one before, a
   factor as is usual since Frankle & Carbin (2019); the paper takes 100 rounds. Pruned at once is
   the first of them, which is dense, so that both kinds of tickets come from the same network.
2. Updates. All networks are trained for as many as in the paper's search, 1,502, whatever the
   number of samples: 150 passes over 1,000 samples, 1.5 over 100,000.
3. Trial s has data of seed 42 + s, the published one among them, and initial weights from seed s,
   which all sizes of the training set share. Intervals therefore cover data and weights.
4. The control needs no training of its own: a fully connected network does not know the order of
   its inputs. Trained on shuffled signals, from weights that are shuffled likewise, it has the
   shuffled mask; and initial weights do not depend on their positions. Every ticket has an order of
   its own.
5. "More than by chance" is the number of runs of neighbours minus the mean of 200 random masks, per
   100 weights. Each ticket has random masks of its own, so that the error of their mean, which is a
   fourteenth of the spread of one, is a part of the spread over trials. The table also has the
   difference in standard deviations of random masks.
6. Adjacency is that of the first layer. Whether it is what helps a ticket is another question,
   which the controls of `lottery-tickets` ask.
"""

from typing import TYPE_CHECKING

from mnist1d.dataset import imports

if TYPE_CHECKING:
    from mnist1d.experiments.beyond.ticket_locality.claims import (
        CLAIMS as CLAIMS,
        explain as explain,
        summarise as summarise,
    )
    from mnist1d.experiments.beyond.ticket_locality.config import Config as Config
    from mnist1d.experiments.beyond.ticket_locality.figures import (
        CAPTIONS as CAPTIONS,
        plot as plot,
    )
    from mnist1d.experiments.beyond.ticket_locality.method import run as run

NAME = "ticket-locality"
TITLE = "Locality of lottery tickets at scale"
VERSION = 1
HEADLINES = ("grows-with-samples",)
LITERATURE = (
    "Greydanus & Kobak (2024), Scaling down deep learning with MNIST-1D, ICML, sections 5.1 and 6",
    "Frankle & Carbin (2019), The lottery ticket hypothesis, ICLR",
    "Neyshabur (2020), Towards learning convolutions from scratch, NeurIPS",
    (
        "Ingrosso & Goldt (2022), Data-driven emergence of convolutional structure in neural "
        "networks, PNAS 119(40)"
    ),
    (
        "Pellegrini & Biroli (2022), Neural network pruning denoises the features and makes local "
        "connectivity emerge in visual tasks, ICML, PMLR 162"
    ),
    (
        "Redman, Wang, Ingrosso & Goldt (2024), On how iterative magnitude pruning discovers local "
        "receptive fields in fully connected neural networks, arXiv 2412.06545"
    ),
)
TASKS = "a network of a round"

__getattr__, __dir__ = imports.attach(__name__, __file__)
