"""The explorer's samples are those of the package, to the last bit."""

import base64

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings, strategies as st

from mnist1d.explore.constants import FILE, module
from mnist1d.stream import Stream
from mnist1d.stream.tables import normal_table

N_SAMPLES = 12
LARGEST_INDEX = 2**40

# Bounds are those of the explorer's controls and beyond; extreme ones are a case in eight.
strengths = st.one_of(st.floats(-2, 2), st.floats(-10, 10), st.floats(-1e100, 1e100))
lengths = st.one_of(st.integers(2, 60), st.just(40), st.integers(2, 300))
templates = st.integers(2, 15).flatmap(
    lambda n: st.lists(
        st.lists(st.floats(-1e3, 1e3), min_size=n, max_size=n), min_size=1, max_size=12
    )
)


@st.composite
def configurations(draw):
    """Draw parameters that a stream takes, some left out."""
    values = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "padding": st.tuples(st.integers(0, 90), st.integers(0, 90)).map(sorted),
                "scale_coeff": strengths,
                "max_translation": st.one_of(st.integers(1, 200), st.integers(1, 2**53 - 1)),
                "corr_noise_scale": strengths,
                "iid_noise_scale": strengths,
                "shear_scale": strengths,
                "final_seq_length": lengths,
                "seed": st.integers(0, 2**32 - 1),
                "templates": templates,
                "label_noise": st.floats(0, 1),
                "positions": st.sampled_from(
                    [
                        *("original", "flipped", "shuffled", "chunked"),
                        *("shuffled_classification", "shuffled_lottery", "own"),
                    ]
                ),
                "positions_seed": st.integers(0, 2**32 - 1),
                "channel_axis": st.booleans(),
            },
        )
    )
    length = values.get("final_seq_length", 40)
    if values.get("positions") == "own":
        values["positions"] = draw(st.permutations(range(length)))
    elif values.get("positions") == "chunked":
        values["final_seq_length"] = 4 * (1 + length // 4)
    n_classes = len(values.get("templates", range(10)))
    if draw(st.booleans()):
        subset = st.lists(st.integers(0, n_classes - 1), min_size=1, unique=True)
        values["classes"] = draw(subset)
    n_labels = len(values.get("classes", range(n_classes)))
    if draw(st.booleans()):
        shares = st.lists(st.floats(0.1, 10), min_size=n_labels, max_size=n_labels)
        values["class_proportions"] = draw(shares)
    if n_labels > 1:
        values["label_noise_kind"] = draw(st.sampled_from(["symmetric", "other"]))
    return values


def drawn(strategy, number):
    """Return examples of a strategy, the same in every run."""
    found = []

    @settings(
        max_examples=number,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def keep(example):
        found.append(example)

    keep()
    return found


def numbers(text, dtype):
    return np.frombuffer(base64.b64decode(text), dtype)


# Many samples in one call: each costs more than a configuration.
MANY = """async ({ Stream, range }, cases) => {
  const text = (array) => {
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
  };
  return cases.map(({ parameters, start, stop }) => {
    try {
      const stream = new Stream(parameters);
      const made = stream.synthesise(stream.draws(range(start, stop)));
      const arrays = ['x', 'y', 'clean', 'redrawn'].map((name) => [name, text(made[name])]);
      return { mean: stream.mean, std: stream.std, ...Object.fromEntries(arrays) };
    } catch (error) {
      return { refused: `${error.name}: ${error.message}` };
    }
  });
}"""


@pytest.mark.slow
def test_two_hundred_configurations_have_the_bits_of_the_package(run):
    cases = [
        {"parameters": parameters, "start": start, "stop": start + N_SAMPLES}
        for parameters, start in drawn(
            st.tuples(
                configurations(),
                st.one_of(st.integers(0, 100), st.integers(0, LARGEST_INDEX - N_SAMPLES)),
            ),
            220,
        )
    ]
    results = run("data/stream.js", MANY, cases)
    n_compared = 0
    for case, found in zip(cases, results, strict=True):
        rows = slice(case["start"], case["stop"])
        try:
            stream = Stream(**case["parameters"])
        except ValueError as error:
            assert "cannot be standardised" in str(error) or "too large" in str(error)  # noqa: PT017
            assert found["refused"].startswith("InputError"), case
            continue
        x, y = stream[rows]
        clean, redrawn = stream.clean_labels(rows.start, rows.stop)
        assert (float(found["mean"]), float(found["std"])) == (stream.mean, stream.std), case
        assert numbers(found["x"], np.float32).tobytes() == x.tobytes(), case
        assert np.array_equal(numbers(found["y"], np.int32), y), case
        assert np.array_equal(numbers(found["clean"], np.int32), clean), case
        assert np.array_equal(numbers(found["redrawn"], np.uint8), redrawn), case
        n_compared += 1
    assert n_compared >= 200


def test_constants_are_those_of_the_package():
    assert FILE.read_text("utf-8") == module()


@pytest.mark.slow
def test_normal_values_are_those_of_the_package(run):
    table = run("data/normal.js", "({ NORMAL_TABLE }) => Array.from(NORMAL_TABLE)")
    assert np.array_equal(table, normal_table())
