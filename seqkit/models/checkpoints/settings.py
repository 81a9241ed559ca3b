"""What the settings of several architectures have in common."""

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
    """The activation that a setting names, as it is called here. RunError for one that is not known."""
    asked = folder.setting(name, str, default)
    if asked not in _ACTIVATIONS:
        known = ", ".join(_ACTIVATIONS)
        raise folder.unknown(f"{name} is {asked!r}, expected one of {known}")
    return _ACTIVATIONS[asked]


def activation_there(name: str) -> str:
    """What an activation is called in folders."""
    return next(theirs for theirs, ours in _ACTIVATIONS.items() if ours == name)


def attention_dropout(config: Any) -> float:
    """The rate on attention weights of a model's config, which may leave it to ``dropout``."""
    return config.dropout if config.attention_dropout is None else config.attention_dropout


def check_heads(folder: CheckpointFolder, heads: str, size: str) -> None:
    """RunError unless the heads share the columns evenly."""
    K, E = folder.size(heads), folder.size(size)
    if E % K:
        raise folder.wrong(f"{K} heads cannot share a {size} of {E}")
