"""Settings of an embedding training: the flags of `train-embeddings`."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from seqkit.backend import default_device
from seqkit.corpora import Corpus
from seqkit.errors import UsageError
from seqkit.optim import OPTIMIZERS
from seqkit.tasks.text import absolute_corpus
from seqkit.threads import thread_count
from seqkit.training import ResolvedTrainingSettings, Settings
from seqkit.vectors.word2vec import Word2VecSettings

MODELS = ("cbow", "skip-gram", "counts")
LOSSES = ("negative-sampling", "softmax")
WEIGHT_INITS = ("uniform", "normal")

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


@dataclass(frozen=True, kw_only=True)
class EmbeddingSettings(Settings):
    """Settings of an embedding training; one field a flag.

    None means the usual value of the corpus, the optimiser or the machine.

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

    def _check(self) -> None:
        """Raise UsageError for values out of range."""
        super()._check()
        if self.sg and self.model == "cbow":
            object.__setattr__(self, "model", "skip-gram")  # the flag is gensim's short form
        self._require_choice("model", MODELS)
        self._require_choice("loss", LOSSES)
        self._require_choice("weight_init", WEIGHT_INITS)
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
        if not isinstance(self, ResolvedEmbeddingSettings):
            self._refuse_what_has_no_effect()
        if self.optimizer == WORD2VEC and self.model != "counts":
            self.word2vec()

    def _refuse_what_has_no_effect(self) -> None:
        lr, schedule = OPTIMIZER_DEFAULTS[self.optimizer]
        usual = {"alpha": lr, "schedule": schedule, "workers": thread_count()}
        if self.vocabulary is not None:
            self._refuse_unused("vocab_size min_count", "with a vocabulary")
        if self.model == "counts":
            self._refuse_unused(
                "shrink_windows loss negative ns_exponent sample cbow_mean true_gradient weight_init alpha "
                "optimizer min_alpha schedule lazy_rows batch_size epochs workers log_interval "
                "checkpoint_interval",
                "on counts",
                usual,
            )
            self._refuse_unused("device", "on counts", {"device": "cpu"})
            return
        if self.model == "skip-gram":
            self._refuse_unused("cbow_mean true_gradient", "on skip-gram")
        if self.optimizer == WORD2VEC:
            self._refuse_unused("lazy_rows batch_size", "with the optimizer word2vec")
            if not self.cbow_mean:
                self._refuse_unused("true_gradient", "without cbow-mean")
            return
        self._refuse_unused(
            "true_gradient min_alpha workers log_interval", f"with the optimizer {self.optimizer}", usual
        )
        if self.loss == "softmax":
            self._refuse_unused("negative ns_exponent", "with the loss softmax")

    def word2vec(self) -> Word2VecSettings:
        """Return the settings of the word2vec trainer. Raises UsageError for values that it cannot have."""
        names = {field.name for field in dataclasses.fields(Word2VecSettings)}
        given = {name: value for name, value in self.to_dict().items() if name in names and value is not None}
        given |= {"sg": self.model == "skip-gram", "min_alpha": min(self.min_alpha, self.base_lr)}
        return Word2VecSettings(**{**given, "alpha": self.base_lr})

    @property
    def base_lr(self) -> float:
        """The learning rate, or the optimiser's usual one."""
        return OPTIMIZER_DEFAULTS[self.optimizer][0] if self.alpha is None else self.alpha

    @property
    def schedule_name(self) -> str:
        """The schedule, or the optimiser's usual one."""
        return OPTIMIZER_DEFAULTS[self.optimizer][1] if self.schedule is None else self.schedule

    def resolve(self, corpus: Corpus) -> ResolvedEmbeddingSettings:
        """Return the settings with everything that was left to the corpus or the machine filled in."""
        defaults = corpus.defaults
        tokenizer = self.tokenizer or defaults.tokenizer
        lowercase = defaults.lowercase if tokenizer == defaults.tokenizer else False
        return self.resolve_to(
            ResolvedEmbeddingSettings,
            corpus=absolute_corpus(self.corpus),
            tokenizer=tokenizer,
            lowercase=lowercase if self.lowercase is None else self.lowercase,
            alpha=self.base_lr,
            schedule=self.schedule_name,
            workers=self.workers or thread_count(),
            device=self.device or str(default_device()),
        )


@dataclass(frozen=True, kw_only=True)
class ResolvedEmbeddingSettings(EmbeddingSettings):
    """Embedding settings in which nothing is left open but limits and files."""

    RESOLVED = True
    tokenizer: str
    lowercase: bool
    alpha: float
    schedule: str
    workers: int
    device: str

    def for_gradient_descent(self, batches_per_epoch: int) -> ResolvedTrainingSettings:
        """Return the settings of the trainer that all tasks share; the log gets ten records an epoch."""
        return ResolvedTrainingSettings(
            epochs=self.epochs,
            optimizer=self.optimizer,
            lr=self.alpha,
            schedule=self.schedule,
            clip=None,
            seed=self.seed,
            device=self.device,
            log_interval=max(1, -(-batches_per_epoch // 10)),
            checkpoint_interval=self.checkpoint_interval,
        )
