"""Making texts of unknown origin safe to show: on one line, without control characters."""

import unicodedata

_ALLOWED = "\n\t"
# They turn the direction of writing around, so that a text looks like another one.
_DIRECTIONS = range(0x202A, 0x202F), range(0x2066, 0x206A)


def one_line(text: str, most: int = 300) -> str:
    r"""Write a text on one line, cut in the middle if it is long, without control characters.

    Args:
        text: any.
        most: number of characters, 5 at least.

    >>> one_line("a\nb" + chr(27)), one_line("0123456789", most=7)
    ('a b\ufffd', '01...89')
    """
    line = " ".join(without_controls(text).split())
    half = (most - 3) // 2
    return line if len(line) <= most else f"{line[:half]}...{line[-half:]}"


def without_controls(text: str) -> str:
    r"""Replace control characters and surrogates, but for the ends of lines and tabs.

    >>> without_controls("red" + chr(27) + "[31m")
    'red\ufffd[31m'
    """
    if text.isprintable():
        return text
    return "".join("\ufffd" if _is_control(each) else each for each in text)


def _is_control(character: str) -> bool:
    if character in _ALLOWED:
        return False
    # A surrogate cannot be written to any file.
    is_control = unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"}
    return is_control or any(ord(character) in each for each in _DIRECTIONS)
