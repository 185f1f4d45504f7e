"""Every way to reach the names."""

import sys

import mnist1d
import mnist1d.data
import mnist1d.utils
from mnist1d import ObjectView, data, transform, utils
from mnist1d.data import (  # noqa: F401
    from_pickle,
    get_dataset,
    get_dataset_args,
    get_templates,
    make_dataset,
    set_seed,
    to_pickle,
)
from mnist1d.utils import plot_signals  # noqa: F401

names = {
    "mnist1d": [
        "ObjectView", "data", "from_pickle", "get_dataset", "get_dataset_args", "get_templates",
        "plot_signals", "set_seed", "to_pickle", "transform", "utils",
    ],
    "mnist1d.data": [
        "ObjectView", "from_pickle", "get_dataset", "get_dataset_args", "get_templates",
        "make_dataset", "mnist1d", "np", "os", "requests", "set_seed", "to_pickle", "transform",
    ],
    "mnist1d.transform": [
        "corr_noise_like", "gaussian_filter", "iid_noise_like", "interp1d", "interpolate", "np",
        "pad", "scipy", "shear", "transform", "translate",
    ],
    "mnist1d.utils": [
        "ObjectView", "from_pickle", "np", "pickle", "plot_signals", "plt", "random", "set_seed",
        "to_pickle", "transform",
    ],
}  # fmt: skip
kinds = {
    f"{module}.{name}": type(getattr(sys.modules[module], name)).__name__
    for module in names
    for name in names[module]
    if name != "requests"
}
print(mnist1d.transform is transform, callable(transform), mnist1d.data is data)
print(data.ObjectView is ObjectView is utils.ObjectView, ObjectView.__module__)
set_seed(5)
x, t = transform(get_templates()["x"][0], get_templates()["t"], get_dataset_args())
