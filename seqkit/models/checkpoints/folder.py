"""The folder of a checkpoint: its settings and its tensors, which may be spread over several files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path, PurePath
from typing import Any, Final, TypeVar

import numpy as np

from seqkit.errors import DamagedFileError, RunError
from seqkit.files import atomic_writer, encode_safetensors, write_atomically
from seqkit.files.substitutes import refuse_substitute
from seqkit.files.what_is import not_as_expected, read_config
from seqkit.models.checkpoints.tensor_file import TensorFile

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
_INDEX = "model.safetensors.index.json"
PICKLES = ("pytorch_model.bin", "pytorch_model.bin.index.json", "tf_model.h5", "flax_model.msgpack")
_AGAIN = "copy or download it again"

T = TypeVar("T")


class _Required:
    pass


_REQUIRED: Final = _Required()


class CheckpointFolder:
    """``config.json`` as ``config``, and the tensors of ``model.safetensors`` or of the files of its index.

    Raises RunError where a file is missing, DamagedFileError for one that cannot be read as what it is.
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
        self.config: dict[str, Any] = read_json(self.path / CONFIG, dict)

    def setting(self, name: str, kind: type[T], default: Any = _REQUIRED) -> T:
        """A value of config.json, of that kind. RunError when it is of another, or missing and required."""
        value = self.config.get(name)
        if value is None:
            if default is _REQUIRED:
                raise self.wrong(f"it has no {name}, expected a value of type {kind.__name__}")
            return default
        if kind is float and type(value) is int:
            value = float(value)
        if type(value) is not kind:
            raise self.wrong(f"expected {name} to be of type {kind.__name__}, got {value!r}")
        return value

    def size(self, name: str, default: Any = _REQUIRED) -> Any:
        """A whole number of at least 1."""
        value = self.setting(name, int, default)
        if value is not None and value < 1:
            raise self.wrong(f"expected {name} to be at least 1, got {value}")
        return value

    def refuse_unless(self, name: str, *known: Any) -> None:
        """RunError unless a setting is absent, None, or one of ``known``: what the models here compute."""
        value = self.config.get(name)
        if value is not None and value not in known:
            raise self.unknown(f"{name} is {value!r}, expected {' or '.join(map(repr, known))}")

    def wrong(self, what: str) -> RunError:
        """The error of a config.json that no model has."""
        return RunError(f"{self.path / CONFIG}: {what}", remedy=_AGAIN)

    def unknown(self, what: str) -> RunError:
        """The error of a model that computes what is not computed here."""
        return RunError(f"{self.path / CONFIG}: {what}", remedy="give another model")

    @cached_property
    def tensors(self) -> dict[str, TensorFile]:
        """The file in which each tensor is, by name."""
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
        places = read_json(index, dict).get("weight_map")
        if not isinstance(places, dict):
            raise _damaged(index, "it has no weight_map")
        for place in places.values():
            if not isinstance(place, str) or PurePath(place).name != place:
                raise _damaged(index, f"{place!r} is no file of the folder")
        files = {place: TensorFile(self.path / place) for place in sorted(set(places.values()))}
        for name, place in places.items():
            if name not in files[place].shapes:
                raise _damaged(self.path / place, f"it lacks {name}, which {index.name} says it has")
        return {name: files[place] for name, place in places.items()}


def _damaged(path: Path, why: str) -> DamagedFileError:
    return DamagedFileError(f"{path} is damaged: {why}", remedy=_AGAIN)


def read_json(path: Path, kind: type[T]) -> T:
    """The content of a JSON file, of that kind. RunError when it cannot be read, or is of another."""
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise RunError(f"cannot read {path} ({error.strerror or error})", remedy=_AGAIN) from error
    except (ValueError, RecursionError) as error:
        refuse_substitute(path, error=DamagedFileError)
        raise _damaged(path, f"no JSON ({error})") from None
    if not isinstance(content, kind):
        raise _damaged(path, f"it holds a JSON {type(content).__name__}, expected a {kind.__name__}")
    return content


def write_folder(path: str | Path, config: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
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
