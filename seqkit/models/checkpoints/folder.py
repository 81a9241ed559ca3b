"""The folder of a checkpoint: its config.json, and its tensors, which may be spread over several files."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath
from typing import Annotated, Any, Literal, TypeVar, cast

import numpy as np

from seqkit.errors import DamagedFileError, RunError
from seqkit.files import Between, atomic_writer, encode_safetensors, fill_json, read_json, write_atomically
from seqkit.files.json_files import REMEDY
from seqkit.files.what_is import not_as_expected, read_config
from seqkit.models.checkpoints.contents import check_files, check_keys
from seqkit.models.checkpoints.tensor_file import TensorFile

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
_INDEX = "model.safetensors.index.json"
PICKLES = ("pytorch_model.bin", "pytorch_model.bin.index.json", "tf_model.h5", "flax_model.msgpack")

T = TypeVar("T")


class CheckpointFolder:
    """``config.json`` as ``config``, and the tensors of ``model.safetensors`` or of the files of its index.

    Threads may share it.

    Args:
        path: The folder.

    Raises:
        RunError: A file is missing.
        DamagedFileError: A file cannot be read as what it is.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if "task" in read_config(self.path):
            raise not_as_expected(self.path, f"{self.path} is no checkpoint folder")
        if not (self.path / CONFIG).is_file():
            raise not_as_expected(
                self.path,
                f"{self.path} is no checkpoint folder: {self.path / CONFIG} is missing",
                remedy="give a folder with config.json and model.safetensors, such as one that "
                "`hf download NAME --local-dir DIR` fetches",
            )
        self.config: dict[str, Any] = read_json(self.path / CONFIG, dict[str, Any])

    @property
    def model_type(self) -> str:
        """Its architecture. RunError without one."""
        return fill_json(_ModelType, self.config, self.wrong).model_type

    def settings(self, declared: type[T]) -> T:
        """Return config.json as a dataclass; null means a field's default.

        Args:
            declared: The dataclass; its fields are the keys that are read.

        Raises:
            RunError: A value is missing or of another type, or a key that is not read changes what the model
                computes.
        """
        settings = fill_json(declared, self.config, self.wrong, null_is_default=True)
        fields = dataclasses.fields(cast(Any, declared))
        read = {field.metadata.get("key", field.name) for field in fields}
        check_keys(self.config, read, self.path / CONFIG)
        return settings

    def wrong(self, what: str) -> RunError:
        """The error of a config.json that no model has."""
        return RunError(
            f"{self.path / CONFIG}: {what}", remedy="give another model, or copy or download this one again"
        )

    @cached_property
    def tensors(self) -> dict[str, TensorFile]:
        """The file in which each tensor is, by name. RunError for other files of weights beside them."""
        tensors = self._tensors()
        read = {file.path.name for file in tensors.values()} | {WEIGHTS}
        check_files(self.path, read)
        return tensors

    def _tensors(self) -> dict[str, TensorFile]:
        if (self.path / WEIGHTS).is_file():
            file = TensorFile(self.path / WEIGHTS)
            return dict.fromkeys(file.shapes, file)
        if (self.path / _INDEX).is_file():
            return self._sharded()
        for name in PICKLES:
            if (self.path / name).is_file():
                raise RunError(
                    f"{self.path / name} is a format that is not read (a pickle can run any code), and "
                    f"{WEIGHTS} is missing",
                    remedy="convert it once where PyTorch and transformers are installed: "
                    "AutoModel.from_pretrained(DIR).save_pretrained(NEW_DIR), and copy the tokenizer's files",
                )
        raise RunError(
            f"{self.path / WEIGHTS} is missing, and so is {_INDEX}", remedy="download the weights too"
        )

    def _sharded(self) -> dict[str, TensorFile]:
        index = self.path / _INDEX
        places = read_json(index, _Index).weight_map
        for place in places.values():
            if PurePath(place).name != place or "\0" in place:
                raise _damaged(index, f"{place!r} is no file of the folder")
        files = {place: TensorFile(self.path / place) for place in sorted(set(places.values()))}
        for name, place in places.items():
            if name not in files[place].shapes:
                raise _damaged(self.path / place, f"it lacks {name}, which {index.name} says it has")
        for place, file in files.items():
            for name in file.shapes:
                if places.get(name) != place:
                    raise _damaged(index, f"expected {name} to be in {place}, got {places.get(name)}")
        return {name: files[place] for name, place in places.items()}


@dataclass(frozen=True)
class _ModelType:
    model_type: str


@dataclass(frozen=True)
class _Index:
    weight_map: dict[str, str]


def _damaged(path: Path, why: str) -> DamagedFileError:
    return DamagedFileError(f"{path} is damaged: {why}", remedy=REMEDY)


def write_folder(path: str | Path, config: Mapping[str, object], arrays: Mapping[str, np.ndarray]) -> None:
    """Write ``config.json`` and ``model.safetensors``, each whole or not at all. RunError when it fails."""
    folder, remedy = Path(path), "choose another folder"
    tensors = {name: np.asarray(array, np.float32) for name, array in arrays.items()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"cannot write {folder} ({error})", remedy=remedy) from error
    with atomic_writer(folder / WEIGHTS, remedy=remedy) as file:
        header, contents = encode_safetensors(tensors, {"format": "pt"})  # the reference library asks for it
        file.writelines([header, *contents])
    text = json.dumps(config, indent=2, sort_keys=True) + "\n"
    write_atomically(folder / CONFIG, text.encode(), remedy=remedy)


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
