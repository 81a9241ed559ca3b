"""Settings of a sequence-to-sequence training: the flags of `train-seq2seq`."""

from __future__ import annotations

from dataclasses import dataclass

from seqkit.corpora import Seq2SeqCorpus, corpus_names
from seqkit.corpora.readers.roles import columns_of
from seqkit.errors import UsageError
from seqkit.tasks.text import ResolvedTextSettings, TextSettings
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
        teacher_forcing: Probability of feeding the decoder the true token instead of its own.
        batch_size: Batch size.
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
    )
    FROM_THE_RUN = ("dropout", "max_new_tokens")

    corpus: str = "dates"
    target: str | None = None
    source_column: int | str | None = None
    target_column: int | str | None = None
    header: bool | None = None
    on_bad_line: str = "error"
    shared_vocabulary: bool = False
    reverse: bool = False
    model: str = "lstm"
    attention: str | None = None
    input_feeding: bool = False
    peeky: bool = False
    readout: bool = False
    bidirectional: bool = False
    pass_cell: bool = True
    embedding_size: int | None = None
    hidden_size: int | None = None
    num_layers: int | None = None
    num_heads: int = 4
    dropout: float = 0.0
    tied: bool = False
    weight_init: str | None = None
    init_range: float | None = None
    teacher_forcing: float = 1.0
    batch_size: int = 128
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
            "min_count vocab_size init_range"
        )
        self._require_at_least_zero("examples")
        self._require_fraction("dropout")
        if not 0 <= self.teacher_forcing <= 1:
            raise UsageError(f"expected teacher_forcing to be from 0 to 1, got {self.teacher_forcing}")

    def ignored(self) -> dict[str, str]:
        """Return the fields that have no effect with the model, each with what it is for."""
        if self.model == "transformer":
            return super().ignored() | dict.fromkeys(RECURRENT, "recurrent models")
        ignored = super().ignored() | {"num_heads": "Transformers"}
        if self.init is not None:
            ignored |= dict.fromkeys(("weight_init", "init_range"), "new weights")
        if self.model != "lstm":
            ignored["pass_cell"] = "the model lstm"
        if self.init_range is not None:
            ignored["weight_init"] = "models without init_range"
        return ignored

    def resolve(self, corpus: Seq2SeqCorpus) -> ResolvedSeq2SeqSettings:
        """Return the settings with the defaults of the corpus and the model filled in."""
        defaults = corpus.defaults
        tokenizer = self.tokenizer or defaults.tokenizer
        default_tokenizer = tokenizer == defaults.tokenizer
        transformer, characters = self.model == "transformer", tokenizer == "char"
        attention = "none" if self.corpus in ("addition", "book:addition") else "general"
        embedding_size = self.embedding_size or (128 if transformer else 64)
        return self.resolve_to(
            ResolvedSeq2SeqSettings,
            corpus=absolute_path(self.corpus, corpus_names("seq2seq")),
            target=None if self.target is None else absolute_path(self.target),
            tokenizer=tokenizer,
            lowercase=(
                defaults.lowercase if default_tokenizer and self.lowercase is None else bool(self.lowercase)
            ),
            min_count=self.min_count or (defaults.min_count if default_tokenizer else 1),
            vocab_size=self.vocab_size or (defaults.vocab_size if default_tokenizer else None),
            attention=None if transformer else self.attention or attention,
            embedding_size=embedding_size,
            hidden_size=self.hidden_size or (4 * embedding_size if transformer else 256),
            num_layers=self.num_layers or (3 if transformer else 1),
            weight_init=None
            if transformer
            else self.weight_init or ("uniform" if characters else "standard"),
            bucket=not characters if self.bucket is None else self.bucket,
        )


@dataclass(frozen=True, kw_only=True)
class ResolvedSeq2SeqSettings(Seq2SeqSettings, ResolvedTextSettings):
    """Sequence-to-sequence settings with all defaults filled in."""

    RESOLVED = True
    tokenizer: str
    lowercase: bool
    min_count: int
    device: str
    embedding_size: int
    hidden_size: int
    num_layers: int
    bucket: bool
