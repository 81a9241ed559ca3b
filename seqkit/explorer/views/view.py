"""The description of a view."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seqkit.explorer.opening import Item

if TYPE_CHECKING:
    from starlette.routing import Route


@dataclass(frozen=True)
class View:
    """A tab of the page: ``templates/<name>.html`` and ``static/<name>.js``, over the items that it can show.

    Attributes:
        name: Its part of the address.
        title: The text of the tab.
        routes: Returns its addresses, ``/<name>/…``, each made by
            :func:`~seqkit.explorer.answers.endpoint`.
        kinds: The kinds of items that it can show.
        always: Whether it is there without any item.
        fits: Returns whether it can show an item of these kinds.
    """

    name: str
    title: str
    routes: Callable[[], list[Route]]
    kinds: frozenset[str] = frozenset()
    always: bool = False
    fits: Callable[[Item], bool] = lambda item: True

    @property
    def template(self) -> str:
        """The file in ``templates/``."""
        return f"{self.name}.html"

    def applies(self, items: Collection[Item]) -> list[Item]:
        """Return the items that it can show."""
        return [item for item in items if item.kind in self.kinds and self.fits(item)]
