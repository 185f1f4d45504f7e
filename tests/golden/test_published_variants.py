"""The variants that the paper itself uses, as its notebooks made them."""

import hashlib

import numpy as np

from mnist1d import generate


def test_label_noise_of_double_descent():
    dataset = generate(
        num_samples=16_000, train_split=0.25, label_noise=0.15, label_noise_kind="published"
    )
    changed = np.flatnonzero(dataset.y != dataset.y_clean)
    assert int(dataset.noise_mask.sum()) == 639
    assert len(changed) == 577
    assert changed[:15].tolist() == [
        13,
        15,
        33,
        52,
        60,
        61,
        69,
        82,
        111,
        125,
        140,
        150,
        174,
        183,
        187,
    ]
    assert dataset.y_clean[:12].tolist() == [5, 6, 2, 6, 8, 3, 2, 0, 6, 9, 3, 4]
    assert (len(dataset.y), len(dataset.y_test)) == (4000, 12_000)


def test_shuffling_of_table_1():
    perm = (
        "19 16 15 26 4 12 37 27 39 6 25 9 13 31 34 8 17 24 0 33 "
        "5 11 1 29 21 2 30 36 3 35 23 32 10 22 18 20 7 14 28 38"
    )
    order = [int(column) for column in perm.split()]
    dataset = generate(positions="shuffled_classification")
    assert dataset.column_order.tolist() == order
    np.testing.assert_allclose(dataset.x_test, generate().x_test[:, order], rtol=0, atol=1e-13)
    # It is the shuffling by the published seed.
    assert generate(positions="shuffled").column_order.tolist() == order


def test_positions_of_the_study_of_lottery_tickets():
    perm = (
        "22 20 25 4 10 15 28 11 18 29 27 35 37 2 39 30 34 16 36 8 "
        "13 5 17 14 33 7 32 1 26 12 31 24 6 23 21 19 9 38 3 0"
    )
    orders = {
        "shuffled_lottery": [int(column) for column in perm.split()],
        "flipped": list(range(39, -1, -1)),
        "chunked": [*range(20, 40), *range(20)],
    }
    plain = generate(seed=43)
    for positions, order in orders.items():
        dataset = generate(seed=43, positions=positions)
        assert dataset.column_order.tolist() == order
        np.testing.assert_allclose(dataset.x, plain.x[:, order], rtol=0, atol=1e-13)


def test_our_own_label_noise_never_changes_silently():
    digests = {}
    for kind in ("symmetric", "other"):
        dataset = generate(label_noise=0.3, label_noise_kind=kind)
        digests[kind] = hashlib.sha256(dataset.y.astype("<i8").tobytes()).hexdigest()[:16]
    assert digests == {"symmetric": "a243a6b4a9c71738", "other": "139e5726bb17d666"}


def test_our_own_shifted_tests_never_change_silently():
    part = generate(shifted_tests={"noisy": {"iid_noise_scale": 0.1}}).shifted_tests["noisy"]
    assert part.y[:20].tolist() == [1, 4, 2, 9, 2, 2, 6, 8, 7, 9, 2, 4, 2, 3, 3, 8, 1, 0, 7, 8]
    np.testing.assert_allclose(
        part.x[0, :5],
        [0.787967655, 0.627791315, 0.711231176, -0.39354225, -0.799577508],
        rtol=0,
        atol=1e-8,
    )
