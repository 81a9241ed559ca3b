"""Sequence models for language on NumPy and CuPy.

``import seqkit`` loads nothing else: modules and names are imported when they are first used.

Example:
    >>> import seqkit
    >>> layer = seqkit.nn.Linear(4, 2)
    >>> layer.weight.shape
    (2, 4)

"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from seqkit.threads import let_blas_sleep, share_cores

if TYPE_CHECKING:
    from seqkit import (
        autograd,
        corpora,
        decoding,
        metrics,
        models,
        nn,
        ops,
        optim,
        search,
        tasks,
        text,
        vectors,
    )
    from seqkit.autograd import Tensor, gradient_check, no_grad
    from seqkit.backend.random import Generator
    from seqkit.tasks import load
    from seqkit.tasks.embeddings import train as train_embeddings
    from seqkit.tasks.image_classification import train as train_image_classifier
    from seqkit.tasks.language_modeling import NGram, NGramState
    from seqkit.tasks.language_modeling import train as train_language_model
    from seqkit.tasks.masked_language_modeling import train as train_masked_language_model
    from seqkit.tasks.seq2seq import train as train_seq2seq
    from seqkit.tasks.sequence_labeling import train as train_tagger
    from seqkit.tasks.text_classification import train as train_text_classifier
    from seqkit.text import Vocabulary
    from seqkit.vectors import KeyedVectors, Word2Vec

__version__ = "0.1.0"

share_cores()
let_blas_sleep()  # here, for it must come before NumPy

if not os.path.isdir(os.path.join(os.path.dirname(__file__), "cli")):
    # Archives and Windows may lack the two symbolic links: cli and corpora stand beside seqkit.
    __path__.append(os.path.dirname(os.path.dirname(__file__)))

_MODULES = {
    "autograd",
    "corpora",
    "decoding",
    "metrics",
    "models",
    "nn",
    "ops",
    "optim",
    "search",
    "tasks",
    "text",
    "vectors",
}
_HOMES = {
    "Generator": "seqkit.backend.random",
    "KeyedVectors": "seqkit.vectors",
    "NGram": "seqkit.tasks.language_modeling",
    "NGramState": "seqkit.tasks.language_modeling",
    "Tensor": "seqkit.autograd",
    "Vocabulary": "seqkit.text",
    "Word2Vec": "seqkit.vectors",
    "gradient_check": "seqkit.autograd",
    "load": "seqkit.tasks",
    "no_grad": "seqkit.autograd",
}
"""Names of other modules that stand at the top, each with its module."""
_TRAIN = {
    "train_embeddings": "seqkit.tasks.embeddings",
    "train_image_classifier": "seqkit.tasks.image_classification",
    "train_language_model": "seqkit.tasks.language_modeling",
    "train_masked_language_model": "seqkit.tasks.masked_language_modeling",
    "train_seq2seq": "seqkit.tasks.seq2seq",
    "train_tagger": "seqkit.tasks.sequence_labeling",
    "train_text_classifier": "seqkit.tasks.text_classification",
}
"""The ``train`` of each task by its name at the top."""

__all__ = [
    "Generator",
    "KeyedVectors",
    "NGram",
    "NGramState",
    "Tensor",
    "Vocabulary",
    "Word2Vec",
    "__version__",
    "autograd",
    "corpora",
    "decoding",
    "gradient_check",
    "load",
    "metrics",
    "models",
    "nn",
    "no_grad",
    "ops",
    "optim",
    "search",
    "tasks",
    "text",
    "train_embeddings",
    "train_image_classifier",
    "train_language_model",
    "train_masked_language_model",
    "train_seq2seq",
    "train_tagger",
    "train_text_classifier",
    "vectors",
]


def __getattr__(name: str) -> object:
    import importlib

    if name in _MODULES:
        return importlib.import_module(f"seqkit.{name}")
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    if name in _TRAIN:
        return importlib.import_module(_TRAIN[name]).train
    raise AttributeError(f"module 'seqkit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
