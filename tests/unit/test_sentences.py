"""Every statement of the paper that can be tested has its claims."""

import pytest

from mnist1d.experiments import EXPERIMENTS, find_experiment

NAMES = {experiment.NAME: {claim.name for claim in experiment.CLAIMS} for experiment in EXPERIMENTS}
SENTENCES = {
    "classification": {
        "3: 40 dimensions, 4,000 and 1,000 samples": "data-points data-training data-test",
        "1: all models do well on MNIST, above 90 %": "all-above-90-on-mnist separates-models",
        "1, 2: a person matches or outperforms a strong CNN": "human-beats-cnn",
        "1, 2: over two orders of magnitude smaller than MNIST": "data-smaller-than-mnist",
        "table 1": " ".join(
            f"test-accuracy-{data}-{model}"
            for data in ("mnist", "plain", "shuffled")
            for model in ("logistic", "mlp", "cnn", "gru", "human")
        ),
        "table 1: all but logistic regression fit the training set": " ".join(
            f"fits-training-set-{data}-{model}"
            for data in ("mnist", "plain", "shuffled")
            for model in ("mlp", "cnn", "gru")
        ),
        "table 1: logistic regression does not": (
            "does-not-fit-training-set-logistic does-not-fit-training-set-mnist-logistic"
        ),
        "table 1: shuffling hurts CNN and GRU": "shuffling-hurts-cnn shuffling-hurts-gru",
        "3: the construction": "data-shift data-smoothing data-order",
        "figure 2: the order of the models": "mlp-beats-logistic cnn-beats-mlp gru-beats-mlp",
        "figure 2: after shuffling the MLP is best": (
            "mlp-best-when-shuffled-logistic mlp-best-when-shuffled-cnn mlp-best-when-shuffled-gru"
        ),
        "figure 2: 10 minutes": "runtime",
        "4: overfitting of the MLP, benign of the CNN": "mlp-overfits",
        "4: person and CNN err alike": "same-hard-samples same-hard-digits",
        "4: CNN and GRU lose about 35 points": "shuffling-costs-cnn shuffling-costs-gru",
        "4: MLP and logistic regression do not": "shuffling-spares-mlp shuffling-spares-logistic",
    },
    "tsne": {
        "4: ten clusters on MNIST, few on MNIST-1D": "islands-mnist no-islands-mnist1d",
        "4: MNIST is separable, MNIST-1D is not": (
            "more-separable-pixels-on-mnist more-separable-embedding-on-mnist "
            "more-compact-embedding-on-mnist"
        ),
    },
    "lottery-tickets": {
        "figure 4 a: test loss": "tickets-lose-less",
        "5.1: tickets beat random subnetworks": "tickets-beat-random",
        "5.1: tickets above 95 % beat the dense network": (
            "sparse-beats-dense-96 sparse-beats-dense-97 sparse-beats-dense-98"
        ),
        "5.1: trained for long, better than the dense network": "ticket-beats-dense",
        "5.1: about 70 %, also flipped": "asymptote-original asymptote-flipped",
        "5.1: flipped, better than dense and random": (
            "transfers-to-flipped ticket-beats-random-on-flipped"
        ),
        "5.1: shuffling greatly reduces the performance": "shuffling-hurts-tickets",
        "5.1: below the dense network then": "dense-beats-shuffled-ticket",
        "5.1: re-initialised tickets beat the dense network": "reinitialised-beats-dense",
        "5.1: the pattern, not the weights": "own-weights-matter",
        "5.1, figure 4 g: more neighbours than by chance": (
            "adjacency-by-chance-two adjacency-by-chance-three adjacency-by-chance-four"
        ),
        "5.1: 30 minutes": "runtime",
    },
    "double-descent": {
        "5.2: 15 % label noise": "label-noise",
        "5.2: a peak at the threshold, about 50": (
            "peak-mlp-noise peak-size-mlp-noise threshold-mlp-noise peak-at-threshold-mlp-noise "
            "rise-to-threshold-mlp-noise"
        ),
        "5.2: the error falls again": "descent-mlp-noise fall-from-threshold-mlp-noise",
        "5.2: 30 minutes": "runtime",
    },
    "metalearn-learning-rate": {
        "5.3: 0.62 from both sides": (
            "same-rate from-above from-below rate-published-weights rate-own-weights"
        ),
        "5.3: a minute": "runtime",
    },
    "metalearn-activation": {
        "5.4: more than 5 points over others": "beats-relu beats-elu beats-swish",
        "5.4: two local extrema": "two-extrema",
        "5.4: the network 1-100-100-1": "deep-network-trains",
        "figure 7: the line of tanh hides that of ELU": "tanh-hides-elu",
        "5.4: an hour": "runtime",
    },
    "self-supervised": {
        "5.5: 33 % from pixels, 82 % before the head": "pixels before-head",
        "5.5: higher before the head than after it": (
            "head-costs-default head-costs-deep-projector"
        ),
        "5.5: highest after the second layer": (
            "second-layer-best-default second-layer-best-no-projector "
            "second-layer-best-deep-projector"
        ),
        "5.5: always highest in the middle": (
            "peak-in-the-middle-default peak-in-the-middle-no-projector "
            "peak-in-the-middle-deep-projector"
        ),
        "5.5: other heads are as good": "as-good-no-projector as-good-deep-projector",
        "5.5: 0, 3, 6 and 8 are isolated": (
            "isolated-0 isolated-3 isolated-6 isolated-8 isolated-beyond-others"
        ),
        "5.5: minutes": "runtime",
    },
    "pooling": {
        "5.6: effective with few data": "gain-1000-max_pool gain-1000-avg_pool gain-1000-l2_pool",
        "5.6: striding is not": "striding-1000 pooling-not-striding-1000",
        "5.6: little difference with much data": "gain-shrinks little-difference-50000",
        "figure 9: hinders with much data": "hindered-50000",
        "figure 9: 5 minutes": "runtime",
    },
}
"""Experiment -> statement, by section -> names of its claims."""


@pytest.mark.parametrize("experiment", SENTENCES)
def test_every_statement_of_the_paper_has_its_claims(experiment):
    for statement, claims in SENTENCES[experiment].items():
        assert not {*claims.split()} - NAMES[experiment], statement


@pytest.mark.parametrize("experiment", SENTENCES)
def test_every_claim_of_kind_sentence_is_of_a_statement(experiment):
    claims = find_experiment(experiment).CLAIMS
    sentences = {each.name for each in claims if each.kind == "sentence"}
    of_people = {each.name for each in claims if (each.needs or "").startswith("people_")}
    listed = {name for names in SENTENCES[experiment].values() for name in names.split()}
    assert sentences - of_people - listed == set()
