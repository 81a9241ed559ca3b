"""Every setting of a sequence-to-sequence training, with its default: the flags of `train-seq2seq`."""

from __future__ import annotations

from dataclasses import dataclass

from seqkit.errors import UsageError
from seqkit.tasks.settings import Settings

MODELS = ("lstm", "gru")
ATTENTIONS = ("none", "dot", "general", "additive")
STARTS = ("uniform", "normal")
ON_BAD_LINE = ("error", "skip")

OPTIMIZER_DEFAULTS: dict[str, tuple[float, str]] = {
    "sgd": (1.0, "plateau"),
    "momentum": (0.1, "plateau"),
    "nesterov": (0.1, "plateau"),
    "adagrad": (0.05, "constant"),
    "rmsprop": (0.001, "constant"),
    "adam": (0.001, "constant"),
    "adamw": (0.001, "constant"),
}
"""Learning rate and schedule that suit an optimiser where none are given."""


@dataclass(frozen=True)
class TranslationSettings(Settings):
    """One field a flag. None means "as suits the task" or "as suits the optimiser", or no limit.

    On --resume may change: how long, where, how often to report; and what tames a diverged run.
    """

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
        "examples",
    )

    task: str = "dates"
    target: str | None = None
    on_bad_line: str = "error"
    tokenizer: str | None = None
    lowercase: bool | None = None
    vocab_size: int | None = None
    min_count: int | None = None
    shared_vocabulary: bool = False
    reverse: bool = False
    model: str = "lstm"
    attention: str | None = None
    input_feeding: bool = False
    peeky: bool = False
    readout: bool = False
    bidirectional: bool = False
    pass_cell: bool = True
    emsize: int = 64
    nhid: int = 256
    nlayers: int = 1
    dropout: float = 0.0
    tied: bool = False
    start: str = "uniform"
    init_range: float | None = None
    teacher_forcing: float = 1.0
    batch_size: int = 128
    eval_batch_size: int = 500
    max_new_tokens: int = 100
    epochs: int = 10
    max_steps: int | None = None
    max_time: float | None = None
    patience: int | None = None
    optimizer: str = "adam"
    lr: float | None = None
    schedule: str | None = None
    warmup: int = 0
    weight_decay: float = 0.0
    clip: float | None = 5.0
    accumulate: int = 1
    seed: int = 0
    device: str | None = None
    examples: int = 5
    log_interval: int = 100
    checkpoint_interval: float = 60.0

    def __post_init__(self) -> None:
        """UsageError for values that no training can have."""
        self._require_choice("model", MODELS)
        if self.attention is not None:
            self._require_choice("attention", ATTENTIONS)
        self._require_choice("start", STARTS)
        self._require_choice("on_bad_line", ON_BAD_LINE)
        self._require_choice("optimizer", tuple(OPTIMIZER_DEFAULTS))
        self._require_positive(
            "emsize nhid nlayers batch_size eval_batch_size max_new_tokens epochs max_steps min_count "
            "vocab_size max_time patience lr clip accumulate log_interval init_range"
        )
        self._require_at_least_zero("warmup weight_decay seed checkpoint_interval examples")
        self._require_share("dropout")
        if not 0 <= self.teacher_forcing <= 1:
            raise UsageError(f"teacher_forcing must be from 0 to 1, got {self.teacher_forcing}")

    @property
    def base_lr(self) -> float:
        """The learning rate, or the optimiser's usual one."""
        return OPTIMIZER_DEFAULTS[self.optimizer][0] if self.lr is None else self.lr

    @property
    def schedule_name(self) -> str:
        """The schedule, or the optimiser's usual one."""
        return OPTIMIZER_DEFAULTS[self.optimizer][1] if self.schedule is None else self.schedule

    @property
    def attention_kind(self) -> str | None:
        """How the decoder looks back. Unless told otherwise it does, but not for sums."""
        sums = self.task in ("addition", "book:addition")
        kind = self.attention or ("none" if sums else "general")
        return None if kind == "none" else kind
