"""Candidates are recognised by their type."""

from functools import partial

import jax
import pytest

from mnist1d.lab.candidates.coerce import as_candidate
from mnist1d.models import MLP


def jax_key(seed):
    return jax.random.key(seed)


NARROW = partial(MLP, hidden_size=10)


@pytest.mark.slow
def test_candidates_are_recognised_by_their_type(oracle):
    candidate = oracle(oracle.best_at(0.01))
    assert as_candidate("a", candidate) is candidate
    assert as_candidate("a", MLP).framework == "Equinox"
    assert as_candidate("a", lambda _: None).framework == "Equinox"
    assert as_candidate("a", NARROW).framework == "Equinox"
    with pytest.raises(TypeError, match="not a finished model"):
        as_candidate("a", MLP(key=jax_key(0)))
    with pytest.raises(TypeError, match="called without arguments it made"):
        as_candidate("a", lambda: 3)


def test_scikit_learn_and_training_functions_are_recognised_by_their_type():
    pytest.importorskip("mnist1d.lab.candidates.fitted")
    from sklearn.linear_model import RidgeClassifier

    for given in (RidgeClassifier(), RidgeClassifier):
        assert as_candidate("a", given).framework == "scikit-learn"
    assert as_candidate("a", lambda: RidgeClassifier(alpha=2)).framework == "scikit-learn"
    assert as_candidate("a", lambda _x, _y, seed: lambda x: x + seed).framework == "function"


def test_pytorch_models_are_recognised_by_their_type():
    torch = pytest.importorskip("torch")
    pytest.importorskip("mnist1d.lab.candidates.torch")

    class Affine(torch.nn.Linear):
        def __init__(self):
            super().__init__(40, 10)

    for given in (Affine, lambda: torch.nn.Linear(40, 10)):
        assert as_candidate("a", given).framework == "PyTorch"
