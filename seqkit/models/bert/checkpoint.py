"""Encoders of the BERT family from and to checkpoint folders."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from seqkit import nn, ops
from seqkit.autograd import Tensor
from seqkit.backend import Device, default_device, make_current, to_numpy
from seqkit.backend.random import Generator, as_generator
from seqkit.errors import RunError, UsageError
from seqkit.models.bert.settings import ARCHITECTURES, Architecture
from seqkit.models.checkpoints import (
    CheckpointFolder,
    Unset,
    checked_arrays,
    has_head,
    stored_arrays,
    write_folder,
)
from seqkit.models.masked_language_model import MaskedLanguageModel
from seqkit.models.transformer import TransformerEncoder, TransformerEncoderConfig


class BertEncoder(TransformerEncoder):
    """A :class:`TransformerEncoder`, and BERT's pooler where the checkpoint has one."""

    def __init__(
        self,
        config: TransformerEncoderConfig,
        *,
        pooler: bool = True,
        generator: Generator | int | None = None,
    ) -> None:
        generator = as_generator(generator)
        super().__init__(config, generator=generator)
        self.pooler = (
            nn.Linear(config.embedding_size, config.embedding_size, generator=generator) if pooler else None
        )

    def pooled(self, hidden: Tensor) -> Tensor:
        """tanh(W·h₀ + b) of hidden states (B, T, E), (B, E). UsageError for a model without a pooler."""
        if self.pooler is None:
            raise UsageError(
                "this model has no pooler", remedy="average its hidden states (tasks.sentence_encoding)"
            )
        return ops.tanh(self.pooler(hidden[:, 0]))


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
    kind = folder.model_type
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


def save(model: TransformerEncoder | MaskedLanguageModel, path: str | Path) -> None:
    """Write ``config.json`` and ``model.safetensors`` of an encoder, or of a masked language model.

    Post-norm encoders become BERT, DistilBERT (without token types) or RoBERTa (with a position offset),
    pre-norm ones Megatron's BERT. Where the architecture has token types and the model none, one vector of
    zeros replaces them. Raises UsageError for a model that none of these computes, RunError when the folder
    cannot be written.
    """
    masked = isinstance(model, MaskedLanguageModel)
    config = model.config
    kind = _kind(config, pooler=isinstance(model, BertEncoder) and model.pooler is not None)
    architecture = ARCHITECTURES[kind]
    names = architecture.names
    if masked and architecture.classes == "Roberta" and config.activation != "gelu":
        raise UsageError(f"the head of a RoBERTa has gelu, this model {config.activation}")
    arrays = {name.removeprefix("encoder."): to_numpy(a) for name, a in model.state_dict().items()}
    if not config.token_types:
        arrays["embedding.types.weight"] = np.zeros((1, config.embedding_size), np.float32)
    head = "masked" if masked else "pooler"
    stored = stored_arrays(
        names,
        arrays,
        config.num_layers,
        *([head] if head in names.heads else []),
        prefix=names.prefix if masked else "",
    )
    suffix = "ForMaskedLM" if masked else "Model"
    write_folder(
        path,
        {
            "model_type": kind,
            "architectures": [architecture.classes + suffix],
            "dtype": "float32",
            "tie_word_embeddings": True,
            **architecture.write(config),
        },
        stored,
    )


def _kind(config: TransformerEncoderConfig, *, pooler: bool) -> str:
    if config.positions == "learned":
        for kind, architecture in ARCHITECTURES.items():
            if architecture.fits(config) and (architecture.pooler or not pooler):
                return kind
    raise UsageError(
        f"no architecture of a checkpoint folder has positions {config.positions!r} with norm "
        f"{config.norm!r}, embedding_norm {config.embedding_norm}, position_offset {config.position_offset}",
        remedy="export encoders with learned positions, post-norm with embedding_norm, or pre-norm without",
    )
