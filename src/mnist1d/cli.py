"""The command `mnist1d`."""

import sys
from importlib import import_module, util


def main() -> None:
    """Run the command line; without the laboratory's packages, say how to get them."""
    missing = [
        name
        for name in ("equinox", "jax", "matplotlib", "optax", "rich", "tyro", "xarray")
        if util.find_spec(name) is None
    ]
    if missing:
        sys.exit(
            f"mnist1d: the laboratory needs {', '.join(missing)}; "
            "install it with: python -m pip install 'mnist1d[lab]'"
        )
    import_module("mnist1d.commands").main()
