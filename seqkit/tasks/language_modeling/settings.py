"""Every setting of a language-model training, with its default: the flags of `train-lm` are these fields."""

from __future__ import annotations

from dataclasses import dataclass

from seqkit.tasks.settings import Settings

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


@dataclass(frozen=True)
class LanguageModelSettings(Settings):
    """One field a flag. None means "as suits the corpus" or "as suits the optimiser", or no limit.

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
    )

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
        self._require_choice("model", MODELS)
        self._require_choice("optimizer", tuple(OPTIMIZER_DEFAULTS))
        self._require_positive(
            "order emsize nhid nlayers bptt batch_size eval_batch_size epochs max_steps min_count vocab_size "
            "valid_tokens max_time patience lr clip accumulate log_interval init_range"
        )
        self._require_at_least_zero("warmup weight_decay seed checkpoint_interval")
        self._require_share("dropout dropout_input dropout_hidden dropout_output momentum")

    @property
    def base_lr(self) -> float:
        """The learning rate, or the optimiser's usual one."""
        return OPTIMIZER_DEFAULTS[self.optimizer][0] if self.lr is None else self.lr

    @property
    def schedule_name(self) -> str:
        """The schedule, or the optimiser's usual one."""
        return OPTIMIZER_DEFAULTS[self.optimizer][1] if self.schedule is None else self.schedule
