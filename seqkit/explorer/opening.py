"""The items of the explorer: runs, vector files, checkpoint folders, and those in folders of them.

Nothing is loaded when it is opened: a page over ten runs is there at once, and a model is read when a view
first asks for it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from seqkit.errors import CorpusNotFoundError, DataError, SeqkitError, UsageError
from seqkit.files.what_is import what_is
from seqkit.training import RunDirectory

VECTORS, CAUSAL, ENCODER, LABORATORY, UNREADABLE = "vectors", "causal", "encoder", "laboratory", "unreadable"
"""Kinds of items beside the tasks of runs.

CAUSAL is a folder of the GPT-2 family, ENCODER one of BERT's; LABORATORY has results of `seqkit lab run`.
"""
_MOST = 200
_VECTOR_SUFFIXES = (".safetensors", ".kv", ".vec", ".glove", ".w2v", ".bin", ".ftz")
"""Files that are taken for vectors in a folder; a file that is named may have any suffix."""


class Item:
    """A run, vector file or checkpoint folder that was opened.

    Attributes:
        name: The name in pages and addresses; no two items have the same.
        path: Its file or folder.
        kind: The task of a run ("language_modeling", "seq2seq", "embeddings", …), or :data:`VECTORS`,
            :data:`CAUSAL`, :data:`ENCODER`, :data:`LABORATORY`, or :data:`UNREADABLE`.
        error: Why it cannot be read; None for all kinds but :data:`UNREADABLE`.
        run: The run directory of a run, else None.
    """

    def __init__(
        self,
        name: str,
        path: Path,
        kind: str,
        *,
        error: SeqkitError | None = None,
        run: RunDirectory | None = None,
    ) -> None:
        self.name, self.path, self.kind, self.error, self.run = name, path, kind, error, run
        self._lock = threading.RLock()
        self._model: Any = None

    @contextmanager
    def use(self) -> Iterator[Any]:
        """Load the model on first use, and keep other threads from it while it is used.

        Yields:
            What ``seqkit.load`` returns for a run or folder, and :class:`~seqkit.vectors.KeyedVectors` of
            a vector file.

        Raises:
            SeqkitError: It cannot be loaded; the next use tries again.
        """
        with self._lock:
            if self._model is None:
                self._model = self._load()
            yield self._model

    def _load(self) -> Any:
        if self.error is not None:
            raise self.error
        if self.kind == VECTORS:
            from seqkit.vectors import load_vectors

            return load_vectors(self.path, writable=False)
        from seqkit.tasks import load

        return load(self.path)

    @property
    def is_run(self) -> bool:
        """Whether it is a run directory that can be read."""
        return self.run is not None

    def describe(self) -> dict[str, Any]:
        """Return name, kind and error for a page."""
        error = None if self.error is None else self.error.for_command()
        return {"name": self.name, "kind": self.kind, "error": error}


def open_items(paths: Sequence[str | Path]) -> list[Item]:
    """Open runs, vector files, checkpoint folders, and folders of these.

    Args:
        paths: What to open. What is in a folder of runs is opened in alphabetical order; one that cannot be
            read becomes an item of the kind :data:`UNREADABLE`.

    Raises:
        UsageError: A path is absent, or holds nothing that can be shown.
    """
    items: list[Item] = []
    names: set[str] = set()
    for path in map(Path, paths):
        found = list(_open(path))
        if not found:
            raise UsageError(
                f"expected a run, a vector file or a folder of runs, got {what_is(path).description}",
                where=str(path),
                remedy="give the folder of a training run, or a file of vectors",
            )
        for make in found:
            item = make(names)
            names.add(item.name)
            items.append(item)
    return items


Make = Callable[[set[str]], Item]
"""Returns the item under a name that is not among those taken."""


def _open(path: Path) -> Iterator[Make]:
    if path.is_file():
        yield _made(path.name, path, LABORATORY) if _is_result(path) else _vectors(path)
        return
    if not path.exists():
        raise CorpusNotFoundError(f"no file or folder {path}")
    found = what_is(path)
    if found.sort in ("run", "checkpoint"):
        yield _folder(path)
        return
    if _holds_results(path):
        yield _made(path.absolute().name, path, LABORATORY)
    for inside in sorted(path.iterdir())[:_MOST]:
        if inside.is_dir() and what_is(inside).sort in ("run", "checkpoint"):
            yield _folder(inside)
        elif inside.is_dir() and _holds_results(inside):
            yield _made(inside.name, inside, LABORATORY)
        elif inside.is_file() and inside.suffix in _VECTOR_SUFFIXES:
            yield _vectors(inside)


def _is_result(path: Path) -> bool:
    """Return whether a file has the name of results of an experiment."""
    from seqkit.lab import experiment_names

    return path.suffix == ".json" and path.stem in experiment_names()


def _holds_results(folder: Path) -> bool:
    return any(_is_result(each) for each in folder.glob("*.json"))


def _vectors(path: Path) -> Make:
    from seqkit.vectors.formats import detect_format

    try:
        detect_format(path)
    except DataError as error:
        return _made(path.name, path, UNREADABLE, error=error)
    return _made(path.name, path, VECTORS)


def _folder(path: Path) -> Make:
    found = what_is(path)
    name = path.absolute().name or str(path)
    if found.sort == "run":
        try:
            run = RunDirectory.open(path)
        except SeqkitError as error:
            return _made(name, path, UNREADABLE, error=error)
        if found.opened_by is None:
            return _made(name, path, UNREADABLE, error=DataError(f"expected a run, got {found.description}"))
        return _made(name, path, str(found.task), run=run)
    if found.opened_by is None:
        unknown = DataError(f"expected a model that seqkit opens, got {found.description}", where=str(path))
        return _made(name, path, UNREADABLE, error=unknown)
    return _made(name, path, CAUSAL if found.opened_by.startswith("seqkit generate") else ENCODER)


def _made(name: str, path: Path, kind: str, **more: Any) -> Make:
    def make(taken: set[str]) -> Item:
        parent = path.absolute().parent.name
        plain = [] if name == "run" and parent else [name]  # a folder run in each folder is usual
        choices = [*plain, f"{parent}/{name}", *(f"{parent}/{name} {n}" for n in range(2, _MOST + 2))]
        return Item(next(each for each in choices if each not in taken), path, kind, **more)

    return make
