"""Do the digits form islands in pixel space? t-SNE of MNIST and MNIST-1D, Figure 3.

All images of MNIST (if its files are available) and all 5,000 samples of MNIST-1D are embedded in
the plane by t-SNE, from raw pixels. The paper's claim, which it shows as a picture: MNIST separates
into ten islands, so that nearest neighbours in pixel space classify it; MNIST-1D is one blob in
which only digit 0, and in part 6 and 3, form small islands. In numbers: the share of points whose
class is the most frequent one among their ten nearest neighbours, in pixel space and in the
embedding; the silhouette of the digits; per digit, the share of those neighbours that are of the
same digit.

Source: Greydanus & Kobak (2024), Figure 3 and its notebook. Differences from the paper and its
code:

1. Seeds. Seed s determines Annoy's trees and the jitter of the start; the code set none. On MNIST
   there are as many runs as on MNIST-1D, up to five; each picture shows seed 0.
2. Threads. The code used all cores, and sums by several threads differ in their last bits, which
   lead to another picture. Here every embedding is summed by one thread, and several embeddings
   share the cores, so that a seed determines the picture. Neighbours are searched by all cores, and
   are those that openTSNE finds with one.
3. Order. MNIST's images are those of its four files, training images first. Whether OpenML has the
   same order is not checked; it only affects the random numbers of a seed.
4. All measures but the divergence are ours: the paper judges by eye. Pixel space means the
   neighbours that t-SNE itself uses, found by Annoy; the share of the true ones among them is also
   measured. Silhouettes are those of the first 5,000 points of either data set.
5. The digits in panel (a) have a white edge. Without MNIST there is only panel (b).
"""

from typing import TYPE_CHECKING

from mnist1d.dataset import imports

if TYPE_CHECKING:
    from mnist1d.experiments.tsne.claims import CLAIMS as CLAIMS, summarise as summarise
    from mnist1d.experiments.tsne.config import Config as Config
    from mnist1d.experiments.tsne.figures import CAPTIONS as CAPTIONS, plot as plot
    from mnist1d.experiments.tsne.method import run as run

NAME = "tsne"
TITLE = "t-SNE of MNIST and MNIST-1D (Figure 3)"
VERSION = 1
PAPER_SEEDS = 1
HEADLINES = (
    "islands-mnist",
    "no-islands-mnist1d",
)
"""Claims that answer the question, for the overview."""
REQUIRES = {"openTSNE": "tsne"}
USES_JAX = False
TASKS = "an embedding; with MNIST, all of them in the command's process"

__getattr__, __dir__ = imports.attach(__name__, __file__)
