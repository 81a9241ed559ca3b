"""Tables of tensor names: here and in checkpoint folders, for reading and writing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np


class Row(NamedTuple):
    """A parameter here and its name in a folder; ``{i}`` is the number of a layer."""

    own: str
    stored: tuple[str, ...]
    """More than one: stacked along the first axis, in this order."""
    shape: str
    """Shape of each stored tensor, a letter an axis, such as "E V"; the sizes come from config.json."""
    transposed: bool = False
    """Matrices stored (in, out)."""

    def of_layer(self, i: int) -> Row:
        """Return the row of layer ``i``."""
        number = str(i)
        stored = tuple(name.replace("{i}", number) for name in self.stored)
        return self._replace(own=self.own.replace("{i}", number), stored=stored)


def linear(own: str, *stored: str, shape: str, transposed: bool = False) -> tuple[Row, Row]:
    """Return the rows of weight and bias of an affine layer; ``shape`` is that of each stored weight."""
    out = shape.split()[1 if transposed else 0]
    return (
        Row(f"{own}.weight", tuple(f"{name}.weight" for name in stored), shape, transposed),
        Row(f"{own}.bias", tuple(f"{name}.bias" for name in stored), out),
    )


def normalization(own: str, stored: str) -> tuple[Row, Row]:
    """Return the rows of weight and bias of a LayerNorm."""
    return Row(f"{own}.weight", (f"{stored}.weight",), "E"), Row(f"{own}.bias", (f"{stored}.bias",), "E")


@dataclass(frozen=True)
class Names:
    """The tensors of an architecture.

    prefix: what may stand before the names of ``body`` and ``layer`` (folders of models with a head have it).
    body, layer: what every folder has, once and once a layer.
    heads: groups of parameters beside them, by name.
    copies: tensors that repeat another, which must be equal to it where a folder has them.
    ignored: ends of the names of tensors that are not parameters.
    unread: beginnings of the names of heads that are not read.
    """

    prefix: str
    body: tuple[Row, ...]
    layer: tuple[Row, ...]
    heads: Mapping[str, tuple[Row, ...]]
    copies: Mapping[str, str]
    ignored: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()

    def rows(self, layers: int, *heads: str) -> Iterator[Row]:
        """Yield the rows of a model with these heads, layers numbered."""
        yield from self.body
        for i in range(layers):
            yield from (row.of_layer(i) for row in self.layer)
        for head in heads:
            yield from self.heads[head]


def stored_arrays(
    names: Names, arrays: Mapping[str, np.ndarray], layers: int, *heads: str, prefix: str = ""
) -> dict[str, np.ndarray]:
    """Rename parameters to the tensors of a folder, with ``prefix`` before all but the heads'.

    A row without a parameter is left out.
    """
    beside = {row.own for head in heads for row in names.heads[head]} if prefix else set()
    stored = {}
    for row in names.rows(layers, *heads):
        if row.own not in arrays:
            continue
        before = "" if row.own in beside else prefix
        for name, part in zip(row.stored, np.split(arrays[row.own], len(row.stored)), strict=True):
            stored[before + name] = part.T if row.transposed else part
    return stored
