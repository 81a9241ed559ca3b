"""Settings of an embedding training: the flags of `train-embeddings`."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from seqkit.backend import default_device
from seqkit.corpora import Corpus
from seqkit.errors import Remedy, UsageError
from seqkit.launcher import launched
from seqkit.optim import OPTIMIZERS
from seqkit.tasks.text import FROM_A_RUN, TextFileSettings, absolute_corpus, default_tokenizer_name
from seqkit.text import NORMALIZATIONS
from seqkit.threads import thread_count
from seqkit.training import ResolvedTrainingSettings
from seqkit.training.base_settings import absolute_path
from seqkit.vectors.word2vec import Word2VecSettings
from seqkit.vectors.word2vec.trainer import SYNC_WORDS

MODELS = ("cbow", "skip-gram", "counts")
LOSSES = ("negative-sampling", "softmax")
WEIGHT_INITS = ("uniform", "normal")

WORD2VEC = "word2vec"
"""The optimiser of the word2vec program: asynchronous SGD, one example at a time."""

_TRAINED = (
    "init",
    "grow_vocabulary",
    "shrink_windows",
    "loss",
    "negative",
    "ns_exponent",
    "sample",
    "cbow_mean",
    "true_gradient",
    "weight_init",
    "optimizer",
    "alpha",
    "min_alpha",
    "schedule",
    "lazy_rows",
    "batch_size",
    "epochs",
    "workers",
    "sync_words",
    "log_interval",
    "checkpoint_interval",
)
_WORD2VEC_ONLY = ("true_gradient", "min_alpha", "workers", "sync_words", "log_interval")

OPTIMIZER_DEFAULTS: dict[str, tuple[float, str]] = {
    WORD2VEC: (0.025, "linear"),
    **{name: (entry.lr, entry.schedule) for name, entry in OPTIMIZERS.items()},
    "sgd": (1.0, "linear"),
    "momentum": (0.1, "linear"),
    "nesterov": (0.1, "linear"),
    "adagrad": (0.1, "constant"),
}
"""Default learning rate and schedule of each optimiser."""


@dataclass(frozen=True, kw_only=True)
class EmbeddingSettings(TextFileSettings):
    """Settings of word vectors: the flags of ``seqkit train-embeddings``.

    None means the default of the corpus, the optimiser or the machine. The fields of
    :class:`TextFileSettings` come on top.

    Args:
        corpus: A registered name, "nltk:NAME", a text file or table, or a folder of text files.
        tokenizer: word, whitespace, char, bpe, wordpiece, unigram, or a segmenter: jieba (Chinese), sudachi
            or fugashi (Japanese), pythainlp (Thai). A default of word is replaced by the segmenter that is
            installed for a text of those languages.
        lowercase: Whether to convert the text to lower case.
        unicode_normalization: Unicode normalization form of the text: nfc, nfkc or none.
        vocab_size: Number of types to keep at most.
        min_count: Frequency below which words are dropped.
        vocabulary: A vocab.txt with the words to use.
        init: Run whose vectors to start from.
        grow_vocabulary: Add the new words of the corpus to those of ``init``, in which they are unknown
            otherwise.
        model: cbow, skip-gram, or counts: positive pointwise mutual information of counts, factorised.
        sg: Short for model "skip-gram".
        vector_size: Size of the vectors.
        window: Context words on each side.
        shrink_windows: Draw the size of each window from 1 to ``window``.
        loss: negative-sampling or softmax.
        negative: Number of negative samples.
        ns_exponent: Exponent of the distribution of negative samples.
        sample: Threshold for subsampling frequent words; 0 for none.
        cbow_mean: Average the context vectors of cbow instead of adding them.
        true_gradient: Use the exact gradient of cbow, which the word2vec program does not.
        weight_init: Initial weights: uniform with output weights 0, or normal.
        optimizer: "word2vec", the fast trainer, which reads sentence by sentence; others take shuffled
            mini-batches of windows across lines, on any device.
        alpha: Learning rate.
        min_alpha: Final learning rate of word2vec.
        schedule: constant, linear or cosine.
        lazy_rows: Update only the rows of a batch.
        batch_size: Windows in a mini-batch.
        epochs: Passes over the training data.
        workers: Threads of word2vec; results are reproducible with 1.
        sync_words: Words that each of several processes reads with word2vec until their vectors are averaged.
        seed: Random seed.
        device: "cpu", "cuda" or "cuda:N".
        log_interval: Seconds between log records of word2vec.
        checkpoint_interval: Seconds between checkpoints.
    """

    OF_THE_RUN = ("tokenizer", "lowercase", "unicode_normalization", "vector_size")

    MAY_CHANGE = ("epochs", "log_interval", "checkpoint_interval", "device", "workers", "sync_words")

    corpus: str = "pydocs"
    tokenizer: str | None = None
    lowercase: bool | None = None
    unicode_normalization: str = "nfc"
    vocab_size: int | None = None
    min_count: int = 5
    vocabulary: str | None = None
    init: str | None = None
    grow_vocabulary: bool = True
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
    sync_words: int = SYNC_WORDS
    seed: int = 0
    device: str | None = None
    log_interval: float = 10.0
    checkpoint_interval: float = 60.0

    def _check(self) -> None:
        """Raise UsageError for values out of range."""
        super()._check()
        if self.sg and self.model == "cbow":
            object.__setattr__(self, "model", "skip-gram")  # the flag is gensim's short form
        self._require_choice("unicode_normalization", NORMALIZATIONS)
        self._require_choice("model", MODELS)
        self._require_choice("loss", LOSSES)
        self._require_choice("weight_init", WEIGHT_INITS)
        self._require_choice("optimizer", tuple(OPTIMIZER_DEFAULTS))
        self._require_positive(
            "vector_size window negative alpha batch_size epochs workers sync_words min_count vocab_size "
            "log_interval"
        )
        self._require_at_least_zero("ns_exponent sample min_alpha seed checkpoint_interval")
        if self.sg and self.model != "skip-gram":
            raise UsageError(f"expected the model skip-gram with sg, got {self.model}")
        if self.optimizer == WORD2VEC and self.model != "counts":
            for name, usual in (("loss", "negative-sampling"), ("weight_init", "uniform")):
                if getattr(self, name) != usual:
                    raise UsageError(
                        f"the optimizer word2vec has {name} {usual} only",
                        remedy=Remedy(
                            'choose another, as in optimizer="adam"', command="choose another --optimizer"
                        ),
                    )
            if self.schedule not in (None, "linear"):
                raise UsageError("the optimizer word2vec has a linear schedule only")
        elif self.optimizer != WORD2VEC and self.sample and self.model != "counts":
            raise UsageError(
                f"subsampling needs the optimizer word2vec, not {self.optimizer}",
                remedy=Remedy("give sample=0.0", command="add --sample 0"),
            )
        if self.model == "counts" and self.device not in (None, "cpu"):
            raise UsageError(f"expected device to be cpu for the model counts, got {self.device}")
        if self.optimizer == WORD2VEC and self.model != "counts":
            self.word2vec()

    def ignored(self) -> dict[str, str]:
        """Return the fields that have no effect beside the others, each with what it is for."""
        ignored: dict[str, str] = {}
        if launched().size == 1:
            ignored["sync_words"] = "several processes, started by mpiexec"
        if self.init is None:
            ignored["grow_vocabulary"] = FROM_A_RUN
        else:
            ignored["weight_init"] = "new weights"
        if self.init is not None and not self.grow_vocabulary:
            ignored |= dict.fromkeys(("vocabulary", "vocab_size", "min_count"), "vocabularies that grow")
        if self.vocabulary is not None:
            ignored |= dict.fromkeys(("vocab_size", "min_count"), "vocabularies that are counted in the text")
        if self.model == "counts":
            return ignored | dict.fromkeys(_TRAINED, "the models cbow and skip-gram")
        if self.model == "skip-gram":
            ignored |= dict.fromkeys(("cbow_mean", "true_gradient"), "the model cbow")
        elif not self.cbow_mean:
            ignored["true_gradient"] = "the mean of the context vectors, cbow_mean"
        if self.window == 1:
            ignored["shrink_windows"] = "windows of two words or more"
        if self.optimizer == WORD2VEC:
            return ignored | dict.fromkeys(("lazy_rows", "batch_size"), "other optimizers than word2vec")
        ignored |= dict.fromkeys(_WORD2VEC_ONLY, "the optimizer word2vec")
        if self.loss == "softmax":
            ignored |= dict.fromkeys(("negative", "ns_exponent"), "the loss negative-sampling")
        return ignored

    def word2vec(self) -> Word2VecSettings:
        """Return the settings of the word2vec trainer. Raises UsageError for values that it cannot have."""
        names = {field.name for field in dataclasses.fields(Word2VecSettings)}
        given = {name: value for name, value in self.to_dict().items() if name in names and value is not None}
        given |= {"sg": self.model == "skip-gram", "alpha": self.base_lr}
        if self.min_alpha == EmbeddingSettings.min_alpha:
            given["min_alpha"] = min(self.min_alpha, self.base_lr)
        return Word2VecSettings(**given)

    @property
    def base_lr(self) -> float:
        """The learning rate: ``alpha``, or the optimiser's default."""
        return OPTIMIZER_DEFAULTS[self.optimizer][0] if self.alpha is None else self.alpha

    @property
    def schedule_name(self) -> str:
        """The schedule: ``schedule``, or the optimiser's default."""
        return OPTIMIZER_DEFAULTS[self.optimizer][1] if self.schedule is None else self.schedule

    def resolve(self, corpus: Corpus) -> ResolvedEmbeddingSettings:
        """Return the settings with the defaults of the corpus, the optimiser and the machine filled in."""
        defaults = corpus.defaults
        tokenizer = self.tokenizer or default_tokenizer_name(defaults, corpus.every_line)
        lowercase = defaults.lowercase if self.tokenizer in (None, defaults.tokenizer) else False
        return self.resolve_to(
            ResolvedEmbeddingSettings,
            corpus=absolute_corpus(self.corpus),
            init=None if self.init is None else absolute_path(self.init),
            tokenizer=tokenizer,
            lowercase=lowercase if self.lowercase is None else self.lowercase,
            alpha=self.base_lr,
            schedule=self.schedule_name,
            workers=self.workers or thread_count(),
            device=self.device or str(default_device()),
        )


@dataclass(frozen=True, kw_only=True)
class ResolvedEmbeddingSettings(EmbeddingSettings):
    """Embedding settings with all defaults filled in."""

    RESOLVED = True
    tokenizer: str
    lowercase: bool
    alpha: float
    schedule: str
    workers: int
    device: str

    def for_gradient_descent(self, batches_per_epoch: int) -> ResolvedTrainingSettings:
        """Return the settings of the gradient descent trainer, with ten log records per epoch."""
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
