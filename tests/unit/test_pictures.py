"""What pictures show is what the generator makes; files are the same every time."""

import hashlib
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="matplotlib is not installed")

from matplotlib.image import imread
from matplotlib.patches import Ellipse

import mnist1d
from mnist1d import (
    DatasetConfig,
    digit_templates,
    draw_transforms,
    pictures,
    synthesise,
)
from mnist1d.dataset import atomic
from mnist1d.mnist import MNIST

DEFAULTS = mnist1d.get_dataset_args()


@pytest.fixture(scope="module")
def published():
    return mnist1d.load()


def signals_of(figure):
    return [axes.lines[0].get_xdata() for axes in figure.axes]


def times_of(figure):
    return [axes.lines[0].get_ydata() for axes in figure.axes]


def titles_of(figure):
    return [axes.get_title() for axes in figure.axes]


def ends_of(figure):
    """Return where each panel reaches: left, right, bottom and top."""
    return [(*axes.get_xlim(), *axes.get_ylim()) for axes in figure.axes]


def assert_all_fits(figure):
    for axes in figure.axes:
        (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
        x, t = axes.lines[0].get_xdata(), axes.lines[0].get_ydata()
        assert left < x.min()
        assert x.max() < right
        assert top < t.min()
        assert t.max() < bottom


def assert_inside(ellipse, x, t):
    (centre, middle), width, height = ellipse.get_center(), ellipse.width, ellipse.height
    distance = ((x - centre) / (width / 2)) ** 2 + ((t - middle) / (height / 2)) ** 2
    assert distance.max() <= 1


def test_templates_are_drawn_upright_as_published():
    figure = pictures.templates_picture()
    templates = digit_templates()
    np.testing.assert_array_equal(signals_of(figure), templates.x)
    np.testing.assert_array_equal(times_of(figure), [templates.t] * 10)
    assert titles_of(figure) == [f"label={k}" for k in range(10)]
    assert ends_of(figure) == [(-1, 1, 1, -1)] * 10
    assert tuple(figure.get_size_inches()) == pytest.approx((15, 1.5 * 1.33))
    assert figure.get_dpi() == 60
    assert not any(len(axes.get_xticks()) + len(axes.get_yticks()) for axes in figure.axes)
    assert {(line.get_color(), line.get_linewidth()) for a in figure.axes for line in a.lines} == {
        ("black", 2)
    }


def test_dark_templates_are_white_dots_on_black():
    figure = pictures.templates_picture(dark=True)
    np.testing.assert_array_equal(signals_of(figure), digit_templates().x)
    for axes in figure.axes:
        (line,) = axes.lines
        assert (line.get_linestyle(), line.get_marker(), line.get_color()) == ("None", "o", "white")
        assert axes.get_facecolor() == figure.get_facecolor() == (0, 0, 0, 1)
        assert axes.title.get_color() == "white"


def test_panels_touch_and_rows_of_more_than_ten_classes_are_wrapped():
    config = DatasetConfig(templates=np.random.RandomState(0).normal(size=(12, 30)))
    figure = pictures.templates_picture(config)
    np.testing.assert_array_equal(signals_of(figure), config.templates)
    boxes = [axes.get_position() for axes in figure.axes]
    assert [boxes[i].x1 for i in range(9)] == pytest.approx([boxes[i + 1].x0 for i in range(9)])
    assert boxes[10].x0 == boxes[0].x0
    assert boxes[10].y1 < boxes[0].y0
    assert_all_fits(figure)
    with pytest.raises(ValueError, match="at most 400 panels, not 401"):
        pictures.templates_picture(DatasetConfig(templates=np.ones((401, 2))))


def test_names_of_classes_are_titles_that_fit():
    names = {"$x$": [0, 1, 0], "a name that is far too long for a narrow panel": [0, -1, 0]}
    figure = pictures.templates_picture(DatasetConfig(templates=names))
    assert titles_of(figure) == ["$x$", "a name that is far too…"]
    figure.draw_without_rendering()
    for axes in figure.axes:
        box = axes.title.get_window_extent()
        assert box.width < axes.get_window_extent().width


def test_samples_are_the_first_of_each_class(published):
    for data in (None, DatasetConfig(), published):
        figure = pictures.samples_picture(data, rows=2)
        first = [np.flatnonzero(published.y == k) for k in range(10)]
        expected = [published.x[first[k][row]] for row in range(2) for k in range(10)]
        np.testing.assert_array_equal(signals_of(figure), expected)
        np.testing.assert_array_equal(times_of(figure), [published.t] * 20)
        assert titles_of(figure) == [f"label={k}" for k in range(10)] + [""] * 10
        assert_all_fits(figure)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("classes", "label_noise"), [((3, 8, 1), 0), ((3, 8, 1), 0.5), (tuple(range(13)), 0)]
)
def test_a_class_has_a_column_of_its_own(classes, label_noise):
    parameters = {"templates": np.eye(13), "classes": classes, "label_noise": label_noise}
    data = mnist1d.generate(**parameters)
    figure = pictures.samples_picture(data, rows=4)
    width = figure.get_size_inches()[0]
    places = {}
    for axes in figure.axes:
        box = axes.get_position()
        # Reading order: from the top, and in a row the number of the column.
        places[-round(box.y0, 6), int(box.x0 * width / 1.45)] = axes.lines[0].get_xdata()
    expected = []
    for block in (classes[:10], classes[10:]):
        for row in range(4 if block else 0):
            expected += [data.x[np.flatnonzero(data.y == label)[row]] for label in block]
    np.testing.assert_array_equal([places[place] for place in sorted(places)], expected)
    assert {column for _, column in places} == set(range(min(len(classes), 10)))


def test_the_published_quiz_is_the_first_ten_of_the_test_set(published):
    figure = pictures.samples_picture(published, first=10, part="test", limit=6)
    np.testing.assert_array_equal(signals_of(figure), published.x_test[:10])
    assert titles_of(figure) == [f"label={k}" for k in (2, 6, 3, 9, 4, 3, 1, 9, 5, 2)]
    assert ends_of(figure) == [(-6, 6, 6, -6)] * 10
    assert tuple(figure.get_size_inches()) == pytest.approx((15, 1.5 * 2.7))


@pytest.mark.parametrize("first", [3, pytest.param(12, marks=pytest.mark.slow)])
def test_samples_in_stored_order(published, first):
    figure = pictures.samples_picture(published, first=first)
    np.testing.assert_array_equal(signals_of(figure), published.x[:first])
    assert figure.get_size_inches()[0] == pytest.approx(1.5 * min(first, 10))


@pytest.mark.parametrize(
    "parameters",
    [
        {"classes": (3, 8), "final_seq_length": 5},
        {"final_seq_length": 500, "channel_axis": True, "dtype": "float32"},
        {"templates": np.eye(13)},
        {"iid_noise_scale": 1e50, "scale_coeff": 1e50},
        {"scale_coeff": 0, "iid_noise_scale": 0, "corr_noise_scale": 0, "shear_scale": 0},
        {"positions": "shuffled", "padding": (0, 0)},
        {"classes": (7,)},
    ],
    ids=["two", "long", "thirteen", "huge", "clean", "shuffled", "one"],
)
@pytest.mark.parametrize("dark", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_samples_of_any_configuration_fit_their_panels(parameters, dark):
    data = mnist1d.generate(**parameters)
    figure = pictures.samples_picture(data, dark=dark)
    labels = data.config.labels
    first = [np.flatnonzero(data.y == label)[0] for label in labels]
    np.testing.assert_array_equal(signals_of(figure), data.x.reshape(len(data.y), -1)[first])
    assert titles_of(figure) == [f"label={label}" for label in labels]
    assert_all_fits(figure)


@pytest.mark.slow
def test_wrong_labels_are_marked_and_right_ones_are_not():
    data = mnist1d.generate(label_noise=0.5)
    figure = pictures.samples_picture(data, rows=8)
    places = [np.flatnonzero(data.y == k)[row] for row in range(8) for k in range(10)]
    wrong = data.y[places] != data.y_clean[places]
    assert 20 < wrong.sum() < 60
    for axes, i in zip(figure.axes, places, strict=True):
        title = f"label={data.y[i]}"
        if data.y[i] != data.y_clean[i]:
            title += f"\nreally {data.y_clean[i]}"
        assert axes.get_title() == title
        assert (axes.title.get_color() == "tab:red") == (data.y[i] != data.y_clean[i])
    clean = pictures.samples_picture(data, part="test", rows=8)
    assert "really" not in "".join(titles_of(clean))


@pytest.mark.slow
def test_a_class_with_few_samples_leaves_panels_empty():
    data = mnist1d.generate(train=10, test=10, class_proportions=(11, *[1] * 9))
    figure = pictures.samples_picture(data, rows=2)
    counts = np.bincount(data.y, minlength=10)
    assert len(figure.axes) == np.minimum(counts, 2).sum() < 20


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rows": 1, "first": 1}, "rows must be left out if first is given"),
        ({"rows": 0}, "rows must be from 1 to 400, not 0"),
        ({"rows": 41}, "at most 400 panels, not 410"),
        ({"first": 401}, "first must be from 1 to 400, not 401"),
        ({"part": "validation"}, "part must be one of 'train', 'test', not 'validation'"),
    ],
)
def test_impossible_pictures_of_samples_are_refused(published, arguments, message):
    with pytest.raises(ValueError, match=message):
        pictures.samples_picture(published, **arguments)


# What is switched off in the pictures 1 to 7.
OFF = [
    {"shear_scale": 0},
    {"iid_noise_scale": 0},
    {"corr_noise_scale": 0},
    {"max_translation": 1},
    {"scale_coeff": 0},
    {"padding": (60, 60)},
]


def test_building_sequence_is_the_published_one():
    """The steps of the authors' introductory notebook, by functions that use the global stream."""
    steps = pictures.building_steps()
    figures = pictures.building_sequence()
    assert len(steps) == len(figures) == 8
    templates = digit_templates()
    state = np.random.get_state()  # noqa: NPY002 (the published functions draw from it)
    for number, (step, figure) in enumerate(zip(steps, figures, strict=True)):
        np.testing.assert_array_equal(signals_of(figure), step.signals)
        np.testing.assert_array_equal(times_of(figure), [step.t] * 10)
        assert ends_of(figure) == [(-1, 1, 1, -1)] * 10
        size = (15, 1.5 * (2.2 if number else 0.8))
        assert tuple(figure.get_size_inches()) == pytest.approx(size)
        if number == 0:
            np.testing.assert_array_equal(step.signals, templates.x)
            assert titles_of(figure) == [f"label={k}" for k in range(10)]
            continue
        assert titles_of(figure) == [""] * 10
        arguments = dict(vars(DEFAULTS))
        for off in OFF[: 7 - number]:
            arguments |= off
        np.random.seed(0)  # noqa: NPY002 (as above)
        for label in range(10):
            x, t = mnist1d.transform(templates.x[label], templates.t, SimpleNamespace(**arguments))
            np.testing.assert_allclose(step.signals[label], x, rtol=0, atol=1e-13)
            np.testing.assert_allclose(step.t, t, rtol=0, atol=1e-13)
    np.random.set_state(state)  # noqa: NPY002 (as above)


def test_pictures_leave_the_global_stream_alone():
    np.random.seed(5)  # noqa: NPY002 (what must not change)
    before = np.random.get_state()[1].copy()  # noqa: NPY002 (as above)
    pictures.building_sequence(DatasetConfig(classes=(1, 2)))
    pictures.overview_picture()
    pictures.samples_picture(DatasetConfig(label_noise=0.5, num_samples=100))
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002 (as above)


def test_one_picture_of_all_steps_has_their_signals_and_captions():
    config = DatasetConfig(padding=(10, 20), final_seq_length=30, classes=(4, 2))
    steps = pictures.building_steps(config, seed=3)
    figure = pictures.building_picture(config, seed=3)
    assert (
        [text.get_text() for text in figure.texts]
        == [step.caption for step in steps]
        == [
            "Templates",
            "Pad with 20 zeros, resample to 30 points",
            "Random padding, 10 to 20 zeros",
            "Random scale",
            "Random circular shift",
            "Smooth noise around the digit",
            "White noise",
            "Shear",
        ]
    )
    drawn = signals_of(figure)
    for number, step in enumerate(steps):
        np.testing.assert_array_equal(drawn[2 * number : 2 * number + 2], step.signals)
    figure.draw_without_rendering()
    assert all(text.get_window_extent().x1 < figure.bbox.width for text in figure.texts)


def test_the_order_of_the_points_is_a_step_where_it_changes():
    *_, sheared, flipped = steps = pictures.building_steps(DatasetConfig(positions="flipped"))
    assert len(steps) == 9
    assert flipped.caption == "Order of the points"
    np.testing.assert_array_equal(flipped.signals, sheared.signals[:, ::-1])


@pytest.mark.slow
def test_steps_are_drawn_to_one_scale_that_holds_the_highest():
    figures = pictures.building_sequence(DatasetConfig(shear_scale=20))
    assert len({ends for figure in figures for ends in ends_of(figure)}) == 1
    for figure in figures:
        assert_all_fits(figure)


@pytest.mark.parametrize("padding", [0, 1, 13, 36, 60])
def test_the_digit_lies_at_its_reported_place(padding):
    """A digit of ones without noise shows itself; every shift, so also round the end."""
    config = DatasetConfig(
        templates=np.ones((1, 12)), padding=(padding, padding), scale_coeff=0, corr_noise_scale=0,
        iid_noise_scale=0, shear_scale=0, final_seq_length=12 + padding,
    )  # fmt: skip
    length = config.stretched_length
    draws = draw_transforms(config, np.random.RandomState(0), length)
    draws = draws._replace(shift=np.arange(length))
    signals = synthesise(config.class_templates().x, np.zeros(length, int), draws, config)
    spans = pictures.digit_spans(draws, config)
    places = np.linspace(0, 1, length)
    for signal, pieces in zip(signals, spans, strict=True):
        inside = [(places > begin - 1e-9) & (places < end + 1e-9) for begin, end in pieces]
        np.testing.assert_array_equal(np.logical_or.reduce(inside), signal >= 1)
    assert {len(pieces) for pieces in spans} == {1, 2}


def test_the_overview_marks_the_digits():
    figure = pictures.overview_picture(seed=7, n_classes=10)
    config = DatasetConfig()
    draws = draw_transforms(config, np.random.RandomState(7), 10)
    templates = digit_templates()
    signals = synthesise(templates.x, np.arange(10), draws, config)
    np.testing.assert_array_equal(signals_of(figure)[:10], templates.x)
    np.testing.assert_array_equal(signals_of(figure)[10:], signals)
    captions = ["Represent digits as 1D patterns", "Pad, translate, & transform"]
    assert [text.get_text() for text in figure.texts] == captions
    for label, axes in enumerate(figure.axes[10:]):
        (ellipse,) = (patch for patch in axes.patches if isinstance(patch, Ellipse))
        begin = draws.shift[label] / 71
        width = 11 / (11 + draws.padding[label])
        time = -5 / 6 + 5 / 3 * (begin + width / 2)
        assert ellipse.get_center()[1] == pytest.approx(time)
        t = axes.lines[0].get_ydata()
        digit = (t >= -5 / 6 + 5 / 3 * begin) & (t <= -5 / 6 + 5 / 3 * (begin + width))
        assert digit.sum() >= 6
        assert_inside(ellipse, signals[label][digit], t[digit])


@pytest.mark.slow
def test_an_ellipsis_says_that_there_are_more_classes():
    for n_classes, ellipses in ((9, 2), (10, 0)):
        texts = [text.get_text() for text in pictures.overview_picture(n_classes=n_classes).texts]
        assert texts.count("…") == ellipses


@pytest.mark.slow
def test_a_digit_round_the_end_has_two_marks():
    config = DatasetConfig(max_translation=72, shear_scale=0)
    draws = draw_transforms(config, np.random.RandomState(1), 10)
    figure = pictures.overview_picture(config, seed=1, n_classes=10)
    marks = [len(axes.patches) for axes in figure.axes[10:]]
    ends = draws.shift + 11 / (11 + draws.padding) * 71
    assert marks == [2 if end >= 72 else 1 for end in ends]
    assert 2 in marks


def test_the_overview_shows_the_first_image_of_each_digit():
    rng = np.random.RandomState(0)
    images, labels = rng.randint(0, 256, (40, 28, 28), dtype=np.uint8), np.arange(40)[::-1] % 10
    mnist = MNIST(x=images, y=labels, x_test=images, y_test=labels)
    figure = pictures.overview_picture(mnist=mnist)
    assert figure.texts[0].get_text() == "Original MNIST examples"
    shown = [axes.images[0].get_array() for axes in figure.axes[:5]]
    np.testing.assert_array_equal(shown, [images[9 - k] for k in range(5)])
    with pytest.raises(ValueError, match="mnist must be left out"):
        pictures.overview_picture(DatasetConfig(templates=np.eye(3)), mnist=mnist)


@pytest.mark.parametrize(
    "call",
    [
        lambda: pictures.overview_picture(n_classes=11),
        lambda: pictures.overview_picture(seed=-1),
        lambda: pictures.building_steps(seed=2**32),
    ],
    ids=["classes", "overview", "building"],
)
def test_numbers_out_of_range_are_named(call):
    with pytest.raises(ValueError, match=r"^(n_classes|seed) must be from"):
        call()


PROGRAM = """
import sys, hashlib, pathlib
from mnist1d import DatasetConfig, pictures
figure = pictures.samples_picture(DatasetConfig(label_noise=0.5, num_samples=200))
for name in sys.argv[1:]:
    pictures.save_picture(figure, name)
    print(hashlib.sha256(pathlib.Path(name).read_bytes()).hexdigest())
assert "matplotlib.pyplot" not in sys.modules
assert "jax" not in sys.modules
"""


@pytest.mark.slow
def test_files_have_the_same_bytes_in_every_process_and_nobody_loads_pyplot(tmp_path):
    figure = pictures.samples_picture(DatasetConfig(label_noise=0.5, num_samples=200))
    names = [str(tmp_path / "new" / f"a.{ending}") for ending in ("png", "pdf", "PNG")]
    here = []
    for name in names:
        pictures.save_picture(figure, name)
        here.append(hashlib.sha256((tmp_path / name).read_bytes()).hexdigest())
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM, *names],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.split() == here
    assert (tmp_path / names[1]).read_bytes().startswith(b"%PDF")
    assert b"CreationDate" not in (tmp_path / names[1]).read_bytes()


def test_dpi_is_the_number_of_pixels_per_inch(tmp_path):
    pictures.save_picture(pictures.templates_picture(), tmp_path / "a.png", dpi=40)
    assert imread(tmp_path / "a.png").shape == (79, 600, 4)


def test_what_cannot_be_written_is_refused_and_leaves_what_was_there(tmp_path, monkeypatch):
    figure = pictures.templates_picture()
    with pytest.raises(ValueError, match=r"must be a \.png or a \.pdf file, not '.*a\.svg'"):
        pictures.save_picture(figure, tmp_path / "a.svg")
    with pytest.raises(ValueError, match="dpi must be from 10 to 1000, not 5"):
        pictures.save_picture(figure, tmp_path / "a.png", dpi=5)
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(IsADirectoryError):
        pictures.save_picture(figure, tmp_path / "folder.png")
    (tmp_path / "old.png").write_bytes(b"old")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        pictures.save_picture(figure, tmp_path / "old.png")
    assert (tmp_path / "old.png").read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder.png", "old.png"]


# Notebooks.


@pytest.mark.parametrize("dark", [False, True])
def test_a_notebook_shows_a_picture_as_it_is_saved(dark, tmp_path):
    figure = pictures.templates_picture(dark=dark)
    (tmp_path / "shown.png").write_bytes(figure._repr_png_())
    pictures.save_picture(figure, tmp_path / "saved.png", dpi=figure.dpi)
    shown, saved = imread(tmp_path / "shown.png"), imread(tmp_path / "saved.png")
    np.testing.assert_array_equal(shown, saved)


def test_every_figure_of_the_package_is_one_that_notebooks_show():
    source = Path(mnist1d.__file__).parent
    makers = [path for path in source.rglob("*.py") if " = Figure(" in path.read_text("utf-8")]
    assert len(makers) > 9
    for path in makers:
        if path.name != "style.py":  # where it is defined
            assert "matplotlib.figure" not in path.read_text("utf-8"), path


@pytest.mark.slow
def test_showing_a_picture_needs_no_pyplot():
    program = (
        "import sys, mnist1d; from mnist1d import pictures\n"
        "assert pictures.samples_picture(mnist1d.load())._repr_png_()\n"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_dataset_is_an_escaped_table():
    hill = [0.0, 0.5, 1.0, 0.5, 0.0]
    data = mnist1d.generate(num_samples=100, templates={"<hill>": hill, "valley": hill[::-1]})
    table = data._repr_html_()
    assert "<th>classes</th><td style='text-align: left'>&lt;hill&gt; valley</td>" in table
    assert "<hill>" not in table
    assert table.count("<tr>") == len(str(data).splitlines()) - 1
