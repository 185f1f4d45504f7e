"""Plain code: files whose text, with the versions of packages, says what running them gives.

A file may also read other files, the environment, a clock or random numbers when it is run, and
give another value every time. Whether it does is undecidable; whether it does nothing but import,
define and combine by well-known means is easy to see.
"""

import ast
import builtins
import re
from collections import Counter
from collections.abc import Collection, Mapping
from typing import NoReturn

STANDARD: Mapping[str, str] = {
    **dict.fromkeys(
        ("__future__", "abc", "copy", "dataclasses", "enum", "fractions", "math", "numbers"), r".*"
    ),
    # Others of these call what they are given later, as a `defaultdict` does.
    "collections": r"abc\.\w+|namedtuple|OrderedDict|Counter|deque",
    "functools": r"partial|cache|lru_cache|wraps|cached_property",
    "itertools": r"product|chain|count|repeat|zip_longest|combinations|permutations|islice",
    "operator": r"attrgetter|itemgetter",
    "types": r"MappingProxyType|SimpleNamespace",
    "typing": r".*",
}
"""The same of modules of Python itself, which are to be found before any file of that name."""
_PURE: Mapping[str, str] = {
    **STANDARD,
    "numpy": r"array|asarray|arange|linspace|logspace|geomspace|zeros|ones|full|eye|sqrt|exp|log"
    r"|u?int\d+|float\d+|pi|inf|nan|newaxis",
    "jax": r"(nn|numpy|random|tree|lax)\.(?!load|from|save)\w+|jit|vmap|grad|value_and_grad"
    r"|checkpoint|custom_jvp|custom_vjp|remat",
    "jaxtyping": r"(?!load_ipython|install)\w+",
    "equinox": r"nn\.\w+|Module|field|filter_\w+",
    "optax": r"[\w.]+",
    "sklearn": r"(?!datasets)[\w.]+\.[A-Z]\w*|(pipeline|compose)\.make_\w+",
    "mnist1d": r"([a-z_]\w*\.)*[A-Z]\w*",
    # Weights of such models are random numbers without a seed of their own.
    **dict.fromkeys(("torch", "flax", "scipy"), r"(?!)"),
}
"""Packages that plain code may import, and which of their names it may call at once."""
_CALLS_NOTHING = ("mnist1d.", "functools.partial")
"""What keeps a function that it is given, and does not call it at once."""
_OUTSIDE = re.compile(
    r"(?!jax\.random\b)[\w.]*\b(config|environ|backends|flags|cuda|memmap|DataSource"
    r"|\w*(rand|load|fetch)\w*|(from|open|read|save|tree_des|genfrom)\w*)\b[\w.]*"
)
"""Places in packages of what is not the same everywhere, or may read it."""
_BUILTINS = {
    *("abs", "all", "any", "bool", "complex", "dict", "divmod", "enumerate", "float", "int"),
    *("isinstance", "issubclass", "len", "list", "max", "min", "object", "pow", "range"),
    *("reversed", "round", "slice", "sorted", "str", "sum", "super", "tuple", "zip"),
    *("classmethod", "property", "staticmethod", "__name__"),
}
_METHODS = {
    *("append", "copy", "count", "extend", "format", "get", "index", "items", "join", "keys"),
    *("lower", "replace", "setdefault", "split", "strip", "upper", "update", "values"),
}
"""Methods of containers and texts."""
_HOOKS = {"__init_subclass__", "__set_name__", "__prepare__", "__getattr__", "__class_getitem__"}
"""Functions that Python calls by itself."""
_Function = ast.FunctionDef | ast.AsyncFunctionDef


class _DoubtError(Exception):
    """Something is not plain."""


def doubt_about(source: bytes, own: Collection[str] = ()) -> str:
    r"""Say why a file may not be plain; empty if it is.

    Whatever is not known to be plain is not.

    Args:
        source: of the file.
        own: names of modules that are files of one's own; they have to be plain, too.

    >>> doubt_about(b"from functools import partial\nMADE = partial(print, 3)")
    'line 2: print'
    >>> doubt_about(b"import optax\nMADE = {'slow': optax.adam(0.001)}")
    ''
    >>> doubt_about(b"import os\nWIDTH = int(os.environ['WIDTH'])")
    'line 1: import of os'
    """
    try:
        _Reader(ast.parse(source), {name.partition(".")[0] for name in own}).read()
    except (SyntaxError, ValueError, RecursionError) as error:
        return f"cannot be read: {type(error).__name__}"
    except _DoubtError as error:
        return str(error)
    return ""


class _Reader:
    """Goes through what running a file does, which is more than what its functions say."""

    def __init__(self, tree: ast.Module, own: Collection[str]) -> None:
        self._tree, self._own = tree, own
        self._places: dict[str, str] = {}  # of imported names
        self._made: dict[str, _Function | ast.ClassDef] = {}
        self._bound = Counter[str]()
        self._called: set[int] = set()

    def read(self) -> None:
        for node in ast.walk(self._tree):
            self._bind(node)
        self._statements(self._tree.body)

    def _bind(self, node: ast.AST) -> None:
        """Note what gives a name to something, anywhere in the file."""
        if isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                origin = alias.name
                if isinstance(node, ast.ImportFrom):
                    origin = f"{'.' * node.level}{node.module or ''}.{alias.name}"
                elif alias.asname is None:
                    origin = origin.partition(".")[0]
                name = alias.asname or origin.rpartition(".")[2]
                self._bound[name] += self._places.get(name) != origin
                self._places[name] = origin
        elif isinstance(node, _Function | ast.ClassDef):
            self._made[node.name] = node
            self._bound[node.name] += 1
        elif isinstance(node, ast.arg):
            self._bound[node.arg] += 1
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            self._bound[node.id] += 1

    def _statements(self, statements: list[ast.stmt]) -> None:
        for each in statements:
            self._statement(each)

    def _statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Import() | ast.ImportFrom():
                self._import(node)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._definition(node)
            case ast.ClassDef():
                self._class(node)
            case ast.Assign() | ast.AnnAssign() | ast.AugAssign():
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                for target in targets:
                    self._target(target)
                if isinstance(node, ast.AnnAssign):
                    self._value(node.annotation)
                self._value(node.value)
            case ast.If() if ast.unparse(node.test) in {
                "__name__ == '__main__'",
                "TYPE_CHECKING",
            }:
                self._statements(node.orelse)
            case ast.If():
                self._value(node.test)
                self._statements([*node.body, *node.orelse])
            case ast.For():
                self._target(node.target)
                self._value(node.iter)
                self._statements([*node.body, *node.orelse])
            case ast.Expr() | ast.Return():
                self._value(node.value)
            case ast.Pass():
                pass
            case _:
                _doubt(node, type(node).__name__.lower())

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        modules = [each.name for each in node.names]
        if isinstance(node, ast.ImportFrom):
            modules = [node.module or ""] if not node.level else []
        for module in modules:
            root = module.partition(".")[0]
            if root not in self._own and root not in _PURE:
                _doubt(node, f"import of {module}")
        if any(each.name == "*" for each in node.names):
            _doubt(node, "import of *")

    def _definition(self, node: _Function) -> None:
        if node.name in _HOOKS:
            _doubt(node, node.name)
        arguments = node.args
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        every += [each for each in (arguments.vararg, arguments.kwarg) if each is not None]
        for value in (
            *(each.annotation for each in every),
            *(node.returns, *arguments.defaults, *arguments.kw_defaults),
        ):
            self._value(value)
        self._decorators(node)

    def _class(self, node: ast.ClassDef) -> None:
        for value in (*node.bases, *(each.value for each in node.keywords)):
            self._value(value)
        for part in node.keywords:  # a metaclass, which is called at once
            self._given(part.value)
        self._decorators(node)
        self._statements(node.body)

    def _decorators(self, node: _Function | ast.ClassDef) -> None:
        for each in node.decorator_list:
            if isinstance(each, ast.Call):
                self._value(each)
                if isinstance(each.func, ast.Name) and each.func.id in self._made:
                    _doubt(each, f"a decorator that {each.func.id} makes")
            else:
                self._called_by(each)

    def _target(self, node: ast.expr) -> None:
        match node:
            case ast.Name(id=name) if name not in _HOOKS:
                pass
            case ast.Tuple() | ast.List():
                for each in node.elts:
                    self._target(each)
            case ast.Subscript(value=ast.Name(id=name)) if name not in self._places:
                self._value(node.slice)
            case _:
                _doubt(node, f"change of {ast.unparse(node)}")

    def _value(self, node: ast.AST | None) -> None:
        match node:
            case None:
                return
            case ast.Lambda():
                for default in (*node.args.defaults, *node.args.kw_defaults):
                    self._value(default)
                return
            case ast.Call():
                self._call(node)
            case ast.Name():
                self._name(node)
            case ast.Attribute():
                place = self._place(node)
                if place is not None:
                    self._from(place, node)
            case ast.Set() | ast.SetComp() | ast.Await() | ast.Yield() | ast.YieldFrom():
                _doubt(node, type(node).__name__.lower())
            case _:
                pass
        for child in ast.iter_child_nodes(node):
            self._value(child)

    def _name(self, node: ast.Name) -> None:
        name = node.id
        is_known = name in _BUILTINS or name.endswith("Error")
        if not is_known and (name in vars(builtins) or not self._bound[name]):
            _doubt(node, name)
        self._from(self._places.get(name, ""), node)

    def _from(self, place: str, node: ast.AST) -> None:
        """Check where something is from that is not called here, but may be called somewhere."""
        if place.partition(".")[0] not in self._own and _OUTSIDE.fullmatch(place):
            _doubt(node, place)

    def _call(self, node: ast.Call) -> None:
        place = self._called_by(node.func)
        if place.startswith(_CALLS_NOTHING) or place == ".":
            return
        for value in (*node.args, *(each.value for each in node.keywords)):
            self._given(value)

    def _given(self, node: ast.AST) -> None:
        """Check what is given to what may call it at once."""
        if isinstance(node, ast.Lambda):
            self._value(node.body)
            return
        if isinstance(node, ast.Name) and node.id in self._made:
            self._run(node.id)
            return
        place = self._place(node) if isinstance(node, ast.expr) else None
        if place is None:
            for child in ast.iter_child_nodes(node):
                self._given(child)
        elif not self._is_pure(place):
            _doubt(node, place)

    def _called_by(self, function: ast.expr) -> str:
        """Check what is called, and return where it is from: "." if it is of this file."""
        if isinstance(function, ast.Name):
            name = function.id
            if name in self._made and self._bound[name] == 1:
                self._run(name)
                return "."
            if not self._bound[name] and name in _BUILTINS:
                return name
        place = self._place(function)
        if place is None:
            methods = _METHODS - self._made.keys()
            if isinstance(function, ast.Attribute) and function.attr in methods:
                return function.attr
            _doubt(function, f"call of {ast.unparse(function)}")
        if not self._is_pure(place):
            _doubt(function, f"call of {place}")
        return place

    def _is_pure(self, place: str) -> bool:
        root, _, rest = place.partition(".")
        return root not in self._own and bool(re.fullmatch(_PURE.get(root, "(?!)"), rest))

    def _place(self, node: ast.expr) -> str | None:
        """Return where something imported is from, as "jax.numpy.arange"; None of other things."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.insert(0, node.attr)
            node = node.value
        if not isinstance(node, ast.Name) or node.id not in self._places:
            return None
        if self._bound[node.id] != 1:
            _doubt(node, f"{node.id}, which is several things")
        return ".".join([self._places[node.id], *parts])

    def _run(self, name: str) -> None:
        """Check what a function or class of the file does when it is called."""
        thing = self._made[name]
        if id(thing) in self._called:
            return
        self._called.add(id(thing))
        if isinstance(thing, _Function):
            self._statements(thing.body)
            return
        for each in thing.body:
            if isinstance(each, _Function):
                self._statements(each.body)
        for part in (*thing.bases, *(each.value for each in thing.keywords)):
            if isinstance(part, ast.Name) and part.id in self._made:
                self._run(part.id)


def _doubt(node: ast.AST, what: str) -> NoReturn:
    raise _DoubtError(f"line {getattr(node, 'lineno', 0)}: {what}")
