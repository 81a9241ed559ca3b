"""Run directories: everything that a trained model needs, and everything to continue its training.

=====================  ======================================================================
config.json            task, every setting, seqkit version, thread count, sha256 of artifacts
vocab.txt, …           artifacts: vocabularies, labels, tokenizers, one file a role
model.safetensors      the weights that were best by validation
last.safetensors       the whole checkpoint: weights, optimiser, position, generators, log length
log.jsonl              one record per log interval and per epoch
=====================  ======================================================================
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from seqkit.errors import DamagedFileError, RunError
from seqkit.files import FileLock, write_atomically
from seqkit.training import checksummed
from seqkit.training.run_log import RunLog

CONFIG, MODEL, CHECKPOINT, LOG = "config.json", "model.safetensors", "last.safetensors", "log.jsonl"


class RunDirectory:
    """A run on disk. Make one with :meth:`create`, open one with :meth:`open`."""

    def __init__(self, path: Path, config: dict[str, Any]) -> None:
        self.path, self.config = path, config
        self.log = RunLog(path / LOG)
        self._lock = FileLock(path / CONFIG)
        self.best: dict[str, Any] = {}
        """Step, epoch and scores of the best weights, once they were read or written."""

    @classmethod
    def create(
        cls, path: str | Path, config: Mapping[str, Any], artifacts: Mapping[str, bytes]
    ) -> RunDirectory:
        """Make a new run with its artifacts; config.json is published last.

        RunError when the folder already holds anything but the remains of a start that was killed.
        """
        path = Path(path)
        try:
            path.mkdir(parents=True, exist_ok=True)
            present = sorted(entry.name for entry in path.iterdir())
        except OSError as error:
            raise RunError(f"cannot make the run directory {path} ({error.strerror or error})") from error
        strangers = [name for name in present if name.removesuffix(".part") not in {*artifacts, CONFIG}]
        if CONFIG in present or strangers:
            raise RunError(
                f"{path} already holds {', '.join(([CONFIG] if CONFIG in present else strangers)[:3])}",
                remedy="add --resume to go on with that run, or choose another --out",
            )
        for name, data in artifacts.items():
            write_atomically(path / name, data)
        checksums = {name: hashlib.sha256(data).hexdigest() for name, data in artifacts.items()}
        content = {**config, "files": checksums}
        checksummed.write_json(path / CONFIG, content)
        return cls(path, content)

    @classmethod
    def open(cls, path: str | Path) -> RunDirectory:
        """An existing run, its config verified. RunError when it is none, DamagedFileError when broken."""
        path = Path(path)
        if not path.is_dir():
            raise RunError(f"no run directory at {path}", remedy="give the --out folder of a training run")
        if not (path / CONFIG).exists():
            raise RunError(f"{path} is not a run directory: it has no {CONFIG}")
        return cls(path, checksummed.read_json(path / CONFIG))

    @staticmethod
    def exists(path: str | Path) -> bool:
        """Whether a run was begun at ``path``."""
        return (Path(path) / CONFIG).exists()

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
            raise RunError(
                f"another process is training the run {self.path}",
                remedy="wait for it to end, or stop it; it saves its state first",
            )

    def unlock(self) -> None:
        """Let other processes train this run."""
        self._lock.release()

    def artifact(self, name: str) -> bytes:
        """Return the bytes of an artifact, verified against the checksum in config.json."""
        expected = self.config.get("files", {}).get(name)
        if expected is None:
            raise RunError(f"{self.path} has no {name}")
        try:
            data = (self.path / name).read_bytes()
        except OSError as error:
            raise RunError(f"cannot read {self.path / name} ({error.strerror or error})") from error
        if hashlib.sha256(data).hexdigest() != expected:
            raise DamagedFileError(
                f"{self.path / name} is damaged: its checksum does not match {CONFIG}",
                remedy="restore it from a copy, or train the run again",
            )
        return data

    def save_model(self, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, Any]) -> None:
        """Publish the weights that evaluation will use."""
        checksummed.write_tensors(self.path / MODEL, arrays, metadata)
        self.best = dict(metadata)

    def load_model(self) -> dict[str, np.ndarray]:
        """Return the best weights, verified, and set :attr:`best`."""
        if not (self.path / MODEL).exists() and (self.path / CHECKPOINT).exists():
            raise RunError(
                f"{self.path} has no {MODEL} yet: no epoch was finished", remedy="resume its training first"
            )
        arrays, self.best = checksummed.read_tensors(self.path / MODEL)
        return arrays

    def save_checkpoint(self, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, Any]) -> None:
        """Publish the state to resume from, with the log as it stands."""
        checksummed.write_tensors(self.path / CHECKPOINT, arrays, {**metadata, "log": self.log.state()})

    def has_checkpoint(self) -> bool:
        """Return whether a checkpoint was published."""
        return (self.path / CHECKPOINT).exists()

    def load_checkpoint(self) -> tuple[dict[str, np.ndarray], dict[str, Any]] | None:
        """Return the state to resume from, and cut the log to it; None if none was published yet.

        Raises:
            RunError: if the checkpoint is lost, but not the weights that were published after it.
            DamagedFileError: for a damaged checkpoint or log.
        """
        if not self.has_checkpoint():
            if (self.path / MODEL).exists():
                raise RunError(
                    f"{self.path} has trained weights, but its {CHECKPOINT} is lost",
                    remedy=f"restore {CHECKPOINT} from a copy; the weights can be used, but not trained "
                    "further: choose another --out for a new run",
                )
            self.log.cut_to({"length": 0, "sha256": hashlib.sha256().hexdigest()})
            return None
        arrays, metadata = checksummed.read_tensors(self.path / CHECKPOINT)
        self.log.cut_to(metadata["log"])
        return arrays, metadata

    def verify(self) -> None:
        """Check the artifacts. Weights and checkpoints are verified when they are read."""
        for name in self.config.get("files", {}):
            self.artifact(name)
