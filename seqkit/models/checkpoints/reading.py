"""Read the tensors of a folder as the parameters of a model, after checking every name and shape."""

from collections.abc import Callable, Iterable, Mapping
from typing import NoReturn

import numpy as np

from seqkit.errors import RunError
from seqkit.models.checkpoints.folder import CheckpointFolder
from seqkit.models.checkpoints.names import Names, Row

_SHOWN = 5
_REMEDY = "is config.json of the same model as the weights? Else download both again"
_OLD_ENDS = {"LayerNorm.gamma": "LayerNorm.weight", "LayerNorm.beta": "LayerNorm.bias"}
"""Names of the first BERT, which folders still have."""


def checked_arrays(
    folder: CheckpointFolder,
    names: Names,
    sizes: Mapping[str, int],
    layers: int,
    heads: Iterable[str] = (),
    *,
    tied: bool = False,
) -> Callable[[], dict[str, np.ndarray]]:
    """Check the tensors of a folder and return a function that reads them by our names.

    Args:
        folder: The folder.
        names: Its architecture's table.
        sizes: {letter of a shape: size}.
        layers: Number of layers.
        heads: Groups of parameters to read besides.
        tied: The copies belong to what is read, and must be equal.

    Raises:
        RunError: At once, before anything is allocated: a missing tensor or one of another shape, with its
            name and the shape that config.json makes it; or tensors that the architecture does not have.
    """
    reading = _Reading(folder, names, sizes)
    reading.check(layers, tuple(heads), tied)
    return lambda: reading.arrays(layers, tuple(heads))


def has_head(folder: CheckpointFolder, names: Names, head: str) -> bool:
    """Return whether the folder has any tensor of a head."""
    places = _places(folder, names)
    return any(name in places for row in names.heads[head] for name in row.stored)


def _places(folder: CheckpointFolder, names: Names) -> dict[str, str]:
    """Return {plain name: name in the folder}: without the prefix, old ends of names replaced."""
    places: dict[str, str] = {}
    for name in folder.tensors:
        plain = name.removeprefix(names.prefix)
        for old, new in _OLD_ENDS.items():
            if plain.endswith(old):
                plain = plain.removesuffix(old) + new
        if plain in places:
            raise RunError(
                f"{folder.path} has {places[plain]} and {name}, which are the same", remedy=_REMEDY
            )
        places[plain] = name
    return places


class _Reading:
    def __init__(self, folder: CheckpointFolder, names: Names, sizes: Mapping[str, int]) -> None:
        self.folder, self.names, self.sizes = folder, names, sizes
        self.places = _places(folder, names)
        for copy, original in names.copies.items():
            if copy in self.places and original not in self.places:  # either may be the one that is kept
                self.places[original] = self.places[copy]

    def check(self, layers: int, heads: tuple[str, ...], tied: bool) -> None:
        used: set[str] = set()
        for row in self.names.rows(layers, *heads):
            due = self._due(row)
            for name in row.stored:
                self._require(name, due)
                used.add(name)
        self._refuse_unknown(used)
        if tied:
            self._compare_copies(used)

    def arrays(self, layers: int, heads: tuple[str, ...]) -> dict[str, np.ndarray]:
        return {row.own: self._array(row) for row in self.names.rows(layers, *heads)}

    def _due(self, row: Row) -> tuple[int, ...]:
        return tuple(self.sizes[letter] for letter in row.shape.split())

    def _fail(self, what: str) -> NoReturn:
        raise RunError(
            f"{self.folder.path}: {what}",
            remedy=_REMEDY,
        )

    def _require(self, name: str, due: tuple[int, ...]) -> None:
        if name not in self.places:
            self._fail(f"the tensor {name} is missing, expected with shape {due}")
        stored = self.places[name]
        shape = self.folder.tensors[stored].shapes[stored]
        if shape != due:
            self._fail(f"{stored} has shape {shape}, expected {due}")

    def _read(self, name: str) -> np.ndarray:
        stored = self.places[name]
        return self.folder.tensors[stored].read(stored)

    def _array(self, row: Row) -> np.ndarray:
        parts = [self._read(name).T if row.transposed else self._read(name) for name in row.stored]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _refuse_unknown(self, used: set[str]) -> None:
        beside = (*self.names.unread, *(row.stored[0] for rows in self.names.heads.values() for row in rows))
        extra = [
            stored
            for name, stored in self.places.items()
            if name not in used
            and name not in self.names.copies
            and not name.endswith(self.names.ignored)
            and not name.startswith(beside)
        ]
        if extra:
            more = f" and {len(extra) - _SHOWN} more" if len(extra) > _SHOWN else ""
            self._fail(f"tensors that this architecture does not have: {', '.join(extra[:_SHOWN])}{more}")

    def _compare_copies(self, used: set[str]) -> None:
        for copy, original in self.names.copies.items():
            if copy not in self.places or original not in used or self.places[copy] == self.places[original]:
                continue
            if not np.array_equal(self._read(copy), self._read(original)):
                self._fail(
                    f"{self.places[copy]} differs from {self.places[original]}, expected equal (tied) values"
                )
