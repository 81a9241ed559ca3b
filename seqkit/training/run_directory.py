"""Run directories: all files of a trained model, and the state from which its training can continue.

=====================  ======================================================================
config.json            task, every setting, seqkit version, thread count, sha256 of artifacts
vocab.txt, …           artifacts: vocabularies, labels, tokenizers
model.safetensors      the weights with the best validation loss
last.safetensors       the whole checkpoint: weights, optimiser, position, generators, log length
log.jsonl              one record per log interval and per epoch
places.json            the new places of a corpus that moved, in place of those in config.json
=====================  ======================================================================
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any, TypeVar

import numpy as np

from seqkit.errors import DamagedFileError, Remedy, RunError
from seqkit.files import Between, FileLock, fill_json, write_atomically
from seqkit.files.substitutes import HEAD, refuse_substitute
from seqkit.files.what_is import not_as_expected, read_config, what_is
from seqkit.platforms import locked_files_move
from seqkit.training import checksummed
from seqkit.training.run_log import LogState, RunLog

CONFIG, MODEL, CHECKPOINT, LOG = "config.json", "model.safetensors", "last.safetensors", "log.jsonl"
PLACES = "places.json"
_USABLE = f"restore {CHECKPOINT} from a copy; the weights can be used, but not trained further"


@dataclass(frozen=True)
class _Config:
    """The types of a run's config.json."""

    task: str | None = None
    seqkit: str | None = None
    threads: Annotated[int, Between(1)] = 1
    settings: dict[str, bool | int | float | str | None] = field(default_factory=dict)
    corpus: dict[str, Any] = field(default_factory=dict)
    content_key: str | None = None
    files: dict[str, str] = field(default_factory=dict)
    tokenizer: _Tokenizer | None = None
    target_tokenizer: _Tokenizer | None = None
    model: dict[str, Any] = field(default_factory=dict)
    init: dict[str, str] = field(default_factory=dict)
    mixture: _Mixture | None = None


@dataclass(frozen=True)
class _Mixture:
    """The members of a mixture of runs, folders in its own, and their weights."""

    members: list[str]
    weights: list[Annotated[float, Between(0)]]


@dataclass(frozen=True)
class _Tokenizer:
    """The types of a tokenizer's configuration in config.json."""

    name: str
    lowercase: bool
    normalization: str = "none"
    rules: int | None = None
    segmenter: str | None = None
    sha256: str | None = None
    max_length: Annotated[int, Between(1)] | None = None


@dataclass(frozen=True)
class _Best:
    """The metadata of the best weights."""

    step: int = 0
    epoch: int | float = 0
    scores: dict[str, int | float | None] | None = None
    epochs_trained: int | None = None


T = TypeVar("T")


class RunDirectory:
    """A run on disk. :meth:`create` begins a new run, :meth:`open` opens an existing one.

    Attributes:
        path: The folder.
        config: The content of config.json.
        log: The log, ``log.jsonl``.
        best: Step, epoch and scores of the best weights, once they have been read or written.
    """

    def __init__(self, path: Path, config: dict[str, Any]) -> None:
        self.path, self.config = path, config
        self.log = RunLog(path / LOG)
        self._lock = FileLock(path / CONFIG)
        self.best: dict[str, Any] = {}

    @classmethod
    def create(
        cls,
        path: str | Path,
        config: Mapping[str, object],
        artifacts: Mapping[str, bytes],
        *,
        folders: Mapping[str, Sequence[Path]] | None = None,
        lock: bool = False,
    ) -> RunDirectory:
        """Create a new run with its artifacts; config.json is written last.

        Args:
            path: The folder; created if it does not exist.
            config: The content of config.json.
            artifacts: Files by name, such as the vocabulary.
            folders: Folders by name, each with copies of files.
            lock: Return the run locked, as :meth:`lock` does.

        Raises:
            RunError: The folder holds other files than those of a start that was killed, or cannot be
                written, or another process creates or trains a run there.
        """
        path, folders = Path(path), folders or {}
        names = {*artifacts, *folders, CONFIG}
        try:
            path.mkdir(parents=True, exist_ok=True)
            _require_free(path, names)
            held = _lock_new_config(path)
        except OSError as error:
            raise RunError(f"cannot create the run directory {path} ({error.strerror or error})") from error
        try:
            _require_free(path, names)
            for name, data in artifacts.items():
                write_atomically(path / name, data)
            for name, files in folders.items():
                _copy(files, path / name)
            checksums = {name: hashlib.sha256(data).hexdigest() for name, data in artifacts.items()}
            content = {**config, "files": checksums}
            checksummed.write_json(path / CONFIG, content)
        except BaseException:
            (path / f"{CONFIG}.part").unlink(missing_ok=True)
            held.release()
            raise
        run = cls(path, content)
        if lock:
            run._lock = held
            run.lock()
        else:
            held.release()
        return run

    @classmethod
    def require_free(cls, path: str | Path, names: Collection[str] | None = None) -> None:
        """Raise RunError if :meth:`create` would, as far as that shows before the data are read.

        Args:
            path: The folder.
            names: Artifacts and folders of the run, if they are known.
        """
        parent = path = Path(path).absolute()
        while not os.path.lexists(parent):
            parent = parent.parent
        if not parent.is_dir() or not os.access(parent, os.W_OK):
            raise RunError(
                f"cannot create the run directory {path}: {parent} is no folder, or cannot be written",
                remedy=Remedy("choose another folder", command="choose another --out"),
            )
        if (path / CONFIG).exists():
            raise _occupied(path, CONFIG)
        for entry in sorted(os.listdir(path)) if path.is_dir() else ():
            artifact = entry.endswith((".json", ".txt", ".part"))
            if not (artifact if names is None else entry.removesuffix(".part") in names):
                raise _occupied(path, entry)

    @classmethod
    def open(cls, path: str | Path) -> RunDirectory:
        """Open an existing run and verify its config.json.

        Raises:
            RunError: The folder is not a run directory.
            DamagedFileError: config.json is damaged.
        """
        path = Path(path)
        if not path.is_dir():
            there = f", but {what_is(path).description}" if path.exists() else ""
            raise RunError(f"no run directory at {path}{there}", remedy="give the folder of a training run")
        if not (path / CONFIG).exists():
            raise not_as_expected(path, f"{path} is not a run directory: it has no {CONFIG}")
        config = read_config(path)
        if config and not {"task", "sha256"} & config.keys():
            raise not_as_expected(path, f"{path} is not a run directory")
        content = checksummed.read_json(path / CONFIG)
        fill_json(_Config, content, lambda message: DamagedFileError(message, where=str(path / CONFIG)))
        run = cls(path, content)
        if (path / PLACES).exists():
            moved = checksummed.read_json(path / PLACES)
            content["settings"] = {
                **content.get("settings", {}),
                **run._filled(dict[str, str], moved, PLACES),
            }
        return run

    @staticmethod
    def exists(path: str | Path) -> bool:
        """Return whether ``path`` is a run directory."""
        return (Path(path) / CONFIG).exists()

    def move(self, places: Mapping[str, str]) -> None:
        """Keep the new places of files that settings name. Raise RunError if they cannot be written."""
        settings = self.entry("settings")
        if any(settings.get(name) != place for name, place in places.items()):
            checksummed.write_json(self.path / PLACES, dict(places))
            settings.update(places)

    def entry(self, name: str) -> Any:
        """Return an entry of config.json. DamagedFileError if there is none."""
        if self.config.get(name) is None:
            raise DamagedFileError(f"expected an entry {name!r}, got none", where=str(self.path / CONFIG))
        return self.config[name]

    def lock(self) -> None:
        """Keep other processes from training this run, until :meth:`unlock` or the end of this process.

        Raises:
            RunError: if another process is training it.
        """
        try:
            free = self._lock.acquire()
        except OSError as error:
            raise RunError(f"cannot lock {self.path} ({error.strerror or error})") from error
        if not free:
            raise _in_use(self.path)

    def unlock(self) -> None:
        """Let other processes train this run."""
        self._lock.release()

    def artifact(self, name: str) -> bytes:
        """Return the bytes of an artifact, verified against the checksum in config.json.

        Raises:
            RunError: The run has no such artifact, or it cannot be read.
            DamagedFileError: A byte of it is not as written.
        """
        expected = self.config.get("files", {}).get(name)
        if expected is None:
            raise RunError(f"{self.path} has no {name}")
        try:
            data = (self.path / name).read_bytes()
        except OSError as error:
            raise RunError(f"cannot read {self.path / name} ({error.strerror or error})") from error
        if hashlib.sha256(data).hexdigest() != expected:
            refuse_substitute(self.path / name, data[:HEAD], error=DamagedFileError)
            raise DamagedFileError(
                f"{self.path / name} is damaged: its checksum does not match {CONFIG}",
                remedy="restore it from a copy, or train the run again",
            )
        return data

    def save_model(self, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, object]) -> None:
        """Write the best weights atomically and set :attr:`best`. Raise RunError if that fails."""
        checksummed.write_tensors(self.path / MODEL, arrays, metadata)
        self.best = dict(metadata)

    def load_model(self) -> dict[str, np.ndarray]:
        """Return the best weights, verified, and set :attr:`best`.

        Raises:
            RunError: No epoch has been finished yet.
            DamagedFileError: A byte of the file is not as written.
        """
        self._require_model()
        arrays, metadata = checksummed.read_tensors(self.path / MODEL)
        self._filled(_Best, metadata, MODEL)
        self.best = metadata
        return arrays

    def map_model(self, use: Callable[[dict[str, np.ndarray], bool], T]) -> T:
        """Return what ``use`` makes of the best weights, mapped into memory, and set :attr:`best`.

        Args:
            use: Called with the arrays, read-only, and whether their content has to be checked, as
                :func:`seqkit.training.checksummed.map_tensors` does. Raises as :meth:`load_model`.
        """
        self._require_model()
        result, metadata = checksummed.map_tensors(self.path / MODEL, use)
        self._filled(_Best, metadata, MODEL)
        self.best = metadata
        return result

    def _require_model(self) -> None:
        if not (self.path / MODEL).exists() and (self.path / CHECKPOINT).exists():
            raise RunError(
                f"{self.path} has no {MODEL} yet: no epoch was finished", remedy="resume its training first"
            )

    def _filled(self, declared: type[T], content: object, name: str) -> T:
        """Return a value of a declared type from the metadata of a file. Raises DamagedFileError."""

        def fail(message: str) -> DamagedFileError:
            return DamagedFileError(f"{self.path / name} is damaged: {message}")

        return fill_json(declared, content, fail)

    def save_checkpoint(self, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, object]) -> None:
        """Write the state to resume from, atomically, with the present length of the log."""
        checksummed.write_tensors(
            self.path / CHECKPOINT, arrays, {**metadata, "log": asdict(self.log.state())}
        )

    def has_checkpoint(self) -> bool:
        """Return whether a checkpoint was published."""
        return (self.path / CHECKPOINT).exists()

    def load_checkpoint(self) -> tuple[dict[str, np.ndarray], dict[str, Any]] | None:
        """Return the state to resume from, and cut the log to its length then.

        Returns:
            Arrays and metadata of the last :meth:`save_checkpoint`; None if there was none yet.

        Raises:
            RunError: The checkpoint is lost, but not the weights that were saved after it.
            DamagedFileError: A byte of the checkpoint or of the log is not as written.
        """
        if not self.has_checkpoint():
            if (self.path / MODEL).exists():
                raise RunError(
                    f"{self.path} has trained weights, but its {CHECKPOINT} is lost",
                    remedy=Remedy(
                        f"{_USABLE}: choose another folder for a new run",
                        command=f"{_USABLE}: choose another --out for a new run",
                    ),
                )
            self.log.cut_to(LogState())
            return None
        arrays, metadata = checksummed.read_tensors(self.path / CHECKPOINT)
        self.log.cut_to(self._filled(LogState, metadata.get("log"), CHECKPOINT))
        return arrays, metadata

    def verify(self) -> None:
        """Verify all artifacts; weights and checkpoints are verified when they are read."""
        for name in self.config.get("files", {}):
            self.artifact(name)


def _in_use(path: Path) -> RunError:
    return RunError(
        f"another process is training the run {path}",
        remedy="wait for it to end, or stop it; it saves its state first",
    )


def _occupied(path: Path, *names: str) -> RunError:
    if CONFIG in names:
        lock = FileLock(path / CONFIG)
        if not lock.acquire():
            return _in_use(path)
        lock.release()
    return RunError(
        f"{path} already holds {', '.join(names)}",
        remedy=Remedy(
            "give resume=True to go on with that run, or choose another folder",
            command="add --resume to go on with that run, or choose another --out",
        ),
    )


def _copy(files: Sequence[Path], folder: Path) -> None:
    """Copy files into a folder, which is made. Raise RunError if they cannot be read or written."""
    try:
        folder.mkdir(exist_ok=True)
        for file in files:
            shutil.copyfile(file, folder / file.name)
    except OSError as error:
        raise RunError(
            f"cannot write {folder} ({error.strerror or error})",
            remedy=Remedy(
                "free some space or choose another folder", command="free some space or choose another --out"
            ),
        ) from error


def _require_free(path: Path, names: set[str]) -> None:
    """Raise RunError if a folder holds more than the remains of a start that was killed."""
    present = sorted(entry.name for entry in path.iterdir())
    others = [name for name in present if name.removesuffix(".part") not in names]
    if CONFIG in present or others:
        raise _occupied(path, *([CONFIG] if CONFIG in present else others)[:3])


def _lock_new_config(path: Path) -> FileLock:
    """Lock the file that is going to be config.json: renamed, it is still locked.

    Of two processes that create a run at the same moment only one can. Not on Windows, where a locked file
    cannot be renamed.
    """
    part = path / f"{CONFIG}.part"
    lock = FileLock(path / CONFIG)
    if locked_files_move():
        lock.path = part
        if not (lock.acquire(create=True) and lock.is_of(part)):  # removed by the process that created it
            lock.release()
            raise _in_use(path)
        lock.path = path / CONFIG
    return lock
