"""Any good configuration gives a stream whose pieces fit together; no bad argument goes through."""

import numpy as np
import pytest
from hypothesis import assume, given, settings, strategies as st

from mnist1d import DatasetConfig
from mnist1d.stream.stream import LARGEST_INDEX, Stream

strengths = st.one_of(st.floats(-10, 10), st.floats(-1e100, 1e100))
templates = st.integers(2, 15).flatmap(
    lambda n: st.lists(
        st.lists(st.floats(-1e3, 1e3), min_size=n, max_size=n), min_size=1, max_size=12
    )
)
good = st.fixed_dictionaries(
    {},
    optional={
        "padding": st.tuples(st.integers(0, 90), st.integers(0, 90)).map(sorted),
        "scale_coeff": strengths,
        "max_translation": st.one_of(st.integers(1, 200), st.integers(1, 2**63)),
        "corr_noise_scale": strengths,
        "iid_noise_scale": strengths,
        "shear_scale": strengths,
        "final_seq_length": st.integers(2, 150),
        "seed": st.integers(0, 2**32 - 1),
        "templates": templates,
        "label_noise": st.floats(0, 1),
        "label_noise_kind": st.just("symmetric"),
        "positions": st.sampled_from(["original", "flipped", "shuffled"]),
        "channel_axis": st.booleans(),
    },
)
cuts = st.lists(st.integers(0, 200), min_size=1, max_size=5).map(sorted)

STREAM = Stream()


@pytest.mark.slow
@given(parameters=good, first=st.integers(0, LARGEST_INDEX - 200), cuts=cuts)
@settings(max_examples=40, deadline=None)
def test_pieces_fit_together(parameters, first, cuts):
    try:
        stream = Stream(**parameters)
    except ValueError as error:
        assert "all values are the same" in str(error)  # noqa: PT017 (a rare and fair refusal)
        return
    whole_x, whole_y = stream.samples(first, first + 200)
    assert whole_x.dtype == np.float32
    assert np.isfinite(whole_x).all()
    assert set(whole_y.tolist()) <= set(stream.config.labels)
    pieces = [
        stream.samples(first + a, first + b) for a, b in zip([0, *cuts], [*cuts, 200], strict=True)
    ]
    assert np.concatenate([x for x, _ in pieces]).tobytes() == whole_x.tobytes()
    assert np.concatenate([y for _, y in pieces]).tobytes() == whole_y.tobytes()


@pytest.mark.slow
@given(parameters=good)
@settings(max_examples=25, deadline=None)
def test_standardised_to_mean_0_and_deviation_1(parameters):
    # Beyond, signals are seldom and large, and 2,000 samples say nothing about their spread.
    assume(parameters.get("max_translation", 0) <= 200)
    try:
        stream = Stream(**parameters)
    except ValueError:
        return
    x = stream.samples(0, 2000)[0].astype(np.float64).reshape(2000, -1)
    means, squares = x.mean(axis=1), (x**2).mean(axis=1)
    assert abs(means.mean()) < 6 * means.std() / np.sqrt(2000) + 1e-6
    assert abs(squares.mean() - 1) < 6 * squares.std() / np.sqrt(2000) + 1e-5


@pytest.mark.slow
@given(parameters=good)
@settings(max_examples=25, deadline=None)
def test_a_record_says_what_configuration_it_was(parameters):
    try:
        stream = Stream(**parameters)
    except ValueError:
        return
    record = stream.record()
    again = Stream(DatasetConfig.from_dict({**record["parameters"], "seed": record["seed"]}))
    assert again == stream
    assert again.samples(3, 9)[0].tobytes() == stream.samples(3, 9)[0].tobytes()


@given(
    start=st.one_of(st.integers(), st.floats(), st.none(), st.text(max_size=3)),
    stop=st.one_of(st.integers(), st.floats(), st.none(), st.booleans()),
)
@settings(max_examples=100, deadline=None)
def test_ranges_are_checked(start, stop):
    stream = STREAM
    fits = isinstance(start, int) and isinstance(stop, int) and not isinstance(stop, bool)
    if fits and 0 <= start <= stop <= min(LARGEST_INDEX, start + 10**4):
        assert len(stream.labels(start, stop)) == stop - start
    elif not fits or not 0 <= start <= stop <= LARGEST_INDEX:
        for method in (stream.samples, stream.labels, stream.draws, stream.clean_labels):
            with pytest.raises((TypeError, ValueError), match="must be"):
                method(start, stop)
