import numpy as np
import pytest

from mnist1d import digit_templates


def test_shapes_and_types():
    templates = digit_templates()
    assert (templates.x.shape, templates.x.dtype) == ((10, 12), np.float64)
    assert (templates.t.shape, templates.t.dtype) == ((12,), np.float64)
    assert (templates.y.tolist(), templates.y.dtype) == (list(range(10)), np.int64)


def test_all_start_and_end_at_zero_with_the_same_spread():
    x = digit_templates().x
    assert (x[:, 0] == 0).all()
    np.testing.assert_allclose(x[:, -1], 0, atol=1e-15)
    np.testing.assert_allclose(x.std(axis=1), 1 / 6, rtol=1e-14)


@pytest.mark.parametrize(("digit", "image"), [(0, 6), (1, 7), (3, 8)])
def test_mirror_images(digit, image):
    x = digit_templates().x
    np.testing.assert_allclose(x[digit], -x[image], rtol=0, atol=1e-15)


def test_time_axis():
    t = digit_templates().t
    np.testing.assert_allclose(t, np.linspace(-5 / 6, 5 / 6, 12), rtol=0, atol=1e-15)


def test_every_call_returns_arrays_of_its_own():
    digit_templates().x[:] = 7
    assert digit_templates().x.max() < 1
