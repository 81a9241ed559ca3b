"""Opening the runs of trained models."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol, TypeVar

from seqkit.backend import default_device, make_current
from seqkit.errors import DamagedFileError, DataError, RunError, UsageError
from seqkit.nn import Module
from seqkit.training import RunDirectory, Settings

VOCABULARY = "vocab.txt"

M = TypeVar("M", bound=Module)
S = TypeVar("S", bound=Settings)


class Corpus(Protocol):
    """A corpus of any task."""

    name: str

    def provenance(self) -> dict[str, Any]:
        """Return where it comes from, as JSON values."""

    def content_key(self) -> str:
        """Return the sha256 of its content."""


def open_run(path: str | Path, task: str) -> RunDirectory:
    """Open a run of ``task``, its artifacts verified. RunError if it is no run, or one of another task."""
    run = RunDirectory.open(path)
    if run.config.get("task") != task:
        raise RunError(f"{run.path} is a run of {run.config.get('task')}, not of {task}")
    run.verify()
    return run


def run_settings(run: RunDirectory, settings: type[S]) -> S:
    """Return the resolved settings of a run."""
    return settings.from_values(run.config["settings"], source=str(run.path / "config.json"))


def require_same_corpus(run: RunDirectory, corpus: Corpus, *, remedy: str) -> None:
    """Raise DataError unless ``corpus`` has the content that the run was begun with."""
    if corpus.content_key() != run.config["content_key"]:
        raise DataError(f"the corpus {corpus.name} has changed since {run.path} was begun", remedy=remedy)


def load_best_weights(run: RunDirectory, model: M, device: str | None) -> M:
    """Return ``model`` with the run's best weights, on a device (None: the default), in evaluation mode.

    Raises:
        DamagedFileError: for weights that do not fit the model.

    """
    arrays = run.load_model()
    try:
        model.load_state_dict(arrays, source=str(run.path / "model.safetensors"))
    except UsageError as error:
        raise DamagedFileError(str(error)) from error
    model.to(make_current(device or default_device())).eval()
    return model
