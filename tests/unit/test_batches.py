"""Batches in stored and shuffled order, and the loss and accuracy of one."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mnist1d.training import (
    accuracy,
    cross_entropy,
    sequential_batch,
    sequential_rows,
    shuffled_order,
)

pytestmark = pytest.mark.usefixtures("quick_compilation")


def assert_equal(first, second):
    for one, other in zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True):
        assert one.shape == other.shape
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("batch_size", [1, 3, 4, 12])
def test_sequential_batch_follows_the_published_rule(batch_size):
    # The authors' training loop: batch_size rows from (step * batch_size) mod n on, as stored.
    data = {"x": np.arange(24).reshape(12, 2), "y": np.arange(12)}
    batch_of = jax.jit(lambda step: sequential_batch(data, step, batch_size))
    for step in range(40):
        start = step * batch_size % 12
        expected = {name: leaf[start : start + batch_size] for name, leaf in data.items()}
        assert_equal(batch_of(step), expected)


def test_sequential_batch_does_not_overflow_at_late_steps():
    last = 2**31 - 1
    batch = jax.jit(lambda step: sequential_batch(np.arange(4000), step, 100))(np.int32(last))
    assert batch[0] == last * 100 % 4000


@pytest.mark.parametrize(("n", "batch_size"), [(12, 5), (7, 3), (6, 4), (10, 9), (9, 6), (8, 2)])
def test_batches_in_stored_order_take_all_examples_equally_often(n, batch_size):
    data = {"x": np.arange(2 * n).reshape(n, 2), "y": np.arange(n)}
    rows = sequential_rows(n, batch_size)
    assert np.ptp(np.bincount(rows.ravel(), minlength=n)) == 0
    batch_of = jax.jit(lambda step: sequential_batch(data, step, batch_size))
    for step in range(2 * len(rows)):
        expected = (step * batch_size + np.arange(batch_size)) % n
        batch = batch_of(np.int32(step))
        assert_equal(batch, {name: leaf[expected] for name, leaf in data.items()})
        assert rows[step % len(rows)].tolist() == expected.tolist()
    late = batch_of(np.int32(2**31 - 1))
    assert late["y"][0] == (2**31 - 1) * batch_size % n


@pytest.mark.parametrize(
    ("n", "batch_size"),
    [
        pytest.param(400, 64, marks=pytest.mark.slow),
        pytest.param(7, 3, marks=pytest.mark.slow),
        (10, 9),
    ],
)
def test_what_is_left_over_of_a_shuffled_epoch_is_left_out(n, batch_size):
    order = np.asarray(shuffled_order(n, batch_size, 40, key=jax.random.key(0)))
    assert order.shape == (40, batch_size)
    per_epoch = n // batch_size
    left_out = [
        set(range(n)) - set(epoch.ravel().tolist())
        for epoch in np.split(order, range(per_epoch, 40, per_epoch))[:-1]
    ]
    assert {len(each) for each in left_out} == {n % batch_size}
    assert len(set(map(frozenset, left_out))) > 1
    whole = np.asarray(shuffled_order(n, n, 40, key=jax.random.key(0)))
    np.testing.assert_array_equal(order[:per_epoch].ravel(), whole[0, : per_epoch * batch_size])


@pytest.mark.parametrize("batch_size", [0, -2, 7, 100])
def test_batch_sizes_out_of_range_are_refused(batch_size):
    message = f"batch_size must be from 1 to 6, the number of examples, not {batch_size}"
    with pytest.raises(ValueError, match=message):
        sequential_batch(jnp.arange(6), jnp.asarray(0), batch_size)
    with pytest.raises(ValueError, match=message):
        shuffled_order(6, batch_size, 5, key=jax.random.key(0))


def test_data_of_unequal_lengths_are_refused():
    with pytest.raises(ValueError, match=r"one common leading size, got \[4, 6\]"):
        sequential_batch((jnp.arange(6), jnp.arange(4)), jnp.asarray(0), 2)


@pytest.mark.parametrize(
    ("n", "batch_size", "n_steps"),
    [
        (12, 4, 8),
        pytest.param(12, 12, 3, marks=pytest.mark.slow),
        pytest.param(5, 1, 12, marks=pytest.mark.slow),
        pytest.param(6, 2, 1, marks=pytest.mark.slow),
    ],
)
def test_every_epoch_of_shuffled_order_is_a_permutation(n, batch_size, n_steps):
    for seed in range(3):
        order = np.asarray(shuffled_order(n, batch_size, n_steps, key=jax.random.key(seed)))
        assert order.shape == (n_steps, batch_size)
        rows = order.ravel().tolist()
        for first in range(0, len(rows), n):
            epoch = rows[first : first + n]  # the last one may be cut short
            assert len(set(epoch)) == len(epoch)
            assert set(epoch) <= set(range(n))


def test_epochs_and_keys_have_orders_of_their_own():
    order, other = (
        np.asarray(shuffled_order(60, 20, 9, key=jax.random.key(seed))).reshape(3, 60)
        for seed in range(2)
    )
    for one, two in itertools.combinations([*order, *other, np.arange(60)], 2):
        # Independent permutations agree in about one of 60 places.
        assert (one == two).sum() < 10


@pytest.mark.parametrize(
    "n",
    [1, 1626, *(pytest.param(n, marks=pytest.mark.slow) for n in (2, 60, 1625, 40_000))],
)
def test_orders_are_jaxs_permutations_traced_or_not(n):
    # From 1,626 on JAX sorts twice; three times is beyond what a test can hold.
    key = jax.random.key(5)
    epochs = jax.random.split(key, 3)
    expected = jax.jit(jax.vmap(lambda epoch: jax.random.permutation(epoch, n)))(epochs)
    order = shuffled_order(n, n, 3, key=key)
    np.testing.assert_array_equal(order, expected)
    assert order.dtype == expected.dtype
    traced = jax.jit(lambda key: shuffled_order(n, n, 3, key=key))(key)
    np.testing.assert_array_equal(traced, expected)


@pytest.mark.slow
def test_every_example_is_as_likely_at_every_place():
    orders = np.asarray(shuffled_order(5, 5, 4000, key=jax.random.key(3)))
    for place in range(5):
        counts = np.bincount(orders[:, place], minlength=5)
        # Binomial of 4000 with p = 1/5: standard deviation 25; five of them.
        assert np.abs(counts - 800).max() < 5 * 25.3


# As programs: operation by operation every shape would be compiled anew.
loss_of, accuracy_of = jax.jit(cross_entropy), jax.jit(accuracy)


def test_cross_entropy_is_the_mean_negative_log_probability():
    logits = np.array([[2.0, -1.0, 0.5], [0.0, 300.0, -300.0]], np.float32)
    probabilities = np.exp(logits[0].astype(float)) / np.exp(logits[0].astype(float)).sum()
    loss = loss_of(logits, np.array([2, 0], np.int32))
    np.testing.assert_allclose(loss, (-np.log(probabilities[2]) + 300) / 2, rtol=1e-6)


@pytest.mark.parametrize(
    ("bad", "label"),
    [((np.nan, 0.0), 1), ((np.inf, 0.0), 0), ((-np.inf, 0.0), 0), ((3e38, -3e38), 1)],
)
def test_accuracy_of_logits_without_a_finite_loss_is_not_a_number(bad, label):
    logits, labels = np.array([[0.0, 1.0], bad], np.float32), np.array([1, label], np.int32)
    assert not np.isfinite(loss_of(logits, labels))
    assert np.isnan(accuracy_of(logits, labels))
    assert accuracy_of(logits[:1], labels[:1]) == 1
