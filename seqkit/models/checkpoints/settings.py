"""Settings that several architectures share."""

from __future__ import annotations

from typing import Any

from seqkit.models.checkpoints.folder import CheckpointFolder

_ACTIVATIONS = {
    "gelu": "gelu",
    "gelu_new": "gelu-tanh",
    "gelu_pytorch_tanh": "gelu-tanh",
    "relu": "relu",
}
"""Names in folders and here; of two names for one, the first is written."""


def activation(folder: CheckpointFolder, name: str, default: str) -> str:
    """Return our name of the activation in a setting; RunError for an unknown one."""
    asked = folder.setting(name, str, default)
    if asked not in _ACTIVATIONS:
        known = ", ".join(_ACTIVATIONS)
        raise folder.unknown(f"{name} is {asked!r}, expected one of {known}")
    return _ACTIVATIONS[asked]


def activation_there(name: str) -> str:
    """Return the name of an activation in checkpoint folders."""
    return next(theirs for theirs, ours in _ACTIVATIONS.items() if ours == name)


def attention_dropout(config: Any) -> float:
    """Return the rate on attention weights of a model's config, which may leave it to ``dropout``."""
    return config.dropout if config.attention_dropout is None else config.attention_dropout


def check_heads(folder: CheckpointFolder, heads: str, size: str) -> None:
    """Raise RunError unless the number of heads divides the size."""
    K, E = folder.size(heads), folder.size(size)
    if E % K:
        raise folder.wrong(f"expected {heads} to divide {size}, got {K} and {E}")
