"""Does magnitude pruning find spatial structure? Lottery tickets, Figure 4 (a) to (g), Figure S2.

An MLP (hidden size 500, residual) is pruned in 100 rounds from sparsity 0 to 1. In every round it
starts again from its initial weights, is trained with the present mask, and loses the parameters
that are smallest afterwards ("lottery"); random masks of the same sparsity are the comparison. The
paper's claims: tickets beat random masks, and even above 95 % sparsity the dense network; trained
for long, a ticket of 92 % reaches about 70 %, also on signals that are flipped; on shuffled ones it
falls below the dense network; with other initial weights it stays above; the reason is that its
first layer has more neighbouring weights than chance.

Source: Greydanus & Kobak (2024), section 5.1, and its notebook. `protocol="published"` does what
the code did; the default, "corrected", what the paper describes. Differences from the paper and its
code; (both): of either protocol:

1. Weights are drawn from explicit keys (both; the code left PyTorch unseeded). In a trial, dense
   network, ticket and random masks start from the same weights, in search and studies; in
   "published" every search and every study has its own weights.
2. Pruning uses the weights after the last step, 1501; the code used a copy of step 1000.
3. In the studies on original, flipped, shuffled and chunked data the tickets have their own initial
   weights; in the one called re-initialised they have others. In the code all had others.
4. Adjacency is divided by the number of possible positions (39, 38, 37) and not by 40, is taken
   from all trials and not from the first, and its "four" from the right mask.
5. The picture shows lottery and random ticket at the same sparsity, 91/99, not 90/99 and 91/99.
6. Three trials by default, not two: two leave no usable interval (both).
7. Training accuracy is measured at the end of the studies only (both); nothing depends on it.
8. Claims and tables take means over the last evaluations (both): of the last 500 steps of a round,
   and of the last 1,000 of a study, as one step of Adam moves an accuracy by points. The paper has
   the last evaluation, and so have the figures, and the claim about the numbers that the search
   prints.
9. Beyond the paper (both): two controls show which property of a ticket's first layer helps. The
   re-initialised ticket is compared with random first layers that have the ticket's number of
   weights per unit and per input but no further adjacency ("same degrees"), and with first layers
   that have its runs of neighbouring weights, unit by unit, at random positions ("same runs"). All
   else is the ticket's.
10. There are two published runs. The text describes that of 2020, from which the published numbers
    of the studies are; those of search and adjacency are from the code's run of 2024. In the
    latter, which trained the tickets without their own weights (difference 3), the leads are
    smaller: ticket over dense +1.65 and not +7.0 points, flipped -0.25 and not +4.1, shuffled +0.95
    and not +1.8, re-initialised +1.75 and not +3.3, own weights over others +0.35 and not +3.35.
"""

from typing import TYPE_CHECKING

from mnist1d.dataset import imports

if TYPE_CHECKING:
    from mnist1d.experiments.lottery_tickets.claims import (
        CLAIMS as CLAIMS,
        explain as explain,
        summarise as summarise,
    )
    from mnist1d.experiments.lottery_tickets.config import Config as Config
    from mnist1d.experiments.lottery_tickets.figures import CAPTIONS as CAPTIONS, plot as plot
    from mnist1d.experiments.lottery_tickets.method import run as run

NAME = "lottery-tickets"
TITLE = "Lottery tickets (Figure 4, Figure S2)"
VERSION = 2
PAPER_SEEDS = 2
HEADLINES = (
    "tickets-beat-random",
    "sparse-beats-dense-96",
    "shuffling-hurts-tickets",
    "reinitialised-beats-dense",
    "adjacency-by-chance-three",
)
"""Claims that answer the question, for the overview."""
TASKS = "a network of a round, of the studies"

__getattr__, __dir__ = imports.attach(__name__, __file__)
