"""Sequence models for language on NumPy and CuPy.

``import seqkit`` loads none of it: names are imported when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seqkit.threads import let_blas_sleep

if TYPE_CHECKING:
    from seqkit.autograd import Tensor, gradient_check, no_grad
    from seqkit.tasks import load
    from seqkit.text import Vocabulary
    from seqkit.vectors import KeyedVectors, Word2Vec

__version__ = "0.1.0"

let_blas_sleep()  # here, for it must come before NumPy

_HOMES = {
    "KeyedVectors": "seqkit.vectors",
    "Tensor": "seqkit.autograd",
    "Vocabulary": "seqkit.text",
    "Word2Vec": "seqkit.vectors",
    "gradient_check": "seqkit.autograd",
    "load": "seqkit.tasks",
    "no_grad": "seqkit.autograd",
}

__all__ = [
    "KeyedVectors",
    "Tensor",
    "Vocabulary",
    "Word2Vec",
    "__version__",
    "gradient_check",
    "load",
    "no_grad",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'seqkit' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
