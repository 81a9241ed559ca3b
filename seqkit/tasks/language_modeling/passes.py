"""Passes over a text that can be interrupted: what they have found so far is kept in a file."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import seqkit
from seqkit.backend import Array, device_of, to_device, to_numpy
from seqkit.data import LineStreams
from seqkit.errors import DamagedFileError, RunError, UsageError
from seqkit.models import NGramModel
from seqkit.progress import tracked
from seqkit.tasks.language_modeling import evaluation
from seqkit.tasks.language_modeling.trained import TrainedLanguageModel
from seqkit.training import checksummed
from seqkit.training.run_directory import CONFIG, MODEL

INTERVAL = 20.0
"""Seconds between writings of a checkpoint."""
_WRITES = 20
"""How many times as long as a writing the evaluation goes on at least before the next one."""

_log = logging.getLogger("seqkit")


class Pass(ABC):
    """A way through a text, piece by piece, with a state that moves on."""

    description = "evaluating"
    unit = "windows"

    @abstractmethod
    def __len__(self) -> int:
        """The number of pieces."""

    @abstractmethod
    def piece(self, index: int) -> np.ndarray:
        """Return what is found in the next piece, (…, n) float64, and move the state on."""

    @abstractmethod
    def state_dict(self) -> dict[str, np.ndarray]:
        """Return the state after a piece."""

    @abstractmethod
    def load_state_dict(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take up a state that :meth:`state_dict` returned."""


class EvaluationCheckpoint:
    """The file of an evaluation, from which it goes on after an interruption: it gives the same bits.

    Args:
        path: The file, which is written every ``INTERVAL`` seconds, or less often where that takes long; None
            for an evaluation that is not kept.
        models: Identify the evaluation, by the checksums of their files, together with ``settings``.
        settings: JSON values that tell this evaluation from others of the same models.

    Raises:
        UsageError: The file is that of another evaluation, or of something else.
        DamagedFileError: It is damaged.
        RunError: It cannot be written.
    """

    def __init__(
        self, path: str | Path | None, models: Sequence[TrainedLanguageModel], settings: Mapping[str, Any]
    ) -> None:
        self.path, self._next = None if path is None else Path(path), time.monotonic() + INTERVAL
        self._found: dict[str, np.ndarray] = {}
        self._begun: tuple[str, int, int, dict[str, np.ndarray]] | None = None
        if self.path is None:
            return
        self._evaluation = {**settings, "seqkit": seqkit.__version__, "models": list(map(_checksum, models))}
        if self.path.exists():
            self._read(self.path)
        else:
            self._write(self.path, None)

    def run(self, name: str, each: Pass) -> np.ndarray:
        """Return what all pieces of a pass give, (…, N), from where it was interrupted.

        Args:
            name: Of the pass; every name is given once.
            each: The pass, in its first state.
        """
        if name in self._found:
            return self._found[name]
        done, pieces = 0, []
        if self._begun is not None and self._begun[:2] == (name, len(each)):
            _, _, done, arrays = self._begun
            pieces = [arrays.pop("found")]
            each.load_state_dict(arrays)
            self._begun = None
        for index in tracked(range(done, len(each)), each.description, each.unit):
            pieces.append(each.piece(index))
            if self.path is not None and time.monotonic() > self._next:
                pieces = [np.concatenate(pieces, axis=-1)]
                try:
                    self._write(
                        self.path, (name, len(each), index + 1, each.state_dict() | {"found": pieces[0]})
                    )
                except RunError as error:
                    _log.warning("%s: the evaluation goes on without it", error)
                    self.path = None
        found = np.concatenate(pieces, axis=-1)
        self._found[name] = found
        return found

    def remove(self) -> None:
        """Remove the file, for the evaluation is done."""
        if self.path is not None:
            with contextlib.suppress(OSError):
                self.path.unlink(missing_ok=True)

    def _read(self, path: Path) -> None:
        try:
            arrays, metadata = checksummed.read_tensors(path)
        except DamagedFileError as error:
            raise DamagedFileError(
                f"{path} is a damaged checkpoint, or no checkpoint of an evaluation",
                remedy="give the checkpoint another name, or delete this file if it was one",
            ) from error
        if metadata.get("evaluation") != self._evaluation:
            what = "another evaluation" if "evaluation" in metadata else "something else"
            raise UsageError(f"{path} is the file of {what}", remedy="give the checkpoint another name")
        parts: dict[str, dict[str, np.ndarray]] = {"done": {}, "begun": {}}
        for key, x in arrays.items():
            kind, _, name = key.partition("/")
            parts[kind][name] = x.copy()  # else all bytes of the file stay in memory
        self._found = parts["done"]
        if metadata["begun"] is not None:
            self._begun = (*metadata["begun"], parts["begun"])

    def _write(self, path: Path, begun: tuple[str, int, int, dict[str, np.ndarray]] | None) -> None:
        started = time.monotonic()
        arrays = {f"done/{name}": x for name, x in self._found.items()}
        if begun is not None:
            arrays |= {f"begun/{name}": np.ascontiguousarray(x) for name, x in begun[3].items()}
        metadata = {"evaluation": self._evaluation, "begun": None if begun is None else list(begun[:3])}
        checksummed.write_tensors(
            path,
            arrays,
            metadata,
            remedy="free some space, or give the checkpoint another place",
            shared=True,
        )
        now = time.monotonic()
        self._next = now + max(INTERVAL, _WRITES * (now - started))


def _checksum(model: TrainedLanguageModel) -> str:
    """Return the checksum of a run's settings and weights, of a mixture those of its members."""
    digest = hashlib.sha256()
    for path in sorted(model.run.path.rglob("*")):
        if path.name in (CONFIG, MODEL):
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


class StreamPass(Pass):
    """log P (N,) of each token of a stream, after all before it.

    Args:
        trained: The model.
        ids: (N,) integers.
    """

    def __init__(self, trained: TrainedLanguageModel, ids: np.ndarray) -> None:
        self.model: Any = trained.model
        self.ids, self.state = ids, self.model.zero_state(1)
        length = evaluation.window_length(1, len(trained.vocabulary))
        self.windows = LineStreams(ids, batch_size=1, length=length, end_id=trained.eos_id)

    def __len__(self) -> int:
        return 1 if isinstance(self.model, NGramModel) else len(self.windows)

    def piece(self, index: int) -> np.ndarray:
        """Return those of a window; n-grams read all at once."""
        if isinstance(self.model, NGramModel):
            return self.model.log_probs(np.asarray(self.ids))
        losses, self.state = self.model.token_losses(*self.windows.batch(index), self.state)
        return -np.asarray(to_numpy(losses), np.float64)[0]

    def state_dict(self) -> dict[str, np.ndarray]:
        """Return the state of the model."""
        return flattened(self.state)

    def load_state_dict(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take up the state of the model."""
        self.state = nested(arrays, like=self.model.zero_state(1))


def flattened(state: Any, name: str = "state") -> dict[str, np.ndarray]:
    """Return the arrays of nested lists and tuples by their places: ``state/0/1``."""
    if not isinstance(state, list | tuple):
        return {name: to_numpy(state)}
    found: dict[str, np.ndarray] = {}
    for place, each in enumerate(state):
        found |= flattened(each, f"{name}/{place}")
    return found


def nested(arrays: Mapping[str, np.ndarray], *, like: Any, name: str = "state") -> Any:
    """Return what :func:`flattened` was given, with types and devices as ``like`` has them, where it does."""
    if name in arrays:
        return arrays[name] if like is None else _moved(arrays[name], like)
    places = {int(key[len(name) + 1 :].split("/")[0]) for key in arrays if key.startswith(f"{name}/")}
    known = like if isinstance(like, list | tuple) else ()
    items = [
        nested(arrays, like=known[place] if place < len(known) else None, name=f"{name}/{place}")
        for place in sorted(places)
    ]
    return tuple(items) if isinstance(like, tuple) else items


def _moved(x: np.ndarray, like: Array) -> Array:
    return to_device(x, device_of(like))
