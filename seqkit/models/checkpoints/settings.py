"""Settings that several architectures share: types of values in config.json, activations, heads."""

from __future__ import annotations

import dataclasses
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


def key(name: str, default: Any = dataclasses.MISSING) -> Any:
    """Declare a field of a model's config that has another name in config.json."""
    return dataclasses.field(default=default, metadata={"key": name})


def fields_of(settings: Any, declared: type) -> dict[str, Any]:
    """Return the fields of a model's config from settings that were read as ``declared``."""
    values = {field.name: getattr(settings, field.name) for field in dataclasses.fields(declared)}
    return values | {"activation": _ACTIVATIONS[settings.activation]}


def keys_of(config: Any, declared: Any) -> dict[str, Any]:
    """Return the keys of config.json that ``declared`` declares, with the values of a model's config."""
    values = {field.name: getattr(config, field.name) for field in dataclasses.fields(declared)}
    values["hidden_size"] = config.hidden_size or 4 * config.embedding_size
    values["activation"] = next(theirs for theirs, ours in _ACTIVATIONS.items() if ours == config.activation)
    values["attention_dropout"] = (
        config.dropout if config.attention_dropout is None else config.attention_dropout
    )
    names = {field.name: field.metadata.get("key", field.name) for field in dataclasses.fields(declared)}
    return {names[name]: value for name, value in values.items()}


def check_heads(folder: CheckpointFolder, heads: str, size: str) -> None:
    """Raise RunError unless the number of heads divides the size; both are keys of config.json."""
    K, E = folder.config[heads], folder.config[size]
    if E % K:
        raise folder.wrong(f"expected {heads} to divide {size}, got {K} and {E}")
