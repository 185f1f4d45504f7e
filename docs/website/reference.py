"""The pages of the reference: every public name of the package, on the page of its purpose."""

import ast
import inspect
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from sphinx.pycode import ModuleAnalyzer
from website import sources


class Page(NamedTuple):
    """A page of the reference.

    Attributes:
        title: of the page.
        text: what its names have in common.
        origins: the modules and folders of the package that its names are defined in.
    """

    title: str
    text: str
    origins: tuple[str, ...]


PAGES = {
    "dataset": Page(
        "The dataset",
        "Making the published dataset and every variant of it, with NumPy alone.",
        ("dataset",),
    ),
    "streams": Page(
        "Streams and sets of files",
        "Endless samples, each computed from its index, and sets of any size as files.",
        ("stream", "shards"),
    ),
    "adapters": Page(
        "For other libraries",
        "The dataset with the conventions of JAX, PyTorch, scikit-learn, pandas and Hugging Face; "
        "and MNIST's files.",
        ("jax", "torch", "sklearn", "dataset.export", "mnist"),
    ),
    "lab": Page(
        "Comparing candidates",
        "The laboratory: candidates with the same data, the same tuning and the same seeds.",
        ("lab",),
    ),
    "models": Page(
        "Models",
        "The architectures of the experiments, their layers and their masks. A model maps one "
        "example to logits.",
        ("models",),
    ),
    "training": Page(
        "Training",
        "One run as a pure function, and many runs as one compiled program.",
        ("training", "execution.devices", "execution.executors", "experiments.self_supervised"),
    ),
    "measures": Page(
        "Measures",
        "Estimates over seeds with their intervals, measures as expressions, probes of "
        "representations.",
        ("measures",),
    ),
    "experiments": Page(
        "Experiments",
        "Running, judging and storing experiments: those of the paper and your own.",
        ("harness", "execution", "experiments", "dataset.constraints", "report"),
    ),
    "figures": Page(
        "Pictures and figures",
        "Pictures of signals, and the house style of figures.",
        ("figures",),
    ),
    "explorer": Page("The explorer", "The explorer's server, and its files.", ("explore",)),
    "published": Page(
        "The published interface",
        "What programs written for the published package call; it stays as it was.",
        ("data", "transform", "utils", "published"),
    ),
}
"""The pages by their addresses, in their order."""

MODULES = ("mnist1d", "lab", "stream", "shards", "jax", "torch", "sklearn", "export", "mnist")
MODULES += ("shards.exports", "pictures", "report", "explore")
"""Where programs find public names: the package, and what it offers."""

KINDS = {
    "function": "Functions",
    "class": "Classes",
    "data": "Types and constants",
    "exception": "Errors",
    "other": "Behind these names",
}
"""Kinds of names; all but `other` are the last part of Sphinx's directive."""

OTHER = (
    "dataset.constraints.Constraint",
    "dataset.standardisation.Standardisation",
    "harness.interface.Experiment",
    "harness.verdicts.rules.Assessment",
    "lab.candidates.compiled.candidate.CompiledCandidate",
    "lab.comparison.entries.to_dataset",
    "lab.leaderboard.verification.Repetition",
    "lab.statistics.plan.Plan",
    "lab.tracks.Score",
    "measures.curvature.Eigenvalue",
    "measures.replication.Spread",
    "models.masked_mlp.Needed",
)
"""What functions take or return, or descriptions name, and programs do not import."""


class Name(NamedTuple):
    """A public name.

    Attributes:
        path: where programs find it.
        origin: the module that defines it.
        kind: one of `KINDS`.
        value: what it stands for.
    """

    path: str
    origin: str
    kind: str
    value: object


def module_of(name: str) -> ModuleType:
    """Return a module of `MODULES`; some of them are attributes of the package."""
    package = import_module("mnist1d")
    return (
        package
        if name == "mnist1d"
        else getattr(package, name, None) or import_module(f"mnist1d.{name}")
    )


def names() -> Iterator[Name]:
    """Yield every public name but those of modules, and then the types behind them."""
    for each in MODULES:
        module, path = module_of(each), "mnist1d" if each == "mnist1d" else f"mnist1d.{each}"
        for name in module.__all__:
            value = getattr(module, name)
            if not inspect.ismodule(value) and not name.startswith("_"):
                yield Name(f"{path}.{name}", home_of(name, module), kind_of(name, value), value)
    for path in OTHER:
        module, _, name = f"mnist1d.{path}".rpartition(".")
        yield Name(f"{module}.{name}", module, "other", getattr(import_module(module), name))


def home_of(name: str, module: ModuleType) -> str:
    """Return the module that defines a name which a module offers."""
    tree = ast.parse(Path(str(module.__file__)).read_text("utf-8"))
    for statement in ast.walk(tree):
        for alias in statement.names if isinstance(statement, ast.ImportFrom) else ():
            is_any = alias.name == "*" and name in import_module(str(statement.module)).__all__
            if is_any or (alias.asname or alias.name) == name:
                original = name if is_any else alias.name
                return home_of(original, import_module(str(statement.module)))
    return module.__name__


def kind_of(name: str, value: object) -> str:
    """Return the kind of a name, by what it stands for.

    A second name of a class is a constant, whose description stands with it in the source.
    """
    if inspect.isclass(value) and value.__name__ == name:
        return "exception" if issubclass(value, BaseException) else "class"
    return "function" if inspect.isroutine(value) or hasattr(value, "__wrapped__") else "data"


def page_of(name: Name) -> str:
    """Return the page of a name: of the longest origin that it lies in."""
    home = f"{name.origin.removeprefix('mnist1d.')}."
    fitting = [
        (len(origin), page)
        for page, about in PAGES.items()
        for origin in about.origins
        if home.startswith(f"{origin}.")
    ]
    if not fitting:
        raise LookupError(f"no page of the reference takes names of {name.origin}")
    return max(fitting)[1]


def write_pages(out: Path) -> None:
    """Write all pages of the reference into a folder for Sphinx."""
    every = list(names())
    for page, (title, text, _) in PAGES.items():
        own = [name for name in every if page_of(name) == page]
        public = [name for name in own if name.kind != "other"]
        parts = [heading(title, "="), text]
        for module in dict.fromkeys(name.path.rpartition(".")[0] for name in public):
            inside = [name for name in public if name.path.rpartition(".")[0] == module]
            parts += [f".. currentmodule:: {module}", *summary(inside)]
        for kind, called in KINDS.items():
            entries = [entry(name) for name in own if name.kind == kind]
            parts += [heading(called, "-"), *entries] if entries else []
        sources.write(out / "reference" / "api" / f"{page}.rst", "\n\n".join(parts) + "\n")


def summary(own: list[Name]) -> list[str]:
    """Return a table of names, with the first sentences of their docstrings."""
    rows = "\n".join(f"   {name.path}" for name in own if name.kind != "data")
    return [f".. autosummary::\n   :nosignatures:\n\n{rows}"] if rows else []


def entry(name: Name) -> str:
    """Return the directive that describes a name."""
    module, _, short = name.path.rpartition(".")
    if name.kind != "data":
        kind = kind_of(short, name.value) if name.kind == "other" else name.kind
        members = "" if kind == "function" else "\n   :members:"
        return f".. auto{kind}:: {name.path}{members}"
    return "\n\n".join([f".. py:data:: {short}\n   :module: {module}", *described(name)])


def described(name: Name) -> list[str]:
    """Return the description of a constant or a type, indented."""
    docs = ModuleAnalyzer.for_module(name.origin).find_attr_docs()
    lines = docs.get(("", name.path.rpartition(".")[2]), ())
    return ["\n".join(f"   {line}".rstrip() for line in lines)] if lines else []


def heading(text: str, mark: str) -> str:
    """Return a heading."""
    return f"{text}\n{mark * len(text)}"
