"""Curvature: against dense Hessians, matrices of known spectrum, and generalised eigenvalues."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
from jax.flatten_util import ravel_pytree

from mnist1d.measures.curvature import hessian_product, lanczos, sharpness

pytestmark = pytest.mark.usefixtures("quick_compilation")


@pytest.fixture(scope="module")
def network():
    """Return the loss of a network of 27 parameters, its parameters, and the dense Hessian."""
    rng = np.random.default_rng(0)
    x, y = jnp.asarray(rng.normal(size=(20, 3))), jnp.asarray(rng.normal(size=20))
    parameters = {
        "in": jnp.asarray(rng.normal(size=(3, 6))),
        "bias": jnp.asarray(rng.normal(size=3)),
        "out": jnp.asarray(rng.normal(size=6)),
    }

    def loss(parameters):
        hidden = jnp.tanh((x + parameters["bias"][None]) @ parameters["in"])
        return ((hidden @ parameters["out"] - y) ** 2).mean()

    flat, restored = ravel_pytree(parameters)
    hessian = jax.jit(jax.hessian(lambda each: loss(restored(each))))
    return loss, parameters, np.asarray(hessian(flat))


@pytest.mark.slow
def test_products_are_those_with_the_dense_hessian(network):
    loss, parameters, dense = network
    vector = np.random.default_rng(1).normal(size=len(dense)).astype(np.float32)
    _, restored = ravel_pytree(parameters)
    found = ravel_pytree(hessian_product(loss, parameters)(restored(jnp.asarray(vector))))[0]
    np.testing.assert_allclose(found, dense @ vector, rtol=1e-4, atol=1e-4)


@pytest.mark.slow
def test_sharpness_is_the_largest_eigenvalue_of_the_dense_hessian(network):
    loss, parameters, dense = network
    found = sharpness(loss, parameters)
    assert found.value == pytest.approx(np.linalg.eigvalsh(dense)[-1], rel=1e-4)
    # A few iterations are near it, and say how near.
    rough = sharpness(loss, parameters, n_iterations=4)
    assert abs(rough.value - found.value) <= rough.error


@pytest.mark.slow
def test_preconditioned_sharpness_solves_the_generalised_eigenvalue_problem(network):
    loss, parameters, dense = network
    rng = np.random.default_rng(2)
    scale = jax.tree.map(
        lambda leaf: rng.uniform(0.01, 2, leaf.shape).astype(np.float32), parameters
    )
    expected = scipy.linalg.eigh(dense, np.diag(ravel_pytree(scale)[0]), eigvals_only=True)
    # As one program: operation by operation every shape would be compiled anew.
    measure = jax.jit(lambda each, scale: sharpness(loss, each, preconditioner=scale))
    found = measure(parameters, scale)
    assert found.value == pytest.approx(expected[-1], rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("sign", [1, -1])
def test_a_known_spectrum_has_every_eigenvalue_once(sign):
    # Far outliers converge at once; without orthogonalisation they would come back as copies.
    values = sign * np.concatenate([np.linspace(1, 2, 47), [50, 100, 200]])
    rotation = np.linalg.qr(np.random.default_rng(3).normal(size=(50, 50)))[0]
    matrix = jnp.asarray(rotation * values @ rotation.T, jnp.float32)
    start = jnp.asarray(np.random.default_rng(4).normal(size=50), jnp.float32)
    found = lanczos(lambda vector: matrix @ vector, start, 20)
    outer = slice(-3, None) if sign > 0 else slice(3)
    np.testing.assert_allclose(found.value[outer], np.sort(values)[outer], rtol=1e-4)
    assert (found.error[outer] < 1e-2).all()
    assert ((np.abs(found.value) > 3).sum()) == 3


@pytest.mark.slow
@pytest.mark.parametrize("largest", [-2.0, 3.0])
def test_what_the_start_does_not_reach_adds_no_values_outside(largest):
    # Two different eigenvalues: after two iterations there is nothing left.
    diagonal = jnp.array([-4.0] * 5 + [largest] * 5)
    found = lanczos(lambda vector: diagonal * vector, jnp.arange(1.0, 11), 6)
    np.testing.assert_allclose(found.value[jnp.array([0, -1])], [-4, largest], rtol=1e-5)
    assert (found.value <= largest + 1e-4).all()


def test_more_iterations_than_numbers_are_refused_and_not_needed_by_sharpness():
    with pytest.raises(ValueError, match="n_iterations must be from 1 to 3, not 4"):
        lanczos(lambda vector: vector, jnp.ones(3), 4)
    found = jax.jit(lambda at: sharpness(lambda w: (jnp.array([1.0, 4.0]) * w**2).sum(), at))(
        jnp.ones(2)
    )
    assert found.value == pytest.approx(8)
