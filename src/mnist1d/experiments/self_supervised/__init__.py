"""Does contrastive learning find the digits without labels? SimCLR, Figure 8.

A convolutional encoder learns to distinguish two random views of a signal (shifted, with another
slope and offset) from the views of others. No labels are used; linear classifiers then measure what
each layer represents. The paper's claims in numbers: 82 % linear accuracy before the projection
head, 33 % from the signals themselves; higher before the head than after it; highest in the middle
of the network, with the head, without it and with a deep one; in a t-SNE picture the digits 0, 3, 6
and 8 are isolated.

Source: Greydanus & Kobak (2024), section 5.5, and its notebook. Differences from the paper and its
code:

1. Seeds. Five runs per variant by default instead of one, from explicit keys. Seed s gives all
   variants the same initial backbone, the same batches and the same views, so that differences are
   paired.
2. Training data. The paper trains on the training and the test part, its code on the training part
   alone. The latter is the default; with `training_data="both"` it is as in the paper.
3. Loss. "info-nce" is the published one, from half the batch: negatives are the second views of
   other signals, and only one direction counts. `loss="nt-xent"` is the full loss of SimCLR.
4. Shifts "of up to 10" are 0 to 9, and offsets are removed and drawn like slopes, as in the code.
   Slopes and means are removed once, before training, which gives the same views.
5. Linear accuracy is scikit-learn's, with a tolerance that corresponds to the published one: since
   scikit-learn 1.4 the published number stops the fit after a few iterations. The accuracies during
   training come from a faster fit of the same classifier (`probes.fit_linear`).
6. "Highest after the second layer": in the paper's own run that is true of the deep projector
   alone; the others peak after the third and the first. Two claims are judged: that the peak is in
   the middle, and the lead of the second layer. Both compare with the best of several layers, which
   each seed chooses on its own test accuracies: this favours the former, which must therefore be at
   least 2 points, and makes the latter stricter.
7. "Isolated" is measured by the share of a point's ten nearest neighbours in the t-SNE picture
   that show its digit: an isolated digit has more of them than those that the paper does not name.
   The caption says n = 5000; the code embeds the 4,000 signals that it trained on, and so does
   this. t-SNE is scikit-learn's, with cosine distance, random start and learning rate 200, the
   defaults of the time.
8. Stored are the final weights of every run, from which `representations` computes the output of
   every layer for every signal; those outputs of seed 0 are also in the run's folder of units.
"""

from typing import TYPE_CHECKING

from mnist1d.dataset import imports

if TYPE_CHECKING:
    from mnist1d.experiments.self_supervised.claims import (
        CLAIMS as CLAIMS,
        explain as explain,
        summarise as summarise,
    )
    from mnist1d.experiments.self_supervised.config import Config as Config
    from mnist1d.experiments.self_supervised.figures import CAPTIONS as CAPTIONS, plot as plot
    from mnist1d.experiments.self_supervised.method import run as run

NAME = "self-supervised"
TITLE = "Self-supervised learning, SimCLR (Figure 8)"
VERSION = 1
PAPER_SEEDS = 1
HEADLINES = (
    "head-costs-default",
    "isolated-beyond-others",
)
"""Claims that answer the question, for the overview."""
TASKS = "an encoder's training, its probes, an embedding"

__getattr__, __dir__ = imports.attach(__name__, __file__)
