"""Presets: named configurations that are valid, different, and can be varied."""

import numpy as np
import pytest

import mnist1d


@pytest.mark.parametrize("name", mnist1d.PRESETS)
def test_a_preset_makes_finite_data_of_all_classes(name):
    config = mnist1d.preset(name)
    data = mnist1d.generate(config)
    assert np.isfinite(data.x).all()
    assert set(data.y_test) == set(range(10))
    assert data.x.shape[1] == config.final_seq_length
    assert mnist1d.PRESETS[name].meaning.endswith(".")


def test_presets_are_all_different():
    assert len({mnist1d.preset(name) for name in mnist1d.PRESETS}) == len(mnist1d.PRESETS)


def test_the_first_preset_is_the_published_dataset():
    assert next(iter(mnist1d.PRESETS)) == "published"
    assert mnist1d.generate(mnist1d.preset("published")) == mnist1d.load()


def test_parameters_replace_those_of_the_preset():
    config = mnist1d.preset("noisy", corr_noise_scale=0.3, seed=5)
    assert (config.corr_noise_scale, config.iid_noise_scale, config.seed) == (0.3, 0.1, 5)
    assert mnist1d.generate(mnist1d.preset("hard"), seed=7).config.max_translation == 72


def test_a_clean_preset_has_one_signal_per_class():
    data = mnist1d.generate(mnist1d.preset("clean"))
    for label in range(10):
        own = data.x[data.y == label]
        np.testing.assert_allclose(own, np.broadcast_to(own[0], own.shape), atol=1e-12)


def test_the_digit_of_a_long_signal_is_as_wide_as_a_published_one():
    """It covers about 12 * L / (12 + p) of the L stretched points, then resampled."""
    widths = {}
    for name in ("published", "long"):
        config = mnist1d.preset(name)
        shares = [12 / (12 + padding) for padding in config.padding]
        widths[name] = [share * config.final_seq_length for share in shares]
    assert widths["long"][1] == pytest.approx(widths["published"][1], rel=0.01)
    assert widths["published"][1] <= widths["long"][0] <= widths["published"][0]


def test_an_unknown_name_is_answered_with_the_nearest_and_with_all():
    with pytest.raises(ValueError, match=r"'nosy'; did you mean 'noisy'\? There are: published,"):
        mnist1d.preset("nosy")
    with pytest.raises(TypeError, match="the name of a preset must be a text, not 3"):
        mnist1d.preset(3)


def test_where_a_configuration_is_wanted_a_text_is_answered_with_what_makes_one():
    for name, hint in (("noisy", "'noisy'"), ("very noisy", "NAME")):
        with pytest.raises(TypeError, match=rf"config must be .*mnist1d\.preset\({hint}\) is one"):
            mnist1d.generate(name)
    with pytest.raises(TypeError, match=r"config must be a DatasetConfig, not 3 of type int$"):
        mnist1d.generate(3)


def test_presets_cannot_be_changed():
    with pytest.raises(TypeError):
        mnist1d.PRESETS["new"] = None
    with pytest.raises(TypeError):
        mnist1d.PRESETS["noisy"].parameters["seed"] = 1
