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


def load(path: str | Path, *, device: str | None = None) -> Any:
    """Load the trained model of a run directory of any task, or of a checkpoint folder of Hugging Face.

    Args:
        path: A run directory, or the folder of a GPT-2 or of an encoder (BERT, DistilBERT, RoBERTa, MiniLM).
        device: Where the model computes: "cpu", "cuda" or "cuda:N"; None for the default device.

    Returns:
        The object that the task's ``load`` returns, such as a :class:`TrainedLanguageModel`; of a folder a
        :class:`~seqkit.tasks.causal_checkpoints.CausalCheckpoint` or a
        :class:`~seqkit.tasks.sentence_encoding.SentenceEncoder`.

    Raises:
        RunError: The folder is neither, or its task is unknown.
        DamagedFileError: A file is damaged.
        DeviceError: There is no such device.
        UsageError: The model computes on the CPU only (counts, word vectors).

    Example::

        model = seqkit.load("runs/first", device="cpu")
        model.evaluate("test").perplexity
    """
    from seqkit.backend import device as device_of  # only here: a task needs none of these
    from seqkit.files.what_is import what_is
    from seqkit.training.run_directory import RunDirectory

    if device is not None:
        device_of(device)
    found = what_is(path)
    if found.sort == "checkpoint":
        causal = found.opened_by is not None and found.opened_by.startswith("seqkit generate")
        module = "seqkit.tasks.causal_checkpoints" if causal else "seqkit.tasks.sentence_encoding"
        return importlib.import_module(module).load(path, device=device)
    task = RunDirectory.open(path).config.get("task")
    if task not in _TASKS:
        raise RunError(f"expected a run of {', '.join(_TASKS)}, got one of {task!r}", where=str(path))
    return importlib.import_module(_TASKS[task]).load(path, device=device)
