"""Every setting of a word-vector training, with its default: the flags of `train-embeddings`."""

from __future__ import annotations

from dataclasses import dataclass

from seqkit.errors import UsageError
from seqkit.optim import OPTIMIZERS
from seqkit.tasks.settings import Settings

MODELS = ("cbow", "skip-gram", "counts")
LOSSES = ("negative-sampling", "softmax")
STARTS = ("uniform", "normal")

WORD2VEC = "word2vec"
"""The optimiser of the word2vec program: one example after another, threads without locks."""

OPTIMIZER_DEFAULTS: dict[str, tuple[float, str]] = {
    WORD2VEC: (0.025, "linear"),
    **{name: (entry.lr, entry.schedule) for name, entry in OPTIMIZERS.items()},
    "sgd": (1.0, "linear"),
    "momentum": (0.1, "linear"),
    "nesterov": (0.1, "linear"),
    "adagrad": (0.1, "constant"),
}
"""Learning rate and schedule of each optimiser where none are given."""


@dataclass(frozen=True)
class EmbeddingSettings(Settings):
    """One field a flag. None means "as suits the corpus" or "as suits the optimiser".

    model "counts" factorises the positive pointwise mutual information of co-occurrence counts; the others
    learn by prediction. The optimiser "word2vec" is the fast trainer, which reads sentence by sentence;
    any other takes shuffled mini-batches of full windows across the ends of lines, on any device.
    """

    MAY_CHANGE = ("epochs", "log_interval", "checkpoint_interval", "device", "workers")

    corpus: str = "pydocs"
    tokenizer: str | None = None
    lowercase: bool | None = None
    vocab_size: int | None = None
    min_count: int = 5
    vocabulary: str | None = None
    init: str | None = None
    model: str = "cbow"
    sg: bool = False
    vector_size: int = 100
    window: int = 5
    shrink_windows: bool = True
    loss: str = "negative-sampling"
    negative: int = 5
    ns_exponent: float = 0.75
    sample: float = 1e-3
    cbow_mean: bool = True
    true_gradient: bool = False
    weight_init: str = "uniform"
    optimizer: str = WORD2VEC
    alpha: float | None = None
    min_alpha: float = 1e-4
    schedule: str | None = None
    lazy_rows: bool = False
    batch_size: int = 100
    epochs: int = 5
    workers: int | None = None
    seed: int = 0
    device: str | None = None
    log_interval: float = 10.0
    checkpoint_interval: float = 60.0

    def __post_init__(self) -> None:
        """UsageError for values that no training can have."""
        if self.sg and self.model == "cbow":
            object.__setattr__(self, "model", "skip-gram")  # the flag is gensim's short form
        self._require_choice("model", MODELS)
        self._require_choice("loss", LOSSES)
        self._require_choice("weight_init", STARTS)
        self._require_choice("optimizer", tuple(OPTIMIZER_DEFAULTS))
        self._require_positive(
            "vector_size window negative alpha batch_size epochs workers min_count vocab_size log_interval"
        )
        self._require_at_least_zero("ns_exponent sample min_alpha seed checkpoint_interval")
        if self.sg and self.model != "skip-gram":
            raise UsageError(f"--sg means the model skip-gram, not {self.model}")
        if self.optimizer == WORD2VEC and self.model != "counts":
            for name, usual in (("loss", "negative-sampling"), ("weight_init", "uniform")):
                if getattr(self, name) != usual:
                    raise UsageError(
                        f"the optimizer word2vec has {name} {usual} only", remedy="choose another --optimizer"
                    )
            if self.schedule not in (None, "linear"):
                raise UsageError("the optimizer word2vec has a linear schedule only")
        elif self.optimizer != WORD2VEC and self.sample and self.model != "counts":
            raise UsageError(
                f"subsampling needs the optimizer word2vec, not {self.optimizer}", remedy="add --sample 0"
            )
        if self.init is not None and (self.optimizer != WORD2VEC or self.model == "counts"):
            raise UsageError("--init needs the optimizer word2vec")

    @property
    def base_lr(self) -> float:
        """The learning rate, or the optimiser's usual one."""
        return OPTIMIZER_DEFAULTS[self.optimizer][0] if self.alpha is None else self.alpha

    @property
    def schedule_name(self) -> str:
        """The schedule, or the optimiser's usual one."""
        return OPTIMIZER_DEFAULTS[self.optimizer][1] if self.schedule is None else self.schedule
