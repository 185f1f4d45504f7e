"""Curvature of a loss: products with its Hessian, and the largest eigenvalue by Lanczos.

Sources: Pearlmutter (1994), Fast exact multiplication by the Hessian, Neural Computation 6(1);
Golub & Van Loan (2013), Matrix computations, section 10.1 (Lanczos), 10.3 (reorthogonalisation).
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, PRNGKeyArray

BREAKDOWN = 100
"""Units of rounding of the largest product below which what is left of a vector is noise."""


class Eigenvalue(NamedTuple):
    """An eigenvalue, or several, as far as they have converged.

    Attributes:
        value: shape ().
        error: there is an eigenvalue within this distance, but for rounding; shape ().
    """

    value: Array
    error: Array


def hessian_product(
    loss: Callable[[Any], Float[Array, ""]], parameters: Any
) -> Callable[[Any], Any]:
    """Return the function that multiplies a vector by the Hessian of a loss.

    A product takes about as long as two gradients; the matrix itself is never made.

    Args:
        loss: `parameters -> scalar`, twice differentiable, but for kinks as those of relu.
        parameters: where the Hessian is taken; any pytree of floating-point arrays.

    Returns: `vector -> product`, both pytrees like `parameters`.

    >>> product = hessian_product(lambda w: (w**3).sum(), jnp.array([1.0, 2.0]))
    >>> product(jnp.array([1.0, 1.0])).tolist()
    [6.0, 12.0]
    """
    gradient = jax.grad(loss)
    return lambda vector: jax.jvp(gradient, (parameters,), (vector,))[1]


def lanczos(
    product: Callable[[Float[Array, " n"]], Float[Array, " n"]],
    start: Float[Array, " n"],
    n_iterations: int,
) -> Eigenvalue:
    """Approximate the eigenvalues of a symmetric matrix, the outermost ones best.

    Every vector is made orthogonal to all before it, twice, so that no eigenvalue appears in
    copies. The loop is one of the compiled program. Where the start has a part in fewer
    eigenvectors than there are iterations, some values are averages of eigenvalues, never outside
    of them.

    Args:
        product: multiplies a vector by the matrix.
        start: any vector with a part in the eigenvectors that are sought, such as a random one; not
            zero.
        n_iterations: number of products, from 1 to n.

    Returns: Ritz values, rising, and their errors, both of shape (n_iterations,).
    Raises: ValueError: if `n_iterations` is out of range.

    >>> diagonal = jnp.array([1.0, 2.0, 5.0])
    >>> lanczos(lambda vector: diagonal * vector, jnp.ones(3), 3).value.round(3).tolist()
    [1.0, 2.0, 5.0]
    """
    size = len(start)
    if not 1 <= n_iterations <= size:
        raise ValueError(f"n_iterations must be from 1 to {size}, not {n_iterations}")
    noise = BREAKDOWN * jnp.finfo(start.dtype).eps

    def iterate(i: Array, carry: tuple[Array, ...]) -> tuple[Array, ...]:
        basis, diagonal, beside, largest = carry
        vector = basis[i]
        found = product(vector)
        largest = jnp.maximum(largest, jnp.linalg.norm(found))
        # After a breakdown vectors are zero. Any value among the eigenvalues may then stand there.
        quotient = jnp.where(vector.any(), vector @ found, diagonal[0])
        for _ in range(2):
            found = found - (basis @ found) @ basis
        length = jnp.linalg.norm(found)
        length = jnp.where(length > noise * largest, length, 0)
        following = jnp.where(length > 0, found / jnp.where(length > 0, length, 1), 0)
        return (
            basis.at[i + 1].set(following),
            diagonal.at[i].set(quotient),
            beside.at[i].set(length),
            largest,
        )

    zeros = jnp.zeros(n_iterations, start.dtype)
    basis = jnp.zeros((n_iterations + 1, size), start.dtype)
    basis = basis.at[0].set(start / jnp.linalg.norm(start))
    carry = (basis, zeros, zeros, zeros.sum())
    _, diagonal, beside, _ = jax.lax.fori_loop(0, n_iterations, iterate, carry)
    tridiagonal = jnp.diag(diagonal) + jnp.diag(beside[:-1], 1) + jnp.diag(beside[:-1], -1)
    values, vectors = jnp.linalg.eigh(tridiagonal)
    return Eigenvalue(values, jnp.abs(beside[-1] * vectors[-1]))


def sharpness(
    loss: Callable[[Any], Float[Array, ""]],
    parameters: Any,
    *,
    preconditioner: Any = None,
    n_iterations: int = 30,
    key: PRNGKeyArray | None = None,
) -> Eigenvalue:
    """Compute the largest eigenvalue of the Hessian of a loss, its sharpness.

    Gradient descent with a learning rate above 2 / sharpness moves away from a minimum. For methods
    whose updates are divided by a number per parameter, as Adam's are, the same holds of the
    preconditioned Hessian.

    Args:
        loss: `parameters -> scalar`, as for `hessian_product`.
        parameters: a pytree of floating-point arrays with two numbers or more.
        preconditioner: positive numbers, a pytree like `parameters`: the eigenvalue is that of
            P^-1 H, with P the diagonal matrix of these numbers. None for H itself.
        n_iterations: of Lanczos, each a product with the Hessian; at most one per parameter is
            needed and made.
        key: for the start, a random vector; `jax.random.key(0)` if omitted.

    Returns: the eigenvalue, and how far it may be from the nearest true one.
    Source: Cohen et al. (2021), arXiv:2103.00065; preconditioned, Cohen et al. (2022),
        arXiv:2207.14484.

    >>> def loss(parameters):
    ...     return (parameters["a"] ** 2).sum() + 3 * (parameters["b"] ** 2).sum()
    >>> parameters = {"a": jnp.ones(4), "b": jnp.ones(2)}
    >>> round(float(sharpness(loss, parameters).value), 4)
    6.0
    >>> scale = {"a": jnp.full(4, 0.1), "b": jnp.ones(2)}
    >>> round(float(sharpness(loss, parameters, preconditioner=scale).value), 4)
    20.0
    """
    flat, restored = ravel_pytree(parameters)
    multiply = hessian_product(loss, parameters)
    # P^-1/2 H P^-1/2 has the eigenvalues of P^-1 H, and is symmetric.
    scale = None if preconditioner is None else jax.lax.rsqrt(ravel_pytree(preconditioner)[0])

    def product(vector: Float[Array, " n"]) -> Float[Array, " n"]:
        if scale is None:
            return ravel_pytree(multiply(restored(vector)))[0]
        return scale * ravel_pytree(multiply(restored(scale * vector)))[0]

    key = jax.random.key(0) if key is None else key
    start = jax.random.normal(key, flat.shape, flat.dtype)
    found = lanczos(product, start, min(n_iterations, flat.size))
    return Eigenvalue(found.value[-1], found.error[-1])
