"""The argument object of the published interface, `mnist1d.utils.ObjectView`."""

from typing import TYPE_CHECKING, Any


class ObjectView:
    """An object whose attributes are the entries of a dictionary.

    Setting an attribute sets the entry, and the reverse. Attributes can be set, added and deleted
    freely.

    Args:
        d: the dictionary, which is not copied.

    Raises:
        TypeError: if it is no dictionary.

    Source:
        reference `ObjectView`.

    >>> entries = {"num_samples": 5000}
    >>> args = ObjectView(entries)
    >>> args.num_samples = 100
    >>> args.comment = "small"
    >>> entries
    {'num_samples': 100, 'comment': 'small'}
    """

    # Where programs find it, and what their pickles name.
    __module__ = "mnist1d.utils"

    def __init__(self, d: dict[str, Any]) -> None:
        self.__dict__ = d

    def __repr__(self) -> str:
        return f"ObjectView({self.__dict__!r})"

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...
        def __setattr__(self, name: str, value: Any) -> None: ...
