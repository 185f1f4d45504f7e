"""The native stream of MNIST-1D in plain Python: slow, without NumPy, and bit for bit the same.

This is the definition in `stream-specification.md` as a program, for those who write it again in
another language and for the tests, which compare. It makes one sample at a time:

>>> signal, label = sample(seed=42, i=0)
>>> len(signal), label
(40, 0)
"""

import math
import struct
from statistics import NormalDist

MEAN, STD = -0.006050608392759029, 0.1547006418801987  # `constants()`, published configuration
LABELS, FACTORS, CORRELATED, WHITE = range(4)
SMOOTHING = (817, 721, 496, 265, 111, 36, 9, 2)
DRAWN = (
    (5, 6, 6.5, 6.75, 7, 7, 7, 7, 6.75, 6.5, 6, 5),
    (5, 3, 3, 3.4, 3.8, 4.2, 4.6, 5, 5.4, 5.8, 5, 5),
    (5, 6, 6.5, 6.5, 6, 5.25, 4.75, 4, 3.5, 3.5, 4, 5),
    (5, 6, 6.5, 6.5, 6, 5, 5, 6, 6.5, 6.5, 6, 5),
    (5, 4.4, 3.8, 3.2, 2.6, 2.6, 5, 5, 5, 5, 5, 5),
    (5, 3, 3, 3, 3, 5, 6, 6.5, 6.5, 6, 4.5, 5),
    (5, 4, 3.5, 3.25, 3, 3, 3, 3, 3.25, 3.5, 4, 5),
    (5, 7, 7, 6.6, 6.2, 5.8, 5.4, 5, 4.6, 4.2, 5, 5),
    (5, 4, 3.5, 3.5, 4, 5, 5, 4, 3.5, 3.5, 4, 5),
    (5, 4, 3.5, 3.5, 4, 5, 5, 5, 5, 4.7, 4.3, 5),
)


def sample(
    seed: int,
    i: int,
    *,
    padding: tuple[int, int] = (36, 60),
    scale_coeff: float = 0.4,
    max_translation: int = 48,
    corr_noise_scale: float = 0.25,
    iid_noise_scale: float = 0.02,
    shear_scale: float = 0.75,
    final_seq_length: int = 40,
    mean: float = MEAN,
    std: float = STD,
) -> tuple[list[float], int]:
    """Return signal and label of sample i; other parameters need their own `constants`."""
    length, final = 12 + padding[1], final_seq_length
    label = label_of(seed, i)

    first, second = words(seed, FACTORS, 2 * i, 2)
    pad = padding[0] + (first % 2**32 * (padding[1] - padding[0] + 1) >> 32)
    factor = float32(1 + scale_coeff * centred(first >> 32))
    shift = second % 2**32 * max_translation >> 32
    shift = shift if shift < length else 0
    slope = float32(centred(second >> 32))

    unit, heights = whole_heights()
    smooth = smoothed(normals(seed, CORRELATED, i, length))
    white = normals(seed, WHITE, i, length)

    signal = []
    for j in range(final):
        left, right_share = divmod(j * (length - 1), final - 1)
        if j == final - 1:
            left, right_share = length - 2, final - 1
        left_share = final - 1 - right_share
        height_left, inside_left = stretched(heights[label], pad, (left - shift) % length, length)
        height_right, inside_right = stretched(
            heights[label], pad, (left + 1 - shift) % length, length
        )

        height = left_share * height_left + right_share * height_right
        digit = float32(height / ((length - 1) * (final - 1) / unit) / std)
        value = float32(digit * factor)

        noise_unit = corr_noise_scale / (512 * 4096) / std
        for share, inside, noise in (
            (left_share, inside_left, smooth[left]),
            (right_share, inside_right, smooth[left + 1]),
        ):
            strength = 0.0 if inside else float32(share / (final - 1) * noise_unit)
            value = float32(value + float32(noise * strength))

        resampled = left_share * white[left] + right_share * white[left + 1]
        strength = float32(iid_noise_scale / (512 * (final - 1)) / std)
        value = float32(value + float32(resampled * strength))

        line = float32(shear_scale * ((2 * j + 1 - final) / (2 * (final - 1))) / std)
        value = float32(value - float32(slope * line))
        signal.append(float32(value - float32(mean / std)))
    return signal, label


def constants(
    *,
    padding: tuple[int, int] = (36, 60),
    scale_coeff: float = 0.4,
    max_translation: int = 48,
    corr_noise_scale: float = 0.25,
    iid_noise_scale: float = 0.02,
    shear_scale: float = 0.75,
    final_seq_length: int = 40,
) -> tuple[float, float]:
    """Return mean and standard deviation of all values of the distribution.

    The order of the operations, and of the terms of every sum, is part of the definition.
    """
    length, final = 12 + padding[1], final_seq_length
    unit, heights = whole_heights()

    # Averages over paddings and classes, for every stretched point of digits without a shift.
    height, square, product, outside, outside_both = ([0.0] * length for _ in range(5))
    for pad in range(padding[0], padding[1] + 1):
        free = []
        for row in heights:
            points = [stretched(row, pad, p, length) for p in range(length)]
            drawn = [h * (unit / (length - 1)) for h, _ in points]
            free = [0.0 if inside else 1.0 for _, inside in points]
            for p in range(length):
                height[p] += drawn[p]
                square[p] += drawn[p] * drawn[p]
                product[p] += drawn[p] * drawn[(p + 1) % length]
        for p in range(length):
            outside[p] += free[p]
            outside_both[p] += free[p] * free[(p + 1) % length]
    n_paddings = padding[1] - padding[0] + 1

    def average(values: list[float], weight: float) -> list[float]:
        """Divide by the weight, then average over the shifts."""
        values = [value / weight for value in values]
        unmoved = float(1 + max(0, max_translation - length))
        totals = [value * unmoved for value in values]
        for shift in range(1, min(max_translation, length)):
            totals = [totals[p] + values[p - shift] for p in range(length)]
        return [total / max_translation for total in totals]

    height, square, product = (average(v, n_paddings * 10.0) for v in (height, square, product))
    outside, outside_both = (average(v, n_paddings) for v in (outside, outside_both))

    # Whole numbers: which weight every normal value has in a smoothed one.
    columns = [smoothed([int(p == q) for p in range(length)]) for q in range(length)]
    normal = sum(quantile(number) ** 2 for number in range(65_536)) / 65_536 / (512 * 512)
    variance = [sum(c[p] * c[p] for c in columns) for p in range(length)]
    covariance = [sum(c[p] * c[(p + 1) % length] for c in columns) for p in range(length)]
    single = [outside[p] * variance[p] for p in range(length)]
    pair = [outside_both[p] * covariance[p] for p in range(length)]

    scale = 1 + scale_coeff * scale_coeff * (1 / 12)
    smooth = corr_noise_scale / 4096 * (corr_noise_scale / 4096) * normal
    white = iid_noise_scale * iid_noise_scale * normal
    slope = shear_scale * shear_scale * (1 / 12)
    means, squares = [], []
    for j in range(final):
        left, share = divmod(j * (length - 1), final - 1)
        if j == final - 1:
            left, share = length - 2, final - 1
        r = share / (final - 1)
        line = (2 * j + 1 - final) / (2 * (final - 1))
        means.append((1 - r) * height[left] + r * height[left + 1])
        for factor, one, both in ((scale, square, product), (smooth, single, pair)):
            second = (1 - r) * (1 - r) * one[left] + 2 * r * (1 - r) * both[left]
            squares.append(factor * (second + r * r * one[left + 1]))
        squares.append(white * ((1 - r) * (1 - r) + r * r))
        squares.append(slope * line * line)
    mean = math.fsum(means) / final
    return mean, math.sqrt(math.fsum(squares) / final - mean * mean)


def label_of(seed: int, i: int) -> int:
    """Return the place of sample i's class in the random order of its group of ten."""
    group = words(seed, LABELS, i // 10 * 10, 10)
    keys = sorted(word >> 16 << 16 | place for place, word in enumerate(group))
    return keys[i % 10] % 2**16


def normals(seed: int, kind: int, i: int, length: int) -> list[int]:
    """Return the standard normal values of a sample, times 512."""
    first, last = i * length // 4, -(-(i + 1) * length // 4)
    numbers = [
        word >> 16 * part & 65_535
        for word in words(seed, kind, first, last - first)
        for part in range(4)
    ]
    start = i * length - 4 * first
    return [quantile(number) for number in numbers[start : start + length]]


def quantile(number: int) -> int:
    """Return what a 16-bit number stands for, times 512."""
    if number < 32_768:
        return -quantile(65_535 - number)
    return round(512.0043 * NormalDist().inv_cdf((number + 0.5) / 65_536))


def smoothed(values: list[int]) -> list[int]:
    """Return the values, filtered, times 4096; beyond the ends they go on as their mirror image."""
    length = len(values)

    def mirrored(p: int) -> int:
        p %= 2 * length
        return values[p if p < length else 2 * length - 1 - p]

    return [sum(SMOOTHING[abs(d)] * mirrored(p + d) for d in range(-7, 8)) for p in range(length)]


def whole_heights() -> tuple[float, list[list[int]]]:
    """Return the templates as whole numbers, and their unit."""
    heights = []
    for drawn in DRAWN:
        middle = sum(drawn) / 12
        spread = (sum((h - middle) ** 2 for h in drawn) / 12) ** 0.5
        heights.append([(h - drawn[0]) / spread / 6 for h in drawn])
    unit = 2.0**-25  # the tallest is below 1/2 and keeps 24 bits
    return unit, [[round(h / unit) for h in row] for row in heights]


def stretched(heights: list[int], pad: int, p: int, length: int) -> tuple[int, bool]:
    """Return height times (length - 1) of a stretched point, and whether it is of the digit."""
    left, right_share = divmod(p * (11 + pad), length - 1)
    left_height, right_height = (heights[q] if q < 12 else 0 for q in (left, left + 1))
    return (length - 1 - right_share) * left_height + right_share * right_height, left < 12


def centred(number: int) -> float:
    """Turn a 32-bit number into one between -1/2 and 1/2."""
    return (number + 0.5) / 2**32 - 0.5


def float32(value: float) -> float:
    """Round to the nearest float32."""
    return struct.unpack("f", struct.pack("f", value))[0]


def words(seed: int, kind: int, first: int, n: int) -> list[int]:
    """Return n 64-bit words of a sequence, from word number `first` on."""
    key = (seed, int.from_bytes(b"mnist1d\x01", "little"))
    blocks = range(first // 4, (first + n - 1) // 4 + 1)
    all_words = [word for b in blocks for word in philox(b + 1 + kind * 2**192, key)]
    return all_words[first % 4 : first % 4 + n]


def philox(counter: int, key: tuple[int, int]) -> list[int]:
    """Return the four words of Philox4x64-10 (Salmon et al. 2011) for a 256-bit counter."""
    x = [counter >> 64 * part & (2**64 - 1) for part in range(4)]
    k0, k1 = key
    for _ in range(10):
        high0, low0 = divmod(0xD2E7470EE14C6C93 * x[0], 2**64)
        high1, low1 = divmod(0xCA5A826395121157 * x[2], 2**64)
        x = [high1 ^ x[1] ^ k0, low1, high0 ^ x[3] ^ k1, low0]
        k0, k1 = (k0 + 0x9E3779B97F4A7C15) % 2**64, (k1 + 0xBB67AE8584CAA73B) % 2**64
    return x
