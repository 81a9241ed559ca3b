"""Settings that several architectures share: types of values in config.json, activations, heads."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from seqkit.files import Between
from seqkit.models.checkpoints.folder import CheckpointFolder

Size = Annotated[int, Between(1, 1 << 40)]
"""Compared with the tensors' shapes before anything is allocated."""
Rate = Annotated[float, Between(0, 1)]
Epsilon = Annotated[float, Between(0, 1, above=True)]
Deviation = Annotated[float, Between(0)]
Activation = Literal["gelu", "gelu_new", "gelu_pytorch_tanh", "relu"]

_ACTIVATIONS = {
    "gelu": "gelu",
    "gelu_new": "gelu-tanh",
    "gelu_pytorch_tanh": "gelu-tanh",
    "relu": "relu",
}
"""Names in folders and here; of two names for one, the first is written."""


def activation(name: str) -> str:
    """Return our name of an activation in a checkpoint folder."""
    return _ACTIVATIONS[name]


def activation_there(name: str) -> str:
    """Return the name of an activation in checkpoint folders."""
    return next(theirs for theirs, ours in _ACTIVATIONS.items() if ours == name)


def attention_dropout(config: Any) -> float:
    """Return the rate on attention weights of a model's config, which may leave it to ``dropout``."""
    return config.dropout if config.attention_dropout is None else config.attention_dropout


def check_heads(folder: CheckpointFolder, heads: str, size: str) -> None:
    """Raise RunError unless the number of heads divides the size; both are keys of config.json."""
    K, E = folder.config[heads], folder.config[size]
    if E % K:
        raise folder.wrong(f"expected {heads} to divide {size}, got {K} and {E}")
