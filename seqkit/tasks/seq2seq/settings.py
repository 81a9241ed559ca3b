"""Settings of a sequence-to-sequence training: the flags of `train-seq2seq`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from seqkit.corpora import REGISTRY, Seq2SeqCorpus, corpus_names
from seqkit.corpora.readers.roles import columns_of
from seqkit.errors import UsageError
from seqkit.tasks.text import (
    SUBWORD_COUNT,
    ResolvedTextSettings,
    TextSettings,
    default_tokenizer_name,
    training_texts,
)
from seqkit.text import SUBWORDS, TOKENIZERS
from seqkit.training import TrainingSettings
from seqkit.training.base_settings import absolute_path

MODELS = ("lstm", "gru", "transformer")
ATTENTIONS = ("none", "dot", "general", "additive")
WEIGHT_INITS = ("standard", "uniform", "normal")
ON_BAD_LINE = ("error", "skip")
RECURRENT = (
    "attention",
    "input_feeding",
    "peeky",
    "readout",
    "bidirectional",
    "pass_cell",
    "weight_init",
    "init_range",
    "teacher_forcing",
)
"""Settings that only recurrent models have."""
ADAM = ("adam", "adamw")
SMALL, LARGE = 10_000, 100_000
"""Pairs below which, and from which on, a corpus of words has other defaults."""
CHARACTERS: Mapping[str, Any] = {
    "embedding_size": 64,
    "hidden_size": 256,
    "num_layers": 1,
    "dropout": 0.0,
    "label_smoothing": 0.0,
    "batch_size": 128,
    "bucket": False,
    "tied": False,
    "bidirectional": False,
    "weight_init": "uniform",
}
"""Defaults of recurrent models of characters, with which dates and sums are learned."""
WORDS: Mapping[str, Any] = {
    **CHARACTERS,
    "embedding_size": 256,
    "dropout": 0.3,
    "label_smoothing": 0.1,
    "batch_size": 64,
    "bucket": True,
    "tied": True,
    "bidirectional": True,
    "weight_init": "standard",
}
"""Defaults of recurrent models of words and subwords: docs/seq2seq.md shows what each is worth."""


def defaults_of(model: str, characters: bool, pairs: int) -> dict[str, Any]:
    """Return the defaults of a model of characters or words for a number of training pairs."""
    defaults = dict(CHARACTERS if characters else WORDS)
    if not characters and pairs < SMALL:
        defaults |= {"dropout": 0.4, "batch_size": 32}
    elif not characters and pairs >= LARGE:
        defaults |= {"dropout": 0.2, "batch_size": 128}
    if model == "transformer":
        defaults |= {"num_layers": 3, "hidden_size": None, "weight_init": None}
        defaults["embedding_size"] = 128 if characters else 256
    return defaults


@dataclass(frozen=True, kw_only=True)
class Seq2SeqSettings(TextSettings):
    """Settings of an encoder and decoder: the flags of ``seqkit train-seq2seq``.

    None means the default of the corpus, the model or the optimiser, or no limit. The fields of
    :class:`TextSettings` and :class:`seqkit.training.TrainingSettings` come on top.

    Args:
        corpus: A registered name, or a table of sources and targets.
        target: File of targets, if ``corpus`` is a file of sources.
        source_column: Column of the sources in a table, by name or by number from 1; by default it is found.
        target_column: Column of the targets; by default it is found.
        header: Whether the first row of a table has the names of its columns; by default it is found out.
        tokenizer: As of :class:`TextSettings`, or a ``tokenizer.json`` that was learned before.
        target_tokenizer: That of the targets; None for the same. Subwords are learned for each side, or
            with ``shared_vocabulary`` for both together.
        target_lowercase: Whether to convert the targets to lower case; None for the same as the sources.
        target_vocab_size: As ``vocab_size`` for the targets; None for the same.
        on_bad_line: How to treat a malformed line: error or skip.
        shared_vocabulary: Share the vocabulary and the embeddings of source and target.
        reverse: Reverse the source.
        model: lstm, gru or transformer.
        attention: Attention score: none, dot, general or additive.
        input_feeding: Feed the attentional vector to the next step (Luong et al. 2015).
        peeky: Feed the encoder's last state to every step of the decoder.
        readout: Add a tanh layer before the output layer.
        bidirectional: Use a bidirectional encoder.
        pass_cell: Initialise the decoder's LSTM cell from the encoder's, not only its h.
        embedding_size: Size of the embeddings.
        hidden_size: Size of the recurrent layers, or of the feed-forward layers of a Transformer.
        num_layers: Number of layers of the encoder and of the decoder.
        num_heads: Attention heads of a Transformer.
        dropout: Dropout on embeddings, between layers and before the output layer.
        tied: Tie the output weights to the target embeddings.
        weight_init: Initial weights of recurrent models: standard, uniform or normal, as of
            :class:`seqkit.models.Seq2SeqConfig`.
        init_range: Draw the initial weights of a recurrent model uniformly from ± this.
        label_smoothing: Fraction of the probability that the loss asks for on all types alike.
        teacher_forcing: Probability of feeding the decoder the true token instead of its own.
        batch_size: Batch size.
        batch_tokens: Tokens of a batch at most, padding included, of sources or of targets, whichever are
            more; instead of ``batch_size``.
        bucket: Batch pairs of similar length.
        eval_batch_size: Batch size of the validation.
        max_new_tokens: Length of an output at most.
        examples: Validation outputs to report after each epoch.
    """

    MAY_MOVE = ("corpus", "target")
    MAY_CHANGE = (*TrainingSettings.MAY_CHANGE, "examples")

    OF_THE_RUN = (
        *TextSettings.OF_THE_RUN,
        *("shared_vocabulary", "reverse", "model", "attention", "input_feeding", "peeky", "readout"),
        *("bidirectional", "pass_cell", "embedding_size", "hidden_size", "num_layers", "num_heads", "tied"),
        *("target_tokenizer", "target_lowercase", "target_vocab_size"),
        *("weight_init", "init_range"),  # on which the scale of tied embeddings depends
    )
    FROM_THE_RUN = ("dropout", "max_new_tokens")

    corpus: str = "dates"
    target: str | None = None
    source_column: int | str | None = None
    target_column: int | str | None = None
    header: bool | None = None
    target_tokenizer: str | None = None
    target_lowercase: bool | None = None
    target_vocab_size: int | None = None
    on_bad_line: str = "error"
    shared_vocabulary: bool = False
    reverse: bool = False
    model: str = "lstm"
    attention: str | None = None
    input_feeding: bool = False
    peeky: bool = False
    readout: bool = False
    bidirectional: bool | None = None
    pass_cell: bool = True
    embedding_size: int | None = None
    hidden_size: int | None = None
    num_layers: int | None = None
    num_heads: int = 4
    dropout: float | None = None
    tied: bool | None = None
    weight_init: str | None = None
    init_range: float | None = None
    label_smoothing: float | None = None
    teacher_forcing: float = 1.0
    batch_size: int | None = None
    batch_tokens: int | None = None
    bucket: bool | None = None
    eval_batch_size: int = 500
    max_new_tokens: int = 100
    examples: int = 5

    def _check(self) -> None:
        """Raise UsageError for values out of range."""
        super()._check()
        columns_of(source=self.source_column, target=self.target_column)
        self._require_choice("model", MODELS)
        if self.attention is not None:
            self._require_choice("attention", ATTENTIONS)
        if self.weight_init is not None:
            self._require_choice("weight_init", WEIGHT_INITS)
        self._require_choice("on_bad_line", ON_BAD_LINE)
        self._require_positive(
            "embedding_size hidden_size num_layers num_heads batch_size eval_batch_size max_new_tokens "
            "min_count vocab_size target_vocab_size init_range batch_tokens"
        )
        self._require_at_least_zero("examples")
        self._require_fraction("dropout label_smoothing")
        if not 0 <= self.teacher_forcing <= 1:
            raise UsageError(f"expected teacher_forcing to be from 0 to 1, got {self.teacher_forcing}")

    def ignored(self) -> dict[str, str]:
        """Return the fields that have no effect with the model, each with what it is for."""
        ignored = super().ignored()
        if self.target_tokenizer is not None and self.target_tokenizer not in SUBWORDS:
            ignored.pop("min_count", None)
        for size, tokenizer in (
            ("vocab_size", self.tokenizer),
            ("target_vocab_size", self.target_tokenizer or self.tokenizer),
        ):
            if tokenizer is not None and tokenizer not in TOKENIZERS:
                ignored[size] = "tokens that are not read from a file"
        if self.batch_tokens is not None:
            ignored["batch_size"] = "batches without batch_tokens"
            if self.bucket is False:
                ignored["batch_tokens"] = "batches of similar lengths"
        if self.shared_vocabulary:
            names = ("target_tokenizer", "target_lowercase", "target_vocab_size")
            ignored |= dict.fromkeys(names, "separate vocabularies")
        if self.model == "transformer":
            return ignored | dict.fromkeys(RECURRENT, "recurrent models")
        ignored |= {"num_heads": "Transformers"}
        if self.model != "lstm":
            ignored["pass_cell"] = "the model lstm"
        if self.init_range is not None:
            ignored["weight_init"] = "models without init_range"
        return ignored

    def _optimizer_defaults(self) -> tuple[float, str]:
        """Return learning rate and schedule: models of words learn with Adam at 0.002 and a cosine."""
        tokenizer = self.tokenizer
        if tokenizer is None:
            tokenizer = REGISTRY[self.corpus].defaults.tokenizer if self.corpus in REGISTRY else "word"
        if self.optimizer in ADAM and tokenizer != "char":
            return (0.001 if self.model == "transformer" else 0.002), "cosine"
        return super()._optimizer_defaults()

    def _target_choices(self, source: dict[str, Any], corpus: Seq2SeqCorpus) -> dict[str, Any]:
        """Return tokenizer, lowercase and vocabulary size of the targets: by default those of the sources.

        Words are found by the default tokenizer of each side's language.
        """
        if self.shared_vocabulary:
            return {}
        own = self.target_tokenizer or self.tokenizer
        tokenizer = own or default_tokenizer_name(corpus.defaults, training_texts(corpus, 1))
        same = tokenizer == source["tokenizer"]
        size = source["vocab_size"] if same else SUBWORD_COUNT if tokenizer in SUBWORDS else None
        lowercase = source["lowercase"] if self.target_lowercase is None else self.target_lowercase
        return {
            "target_tokenizer": absolute_path(tokenizer, TOKENIZERS),
            "target_lowercase": lowercase,
            "target_vocab_size": self.target_vocab_size or size,
        }

    def resolve(self, corpus: Seq2SeqCorpus) -> ResolvedSeq2SeqSettings:
        """Return the settings with the defaults of the corpus and the model filled in.

        Those of a corpus of words depend on the number of its training pairs, which are counted.
        """
        text = self.text_choices(corpus.defaults, training_texts(corpus))
        characters = text["tokenizer"] == "char"
        transformer = self.model == "transformer"
        train = corpus.sources.get("train")
        pairs = 0 if characters or train is None else sum(1 for _ in train())
        defaults = defaults_of(self.model, characters, pairs)
        given = {name: getattr(self, name) for name in defaults}
        values = defaults | {name: value for name, value in given.items() if value is not None}
        if transformer:
            values["hidden_size"] = values["hidden_size"] or 4 * values["embedding_size"]
            values["bidirectional"] = None
        elif self.bidirectional is None and values["hidden_size"] % 2:
            values["bidirectional"] = False  # its directions have half of hidden_size each
        if self.batch_tokens is not None:
            values |= {"bucket": True, "batch_size": self.batch_tokens}  # a token a pair at least
        attention = "none" if self.corpus in ("addition", "book:addition") else "general"
        return self.resolve_to(
            ResolvedSeq2SeqSettings,
            **{
                "corpus": absolute_path(self.corpus, corpus_names("seq2seq")),
                "target": None if self.target is None else absolute_path(self.target),
                "attention": None if transformer else self.attention or attention,
                **text,
                "tokenizer": absolute_path(text["tokenizer"], TOKENIZERS),
                **self._target_choices(text, corpus),
                **values,
            },
        )


@dataclass(frozen=True, kw_only=True)
class ResolvedSeq2SeqSettings(Seq2SeqSettings, ResolvedTextSettings):
    """Sequence-to-sequence settings with all defaults filled in."""

    RESOLVED = True
    tokenizer: str
    lowercase: bool
    unicode_normalization: str
    min_count: int
    device: str
    embedding_size: int
    hidden_size: int
    num_layers: int
    dropout: float
    label_smoothing: float = 0.0  # which runs of before do not state
    batch_size: int
    tied: bool
    bucket: bool
