"""Values of a stream and of the steps to them, for those who write it in another language."""

import hashlib
from typing import Any

import numpy as np

from mnist1d.stream.bits import CORRELATED, FACTORS, LABELS, NOISE, WHITE, Words, centred
from mnist1d.stream.stream import LARGEST_INDEX, Stream
from mnist1d.stream.tables import NORMAL_UNIT, normal_table

__all__ = ["reference_of"]

_KINDS = {
    "labels": LABELS,
    "factors": FACTORS,
    "smooth noise": CORRELATED,
    "white noise": WHITE,
    "label noise": NOISE,
}
_INDICES = (0, 1, 2, 9, 10, 999, 10**12, LARGEST_INDEX - 1)
_N_WORDS, _N_LABELS, _N_NORMAL = 8, 100, 8


def reference_of(stream: Stream) -> dict[str, Any]:
    """Return values of a stream, in the order in which its specification defines them.

    Args:
        stream: any stream.

    Returns:
        In the types of JSON: the `stream` itself (`Stream.record()`); the first `words` of every
        kind as 16 hexadecimal digits; places of the table of `normal_values`, and its SHA-256 as
        int32 with the lowest byte first; the first `labels`; and `samples` with their index, label,
        padding, shift, factor on the height and slope as they are rounded, the first whole numbers
        of both noises, the signal, and its bits as float32.

    >>> reference = reference_of(Stream())
    >>> reference["words"]["factors"][0], reference["labels"][:5]
    ('52fbb2371ec387af', [0, 5, 2, 3, 6])
    >>> reference["samples"][0]["bits"][0]
    '3f094486'
    """
    seed, table = stream.config.seed, normal_table()
    places = (0, 1, 2**14, 2**15 - 1, 2**15, 2**16 - 1)
    return {
        "format": "mnist1d stream reference",
        "version": 1,
        "stream": stream.record(),
        "words": {
            name: [f"{word:016x}" for word in Words(seed, kind).take(_N_WORDS).tolist()]
            for name, kind in _KINDS.items()
        },
        "normal_values": {
            "sha256": hashlib.sha256(table.astype("<i4").tobytes()).hexdigest(),
            "at": {str(place): int(table[place]) for place in places},
        },
        "labels": stream.labels(0, _N_LABELS).tolist(),
        "samples": [_sample(stream, index) for index in _INDICES],
    }


def _sample(stream: Stream, index: int) -> dict[str, Any]:
    signal, label = stream[index]
    signal = signal.reshape(-1)
    config, draws = stream.config, stream.draws(index, index + 1)
    height, slope = centred(Words(config.seed, FACTORS, 2 * index).take(2) >> np.uint64(32))
    factor = (1 + config.scale_coeff * height) / max(1.0, abs(config.scale_coeff))
    noises = (draws.correlated_noise, draws.white_noise)
    smooth, white = ((noise[0, :_N_NORMAL] * NORMAL_UNIT).astype(int).tolist() for noise in noises)
    return {
        "index": index,
        "label": int(label),
        "padding": int(draws.padding[0]),
        "shift": int(draws.shift[0]),
        "factor": float(np.float32(factor)),
        "slope": float(np.float32(slope)),
        "smooth_noise": smooth,
        "white_noise": white,
        "signal": signal.tolist(),
        "bits": [f"{bits:08x}" for bits in signal.view(np.uint32).tolist()],
    }
