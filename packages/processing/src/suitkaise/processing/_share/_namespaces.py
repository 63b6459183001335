"""What `vars` gives of a shared object: a dict of its attributes, as they are when it is asked for."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any


class Namespace(dict[str, Any]):
    """The attributes of a shared object by name; what is set or deleted here, is so there."""

    def __init__(self, shared: Any, attributes: dict[str, Any]) -> None:
        super().__init__(attributes)
        self._shared = shared

    def __setitem__(self, name: str, value: Any) -> None:
        from ._objects import set_data

        set_data(self._shared, name, value)
        super().__setitem__(name, value)

    def __delitem__(self, name: str) -> None:
        from ._objects import delete_data

        super().__delitem__(name)
        delete_data(self._shared, name)

    def __ior__(self, other: Any) -> Namespace:  # type: ignore[override,misc]
        self.update(other)
        return self

    def __reduce__(self) -> Any:
        return dict, (dict(self),)

    # Of dict itself these would not go through the two above.
    update = MutableMapping.update  # type: ignore[assignment]
    setdefault = MutableMapping.setdefault  # type: ignore[assignment]
    pop = MutableMapping.pop  # type: ignore[assignment]
    popitem = MutableMapping.popitem
    clear = MutableMapping.clear
