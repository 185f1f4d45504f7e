"""The kernel of the explorer's training, compiled from WebAssembly text.

`python -m mnist1d.explore.kernel` writes `static/nets/kernel.wasm` from `kernel.wat`; a test
compares. It needs the package `wasmtime`.
"""

from pathlib import Path

from mnist1d.dataset.atomic import atomic_write

__all__ = ["BINARY", "TEXT", "compiled"]

_FOLDER = Path(__file__).parent / "static" / "nets"
TEXT = _FOLDER / "kernel.wat"
"""The kernel as text."""
BINARY = _FOLDER / "kernel.wasm"
"""What a browser loads."""

_HEADER_SIZE = 8
_CUSTOM = 0


def compiled() -> bytes:
    """Return the binary of the text, without the names of functions and variables.

    Raises:
        ModuleNotFoundError: if there is no `wasmtime`.
        wasmtime.WasmtimeError: if the text is wrong.
    """
    import wasmtime  # noqa: PLC0415 (nothing else needs it)

    binary = bytes(wasmtime.wat2wasm(TEXT.read_text("utf-8")))
    kept, place = [binary[:_HEADER_SIZE]], _HEADER_SIZE
    while place < len(binary):
        size, start = _leb128(binary, place + 1)
        if binary[place] != _CUSTOM:
            kept.append(binary[place : start + size])
        place = start + size
    return b"".join(kept)


def _leb128(binary: bytes, place: int) -> tuple[int, int]:
    """Read an integer of any length; return it and the place after it."""
    value, shift = 0, 0
    while True:
        byte = binary[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return value, place


if __name__ == "__main__":
    with atomic_write(BINARY) as file:
        file.write(compiled())
