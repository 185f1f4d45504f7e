"""Files whose text says what running them gives are told from those that may give anything."""

from pathlib import Path

import pytest

from mnist1d.execution.plain_code import doubt_about

ROOT = Path(__file__).parents[2]


def cases(text):
    """Return pieces of code by the comment above each."""
    pieces = (piece.partition("\n") for piece in text.strip().removeprefix("# ").split("\n# "))
    return {name: code for name, _, code in pieces}


PLAIN = cases("""
# values
A = [1, 2.5, 'x' * 3, None, (1, 2)]
B: dict = {k: A[0] + k for k in range(3)}

# functions
def f(x, n=3, *, m=2):
    import os
    return os.environ['A'] + open('b').read()

# lambdas
import numpy as np
CANDIDATES = {'a': lambda key: np.random.rand()}

# partial
from functools import partial
from mnist1d.lab import MLP
A = partial(MLP, hidden_size=3)

# makers
import equinox as eqx
def made(f):
    return lambda key: eqx.nn.MLP(1, 1, 1, 1, f, key=key)
import jax
A = {'a': made(jax.nn.relu), 'b': made(lambda x: open(x))}

# classes
import equinox as eqx
class Net(eqx.Module):
    a: int = 3
    def __call__(self, x):
        return open(x)
A = Net

# decorators
from dataclasses import dataclass
import jax
@dataclass(frozen=True)
class A:
    b: int = 1
@jax.jit
def f(x):
    return x
MADE = A(b=3)

# factories
from dataclasses import dataclass, field
import jax.numpy as jnp
@dataclass
class A:
    a: dict = field(default_factory=dict)
    b: object = field(default_factory=lambda: jnp.zeros(3))
MADE = A()

# loops
A = {}
for width in (8, 16):
    A[f'width {width}'] = lambda key, w=width: w
A.update(b=3)

# main
def main():
    print(open('x'))
if __name__ == '__main__':
    main()

# estimators
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC
A = make_pipeline(SVC(C=3))

# optimisers
import optax
A = optax.chain(optax.clip(1.0), optax.adam(optax.cosine_decay_schedule(1, 9)))

# keys
import jax
KEY = jax.random.key(0)
A = jax.random.normal(KEY, (3,))

# own modules
from blocks import Block
import blocks.more as more
A = {'a': Block, 'b': more.Net}
""")
DOUBTFUL = cases("""
# reads
A = open('a.txt').read()

# environment
import os
A = os.environ['A']

# clock
from time import time
A = time()

# random
import numpy as np
A = np.random.rand()

# random, aliased
from numpy import random as jax
A = jax.rand()

# weights
from torch import nn
A = nn.Linear(3, 4)

# arrays of files
import numpy as np
A = np.load('a.npy')

# packages
import unheard_of
A = unheard_of.B

# all names
from numpy import *

# import by name
A = __import__('os').environ

# in a function
def f():
    return open('a').read()
A = f()

# in a function's function
def g():
    return open('a')
def f():
    return g()
A = [f()]

# in a method
class B:
    def __init__(self):
        self.a = open('a')
A = B()

# in a base
class C:
    def __init__(self):
        self.a = open('a')
class B(C):
    pass
A = B()

# in a hook
class B:
    def __init_subclass__(cls):
        open('a')
class C(B):
    pass

# in a decorator
def d(f):
    open('a')
    return f
@d
def f():
    pass

# in a made decorator
def d(n):
    def e(f):
        return open('a')
    return e
@d(3)
def f():
    pass

# in a default
def f(x=open('a')):
    pass

# in a lambda's default
A = lambda x=open('a'): x

# in a class
class B:
    a = open('a')

# in a base's place
class B(type(open('a'))):
    pass

# in a sorting key
A = sorted([1, 2], key=lambda x: open('a'))

# in a key by name
def f(x):
    return open('a')
A = sorted([1, 2], key=f)

# in a comprehension
A = [open('a') for _ in range(3)]

# in a factory
from dataclasses import dataclass, field
@dataclass
class B:
    a: object = field(default_factory=lambda: open('a'))

# by another name
f = open
A = f('a')

# handed on
from functools import partial
A = sorted([1], key=partial(open, 'a'))

# a call of a call
A = (lambda: open('a'))()

# a name that is two things
from numpy import array as f
def f():
    pass
A = f()

# a method of its own
class B:
    @staticmethod
    def get():
        return open('a')
A = B.get()

# in a metaclass
class M(type):
    def __new__(cls, *parts):
        return open('a')
class B(metaclass=M):
    pass

# in a hook by assignment
class B:
    __set_name__ = lambda *_: open('a')

# a function of a package, handed on
import dataclasses
import jax
@dataclasses.dataclass
class B:
    a: int = dataclasses.field(default_factory=jax.device_count)

# a function that is called later
from collections import defaultdict
import jax
A = defaultdict(jax.device_count)['a']

# a class by name
A = type('A', (), {'__set_name__': None})

# a changed package
import jax
jax.nn.relu = 3

# settings
import jax
jax.config.update('jax_enable_x64', True)

# settings, imported
from jax import config
config.update('jax_enable_x64', True)

# devices
import jax
A = jax.device_count()

# an attempt
try:
    import flax
except ImportError:
    flax = None

# an order of chance
A = {'a', 'b'}

# a loop without end
while True:
    pass

# a shadowed module
import optax
A = optax.adam(1)

# a call of an own module
from blocks import made
A = made(3)
""") | {
    "no Python": "A = (",
    "a null": "A = 1\0",
    "depth": "A = " + "(" * 500 + ")" * 500,
}


@pytest.mark.parametrize("what", PLAIN)
def test_what_only_defines_is_plain(what):
    assert not doubt_about(PLAIN[what].encode(), ["blocks", "blocks.more"])


@pytest.mark.parametrize("what", DOUBTFUL)
def test_what_may_give_something_else_is_not(what):
    own = ["blocks", "optax"] if what == "a shadowed module" else ["blocks"]
    assert doubt_about(DOUBTFUL[what].encode(), own)


def test_the_reason_names_the_line():
    assert doubt_about(b"A = 1\nB = open('a')") == "line 2: call of open"


@pytest.mark.parametrize("path", ["leaderboard/small.py", "examples/optimizers.py"])
def test_our_candidates_are_plain(path):
    assert not doubt_about((ROOT / path).read_bytes())
