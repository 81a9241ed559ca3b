"""Word vectors: train into a run directory, load it, evaluate; open the vectors that a command reads.

Modules are imported on use, since opening vectors for a query does not need the training.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seqkit.tasks.embeddings.evaluation import EmbeddingScores, evaluate
    from seqkit.tasks.embeddings.settings import EmbeddingSettings
    from seqkit.tasks.embeddings.sources import default_vectors, find_vectors, known_spelling, open_vectors
    from seqkit.tasks.embeddings.task import train
    from seqkit.tasks.embeddings.trained import TrainedEmbeddings, load

__all__ = [
    "EmbeddingScores",
    "EmbeddingSettings",
    "TrainedEmbeddings",
    "default_vectors",
    "evaluate",
    "find_vectors",
    "known_spelling",
    "load",
    "open_vectors",
    "train",
]

_MODULES = {
    "default_vectors": "sources",
    "find_vectors": "sources",
    "known_spelling": "sources",
    "open_vectors": "sources",
    "EmbeddingScores": "evaluation",
    "evaluate": "evaluation",
    "EmbeddingSettings": "settings",
    "TrainedEmbeddings": "trained",
    "load": "trained",
    "train": "task",
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
