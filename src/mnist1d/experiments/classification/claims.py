"""The paper's claims about the models, about people and about the data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mnist1d.dataset.config import DatasetConfig
from mnist1d.experiments.classification import construction, human_expert, people
from mnist1d.experiments.classification.measures import (
    DATA,
    USUAL,
    WIDE,
    best_training,
    converged_test,
    converged_training,
    counted,
    early_stopped,
    gap,
    lowest,
    minutes_without_usual_models,
    not_fitted,
    spread,
    usual,
)
from mnist1d.harness.claims import Claim
from mnist1d.harness.verdicts.margins import ACCURACY
from mnist1d.harness.verdicts.rules import (
    AtLeast,
    AtMost,
    Counted,
    Equals,
    NoData,
    Positive,
    Similar,
)
from mnist1d.measures.expressions import EMPTY

HAS_MNIST, HAS_WIDE, HAS_USUAL = (
    "mnist_test_accuracy",
    "wide_test_accuracy",
    "usual_test_accuracy",
)
"""Variables that tell whether a result has MNIST, the MLP of width 256, and usual models."""
TABLE_1: Mapping[tuple[str, str], Equals | AtLeast | Counted] = {
    ("mnist", "Logistic"): Counted(94),
    ("mnist", "MLP"): AtLeast(99),
    ("mnist", "CNN"): AtLeast(99),
    ("mnist", "GRU"): AtLeast(99),
    ("plain", "Logistic"): Equals(32, ACCURACY, sd=1, n=3, digits=0),
    ("plain", "MLP"): Equals(68, ACCURACY, sd=2, n=3, digits=0),
    ("plain", "CNN"): Equals(94, ACCURACY, sd=2, n=3, digits=0),
    ("plain", "GRU"): Equals(91, ACCURACY, sd=2, n=3, digits=0),
    ("shuffled", "Logistic"): Equals(32, ACCURACY, sd=1, n=3, digits=0),
    ("shuffled", "MLP"): Equals(68, ACCURACY, sd=2, n=3, digits=0),
    ("shuffled", "CNN"): Equals(56, ACCURACY, sd=2, n=3, digits=0),
    ("shuffled", "GRU"): Equals(57, ACCURACY, sd=2, n=3, digits=0),
}


SIZES: Sequence[tuple[str, str, str, AtMost | Counted, float]] = (
    ("points", "3", "A signal has 40 points", Counted(40), DatasetConfig().final_seq_length),
    ("training", "3", "There are 4,000 training samples", Counted(4000), DatasetConfig().n_train),
    ("test", "3", "There are 1,000 test samples", Counted(1000), DatasetConfig().n_test),
    (
        "smaller-than-mnist",
        "2",
        "The data set is over two orders of magnitude smaller than MNIST: its numbers per MNIST's",
        AtMost(0.01),
        5000 * 40 / (70_000 * 28 * 28),
    ),
)
"""Facts about the data set."""

CONSTRUCTION = (
    (
        "shift",
        "Signals are shifted in a circle by up to 48 points: largest shift of all samples (points)",
        Counted(48),
        construction.largest_shift,
    ),
    (
        "smoothing",
        (
            "A Gaussian filter smooths the signal, not the noise alone: share of the digits' "
            "points that noise and filter change (%)"
        ),
        Counted(100),
        construction.smoothed_share,
    ),
    (
        "order",
        (
            "The steps are, in this order, padding, shift, scale, noise, linear signal, smoothing, "
            "downsampling: share of samples that come out so (%)"
        ),
        Counted(100),
        construction.share_in_the_order_of_the_text,
    ),
)
"""How the data set is made, as section 3 describes it."""


def claim_name(data: str, model: str) -> str:
    """Return the name of the claim about a cell of Table 1."""
    return f"test-accuracy-{data}-{model.lower()}"


def width_claim_name(data: str) -> str:
    """Return the name of the claim about the MLP of width 256."""
    return f"mlp-of-width-256-{data}"


def _on_mnist(model: str) -> Claim:
    """Judge a cell of Table 1 on MNIST by a usual model."""
    what = f"of a usual one, {USUAL[model]}" if model in USUAL else "of a fit that has converged"
    return Claim(
        claim_name("mnist", model),
        f"{model} on MNIST: test accuracy (%) {what}, the paper's being unknown",
        "Table 1",
        TABLE_1["mnist", model],
        usual("test", USUAL[model]) if model in USUAL else converged_test,
        needs=HAS_MNIST,
    )


def _better(
    name: str, statement: str, source: str, first: tuple[str, str], second: tuple[str, str]
) -> Claim:
    published = TABLE_1[first].published - TABLE_1[second].published
    difference = early_stopped(*first) - early_stopped(*second)
    return Claim(name, f"{statement} (percentage points)", source, Positive(published), difference)


CLAIMS = (
    *(
        _on_mnist(model)
        if data == "mnist"
        else Claim(
            claim_name(data, model),
            f"{model} on {DATA[data]}: test accuracy (%)",
            "Table 1",
            rule,
            early_stopped(data, model),
        )
        for (data, model), rule in TABLE_1.items()
    ),
    Claim(
        "mnist-94-is-training-accuracy",
        "Inference: the published 94 % of logistic regression on MNIST is the training accuracy "
        "of a fit that has converged (%)",
        "Beyond the paper",
        Counted(94),
        converged_training,
        needs=HAS_MNIST,
    ),
    *(
        Claim(
            width_claim_name(data),
            f"Inference: the published MLP on {DATA[data]} had 256 units, as the authors' "
            "training defaults, not the 100 of their model: test accuracy with 256 (%)",
            "Beyond the paper",
            TABLE_1[data, "MLP"],
            early_stopped(data, WIDE),
        )
        for data in ("plain", "shuffled")
    ),
    Claim(
        "test-accuracy-plain-human",
        "Human expert on MNIST-1D: test accuracy (%), each answered sample counted once",
        "Table 1",
        Counted(96),
        human_expert.accuracy,
    ),
    *(
        Claim(
            f"test-accuracy-{data}-human",
            f"Human expert on {DATA[data]}: test accuracy (%); no answers are published",
            "Table 1",
            rule,
            lambda _: EMPTY,
        )
        for data, rule in (("shuffled", NoData(30, 10)), ("mnist", NoData(99)))
    ),
    *(
        Claim(
            f"fits-training-set-{data}-{model.lower()}",
            f"{model} reaches 100 % training accuracy on {DATA[data]}, to a whole per cent: best "
            "of all evaluations (%)",
            "Table 1, caption",
            AtLeast(99.5),
            best_training(data, model),
        )
        for data in ("plain", "shuffled")
        for model in ("MLP", "CNN", "GRU")
    ),
    *(
        Claim(
            f"fits-training-set-mnist-{model.lower()}",
            f"{model} reaches 100 % training accuracy on MNIST, to a whole per cent: a usual one, "
            f"{network}, after the last step (%)",
            "Table 1, caption",
            AtLeast(99.5),
            usual("train", network),
            needs=HAS_MNIST,
        )
        for model, network in USUAL.items()
    ),
    Claim(
        "does-not-fit-training-set-mnist-logistic",
        "Logistic regression stays below 100 % training accuracy on MNIST, to a whole per cent: a "
        "fit that has converged (%)",
        "Table 1, caption",
        AtMost(99.5),
        converged_training,
        needs=HAS_MNIST,
    ),
    Claim(
        "does-not-fit-training-set-logistic",
        "Logistic regression stays below 100 % training accuracy on MNIST-1D, to a whole per cent: "
        "what is missing, more than half a point (percentage points)",
        "Table 1, caption",
        Positive(least=0.5),
        not_fitted("plain", "Logistic"),
    ),
    *(
        _better(
            f"{first.lower()}-beats-{second.lower()}",
            f"The {first} fares better than {name}",
            "Figure 2, caption",
            ("plain", first),
            ("plain", second),
        )
        for first, second, name in (
            ("MLP", "Logistic", "logistic regression"),
            ("CNN", "MLP", "the MLP"),
            ("GRU", "MLP", "the MLP"),
        )
    ),
    Claim(
        "separates-models",
        "Test accuracies of MLP, CNN and GRU lie further apart on MNIST-1D than those of the same "
        "models on MNIST: difference of the ranges (percentage points)",
        "Table 1, caption",
        Positive(),
        spread("plain") - spread("mnist"),
        needs=HAS_MNIST,
    ),
    *(
        _better(
            f"shuffling-hurts-{model.lower()}",
            f"Shuffling the positions lowers the test accuracy of the {model}",
            "Table 1, caption",
            ("plain", model),
            ("shuffled", model),
        )
        for model in ("CNN", "GRU")
    ),
    *(
        Claim(
            f"shuffling-costs-{model.lower()}",
            f"Shuffling the positions costs the {model} about 35 points of test accuracy "
            "(percentage points)",
            "Section 4",
            Equals(35, ACCURACY, n=3, digits=0),
            early_stopped("plain", model) - early_stopped("shuffled", model),
        )
        for model in ("CNN", "GRU")
    ),
    *(
        Claim(
            f"shuffling-spares-{model.lower()}",
            f"Shuffling the positions leaves the test accuracy of {model} as it is "
            "(percentage points)",
            "Section 4, Table 1",
            Similar(ACCURACY),
            early_stopped("plain", model) - early_stopped("shuffled", model),
        )
        for model in ("Logistic", "MLP")
    ),
    Claim(
        "mlp-overfits",
        "The MLP overfits, and the CNN, which fits its training set as well, does so benignly: gap "
        "between training and test accuracy after the last step, MLP minus CNN "
        "(percentage points)",
        "Section 4",
        Positive(),
        gap("plain", "MLP") - gap("plain", "CNN"),
    ),
    *(
        _better(
            f"mlp-best-when-shuffled-{model.lower()}",
            f"After shuffling the MLP is better than {model}",
            "Figure 2, caption",
            ("shuffled", "MLP"),
            ("shuffled", model),
        )
        for model in ("Logistic", "CNN", "GRU")
    ),
    Claim(
        "all-above-90-on-mnist",
        "All models are above 90 % on MNIST, the same ones as on MNIST-1D: lowest of their test "
        "accuracies (%)",
        "Section 1",
        AtLeast(90),
        lowest("mnist"),
        needs=HAS_MNIST,
    ),
    *(
        Claim(f"data-{name}", statement, f"Section {section}", rule, counted(number))
        for name, section, statement, rule, number in SIZES
    ),
    *(
        Claim(f"data-{name}", statement, "Section 3", rule, measure)
        for name, statement, rule, measure in CONSTRUCTION
    ),
    Claim(
        "runtime",
        "Three runs of all models on all data sets take 10 minutes at most "
        "(minutes on our machine, per three runs of those made together, without the usual models "
        "on MNIST)",
        "Figure 2, caption",
        AtMost(10),
        minutes_without_usual_models,
        needs=HAS_MNIST,
    ),
    Claim(
        "human-beats-cnn",
        "A person is better than the CNN: accuracy on the samples the person answered, paired "
        "by sample (percentage points)",
        "Sections 2 and 4",
        Positive(2),
        human_expert.minus_cnn,
    ),
    Claim(
        "same-hard-samples",
        "The person and the CNN err on the same samples, by a correlation: over the samples that "
        "the person answered, of the person's errors with the share of CNNs that err",
        "Section 4, Figure S1",
        Positive(),
        human_expert.same_hard_samples,
    ),
    Claim(
        "same-hard-digits",
        "The person and the CNN err on the same digits, by the correlation of their error "
        "rates: over the ten digits, the person's answers, test samples and seeds resampled",
        "Section 4, Figure S1",
        Positive(),
        human_expert.same_hard_digits,
    ),
    *people.CLAIMS,
)
