"""The file search.json, by which all workers of a search know that they do the same."""

from __future__ import annotations

import contextlib
import json
import secrets
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from seqkit.errors import Remedy, RunError
from seqkit.files import DocumentLimits, FileLock, read_json, write_atomically
from seqkit.search.space import Space
from seqkit.search.tasks import TASKS, SearchedTask, task_of
from seqkit.training import Settings
from seqkit.training.base_settings import absolute_path

FILE, LOCK = "search.json", "search.lock"
_LIMITS = DocumentLimits(finite=False)
_OWN = ("device", "workers", "log_interval", "checkpoint_interval")
"""Settings that each worker may have for itself."""
_ANOTHER = Remedy(
    "give the same settings to go on with it, or choose another folder",
    command="repeat its command to go on with it, or choose another --out",
)


@dataclass(frozen=True)
class Definition:
    """A search as its file keeps it.

    Attributes:
        task: The package in :mod:`seqkit.tasks`.
        settings: The settings that all trials share, by field.
        space: The tables of the space, by flag.
        seed: The seed of the sampler.
        study: The name of the study in the storage.
        storage: The address of the storage without its password; None for SQLite in the folder.
    """

    task: str
    settings: dict[str, bool | int | float | str | None]
    space: dict[str, dict[str, Any]]
    seed: int = 0
    study: str = ""
    storage: str | None = None

    @classmethod
    def of(cls, settings: Settings, space: Space, seed: int) -> Definition:
        """Return the definition of a search."""
        given: dict[str, Any] = {
            name: getattr(settings, name) for name in sorted(settings.given) if name not in _OWN
        }
        if isinstance(given.get("corpus"), str):
            given["corpus"] = absolute_path(given["corpus"])
        return cls(task_of(type(settings)).name, given, space.to_dict(), seed)

    @classmethod
    def read(cls, out: Path) -> Definition:
        """Return the definition of the search in a folder.

        Raises:
            RunError: There is none.
            DamagedFileError: It cannot be read.
        """
        if not (out / FILE).exists():
            raise RunError(f"no search at {out}: it has no {FILE}", remedy="give the folder of a search")
        return read_json(out / FILE, cls, remedy="restore it from a copy", limits=_LIMITS, strict=True)

    @property
    def searched(self) -> SearchedTask:
        """The task."""
        return TASKS[self.task]

    def require_same(self, other: Definition, out: Path) -> None:
        """Raise RunError unless another definition is that of this search."""
        for name, mine, theirs in (
            ("task", self.task, other.task),
            ("seed", self.seed, other.seed),
            *(
                (key, self.settings.get(key), other.settings.get(key))
                for key in {**self.settings, **other.settings}
            ),
            *(
                (f"[{key}]", self.space.get(key), other.space.get(key))
                for key in {**self.space, **other.space}
            ),
        ):
            if mine != theirs:
                raise RunError(
                    f"expected {name} to be {_shown(mine)}, as in the search in {out}, got {_shown(theirs)}",
                    remedy=_ANOTHER,
                )


def _shown(value: object) -> str:
    return "not given" if value is None else json.dumps(value, ensure_ascii=False)


@contextlib.contextmanager
def folder_locked(out: Path) -> Iterator[None]:
    """Keep other workers out while a search is begun or joined."""
    lock = FileLock(out / LOCK)
    try:
        out.mkdir(parents=True, exist_ok=True)
        while not lock.acquire(create=True):
            time.sleep(0.05)
    except OSError as error:
        raise RunError(
            f"cannot create the folder {out} ({error.strerror or error})",
            remedy=Remedy("choose another folder", command="choose another --out"),
        ) from error
    try:
        yield
    finally:
        lock.release()


def begin(out: Path, wanted: Definition, storage: str | None) -> Definition:
    """Return the definition of the search in a locked folder; write it if the folder is new.

    Args:
        out: The folder.
        wanted: The search to begin or to join.
        storage: The address of its storage without password, None for the default.

    Raises:
        RunError: The folder holds another search, or other files.
    """
    if (out / FILE).exists():
        found = Definition.read(out)
        found.require_same(wanted, out)
        if (found.storage or None) != storage:
            raise RunError(
                f"expected the storage {found.storage or 'in the folder'}, as in the search in {out}, "
                f"got {storage or 'none'}",
                remedy=_ANOTHER,
            )
        return found
    present = sorted(entry.name for entry in out.iterdir() if entry.name not in (LOCK, f"{FILE}.part"))
    if present:
        raise RunError(
            f"{out} already holds {', '.join(present[:3])}",
            remedy=Remedy("choose another folder", command="choose another --out"),
        )
    new = replace(wanted, study=f"{out.absolute().name}-{secrets.token_hex(4)}", storage=storage)
    write_atomically(out / FILE, json.dumps(asdict(new), indent=2, ensure_ascii=False).encode())
    return new
