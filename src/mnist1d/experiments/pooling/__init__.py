"""Does pooling help, and how much data makes it unnecessary? Figure 9.

A network of two convolutions is trained without pooling, with strided convolutions, and with max,
mean and L2 pooling, on 1,000 to 50,000 samples. The paper's claims: pooling helps very much with
little data, striding does not, and with much data the difference is small. Its runs, accuracy in
per cent without pooling, with striding and with the best pooling: 59.2, 57.4 and 78.2 with 1,000
samples, 96.3, 95.4 and 98.1 with 50,000.

Source: Greydanus & Kobak (2024), section 5.6, and its notebook. Differences from the paper and its
code:

1. Trials. Five per cell by default. Trial s has data of seed 42 + s, so that the published data
   are among them, and initial weights from seed s: the same convolutions in all variants, the same
   affine map in those that halve the length, and for all sizes, so that gains are paired. The
   weights are not PyTorch's of the same seed.
2. "Pooling helps" is judged by the mean of the three kinds of pooling, and by each. The best of
   three, chosen on the test set, would be biased upwards.
3. The caption says that pooling hindered with much data; text and published numbers do not. It is a
   separate claim.
4. A published accuracy is one run on 1,000 test samples: its tolerance is two standard errors of a
   proportion of 1,000, rounded to 0.1. That of a difference combines those of its two terms. This
   is strict, as it ignores the spread between training runs.
5. Curves are smoothed as in the published figure (each trial's own, before means are taken), which
   the paper does not mention; claims and tables are not.
6. Beyond the paper, sizes up to one where no sample is seen twice, from the native stream: does the
   gain reach zero? There the training accuracy is that on the first 50,000 samples. As one step of
   Adam at this rate moves the accuracy by about half a point, sentences about gains are judged by
   the mean over the evaluations of the last 1,000 steps ("late"), printed numbers by the last one.
7. L2 pooling of two zeros has the derivative 0, as in PyTorch (`models.pooling_cnn.l2_norm`).
"""

from typing import TYPE_CHECKING

from mnist1d.dataset import imports

if TYPE_CHECKING:
    from mnist1d.experiments.pooling.claims import (
        CLAIMS as CLAIMS,
        explain as explain,
        summarise as summarise,
    )
    from mnist1d.experiments.pooling.config import Config as Config
    from mnist1d.experiments.pooling.figures import CAPTIONS as CAPTIONS, plot as plot
    from mnist1d.experiments.pooling.method import run as run

NAME = "pooling"
TITLE = "Pooling (Figure 9)"
VERSION = 1
PAPER_SEEDS = 1
HEADLINES = (
    "pooling-not-striding-1000",
    "striding-1000",
    "little-difference-50000",
)
"""Claims that answer the question, for the overview."""
TASKS = "a variant of a trial, on sets of all sizes"

__getattr__, __dir__ = imports.attach(__name__, __file__)
