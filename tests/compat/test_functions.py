"""Every public function: results, errors and random states are those of the published package."""

# ruff: noqa: S301 (the pickles are our own)

import pickle

import pytest

pytestmark = pytest.mark.slow

# Calls that cannot succeed: ours refuses before it seeds, the published package afterwards.
REFUSED_BEFORE_SEEDING = {"few attributes", "folder"}


@pytest.fixture(scope="module")
def outcomes(run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("calls")
    for package in ("ours", "published"):
        run(package, "calls.py", folder / f"{package}.pkl", cwd=folder)
    return [
        pickle.loads((folder / f"{package}.pkl").read_bytes()) for package in ("ours", "published")
    ]


def differences(pairs, assert_same):
    for (name, ours), (same_name, published) in pairs:
        assert name == same_name
        try:
            assert_same(ours, published)
        except AssertionError as error:
            yield f"{name}: {error}"


def test_results_and_errors(outcomes, assert_same):
    ours, published = ([(name, result) for name, result, _ in part] for part in outcomes)
    assert len(published) > 500
    assert not list(differences(zip(ours, published, strict=True), assert_same))


def test_random_states(outcomes, assert_same):
    ours, published = (
        [(name, states) for name, _, states in part if name not in REFUSED_BEFORE_SEEDING]
        for part in outcomes
    )
    assert not list(differences(zip(ours, published, strict=True), assert_same))
