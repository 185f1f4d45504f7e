"""Representations: the outputs of the layers of any Equinox model, and measures of them.

In a copy of the model, layers become instances of subclasses whose `__call__` records what it
returns. All of it is traceable, so that `Training.evaluate` may return representations at any step.
"""

import dataclasses
import types
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.custom_batching import custom_vmap
from jaxtyping import Array, Bool, Float, Int

try:
    from jax.extend.core import get_opaque_trace_state
except ImportError:  # JAX before 0.10
    from jax.core import get_opaque_trace_state

_NOTE = "note_of_recorder"

Notes = dict[str, Any]
"""Recorded outputs by the path of the layer."""


def representations(
    model: Any,
    x: Float[Array, "n length"],
    *,
    of: Sequence[str] | None = None,
    call: Callable[[Any, Any], Any] = lambda model, x: model(x),
) -> Notes:
    """Return the outputs of the layers of a model for every example.

    A layer is a module inside the model that is called: an attribute (`hidden`), an element of a
    list or tuple (`convolutions.0`), a module inside a module (`block.attention`). Of a layer that
    is called more than once, the later outputs are `name (2)`, `name (3)`. Functions such as
    `jax.nn.relu` are not modules: their outputs are not recorded, unless they are wrapped in an
    `equinox.nn.Lambda`.

    Args:
        model: maps one example to anything; with `batch_last = True` it is called once on
            `(length, n)`.
        x: signals, one per row; or any array whose leading axis are examples.
        of: paths of the layers that are wanted; None for all that were called.
        call: `(model, example) -> anything`, in place of calling the model: a method of it, say, or
            with a key.

    Returns: outputs by path, in the order of the calls: arrays of shape (n, ...), or trees of such
        arrays if a layer returns trees.
    Raises: ValueError: if there is no layer of a path in `of`, or it was never called, or only
        inside a loop (`jax.lax.scan`) or a compiled function of the model's own, where nothing can
        be recorded.

    >>> from mnist1d.models import CNN
    >>> outputs = representations(CNN(key=jax.random.key(0)), jnp.ones((7, 40)))
    >>> {name: output.shape for name, output in outputs.items()}
    {'convolutions.0': (7, 25, 19), 'convolutions.1': (7, 25, 10), 'convolutions.2': (7, 25, 5), \
'output': (7, 10)}
    """
    names = layer_names(model)
    wanted = names if of is None else list(of)
    if unknown := [name for name in wanted if name not in names]:
        raise ValueError(
            f"the model has no layer {', '.join(unknown)}; its layers are {', '.join(names)}"
        )
    outputs = dict(_record(model, jnp.asarray(x), tuple(wanted), call))
    silent = [name for name in wanted if name not in outputs]
    if of is not None and silent:
        raise ValueError(
            f"no output of {', '.join(silent)} could be recorded: never called, or only inside a "
            "loop or a compiled function"
        )
    return outputs


def layer_names(model: Any) -> list[str]:
    """Return the paths of the modules inside a model that can be called.

    >>> layer_names(eqx.nn.MLP(40, 10, 20, depth=1, key=jax.random.key(0)))
    ['layers.0', 'layers.1']
    """
    names: list[str] = []

    def note(path: str, module: eqx.Module) -> eqx.Module:
        if path and callable(module):
            names.append(path)
        return module

    _rebuild(model, "", note)
    return names


def linear_cka(a: Float[Array, "n *a"], b: Float[Array, "n *b"]) -> Float[Array, ""]:
    """Return the similarity of two representations of the same examples, 0 to 1.

    Linear centred kernel alignment: 1 if one is a rotation, scaling and shift of the other. With
    fewer examples than features it is large for any two representations.

    Args:
        a: shape (n, ...); all but the first axis are features.
        b: likewise, of other features.

    Source: Kornblith et al. (2019), equation 5 with a linear kernel.

    >>> a = jax.random.normal(jax.random.key(0), (100, 5))
    >>> turned = 3 * a @ jnp.linalg.qr(jax.random.normal(jax.random.key(1), (5, 5)))[0] + 1
    >>> round(linear_cka(a, turned).item(), 3)
    1.0
    """
    a, b = _centred(a), _centred(b)
    # Both products give the same sums; take the smaller one.
    if len(a) < max(a.shape[1], b.shape[1]):
        first, second = a @ a.T, b @ b.T
        shared = (first * second).sum()
    else:
        first, second = a.T @ a, b.T @ b
        shared = ((a.T @ b) ** 2).sum()
    return shared / (jnp.linalg.norm(first) * jnp.linalg.norm(second))


def effective_rank(h: Float[Array, "n *features"]) -> Float[Array, ""]:
    """Return the effective number of directions in which examples differ, 1 for points on a line.

    It is the exponential of the entropy of the singular values of the centred rows, as shares of
    their sum.

    Args:
        h: shape (n, ...); all but the first axis are features.

    Source: Roy and Vetterli (2007).

    >>> corners = jnp.concatenate([jnp.eye(3), -jnp.eye(3)])
    >>> round(effective_rank(corners).item(), 3)
    3.0
    """
    values = jnp.linalg.svd(_centred(h), compute_uv=False)
    shares = values / values.sum()
    return jnp.exp(-jax.scipy.special.xlogy(shares, shares).sum())


def dead_units(h: Float[Array, "n *features"]) -> Bool[Array, " units"]:
    """Return which features are 0 for every example, as those of units of relu that have died.

    Args:
        h: shape (n, ...); all but the first axis are features.

    Source: Dohare et al. (2024), Loss of plasticity in deep continual learning, Nature 632.

    >>> dead_units(jnp.array([[0.0, 1.0, 0.0], [0.0, 0.0, -2.0]])).tolist()
    [True, False, False]
    """
    return (h.reshape(len(h), -1) == 0).all(axis=0)


def within_class_variability(
    h: Float[Array, "n *features"], y: Int[Array, " n"], n_classes: int = 10
) -> Float[Array, ""]:
    """Return the ratio of the variance within classes to that between their means.

    It is the trace of the covariance within classes, divided by that of the covariance of their
    means: 0 if every class has collapsed into a point.

    Args:
        h: shape (n, ...); all but the first axis are features.
        y: classes, shape (n,), each at least once.
        n_classes: number of classes.

    Source: the first property of neural collapse, Papyan et al. (2020), with traces in place of
        their pseudo-inverse.

    >>> h = jnp.array([[0.0], [2.0], [10.0], [12.0]])
    >>> round(within_class_variability(h, jnp.array([0, 0, 1, 1]), 2).item(), 3)
    0.04
    """
    h = _centred(h)
    members = jax.nn.one_hot(y, n_classes, dtype=h.dtype)
    means = members.T @ h / members.sum(axis=0)[:, None]
    within = ((h - members @ means) ** 2).sum(axis=1).mean()
    return within / ((means - means.mean(axis=0)[None]) ** 2).sum(axis=1).mean()


@eqx.filter_jit
def _record(model: Any, x: Array, wanted: tuple[str, ...], call: Callable[..., Any]) -> Notes:
    def of_one(x: Array) -> Notes:
        notes: Notes = OrderedDict()  # a tree of JAX that keeps its order
        level = get_opaque_trace_state()

        def wrap(path: str, module: eqx.Module) -> eqx.Module:
            if not path or not callable(module):
                return module

            def note(output: Any) -> Any:
                return _note(output, path, notes, level) if path in wanted else output

            return _with_fields(_recording(type(module)), vars(module) | {_NOTE: _Note(note)})

        call(_rebuild(model, "", wrap), x)
        return notes

    if getattr(model, "batch_last", False):
        outputs = of_one(jnp.moveaxis(x, 0, -1))
        return jax.tree.map(lambda output: jnp.moveaxis(output, -1, 0), outputs)
    return jax.vmap(of_one)(x)


def _note(output: Any, path: str, notes: Notes, level: Any) -> Any:
    """Record the output of a layer, unless it was traced inside a loop or a compiled function."""
    if get_opaque_trace_state() == level:
        calls = sum(name == path or name.startswith(f"{path} (") for name in notes)
        notes[f"{path} ({calls + 1})" if calls else path] = output
        return output

    # Inside a `jax.vmap` of the model's own, as over the positions of a signal, the outputs of all
    # positions are known one level further out.
    @custom_vmap
    def passed(output: Any) -> Any:
        return output

    @passed.def_vmap
    def of_all(_: int, in_batched: Any, outputs: Any) -> Any:
        return _note(outputs, path, notes, level), in_batched[0]

    arrays, others = eqx.partition(output, eqx.is_array)
    return eqx.combine(passed(arrays), others)


@dataclasses.dataclass(frozen=True, eq=False)
class _Note:
    """A function that records an output; any two are equal, so that trees can be combined."""

    of: Callable[[Any], Any]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Note)

    def __hash__(self) -> int:
        return 0


@cache
def _recording(kind: type[eqx.Module]) -> type[eqx.Module]:
    """Make the subclass of a module's class whose instances record what they return."""

    def call(self: Any, *arguments: Any, **named: Any) -> Any:
        return getattr(self, _NOTE).of(kind.__call__(self, *arguments, **named))

    body = {
        "__annotations__": {_NOTE: Any},
        _NOTE: eqx.field(static=True, default=None),
        "__call__": call,
        "__module__": kind.__module__,
        "__doc__": kind.__doc__,
    }
    return types.new_class(kind.__name__, (kind,), exec_body=lambda own: own.update(body))


def _rebuild(node: Any, path: str, visit: Callable[[str, eqx.Module], eqx.Module]) -> Any:
    """Copy a tree of modules, replacing every one, inner ones first, by a function's result."""

    def below(key: Any, child: Any) -> Any:
        return _rebuild(child, f"{path}.{key}" if path else str(key), visit)

    if isinstance(node, eqx.Module):
        names = {field.name for field in dataclasses.fields(node)}
        values = {
            name: below(name, value) if name in names else value
            for name, value in vars(node).items()
        }
        return visit(path, _with_fields(type(node), values))
    if isinstance(node, dict):
        return {key: below(key, child) for key, child in node.items()}
    if isinstance(node, list) or type(node) is tuple:
        return type(node)(below(number, child) for number, child in enumerate(node))
    return node


def _with_fields(kind: Any, values: Any) -> Any:
    module = object.__new__(kind)
    for name, value in values.items():
        object.__setattr__(module, name, value)
    return module


def _centred(h: Array) -> Array:
    rows = h.reshape(len(h), -1)
    return rows - rows.mean(axis=0)[None]
