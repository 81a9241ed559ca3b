"""Every setting of a language-model training, with its default: the flags of `train-lm` are these fields."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seqkit.corpora import text_corpora
from seqkit.errors import UsageError

NEURAL = ("lstm", "gru", "rnn")
MODELS = (*NEURAL, "kneser-ney")

OPTIMIZER_DEFAULTS: dict[str, tuple[float, str]] = {
    "sgd": (20.0, "plateau"),
    "momentum": (2.0, "plateau"),
    "nesterov": (2.0, "plateau"),
    "adagrad": (0.1, "constant"),
    "rmsprop": (0.002, "cosine"),
    "adam": (0.005, "cosine"),
    "adamw": (0.005, "cosine"),
}
"""Learning rate and schedule that suit an optimiser where none are given. SGD's are those of PyTorch's word

language model example; the others were found on the embedded corpus."""

MAY_CHANGE = (
    "epochs",
    "max_steps",
    "max_time",
    "patience",
    "lr",
    "clip",
    "log_interval",
    "checkpoint_interval",
    "device",
)
"""Settings that may differ on --resume: how long, where, how often to report; what tames a diverged run."""


@dataclass(frozen=True)
class LanguageModelSettings:
    """One field a flag. None means "as suits the corpus" or "as suits the optimiser", or no limit."""

    corpus: str = "pydocs"
    tokenizer: str | None = None
    lowercase: bool | None = None
    vocab_size: int | None = None
    min_count: int | None = None
    model: str = "lstm"
    order: int = 5
    emsize: int = 256
    nhid: int = 256
    nlayers: int = 1
    dropout: float = 0.5
    dropout_input: float | None = None
    dropout_hidden: float | None = None
    dropout_output: float | None = None
    locked_dropout: bool = False
    tied: bool = True
    init_range: float | None = None
    bptt: int = 35
    batch_size: int = 32
    eval_batch_size: int = 10
    epochs: int = 8
    max_steps: int | None = None
    max_time: float | None = None
    patience: int | None = None
    valid_tokens: int | None = None
    optimizer: str = "adamw"
    lr: float | None = None
    schedule: str | None = None
    warmup: int = 0
    momentum: float = 0.9
    weight_decay: float = 0.0
    clip: float | None = 0.25
    accumulate: int = 1
    seed: int = 0
    device: str | None = None
    log_interval: int = 200
    checkpoint_interval: float = 60.0

    def __post_init__(self) -> None:
        """UsageError for values that no training can have."""
        for name, choices in (("model", MODELS), ("optimizer", tuple(OPTIMIZER_DEFAULTS))):
            if getattr(self, name) not in choices:
                raise UsageError(f"{name} must be one of {', '.join(choices)}, got {getattr(self, name)!r}")
        positive = "order emsize nhid nlayers bptt batch_size eval_batch_size epochs max_steps min_count"
        positive += " vocab_size valid_tokens max_time patience lr clip accumulate log_interval init_range"
        for name in positive.split():
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise UsageError(f"{name} must be above 0, got {value}")
        for name in ("warmup", "weight_decay", "seed", "checkpoint_interval"):
            if not getattr(self, name) >= 0:
                raise UsageError(f"{name} must be at least 0, got {getattr(self, name)}")
        for name in ("dropout", "dropout_input", "dropout_hidden", "dropout_output", "momentum"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < 1:
                raise UsageError(f"{name} must be at least 0 and below 1, got {value}")

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return dataclasses.asdict(self)

    @property
    def base_lr(self) -> float:
        """The learning rate, or the optimiser's usual one."""
        return OPTIMIZER_DEFAULTS[self.optimizer][0] if self.lr is None else self.lr

    @property
    def schedule_name(self) -> str:
        """The schedule, or the optimiser's usual one."""
        return OPTIMIZER_DEFAULTS[self.optimizer][1] if self.schedule is None else self.schedule


def settings_from(values: Mapping[str, Any], *, source: str = "settings") -> LanguageModelSettings:
    """Settings from names and values, defaults for the rest.

    Dashes may stand for underscores. UsageError names an unknown setting and the nearest known one, and a
    value of the wrong type.
    """
    fields = {field.name: field for field in dataclasses.fields(LanguageModelSettings)}
    checked: dict[str, Any] = {}
    for key, value in values.items():
        name = key.replace("-", "_")
        if name not in fields:
            close = difflib.get_close_matches(name, fields, n=1)
            hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(fields)}"
            raise UsageError(f"unknown setting {key!r} in {source}", remedy=hint)
        kinds = {kind.strip() for kind in str(fields[name].type).split("|")}
        if "float" in kinds and type(value) is int:
            value = float(value)
        if (type(value).__name__ if value is not None else "None") not in kinds:
            raise UsageError(f"{key} in {source} must be {fields[name].type}, got {value!r}")
        checked[name] = value
    return LanguageModelSettings(**checked)


def settings_to_resume(saved: Mapping[str, Any], given: Mapping[str, Any]) -> LanguageModelSettings:
    """A run's settings with those of ``given`` that may change. UsageError names any other that differs."""
    now = settings_from({**saved, **given})
    for name in given:
        name = name.replace("-", "_")
        before, after = saved[name], getattr(now, name)
        if name == "corpus" and before != after:
            after = absolute_corpus(after)
        if name not in MAY_CHANGE and before != after:
            raise UsageError(
                f"--resume cannot change {name} from {before!r} to {after!r}",
                remedy=f"leave it out, or start a new run; {', '.join(MAY_CHANGE)} may change",
            )
    return dataclasses.replace(now, corpus=saved["corpus"])


def absolute_corpus(corpus: str) -> str:
    """The corpus as it can be found from any folder: paths made absolute, names left alone."""
    if corpus in text_corpora() or corpus.startswith("nltk:"):
        return corpus
    path = Path(corpus).expanduser()
    return str(path.resolve()) if path.exists() else corpus
