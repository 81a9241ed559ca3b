"""Read the pooling and normalisation of a sentence encoder's folder.

The layout is that of sentence-transformers (Reimers and Gurevych 2019): ``modules.json`` lists the parts in
order, ``1_Pooling/config.json`` says how token vectors become one, ``sentence_bert_config.json`` how many
tokens are read. A folder without ``modules.json`` is averaged over its tokens and not normalised.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seqkit.errors import DamagedFileError, RunError
from seqkit.models.checkpoints import read_json

POOLINGS = ("cls", "mean", "max")
_MODULES = "modules.json"
_FLAGS = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
"""In the order in which several are put together."""
_LIMITS = tuple(f"sentence_{kind}_config.json" for kind in ("bert", "roberta", "distilbert", "xlm-roberta"))


@dataclass(frozen=True)
class Modules:
    """How a folder makes one vector of a text."""

    folder: Path
    """Where config.json, the weights and the tokenizer are."""
    pooling: tuple[str, ...] = ("mean",)
    """Several are put one after another."""
    normalize: bool = False
    max_length: int | None = None
    """Tokens, special ones included; None: as many as the model takes."""
    lowercase: bool = False


def read_modules(path: str | Path) -> Modules:
    """The parts of a folder. Raises RunError for a part or a pooling that is not known, with its name."""
    folder = Path(path)
    if not (folder / _MODULES).is_file():
        return Modules(folder, **_limits(folder))
    listed = read_json(folder / _MODULES, list)
    encoder, normalize = folder, False
    pooling: tuple[str, ...] = ("mean",)
    for place, part in enumerate(listed):
        try:
            kind, own = str(part["type"]).rpartition(".")[2], _inside(folder, str(part.get("path", "")))
        except (TypeError, KeyError, AttributeError):
            raise DamagedFileError(f"{folder / _MODULES} is damaged: entry {place} has no type") from None
        if kind == "Transformer" and place == 0:
            encoder = own
        elif kind == "Pooling" and place == 1:
            pooling = _pooling(own / "config.json")
        elif kind == "Normalize" and place > 1:
            normalize = True
        else:
            raise RunError(
                f"{folder / _MODULES}: part {place} is {part['type']}, expected a Transformer, a Pooling and "
                "perhaps a Normalize, in this order"
            )
    return Modules(encoder, pooling, normalize, **_limits(encoder))


def _inside(folder: Path, part: str) -> Path:
    """The folder of a part. A name that leads elsewhere is refused."""
    own = folder / part
    if not own.resolve().is_relative_to(folder.resolve()):
        raise DamagedFileError(f"{folder / _MODULES} is damaged: {part!r} leads out of the folder")
    return own


def _pooling(path: Path) -> tuple[str, ...]:
    settings = read_json(path, dict)
    named = settings.get("pooling_mode")
    if named is not None:
        chosen = tuple(named) if isinstance(named, list) else (named,)
    else:
        chosen = tuple(name for flag, name in _FLAGS.items() if settings.get(flag))
    unknown = [str(name) for name in chosen if name not in POOLINGS]
    if unknown or not chosen:
        raise RunError(
            f"{path}: pooling {', '.join(unknown) or 'not given'}, expected one of {', '.join(POOLINGS)}"
        )
    return chosen


def _limits(folder: Path) -> dict[str, Any]:
    """max_length and lowercase."""
    for name in _LIMITS:
        if (folder / name).is_file():
            settings = read_json(folder / name, dict)
            longest = settings.get("max_seq_length")
            if longest is not None and (type(longest) is not int or longest < 1):
                raise RunError(f"{folder / name}: max_seq_length must be at least 1, got {longest!r}")
            return {"max_length": longest, "lowercase": bool(settings.get("do_lower_case"))}
    return {}
