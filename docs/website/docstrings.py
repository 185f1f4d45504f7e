"""Docstrings as Sphinx reads them, and members that are left out."""

import inspect
import re
import sys
from collections.abc import Iterable, Iterator
from typing import Any, get_type_hints

from docutils.nodes import image
from numpy.typing import ArrayLike
from sphinx.util.nodes import make_refnode
from sphinx.util.typing import stringify_annotation
from website.reference import OTHER

SECTION = re.compile(r"(?P<indent> *)(?P<name>Returns|Yields|Raises|Source|Sources): *(?P<text>.*)")
FIELDS = {"Returns": "returns", "Yields": "yields"}
NAMED = re.compile(r"[A-Z][\w.]*(?:, [A-Z][\w.]*)*: .*")
"""What a section of errors says: which, and when."""
NOWHERE = "nowhere"
"""The module of what has no link to its source."""
COLON = "\ue000"
"""A colon that is no sign of napoleon's, from before it runs until after."""


def setup(app: Any) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.connect("autodoc-process-docstring", process, priority=100)  # before napoleon's
    app.connect("autodoc-process-docstring", with_colons, priority=900)
    app.connect("doctree-resolved", with_descriptions)
    app.connect("autodoc-skip-member", is_left_out)
    app.connect("autodoc-before-process-signature", without_constraints)
    app.connect("autodoc-process-signature", shorter)
    app.connect("viewcode-follow-imported", home_of)
    app.connect("html-collect-pages", without_nowhere, priority=100)  # before viewcode's
    app.connect("missing-reference", found_elsewhere)
    return {"parallel_read_safe": True}


def process(
    _app: Any, what: str, _name: str, _object: Any, _options: Any, lines: list[str]
) -> None:
    """Change a docstring in place.

    Of a property, napoleon would take what is before a colon for its type.
    """
    lines[:] = list(with_tables(with_signs(list(with_sections(lines)))))
    if what in {"attribute", "data", "property"} and lines:
        lines[0] = lines[0].replace(":", COLON)


def with_colons(
    _app: Any, _what: str, _name: str, _object: Any, _options: Any, lines: list[str]
) -> None:
    """Put the colons back."""
    lines[:] = [line.replace(COLON, ":") for line in lines]


def with_descriptions(_app: Any, document: Any, _place: str) -> None:
    """Describe the pictures of cells, whose addresses would be read to the blind otherwise."""
    for picture in document.findall(image):
        picture.setdefault("alt", "The picture that the cell above draws")


def with_signs(lines: Iterable[str]) -> Iterator[str]:
    r"""Yield a docstring whose signs outside code are nothing but signs.

    Code that begins with a dot or a tilde is no name, of which Sphinx would drop the sign.

    >>> list(with_signs(["Sum of |x|, shape (*runs, n), `|x|`", "A `.gz`.", ">>> 1 | 2"]))
    ['Sum of \\|x\\|, shape (\\*runs, n), `|x|`', 'A ``.gz``.', '>>> 1 | 2']
    """
    is_example = False
    for line in lines:
        is_example = line.lstrip().startswith(">>> ") or (is_example and bool(line.strip()))
        if is_example or line.lstrip().startswith("|"):
            yield line
        else:
            parts = line.split("`")
            parts[::2] = [re.sub(r"\||(?<=\()\*(?=\w)", r"\\\g<0>", each) for each in parts[::2]]
            parts[1::2] = [re.sub(r"^[.~!].*", r"`\g<0>`", each) for each in parts[1::2]]
            yield "`".join(parts)


def with_tables(lines: Iterable[str]) -> Iterator[str]:
    """Yield a docstring whose tables are those of reStructuredText.

    >>> list(with_tables(["| a | b |", "|---|---|", "| 1 | 2 |"]))[-4:]
    ['   * - a', '     - b', '   * - 1', '     - 2']
    """
    last = ""
    for line in lines:
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        is_row = line.lstrip().startswith("|")
        if is_row and not last.startswith("|"):
            yield from (".. list-table::", "   :header-rows: 1", "")
        if not is_row:
            yield line
        elif not set(line.strip()) <= {"|", "-", " "}:
            yield f"   * - {cells[0]}"
            yield from (f"     - {cell}" for cell in cells[1:])
        last = line.lstrip()


def with_sections(lines: list[str]) -> Iterator[str]:
    """Yield a docstring whose short sections, a line with a text, are sections of napoleon's.

    What is returned is a field instead, as a colon in it would be taken for the end of a type; and
    so are errors without names.

    >>> list(with_sections(["Add.", "", "Returns: the sum: a", "  number.", "Source: Euclid."]))
    ['Add.', '', ':returns: the sum: a', '   number.', '', 'Source:', '    Euclid.', '']
    >>> list(with_sections(["Raises: what the function raises."]))
    [':Raises: what the function raises.', '']
    """
    rest = [*lines, ""]
    while rest:
        line = rest.pop(0)
        found = SECTION.fullmatch(line)
        if not found or (found["name"] not in FIELDS and not found["text"]):
            yield line
            continue
        name, indent, text = found["name"], found["indent"], [found["text"]] * bool(found["text"])
        while rest[0].strip() and not SECTION.fullmatch(rest[0]):
            text.append(rest.pop(0).strip())
        if not rest[0].strip():
            rest.pop(0)
        field = FIELDS.get(name, name)
        if name in FIELDS or (name == "Raises" and not NAMED.fullmatch(text[0])):
            yield f"{indent}:{field}: {text[0]}"
            yield from (f"{indent}   {each}" for each in text[1:])
        else:
            more = " " * 4 * (name == "Raises")
            yield f"{indent}{name}:"
            yield f"{indent}    {text[0]}"
            yield from (f"{indent}    {more}{each}" for each in text[1:])
        yield ""


def without_constraints(_app: Any, function: Any, _is_bound: bool) -> None:
    """Show the types of arguments without the constraints that are declared with them."""
    annotations = getattr(function, "__annotations__", {})
    if any("Annotated" in repr(each) for each in annotations.values()):
        function.__annotations__ = get_type_hints(function)


def shorter(
    _app: Any,
    _what: str,
    _name: str,
    value: Any,
    _options: Any,
    arguments: str | None,
    returned: str | None,
) -> tuple[str | None, str | None]:
    """Return a signature with the names that programs write: of arrays, keys and functions.

    Protocols have none, as nobody makes them.
    """
    if getattr(value, "_is_protocol", False):
        return "", None
    return arguments and with_names(arguments), returned and with_names(returned)


def with_names(signature: str) -> str:
    """Return part of a signature with the names that programs write.

    >>> with_names("(x: ~jaxtyping.Float[jaxlib._jax.Array, 'n'], act=<jax.custom_jvp object>)")
    "(x: Float[Array, 'n'], act=...)"
    >>> with_names("(x: ~numpy.ndarray[tuple[~typing.Any, ...], ~numpy.dtype[~numpy.bool]])")
    '(x: NDArray[~numpy.bool])'
    """
    signature = signature.replace(stringify_annotation(ArrayLike, "smart"), "ArrayLike")
    any_shape = r"~?numpy\.ndarray\[tuple\[~?typing\.Any, \.\.\.\], ~?numpy\.dtype\[([^\[\]]+)\]\]"
    signature = re.sub(any_shape, r"NDArray[\1]", signature)
    signature = re.sub(r"<[^<>]+>", "...", signature)  # a value without a name
    signature = re.sub(r"~?(?:jaxtyping\.|(?:jax\.)?jaxlib\._jax\.)", "", signature)
    key = "Key[Array, ''] | UInt32[Array, '2'] | UInt32[Array, '4']"
    return signature.replace(key, "PRNGKeyArray")


def home_of(_app: Any, module: str, name: str) -> str:
    """Return the module with the source of what another offers.

    Of a constant or a type that is the module which offers it: Sphinx would ask the value, and a
    type of whole numbers says that it comes with Python. Of what lies behind public names there is
    none: sources link back to one module alone, the public one.
    """
    if f"{module}.{name}".removeprefix("mnist1d.").startswith(OTHER):
        return NOWHERE
    above, _, last = module.rpartition(".")
    place = sys.modules.get(module) or getattr(sys.modules.get(above), last, None)
    value = inspect.unwrap(getattr(place, name.partition(".")[0], None))
    is_defined = inspect.isclass(value) or inspect.isroutine(value)
    return str(value.__module__ if is_defined else getattr(place, "__name__", module))


def without_nowhere(app: Any) -> Iterator[Any]:
    """Leave the module that is none out of the list of sources; adds no pages."""
    app.env._viewcode_modules.pop(NOWHERE, None)  # noqa: SLF001 (viewcode has no other way)
    return iter(())


def found_elsewhere(app: Any, env: Any, node: Any, contnode: Any) -> Any:
    """Return a link to a public type that a docstring of another module names.

    Names in small letters stay code: most of them are arguments or files.
    """
    target = node.get("reftarget", "")
    if node.get("refdomain") != "py" or not re.fullmatch(r"[A-Z]+[a-z]\w*", target):
        return None
    domain = env.get_domain("py")
    found = [
        (place, entry)
        for place, entry in domain.objects.items()
        if place.endswith(f".{target}") and not entry.aliased and entry.objtype == "class"
    ]
    if len(found) != 1:
        return None
    ((place, entry),) = found
    start = node["refdoc"]
    return make_refnode(app.builder, start, entry.docname, entry.node_id, contnode, place)


def is_left_out(
    _app: Any, _what: str, name: str, member: Any, _skip: bool, _options: Any
) -> bool | None:
    """Leave out what is no part of a class's own description.

    Constructors and fields of named tuples, which the class describes; functions that are the
    default of a field; what another package wrote; and what Python calls (`is_called_by_python`).

    Returns: whether a member is left out; None to leave it to Sphinx.
    """
    is_field = type(member).__name__ == "_tuplegetter"
    is_default = inspect.isroutine(member) and "." not in getattr(member, "__qualname__", ".")
    is_foreign = not str(getattr(member, "__module__", None) or "mnist1d").startswith("mnist1d")
    is_out = name == "__init__" or is_field or is_default or is_foreign
    return True if is_out or is_called_by_python(member) else None


def is_called_by_python(member: Any) -> bool:
    """Return whether a method is there for a class of the standard library, which calls it.

    >>> from mnist1d.explore import Explorer
    >>> is_called_by_python(Explorer.handle_error), is_called_by_python(Explorer.__init__)
    (True, False)
    """
    module, path = getattr(member, "__module__", ""), getattr(member, "__qualname__", "")
    owner = getattr(sys.modules.get(module), path.rpartition(".")[0], None)
    return not path.endswith("__") and any(
        path.rpartition(".")[2] in vars(base)
        for base in (inspect.getmro(owner)[1:] if inspect.isclass(owner) else ())
        if base.__module__.partition(".")[0] in sys.stdlib_module_names
    )
