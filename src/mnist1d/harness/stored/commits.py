"""The commits of the code that made a result, as its attributes `commit` and `unit_commits`."""

import json
from collections import Counter
from collections.abc import Sequence

import xarray as xr

from mnist1d.execution import Store
from mnist1d.execution.commit import UNKNOWN, commit_of_code
from mnist1d.harness.stored.attributes import parsed


def commit_attributes(store: Store) -> dict[str, str]:
    """Return the attributes of a result on the code that made it and its finished tasks.

    Args:
        store: where tasks were found.

    Returns: `commit`, and `unit_commits` (JSON: number of tasks by commit) if a task that was found
        is of another one.

    >>> list(commit_attributes(Store()))
    ['commit']
    """
    commit = commit_of_code()
    others = {name: n for name, n in sorted(store.commits.items()) if name != commit}
    return {"commit": commit} | ({"unit_commits": json.dumps(others)} if others else {})


def commits_of(result: xr.Dataset) -> dict[str, int]:
    """Return the commits that made a result; of those of single tasks also how many.

    >>> commits_of(xr.Dataset(attrs={"commit": "abc", "unit_commits": '{"def": 3}'}))
    {'abc': 0, 'def': 3}
    >>> commits_of(xr.Dataset())
    {'unknown': 0}
    """
    own = str(result.attrs.get("commit", UNKNOWN)).split(", ")
    return dict.fromkeys(own, 0) | parsed(result.attrs, "unit_commits", {})


def commits_together(results: Sequence[xr.Dataset]) -> dict[str, str]:
    """Return the attributes on commits of a result that is made of others.

    >>> parts = [xr.Dataset(attrs={"commit": name}) for name in ("abc", "def", "abc")]
    >>> commits_together(parts)
    {'commit': 'abc, def'}
    """
    own: dict[str, None] = {}
    others: Counter[str] = Counter()
    for result in results:
        own |= dict.fromkeys(str(result.attrs.get("commit", UNKNOWN)).split(", "))
        others.update(parsed(result.attrs, "unit_commits", {}))
    return {"commit": ", ".join(own)} | ({"unit_commits": json.dumps(others)} if others else {})
