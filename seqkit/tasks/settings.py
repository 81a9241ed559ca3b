"""What the settings of every task have in common: one frozen dataclass a task, one field a flag."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

from seqkit.corpora import TextDefaults, corpus_names
from seqkit.errors import UsageError
from seqkit.text import SUBWORDS

_SUBWORDS = 8000
"""Types that are learned where no number is given."""


@dataclasses.dataclass(frozen=True)
class Settings:
    """Base of a task's settings. Its fields, their types and defaults are the command's flags."""

    MAY_CHANGE: ClassVar[tuple[str, ...]] = ()
    """Fields that may differ on --resume: how long, where, how often to report."""

    FLAGS: ClassVar[dict[str, tuple[str, ...]]] = {
        "embedding_size": ("emsize",),
        "hidden_size": ("nhid",),
        "num_layers": ("nlayers",),
        "num_heads": ("nhead",),
        "context_length": ("context-length", "block-size"),
    }
    """Flags of fields that have other names on the command line, where PyTorch's example set them."""

    @classmethod
    def flags(cls, field: str) -> tuple[str, ...]:
        """The names of a field on the command line and in settings files, without the leading dashes."""
        return cls.FLAGS.get(field, (field.replace("_", "-"),))

    @classmethod
    def field_names(cls) -> dict[str, str]:
        """Every name that a setting may be given by, with underscores, and the field that it means."""
        names = {field.name: field.name for field in dataclasses.fields(cls)}
        return names | {flag.replace("-", "_"): name for name in names for flag in cls.flags(name)}

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return dataclasses.asdict(self)

    @classmethod
    def from_values(cls, values: Mapping[str, Any], *, source: str = "settings") -> Self:
        """Settings from names and values, defaults for the rest.

        Dashes may stand for underscores, and flags for fields. UsageError names an unknown setting and the
        nearest known one, and a value of the wrong type.
        """
        fields = {field.name: field for field in dataclasses.fields(cls)}
        names = cls.field_names()
        checked: dict[str, Any] = {}
        for key, value in values.items():
            name = names.get(key.replace("-", "_"), "")
            if name not in fields:
                close = difflib.get_close_matches(key.replace("-", "_"), names, n=1)
                hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(fields)}"
                raise UsageError(f"unknown setting {key!r} in {source}", remedy=hint)
            kinds = {kind.strip() for kind in str(fields[name].type).split("|")}
            if "float" in kinds and type(value) is int:
                value = float(value)
            if (type(value).__name__ if value is not None else "None") not in kinds:
                asked = " or ".join(sorted(kinds - {"None"}))
                raise UsageError(f"{key} in {source} must be {asked}, got {value!r}")
            checked[name] = value
        return cls(**checked)

    @classmethod
    def to_resume(cls, saved: Mapping[str, Any], given: Mapping[str, Any]) -> Self:
        """A run's settings with those of ``given``. UsageError names one that differs and may not change."""
        now = cls.from_values({**saved, **given})
        kept = {}
        for name in given:
            name = cls.field_names()[name.replace("-", "_")]
            before, after = saved[name], getattr(now, name)
            if isinstance(before, str) and before == absolute_path(str(after)):
                kept[name] = before  # a corpus, its path spelt otherwise
            elif name not in cls.MAY_CHANGE and before != after:
                raise UsageError(
                    f"--resume cannot change {name} from {before!r} to {after!r}",
                    remedy=f"leave it out, or start a new run; {', '.join(cls.MAY_CHANGE)} may change",
                )
        return dataclasses.replace(now, **kept)

    # Checks for __post_init__

    def _require_choice(self, name: str, choices: Iterable[str]) -> None:
        value = getattr(self, name)
        if value not in choices:
            raise UsageError(f"{name} must be one of {', '.join(choices)}, got {value!r}")

    def _require_positive(self, names: str) -> None:
        for name in names.split():
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise UsageError(f"{name} must be above 0, got {value}")

    def _require_at_least_zero(self, names: str) -> None:
        for name in names.split():
            value = getattr(self, name)
            if value is not None and not value >= 0:
                raise UsageError(f"{name} must be at least 0, got {value}")

    def _require_share(self, names: str) -> None:
        for name in names.split():
            value = getattr(self, name)
            if value is not None and not 0 <= value < 1:
                raise UsageError(f"{name} must be at least 0 and below 1, got {value}")


def absolute_path(text: str, names: Iterable[str] = ()) -> str:
    """A file or folder as it can be found from any folder; ``names``, and what is not there, left alone."""
    path = Path(text).expanduser()
    return str(path.resolve()) if text not in names and path.exists() else text


def absolute_corpus(corpus: str) -> str:
    """The same for a text corpus: registered names and nltk:NAME stay."""
    return corpus if corpus.startswith("nltk:") else absolute_path(corpus, corpus_names("text"))


def text_choices(settings: Any, defaults: TextDefaults) -> dict[str, Any]:
    """tokenizer, lowercase, min_count and vocab_size: those given, else the corpus's own.

    Another tokenizer than the corpus's own makes its other defaults void.
    """
    own = settings.tokenizer in (None, defaults.tokenizer)
    tokenizer = settings.tokenizer or defaults.tokenizer
    subwords = tokenizer in SUBWORDS
    all_kept = subwords or tokenizer == "char"

    def choose(given: Any, usual: Any, otherwise: Any) -> Any:
        return given if given is not None else usual if own else otherwise

    return {
        "tokenizer": tokenizer,
        "lowercase": choose(settings.lowercase, defaults.lowercase, False),
        "min_count": choose(settings.min_count, defaults.min_count, 1 if all_kept else 2),
        "vocab_size": choose(settings.vocab_size, defaults.vocab_size, _SUBWORDS if subwords else None),
    }
