"""Tasks: one package each, with train(settings, out) and load(run)."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from seqkit.errors import RunError

__all__ = ["load"]

_TASKS = {
    "text_classification": "seqkit.tasks.text_classification",
    "image_classification": "seqkit.tasks.image_classification",
    "language_modeling": "seqkit.tasks.language_modeling",
    "masked_language_modeling": "seqkit.tasks.masked_language_modeling",
    "seq2seq": "seqkit.tasks.seq2seq",
    "embeddings": "seqkit.tasks.embeddings",
}


def __getattr__(name: str) -> Any:
    if name in _TASKS or name == "sentence_encoding":
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def load(run: str | Path, **settings: Any) -> Any:
    """Open a run directory of any task: a trained model with its vocabulary, ready to use.

    Settings (``device="cuda"``) go to the task's own load. RunError for what is no run, DamagedFileError
    for a run with a broken file.
    """
    from seqkit.training.run_directory import RunDirectory  # of no use to whoever imports one task

    task = RunDirectory.open(run).config.get("task")
    if task not in _TASKS:
        raise RunError(f"{run} is a run of {task!r}; this version knows {', '.join(_TASKS)}")
    return importlib.import_module(_TASKS[task]).load(run, **settings)
