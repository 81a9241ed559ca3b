"""The files of a sentence encoder's folder: pooling, normalisation, prompts and limits.

The layout is that of sentence-transformers (Reimers and Gurevych 2019): ``modules.json`` lists the parts in
order, ``1_Pooling/config.json`` says how token vectors become one, ``config_sentence_transformers.json`` what
precedes a text. ``sentence_bert_config.json`` and ``tokenizer_config.json`` limit the number of tokens:
the smallest limit counts. A folder without ``modules.json`` is averaged over its tokens and not normalised.
"""

import re
import warnings
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any, TypeVar, cast

from seqkit.errors import DamagedFileError, RunError
from seqkit.files import Between, fill_json, read_json
from seqkit.files.json_files import REMEDY
from seqkit.text.tokenizer_settings import read_tokenizer_settings

T = TypeVar("T")

POOLINGS = ("cls", "mean", "max")
SIMILARITIES = ("cosine", "dot")
_MODULES, _PROMPTS = "modules.json", "config_sentence_transformers.json"
_FLAGS = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
"""In the order in which several are put together."""
_LIMITS = tuple(
    f"sentence_{name}_config.json"
    for name in ("bert", "roberta", "distilbert", "xlm-roberta", "camembert", "albert", "xlnet")
)
_PART = re.compile(r"\d+_[A-Z]\w*")
"""The name of a part's folder."""


@dataclass(frozen=True)
class Modules:
    """How a folder makes one vector of a text."""

    folder: Path
    """Where config.json, the weights and the tokenizer are."""
    pooling: tuple[str, ...] = ("mean",)
    """Several are put one after another."""
    normalize: bool = False
    max_length: int | None = None
    """Maximum number of tokens, special ones included; None for the model's own."""
    lowercase: bool = False
    dimensions: int | None = None
    """Of the vectors that are pooled, where the folder says so."""
    prompts: Mapping[str, str] = field(default_factory=dict)
    default_prompt_name: str | None = None
    pool_prompt: bool = True
    """Whether a prompt's tokens are pooled with the text's."""
    similarity: str | None = None


@dataclass(frozen=True)
class _Part:
    type: str
    path: str = ""
    kwargs: list[Any] | dict[str, Any] | None = None


@dataclass(frozen=True)
class _Pooling:
    pooling_mode: str | list[str] | None = None
    include_prompt: bool = True
    word_embedding_dimension: Annotated[int, Between(1)] | None = None
    embedding_dimension: Annotated[int, Between(1)] | None = None
    pooling_mode_cls_token: bool = False
    pooling_mode_max_tokens: bool = False
    pooling_mode_mean_tokens: bool = False
    pooling_mode_mean_sqrt_len_tokens: bool = False
    pooling_mode_weightedmean_tokens: bool = False
    pooling_mode_lasttoken: bool = False


@dataclass(frozen=True)
class _Limits:
    max_seq_length: Annotated[int, Between(1)] | None = None
    do_lower_case: bool = False


@dataclass(frozen=True)
class _Prompts:
    prompts: dict[str, str] = field(default_factory=dict)
    default_prompt_name: str | None = None
    similarity_fn_name: str | None = None


_TEXT = {"method": "forward", "method_output_name": "last_hidden_state"}
_HARMLESS: Mapping[str, tuple[Any, ...]] = {
    "unpad_inputs": (True, False),
    "transformer_task": ("feature-extraction",),
    "modality_config": ({"text": _TEXT},),
    "module_output_name": ("token_embeddings",),
    "model_type": ("SentenceTransformer",),
    "backend": ("torch",),
}
"""Keys that are not read, with the values that change nothing beside null and the empty ones."""
_UNCHECKED = ("__version__",)


def read_modules(path: str | Path) -> Modules:
    """Return the parts of a folder.

    Raises:
        RunError: A part, a pooling, a key or a folder of a part is not known, with its name.
        DamagedFileError: A file holds another type.
    """
    folder = Path(path)
    if not (folder / _MODULES).is_file():
        _check_parts(folder, ())
        return Modules(folder, **_limits(folder), **_prompts(folder))
    listed = read_json(folder / _MODULES, list[_Part])
    encoder, normalize = folder, False
    pooled: dict[str, Any] = {}
    for place, part in enumerate(listed):
        name, own = part.type.rpartition(".")[2], _inside(folder, part.path)
        if part.kwargs:
            raise RunError(f"{folder / _MODULES}: expected no kwargs of part {place}, got {part.kwargs!r}")
        if name == "Transformer" and place == 0:
            encoder = own
        elif name == "Pooling" and place == 1:
            pooled = _pooling(own / "config.json")
        elif name == "Normalize" and place > 1:
            normalize = True
        else:
            raise RunError(
                f"{folder / _MODULES}: part {place} is {part.type}, expected a Transformer, a Pooling and "
                "perhaps a Normalize, in this order"
            )
    _check_parts(folder, [Path(part.path).name for part in listed])
    return Modules(encoder, normalize=normalize, **pooled, **_limits(encoder), **_prompts(folder))


def _inside(folder: Path, part: str) -> Path:
    """Return the folder of a part. A name that leads elsewhere is refused."""
    try:
        own = (folder / part).resolve()
        inside = own.is_relative_to(folder.resolve())
        own.exists()  # a name that no file can have raises here
    except (OSError, RuntimeError, ValueError):  # too long, a circle of links, a null character
        inside = False
    if not inside:
        raise DamagedFileError(
            f"{folder / _MODULES} is damaged: {part[:60]!r} leads out of the folder", remedy=REMEDY
        )
    return folder / part


def _check_parts(folder: Path, listed: Collection[str]) -> None:
    """Refuse the folder of a part that modules.json does not list."""
    try:
        names = sorted(path.name for path in folder.iterdir() if _PART.fullmatch(path.name) and path.is_dir())
    except OSError:  # no folder at all: told when its config.json is read
        return
    unread = [name for name in names if name not in listed]
    if unread:
        raise RunError(
            f"{folder / unread[0]} may be a part of the model: expected it in {_MODULES}, got "
            f"{', '.join(filter(None, listed)) or 'no such file'}",
            remedy=f"download {_MODULES} too, or delete the folder if it is left from another model",
        )


def _read(path: Path, declared: type[T]) -> T:
    """Return a settings file as a dataclass. RunError for keys that change the result and are not read."""
    content = read_json(path, dict[str, Any])
    settings = fill_json(
        declared,
        content,
        lambda why: DamagedFileError(f"{path} is damaged: {why}", remedy=REMEDY),
        null_is_default=True,
    )
    known = {each.name for each in fields(cast(Any, declared))}
    for key, value in content.items():
        if key in known or key in _UNCHECKED or value in (None, False, {}, [], ""):
            continue
        if key not in _HARMLESS and not key.startswith(_CHANGING):
            warnings.warn(f"{path}: the key {key!r} is unknown and not read", stacklevel=2)
        elif value not in _HARMLESS.get(key, ()):
            raise RunError(
                f"{path}: expected no {key}, which changes the vectors, got {str(value)[:60]!r}",
                remedy="give another model",
            )
    return settings


_CHANGING = (
    "pooling_mode", "truncate_dim", "query_", "document_", "processing_kwargs", "model_args",
    "tokenizer_args", "config_args", "model_kwargs", "processor_kwargs", "tokenizer_kwargs", "config_kwargs",
    "tokenizer_name_or_path", "max_active_dims", "task", "adapter", "lora", "matryoshka", "layer",
)  # fmt: skip
"""Beginnings of keys that change the vectors."""


def _pooling(path: Path) -> dict[str, Any]:
    settings = _read(path, _Pooling)
    if settings.pooling_mode is not None:
        named = settings.pooling_mode
        chosen = tuple(named) if isinstance(named, list) else (named,)
    else:
        chosen = tuple(name for flag, name in _FLAGS.items() if getattr(settings, flag))
    unknown = [name for name in chosen if name not in POOLINGS]
    if unknown or not chosen:
        raise RunError(
            f"{path}: pooling {', '.join(unknown) or 'not given'}, expected one of {', '.join(POOLINGS)}"
        )
    dimensions = settings.embedding_dimension or settings.word_embedding_dimension
    return {"pooling": chosen, "pool_prompt": settings.include_prompt, "dimensions": dimensions}


def _limits(folder: Path) -> dict[str, Any]:
    """Return max_length, the smallest that any file states, and lowercase."""
    settings = [_read(folder / name, _Limits) for name in _LIMITS if (folder / name).is_file()]
    tokenizer = read_tokenizer_settings(folder)
    if tokenizer.padding_side != "right":
        raise RunError(
            f"{folder / 'tokenizer_config.json'}: expected padding_side to be 'right', got "
            f"{tokenizer.padding_side!r}, which moves the positions of the tokens",
            remedy="give another model",
        )
    stated = [tokenizer.max_length, *(each.max_seq_length for each in settings)]
    return {
        "max_length": min((each for each in stated if each is not None), default=None),
        "lowercase": any(each.do_lower_case for each in settings),
    }


def _prompts(folder: Path) -> dict[str, Any]:
    path = folder / _PROMPTS
    if not path.is_file():
        return {}
    settings = _read(path, _Prompts)
    name = settings.default_prompt_name
    if name is not None and name not in settings.prompts:
        raise DamagedFileError(
            f"{path} is damaged: expected default_prompt_name to be one of {sorted(settings.prompts)}, "
            f"got {name!r}",
            remedy=REMEDY,
        )
    return {
        "prompts": settings.prompts,
        "default_prompt_name": name,
        "similarity": settings.similarity_fn_name,
    }
