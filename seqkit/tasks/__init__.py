"""Tasks: a package for each, with its settings, ``train(settings, out)`` and ``load(run)``.

Every task package has the same modules: ``settings``, ``data``, ``model``, ``task``, ``trained`` and
``evaluation``. ``sentence_encoding`` is not a training task: it loads published encoders.
"""

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
    "sequence_labeling": "seqkit.tasks.sequence_labeling",
    "embeddings": "seqkit.tasks.embeddings",
}


def __getattr__(name: str) -> Any:
    if name in _TASKS or name == "sentence_encoding":
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def load(run: str | Path, **settings: Any) -> Any:
    """Load the trained model of a run directory of any task, with its vocabulary.

    Args:
        run: The run directory.
        **settings: Arguments of the task's own ``load``, such as ``device="cuda"``.

    Returns:
        The object that the task's ``load`` returns, such as a :class:`TrainedLanguageModel`.

    Raises:
        RunError: The folder is not a run directory, or its task is unknown.
        DamagedFileError: A file of the run is damaged.

    Example::

        model = seqkit.load("runs/first")
        model.evaluate("test").perplexity
    """
    from seqkit.training.run_directory import RunDirectory  # only here: a task needs no other

    task = RunDirectory.open(run).config.get("task")
    if task not in _TASKS:
        raise RunError(f"expected a run of {', '.join(_TASKS)}, got one of {task!r}", where=str(run))
    return importlib.import_module(_TASKS[task]).load(run, **settings)
