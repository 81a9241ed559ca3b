"""Word vectors: train into a run directory, load it, find the vectors that a command means.

Imported on use: finding vectors for a query needs none of what training does.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seqkit.tasks.embeddings.settings import EmbeddingSettings
    from seqkit.tasks.embeddings.sources import default_vectors, find_vectors, open_vectors
    from seqkit.tasks.embeddings.task import train
    from seqkit.tasks.embeddings.trained import TrainedEmbeddings, load

__all__ = [
    "EmbeddingSettings",
    "TrainedEmbeddings",
    "default_vectors",
    "find_vectors",
    "load",
    "open_vectors",
    "train",
]

_MODULES = {
    "default_vectors": "sources",
    "find_vectors": "sources",
    "open_vectors": "sources",
    "EmbeddingSettings": "settings",
    "TrainedEmbeddings": "trained",
    "load": "trained",
    "train": "task",
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
