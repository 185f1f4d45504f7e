"""Neural collapse: against its definitions written out, a simplex, and what is no simplex."""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mnist1d.measures.collapse import Collapse, neural_collapse

pytestmark = pytest.mark.usefixtures("quick_compilation")

CLASSES = 4
SIMPLEX = np.eye(CLASSES) - 1 / CLASSES

# As one program: operation by operation every shape would be compiled anew.
collapse = jax.jit(neural_collapse)


def measured(h, y, weight, bias=None):
    bias = np.zeros(len(weight)) if bias is None else bias
    arrays = (np.asarray(each, np.float32) for each in (weight, bias))
    found = collapse(np.asarray(h, np.float32), y, *arrays)
    return Collapse(*(float(each) for each in found))


def corners(means=SIMPLEX, each=5):
    """Return examples that lie on the means of their classes."""
    return np.repeat(means, each, axis=0), np.repeat(np.arange(len(means)), each)


def by_definition(h, y, weight, bias):
    """Compute the five numbers class by class and pair by pair, with dense matrices."""
    classes = range(len(weight))
    means = np.array([h[y == c].mean(axis=0) for c in classes])
    centred = means - means.mean(axis=0)
    within = np.mean([np.cov(h[y == c].T, bias=True) for c in classes], axis=0)
    between = np.mean([np.outer(m, m) for m in centred], axis=0)
    nc1 = np.trace(within @ np.linalg.pinv(between, rcond=1e-10)) / len(classes)
    lengths = [np.sqrt(m @ m) for m in centred]
    cosines = [
        centred[a] @ centred[b] / lengths[a] / lengths[b]
        for a in classes
        for b in classes
        if a != b
    ]
    duality = weight / np.sqrt((weight**2).sum()) - centred / np.sqrt((centred**2).sum())
    disagreement = [
        np.mean(
            [
                (weight @ each + bias).argmax() != ((each - means) ** 2).sum(axis=1).argmin()
                for each in h[y == c]
            ]
        )
        for c in classes
    ]
    return Collapse(
        nc1,
        np.std(lengths) / np.mean(lengths),
        np.mean([abs(cosine + 1 / (len(classes) - 1)) for cosine in cosines]),
        (duality**2).sum(),
        np.mean(disagreement),
    )


@pytest.mark.parametrize(
    "n_features", [9, *(pytest.param(n, marks=pytest.mark.slow) for n in (2, 3, 4))]
)
def test_numbers_are_those_of_the_definitions(n_features):
    # With 2 features the means of 4 classes span less than 3 directions; classes are unequal.
    rng = np.random.default_rng(n_features)
    y = np.repeat(np.arange(CLASSES), [5, 9, 20, 30])
    h = rng.normal(size=(CLASSES, n_features))[y] + 0.5 * rng.normal(size=(len(y), n_features))
    weight, bias = rng.normal(size=(CLASSES, n_features)), rng.normal(size=CLASSES)
    expected = by_definition(h, y, weight, bias)
    np.testing.assert_allclose(measured(h, y, weight, bias), expected, rtol=2e-4)
    assert min(expected) > 0.01


@pytest.mark.parametrize(
    "n_classes", [3, *(pytest.param(n, marks=pytest.mark.slow) for n in (2, 10))]
)
def test_a_simplex_has_collapsed_wherever_and_however_large_it_is(n_classes):
    rng = np.random.default_rng(n_classes)
    turn = np.linalg.qr(rng.normal(size=(n_classes + 3, n_classes + 3)))[0][:n_classes]
    means = (np.eye(n_classes) - 1 / n_classes) @ turn
    h, y = corners(3 * means + rng.normal(size=n_classes + 3))
    # The bias that makes the last layer the rule of the nearest mean: of equal lengths, constant.
    weight = 0.5 * means
    bias = -weight @ h.mean(axis=0)
    np.testing.assert_allclose(measured(h, y, weight, bias), 0, atol=1e-5)


def test_each_property_is_lost_alone():
    h, y = corners(each=2)
    complete = measured(h, y, SIMPLEX)
    np.testing.assert_allclose(complete, 0, atol=1e-6)
    # NC1: two examples on either side of every mean, by a tenth, along a direction of the means.
    along = np.array([1, -1, 0, 0]) / np.sqrt(2)
    spread = np.concatenate([SIMPLEX + 0.1 * along, SIMPLEX - 0.1 * along])
    found = measured(spread, np.tile(np.arange(CLASSES), 2), SIMPLEX)
    # The means of a simplex have the variance 1 / classes in every direction.
    assert found.variability == pytest.approx(0.1**2 * CLASSES / CLASSES, rel=1e-4)
    np.testing.assert_allclose(found[1:], 0, atol=1e-6)
    # NC1 does not see what is spread where means do not differ.
    beside = np.column_stack([h, [1, -1] * CLASSES])
    found = measured(beside, y, np.column_stack([SIMPLEX, np.zeros(4)]))
    np.testing.assert_allclose(found, 0, atol=1e-6)
    # NC3 and NC4: the last layer points to the means of other classes.
    found = measured(h, y, np.roll(SIMPLEX, 1, axis=0))
    np.testing.assert_allclose(found[:3], 0, atol=1e-6)
    assert found.duality == pytest.approx(2 + 2 / (CLASSES - 1), rel=1e-5)
    assert found.disagreement == pytest.approx(1)


@pytest.mark.slow
def test_lengths_and_angles_are_two_properties():
    # Corners of a square have equal lengths, and other angles than a simplex of four points.
    square = np.array([[1, 0], [0, 1], [-1, 0], [0, -1]])
    found = measured(*corners(square), square)
    assert found.norms == pytest.approx(0, abs=1e-6)
    assert found.angles == pytest.approx((2 * (1 / 3) + 2 / 3) / 3, rel=1e-5)
    # Two means on one line have the angle of a simplex at any lengths; three of these have not.
    triangle = np.array([[np.cos(a), np.sin(a)] for a in 2 * np.pi * np.arange(3) / 3])
    assert measured(*corners(triangle), triangle).angles == pytest.approx(0, abs=1e-6)
    stretched = triangle * [1, 2]
    found = measured(*corners(stretched), stretched)
    assert found.norms > 0.1
    assert found.angles > 0.1


@pytest.mark.slow
def test_zero_features_change_nothing():
    rng = np.random.default_rng(0)
    y = np.arange(40) % CLASSES
    h, weight = rng.normal(size=(40, 2)) + y[:, None], rng.normal(size=(CLASSES, 2))
    padded = [np.column_stack([each, np.zeros((len(each), 5))]) for each in (h, weight)]
    np.testing.assert_allclose(measured(padded[0], y, padded[1]), measured(h, y, weight), rtol=1e-4)


def test_features_that_are_all_the_same_or_lack_a_class_have_no_number():
    h, y = corners(each=2)
    assert np.isnan(measured(np.ones_like(h), y, SIMPLEX).variability)
    lacking = np.where(y == 0, 1, y)
    assert np.isnan(measured(SIMPLEX[lacking], lacking, SIMPLEX)).all()


@pytest.mark.slow
def test_features_that_lack_a_class_have_no_number_operation_by_operation():
    h, y = corners()
    arrays = (jnp.asarray(each, jnp.float32) for each in (SIMPLEX, np.zeros(CLASSES)))
    at_once = neural_collapse(jnp.asarray(h[5:], jnp.float32), jnp.asarray(y[5:]), *arrays)
    assert np.isnan([float(each) for each in at_once]).all()


@pytest.mark.slow
def test_numbers_can_be_traced_over_many_networks():
    h, y = corners()
    many = jnp.stack([jnp.asarray(h, jnp.float32), 2 * jnp.asarray(h, jnp.float32)])
    layer = (jnp.asarray(SIMPLEX, jnp.float32), jnp.zeros(CLASSES))
    found = jax.jit(jax.vmap(lambda each: neural_collapse(each, jnp.asarray(y), *layer)))(many)
    assert {each.shape for each in found} == {(2,)}


@pytest.mark.parametrize(
    "shapes", [((5, 3), 5, (2, 4), 2), ((5, 3), 4, (2, 3), 2), ((5, 3), 5, (1, 3), 1)]
)
def test_shapes_that_do_not_fit_are_refused(shapes):
    h, n, weight, n_classes = shapes
    # Without the checks of annotations, which tests switch on and which see two of the three.
    measure = inspect.unwrap(neural_collapse)
    with pytest.raises(ValueError, match="weight must have a row for each of two classes or more"):
        measure(jnp.ones(h), jnp.zeros(n, jnp.int32), jnp.ones(weight), jnp.zeros(n_classes))
