"""Folders of the BERT family to encoders."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from seqkit.backend import Device, default_device, make_current
from seqkit.errors import RunError
from seqkit.models.bert.encoder import BertEncoder
from seqkit.models.bert.settings import ARCHITECTURES, Architecture
from seqkit.models.checkpoints import CheckpointFolder, Unset, checked_arrays, has_head
from seqkit.models.masked_language_model import MaskedLanguageModel
from seqkit.models.transformer import TransformerEncoderConfig


def load(path: str | Path, *, device: str | Device | None = None) -> BertEncoder:
    """The encoder of a folder, not training; with the pooler where the folder has one. Heads are passed over.

    Weights become float32. device: None is the default one.

    Raises RunError, DamagedFileError: for an architecture that is none of the family, and for a tensor that
    is missing or of another shape than config.json says, with its name and that shape.
    """
    folder = CheckpointFolder(path)
    architecture = _architecture(folder)
    config = architecture.read(folder)
    pooler = architecture.pooler and has_head(folder, architecture.names, "pooler")
    arrays = _arrays(folder, architecture, config, *(["pooler"] if pooler else []))()
    model = BertEncoder(config, pooler=pooler, generator=Unset())
    model.load_state_dict(arrays, source=str(folder.path))
    return model.to(make_current(device or default_device())).eval()


def open_encoder(
    path: str | Path,
) -> tuple[TransformerEncoderConfig, Callable[[], dict[str, np.ndarray]]]:
    """The config of a folder's encoder, and what reads its arrays by the names of ``TransformerEncoder``.

    For models of other tasks that start from it. Errors as of :func:`load`.
    """
    folder = CheckpointFolder(path)
    architecture = _architecture(folder)
    config = architecture.read(folder)
    return config, _arrays(folder, architecture, config)


def load_masked(path: str | Path, *, device: str | Device | None = None) -> MaskedLanguageModel:
    """The masked language model of a folder, with its head (…ForMaskedLM, …ForPreTraining), as :func:`load`.

    RunError for a folder without that head.
    """
    folder = CheckpointFolder(path)
    architecture = _architecture(folder)
    config = architecture.read(folder)
    if not has_head(folder, architecture.names, "masked"):
        raise RunError(
            f"{folder.path} has an encoder and no head that finds masked tokens",
            remedy="use models.bert.load, or a folder of a model for masked language modelling",
        )
    if architecture.classes == "Roberta" and config.activation != "gelu":
        raise RunError(f"{folder.path}: the head of a RoBERTa has gelu, its layers {config.activation}")
    arrays = _arrays(folder, architecture, config, "masked")()
    beside = {row.own for row in architecture.names.heads["masked"]}
    model = MaskedLanguageModel(config, generator=Unset())
    model.load_state_dict(
        {name if name in beside else f"encoder.{name}": array for name, array in arrays.items()},
        source=str(folder.path),
    )
    return model.to(make_current(device or default_device())).eval()


def _architecture(folder: CheckpointFolder) -> Architecture:
    kind = folder.setting("model_type", str)
    if kind not in ARCHITECTURES:
        also = "models.gpt2.load and `seqkit generate` open this one"
        raise RunError(
            f"{folder.path} is a model of type {kind!r}, expected one of {', '.join(ARCHITECTURES)}",
            remedy=also if kind == "gpt2" else "give a folder of one of these",
        )
    return ARCHITECTURES[kind]


def _arrays(
    folder: CheckpointFolder, architecture: Architecture, config: TransformerEncoderConfig, *heads: str
) -> Callable[[], dict[str, np.ndarray]]:
    sizes = {
        "V": config.vocab_size,
        "P": config.max_length + config.position_offset,
        "Y": config.token_types,
        "E": config.embedding_size,
        "F": config.hidden_size or 4 * config.embedding_size,
    }
    return checked_arrays(folder, architecture.names, sizes, config.num_layers, heads, tied="masked" in heads)
