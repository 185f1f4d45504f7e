"""The explorer's samples are those of the package, to the last bit."""

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings, strategies as st

from mnist1d import DatasetConfig, synthesise
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
                "padding": st.tuples(st.integers(0, 60), st.integers(0, 60)).map(sorted),
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


# Many samples in one call: each costs more than a configuration.
MANY = """async ({ Stream, range }, cases) => {
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
def test_two_hundred_configurations_have_the_bits_of_the_package(run, numbers):
    cases = [
        {"parameters": parameters, "start": start, "stop": start + N_SAMPLES}
        for parameters, start in drawn(
            st.tuples(
                configurations(),
                st.one_of(st.integers(0, 100), st.integers(0, LARGEST_INDEX - N_SAMPLES)),
            ),
            210,
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


PARTS = ("padding", "scale", "shift", "shear")


@pytest.mark.slow
@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"seed": 3, "classes": [8, 3], "positions": "flipped", "max_translation": 72},
        {"templates": [[0, 1, 0.5], [0, -1, 2]], "final_seq_length": 15, "padding": [0, 9]},
    ],
)
def test_the_eight_steps_end_in_the_sample(run, parameters):
    config, stream = DatasetConfig(**parameters), Stream(**parameters)
    rows = slice(100, 106)
    makings = run(
        "data/steps.js",
        """({ steps }, { parameters, rows }) => rows.map((index) => {
          const making = steps(parameters, index);
          const values = making.steps.map((step) => Array.from(step.values));
          const digit = making.steps.map((step) => Array.from(step.digit));
          return { ...making, steps: values, digit, x: Array.from(making.x) };
        })""",
        {"parameters": parameters, "rows": list(range(rows.start, rows.stop))},
    )
    x, y = stream[rows]
    draws = stream.draws(rows.start, rows.stop)
    # Without noise and shear the digit alone is left; without shear, the line is.
    raw = synthesise(config.class_templates().x, y, draws, config)
    order = np.arange(x.shape[1]) if stream.column_order is None else stream.column_order
    for i, making in enumerate(makings):
        assert making["x"] == x[i].tolist()
        assert making["y"] == making["clean"] == y[i]
        assert [making[name] for name in PARTS] == pytest.approx(
            [getattr(draws, name)[i] for name in PARTS], abs=1e-15
        )
        template, padded, stretched, scaled, shifted, smooth, white, sheared, finished = (
            np.array(values) for values in making["steps"]
        )
        assert np.array_equal(template, config.class_templates().x[y[i]])
        assert np.array_equal(padded, np.pad(template, (0, draws.padding[i])))
        grid = np.linspace(0, 1, len(stretched))
        expected = np.interp(grid, np.linspace(0, 1, len(padded)), padded)
        assert stretched == pytest.approx(expected, abs=1e-6)
        assert np.array_equal(scaled, stretched * making["scale"])
        assert np.array_equal(shifted, np.roll(scaled, draws.shift[i]))
        digit = np.array(making["digit"][4], dtype=bool)
        assert np.array_equal(smooth[digit], shifted[digit])
        assert not shifted[~digit].any()
        noise = draws.white_noise[i] * config.iid_noise_scale
        assert white - smooth == pytest.approx(noise, abs=1e-12)
        assert white - sheared == pytest.approx(draws.shear[i] * (grid - 0.5), abs=1e-12)
        # The package rounds smoothing weights to 1 / 4096 in streams alone.
        assert finished == pytest.approx(raw[i], abs=3e-3 * config.corr_noise_scale)
        assert (finished[order] - stream.mean) / stream.std == pytest.approx(x[i], abs=2e-6)


WRONG = (
    None,
    True,
    -1,
    0,
    0.5,
    7,
    1e101,
    "x",
    [],
    [1],
    [3, 3],
    [5, 2],
    [0.5, 1],
    {},
    2**32,
    -(2**40),
)
"""Values of which every parameter refuses some."""
NOT_IN_A_STREAM = {"shifted_tests", "shuffle_seq"}
"""Parameters that a stream refuses in Python, or whose values are not compared."""


@pytest.mark.slow
def test_what_the_package_refuses_is_refused(run):
    names = [name for name in DatasetConfig().to_dict() if name not in NOT_IN_A_STREAM]
    cases = [{name: value} for name in [*names, "stratified", "sead"] for value in WRONG]
    cases += [
        {"templates": [[1, 2], [1]]},
        {"templates": [[1, "2"]]},
        {"templates": [[1]]},
        {"train": 100},
        {"train": 100, "test": 5, "validation": 3},
        {"train": 4, "test": 5},
        {"validation": 4000},
        {"train_split": 0.0001, "num_samples": 10},
        {"positions": "chunked", "final_seq_length": 42},
        {"positions": [0, 1, 1], "final_seq_length": 3},
        {"class_proportions": [1, 2], "classes": [1]},
        {"label_noise": 0.1, "label_noise_kind": "other", "classes": [1]},
        {"class_names": ["a", "b"], "templates": [[1, 2], [3, 4]]},
        {"class_names": ["a", "a"], "templates": [[1, 2], [3, 4]]},
        {"template_len": 2, "templates": [[1, 2], [3, 4]]},
        {"template_len": 3, "templates": [[1, 2], [3, 4]]},
        {"shuffle_seq": True, "positions": "flipped"},
        {"shifted_tests": {"noisy": {"iid_noise_scale": 0.5}}},
        {"shifted_tests": {"test": {}}},
        {"shifted_tests": {"noisy": {"iid_noise_scale": "x"}}},
        {"shifted_tests": {"noisy": {"seed": 1}}},
        {"shifted_tests": [1]},
    ]
    refusals = run(
        "data/config.js",
        """({ configured }, cases) => cases.map((parameters) => {
          try {
            configured(parameters);
            return '';
          } catch (error) {
            return `${error.name}: ${error.message}`;
          }
        })""",
        cases,
    )
    for case, refusal in zip(cases, refusals, strict=True):
        try:
            DatasetConfig(**case)
        except (TypeError, ValueError):
            assert refusal.startswith("InputError: "), case
        else:
            beyond = case == {"final_seq_length": 2**32}
            assert refusal == "" or beyond, (case, refusal)


def test_constants_are_those_of_the_package():
    assert FILE.read_text("utf-8") == module()


@pytest.mark.slow
def test_normal_values_are_those_of_the_package(run):
    table = run("data/normal.js", "({ NORMAL_TABLE }) => Array.from(NORMAL_TABLE)")
    assert np.array_equal(table, normal_table())
