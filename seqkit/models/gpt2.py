"""GPT-2 (Radford et al. 2019) from and to checkpoint folders of Hugging Face."""

from dataclasses import dataclass, replace
from pathlib import Path

from seqkit.backend import Device, default_device, make_current, to_numpy
from seqkit.errors import Remedy, RunError, UsageError
from seqkit.models.bert.settings import ARCHITECTURES
from seqkit.models.checkpoints import (
    Activation,
    CheckpointFolder,
    Deviation,
    Epsilon,
    Names,
    Rate,
    Row,
    Size,
    Unset,
    check_heads,
    checked_arrays,
    fields_of,
    key,
    keys_of,
    linear,
    normalization,
    stored_arrays,
    write_folder,
)
from seqkit.models.transformer import TransformerLanguageModel, TransformerLanguageModelConfig

_OURS = "stack.layers.{i}."
_THEIRS = "h.{i}."
_TOKENS = "wte.weight"

NAMES = Names(
    prefix="transformer.",
    body=(
        Row("embedding.tokens.weight", (_TOKENS,), "V E"),
        Row("embedding.positions.weight", ("wpe.weight",), "P E"),
        *normalization("stack.final_norm", "ln_f"),
    ),
    layer=(
        *normalization(_OURS + "attention_norm", _THEIRS + "ln_1"),
        *linear(_OURS + "attention.qkv", _THEIRS + "attn.c_attn", shape="E Q", transposed=True),
        *linear(_OURS + "attention.output", _THEIRS + "attn.c_proj", shape="E E", transposed=True),
        *normalization(_OURS + "feed_forward_norm", _THEIRS + "ln_2"),
        *linear(_OURS + "feed_forward.up", _THEIRS + "mlp.c_fc", shape="E F", transposed=True),
        *linear(_OURS + "feed_forward.down", _THEIRS + "mlp.c_proj", shape="F E", transposed=True),
    ),
    heads={"output": (Row("output.weight", ("lm_head.weight",), "V E"),)},
    copies={"lm_head.weight": _TOKENS},
    ignored=(".attn.bias", ".attn.masked_bias"),
)
"""Letters of shapes: V vocabulary, P positions, E embedding, Q = 3·E, F width of the feed-forward network."""


def load(path: str | Path, *, device: str | Device | None = None) -> TransformerLanguageModel:
    """The causal model of a folder, not training; it generates with :mod:`seqkit.decoding`.

    Weights become float32. device: None is the default one.

    Raises RunError, DamagedFileError: for another architecture, and for a tensor that is missing or of
    another shape than config.json says, with its name and that shape.
    """
    folder = CheckpointFolder(path)
    kind = folder.model_type
    if kind in ARCHITECTURES:
        raise RunError(
            f"{folder.path} is a model of type {kind!r}, expected 'gpt2': {kind} has no causal head",
            remedy=Remedy(
                "open it with models.bert.load",
                command="`seqkit embed` and `seqkit train-classifier --init` open this one",
            ),
        )
    if kind != "gpt2":
        raise RunError(
            f"{folder.path} is a model of type {kind!r}, expected 'gpt2'", remedy="give a folder of a GPT-2"
        )
    config = _read(folder)
    sizes = {
        "V": config.vocab_size,
        "P": config.max_length,
        "E": config.embedding_size,
        "Q": 3 * config.embedding_size,
        "F": config.hidden_size or 4 * config.embedding_size,
    }
    names, heads = (NAMES, ()) if config.tied else (replace(NAMES, copies={}), ("output",))
    arrays = checked_arrays(folder, names, sizes, config.num_layers, heads, tied=config.tied)()
    model = TransformerLanguageModel(config, generator=Unset())
    model.load_state_dict(arrays, source=str(folder.path))
    return model.to(make_current(device or default_device())).eval()


@dataclass(frozen=True)
class _Gpt2Config:
    """The keys of config.json that are read, with the reference library's defaults."""

    vocab_size: Size
    embedding_size: Size = key("n_embd")
    num_layers: Size = key("n_layer")
    num_heads: Size = key("n_head")
    max_length: Size = key("n_positions")
    hidden_size: Size | None = key("n_inner", None)
    activation: Activation = key("activation_function", "gelu_new")
    epsilon: Epsilon = key("layer_norm_epsilon", 1e-5)
    dropout: Rate = key("resid_pdrop", 0.1)
    attention_dropout: Rate = key("attn_pdrop", 0.1)
    tied: bool = key("tie_word_embeddings", True)
    init_std: Deviation = key("initializer_range", 0.02)


def _read(folder: CheckpointFolder) -> TransformerLanguageModelConfig:
    settings = folder.settings(_Gpt2Config)
    check_heads(folder, "n_head", "n_embd")
    return TransformerLanguageModelConfig(**fields_of(settings, _Gpt2Config))


def save(model: TransformerLanguageModel, path: str | Path, *, end_id: int | None = None) -> None:
    """Write ``config.json`` and ``model.safetensors``, which the reference library opens.

    ``end_id`` is the token that begins and ends a text.

    Raises UsageError for a model that is not laid out as GPT-2, RunError when the folder cannot be written.
    """
    config = model.config
    if config.positions != "learned" or config.norm != "pre" or config.output_bias:
        raise UsageError(
            f"a GPT-2 has learned positions, pre-norm and no output bias; this model has positions "
            f"{config.positions!r}, norm {config.norm!r}, output_bias {config.output_bias}"
        )
    arrays = {name: to_numpy(array) for name, array in model.state_dict().items()}
    stored = stored_arrays(NAMES, arrays, config.num_layers, "output", prefix=NAMES.prefix)
    write_folder(
        path,
        {
            "model_type": "gpt2",
            "architectures": ["GPT2LMHeadModel"],
            "dtype": "float32",
            "embd_pdrop": config.dropout,
            "bos_token_id": end_id,
            "eos_token_id": end_id,
            **keys_of(config, _Gpt2Config),
        },
        stored,
    )
