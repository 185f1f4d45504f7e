"""Writing of a shard, piece by piece, in any of the formats.

The bytes of a file depend on stream, range and format alone: it contains no dates or names of
machines, and pieces have a fixed size. Memory holds one piece, for files of any size.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from mnist1d.dataset.archive import new_member
from mnist1d.dataset.imports import required
from mnist1d.stream.stream import Stream

__all__ = ["FORMATS", "Contents", "Fingerprint", "Sink", "bytes_per_sample", "contents"]

# Samples in memory at one time; also the rows of a row group of Parquet.
_PIECE = 65_536

Array: TypeAlias = tuple[tuple[int, ...], np.dtype[Any], Iterator[np.ndarray]]
"""Shape and type of an array, and its pieces."""


class Fingerprint(NamedTuple):
    """Size and checksum, which identify the content of a file.

    Attributes:
        bytes: its size.
        sha256: its checksum, in hexadecimal digits.
    """

    bytes: int
    sha256: str


class Sink(io.RawIOBase):
    """A writable file that computes the fingerprint of its content; it cannot seek.

    Args:
        file: the file to write to; None to compute the fingerprint alone.

    >>> sink = Sink(io.BytesIO())
    >>> sink.write(b"hello"), sink.fingerprint().bytes
    (5, 5)
    """

    def __init__(self, file: Any) -> None:
        super().__init__()
        self._file, self._digest, self._bytes = file, hashlib.sha256(), 0

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, data: Any) -> int:
        """Write all of the data."""
        view = memoryview(data).cast("B")
        if self._file is not None:
            self._file.write(view)
        self._digest.update(view)
        self._bytes += len(view)
        return len(view)

    def fingerprint(self) -> Fingerprint:
        """Return size and checksum of everything written so far."""
        return Fingerprint(self._bytes, self._digest.hexdigest())


class Contents(NamedTuple):
    """One of the files of a shard.

    Attributes:
        suffix: end of its name.
        write: writes the samples of a stream from a start to before a stop into a sink.
    """

    suffix: str
    write: Callable[[Stream, int, int, Sink], None]


def contents(file_format: str, stream: Stream) -> tuple[Contents, ...]:
    """Return the files of a shard in a format.

    Args:
        file_format: one of `FORMATS`.
        stream: the stream; with label noise there are clean labels as well.

    Raises:
        ModuleNotFoundError: if the format needs a package that is not installed.

    >>> [file.suffix for file in contents("npy", Stream())]
    ['-x.npy', '-y.npy']
    """
    if file_format == "parquet":
        required("pyarrow", extra="shards")
        return (Contents(".parquet", _write_parquet),)
    if file_format == "csv":
        return (Contents(".csv", _write_csv),)
    if file_format == "npz":
        return (Contents(".npz", _write_npz),)
    return tuple(Contents(f"-{name}.npy", _npy_writer(name)) for name in _names(stream))


FORMATS = ("parquet", "npz", "npy", "csv")
"""The formats of shards."""


def bytes_per_sample(file_format: str, stream: Stream) -> int:
    """Return about how many bytes a sample takes in a file."""
    length, noisy = stream.config.final_seq_length, bool(stream.config.label_noise)
    return 13 * length + 2 + 8 * noisy if file_format == "csv" else 4 * length + 8 + 9 * noisy


def _names(stream: Stream) -> tuple[str, ...]:
    noise = ("y_clean", "noise_mask") if stream.config.label_noise else ()
    return ("x", "y", *noise)


def _pieces(start: int, stop: int) -> Iterator[tuple[int, int]]:
    for piece in range(start, stop, _PIECE):
        yield piece, min(piece + _PIECE, stop)


def _array(name: str, stream: Stream, start: int, stop: int) -> Array:
    shape: tuple[int, ...] = (stop - start,)
    pieces = _pieces(start, stop)
    if name == "x":
        axes = (1,) if stream.config.channel_axis else ()
        shape = (*shape, *axes, stream.config.final_seq_length)
        return shape, np.dtype("<f4"), (stream.samples(*piece)[0] for piece in pieces)
    if name == "y":
        return shape, np.dtype("<i8"), (stream.labels(*piece) for piece in pieces)
    if name == "y_clean":
        return shape, np.dtype("<i8"), (stream.clean_labels(*piece)[0] for piece in pieces)
    return shape, np.dtype("?"), (stream.clean_labels(*piece)[1] for piece in pieces)


def _write_array(array: Array, file: Any) -> None:
    shape, dtype, pieces = array
    header = {"descr": dtype.str, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
    for piece in pieces:
        file.write(np.ascontiguousarray(piece, dtype).data)


def _npy_writer(name: str) -> Callable[[Stream, int, int, Sink], None]:
    def write(stream: Stream, start: int, stop: int, sink: Sink) -> None:
        _write_array(_array(name, stream, start, stop), sink)

    return write


def _write_npz(stream: Stream, start: int, stop: int, sink: Sink) -> None:
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for name in _names(stream):
            with new_member(archive, name) as file:
                _write_array(_array(name, stream, start, stop), file)


def _tables(stream: Stream, start: int, stop: int) -> Iterator[dict[str, np.ndarray]]:
    """Yield pieces of a table: labels, and a column per point."""
    for piece in _pieces(start, stop):
        x, y = stream.samples(*piece)
        columns = {"label": y}
        if stream.config.label_noise:
            columns["label_clean"], columns["label_noise"] = stream.clean_labels(*piece)
        points = np.ascontiguousarray(x.reshape(len(y), -1).T)
        yield columns | {f"x{j}": values for j, values in enumerate(points)}


def _write_csv(stream: Stream, start: int, stop: int, sink: Sink) -> None:
    for number, columns in enumerate(_tables(stream, start, stop)):
        if number == 0:
            sink.write((",".join(columns) + "\n").encode())
        # Nine digits identify every float32.
        row = ",".join("%.9g" if v.dtype.kind == "f" else "%s" for v in columns.values()) + "\n"
        lines = zip(*(values.tolist() for values in columns.values()), strict=True)
        sink.write("".join([row % line for line in lines]).encode())


def _write_parquet(stream: Stream, start: int, stop: int, sink: Sink) -> None:
    arrow, parquet = (required(f"pyarrow{part}", extra="shards") for part in ("", ".parquet"))
    described = {"mnist1d": json.dumps(stream.record())}
    writer = None
    try:
        for columns in _tables(stream, start, stop):
            table = arrow.table(columns).replace_schema_metadata(described)
            if writer is None:
                # Noise does not compress, and the output of a codec depends on its version.
                writer = parquet.ParquetWriter(
                    sink, table.schema, compression="none", use_dictionary=False
                )
            writer.write_table(table, row_group_size=_PIECE)
    finally:
        if writer is not None:
            writer.close()
