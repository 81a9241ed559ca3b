"""Settings of a text classifier's training: the flags of `train-classifier`."""

from __future__ import annotations

from dataclasses import dataclass

from seqkit.corpora.readers.roles import columns_of
from seqkit.errors import UsageError
from seqkit.tasks.text import ResolvedTextSettings, TextSettings

MODELS = ("bag", "lstm", "gru", "transformer")
POOLINGS = ("mean", "max", "last", "cls")
ON_BAD_LINE = ("error", "skip")


@dataclass(frozen=True, kw_only=True)
class TextClassificationSettings(TextSettings):
    """Settings of a text classifier: the flags of ``seqkit train-classifier``.

    None means the default of the corpus, the model or the optimiser, or no limit. The fields of
    :class:`TextSettings` and :class:`seqkit.training.TrainingSettings` come on top.

    Args:
        corpus: A registered name, a table of labels and texts, a folder with train, valid and test files of
            that form, or a folder with a text file for each class.
        label_column: Column of the label in a table, by name or by number from 1; by default it is found, or
            the first.
        text_column: Column of the text; by default it is found, or the first other column.
        header: Whether the first row of a table has the names of its columns; by default it is found out.
        on_bad_line: How to treat a malformed line: error or skip.
        max_length: Number of tokens to which texts are truncated.
        model: Encoder: bag, lstm, gru or transformer.
        pooling: Pooling of the token vectors: mean, max, last or cls.
        embedding_size: Size of the embeddings.
        hidden_size: Size of the hidden layers.
        num_layers: Number of layers.
        num_heads: Attention heads of a Transformer.
        bidirectional: Use a bidirectional lstm or gru.
        dropout: Dropout on embeddings, between layers, and before the output layer.
        word_dropout: Probability of dropping a word of a bag.
        vectors: Vector file, or run of train-embeddings, from which the embeddings start.
        init: Checkpoint folder or run of a masked language model whose encoder, or run of a classifier whose
            model the training starts from.
        grow_vocabulary: Add the new words of the corpus to the vocabulary of ``init``; None: if it has whole
            words and is not frozen.
        freeze: Do not train the weights from ``vectors`` or ``init``.
        batch_size: Batch size.
        eval_batch_size: Batch size of the validation.
    """

    OF_THE_RUN = (
        *TextSettings.OF_THE_RUN,
        *("model", "pooling", "embedding_size", "hidden_size", "num_layers", "num_heads", "bidirectional"),
    )
    FROM_THE_RUN = ("dropout", "word_dropout", "max_length")

    corpus: str = "rt-polarity"
    label_column: int | str | None = None
    text_column: int | str | None = None
    header: bool | None = None
    on_bad_line: str = "error"
    max_length: int = 256
    model: str | None = None
    pooling: str | None = None
    embedding_size: int | None = None
    hidden_size: int | None = None
    num_layers: int | None = None
    num_heads: int | None = None
    bidirectional: bool = True
    dropout: float = 0.3
    word_dropout: float = 0.0
    vectors: str | None = None
    freeze: bool = False
    batch_size: int = 32
    eval_batch_size: int = 256

    def _check(self) -> None:
        """Raise UsageError for values out of range."""
        super()._check()
        if self.model is not None:
            self._require_choice("model", MODELS)
        if self.pooling is not None:
            self._require_choice("pooling", POOLINGS)
        self._require_choice("on_bad_line", ON_BAD_LINE)
        self._require_positive(
            "vocab_size min_count embedding_size hidden_size num_layers num_heads batch_size eval_batch_size"
        )
        self._require_fraction("dropout word_dropout")
        columns_of(label=self.label_column, text=self.text_column)
        if self.max_length < 2:
            raise UsageError(f"expected max_length to be at least 2, got {self.max_length}")
        if self.vectors is not None and self.init is not None:
            raise UsageError("expected vectors or init, got both", remedy="leave one out")
        if self.word_dropout and self.init is None and self.model_name != "bag":
            raise UsageError(f"expected the model bag with word_dropout, got {self.model_name}")
        if self.vectors is not None and self.model_name == "transformer":
            raise UsageError("expected the model bag, lstm or gru with vectors, got transformer")
        if self.freeze and self.vectors is None and self.init is None:
            raise UsageError("expected vectors or init with freeze, got neither")
        if self.freeze and self.grow_vocabulary:
            raise UsageError("expected freeze or grow_vocabulary, got both: new words would stay untrained")

    def ignored(self) -> dict[str, str]:
        """Return the fields that have no effect with the model, each with what it is for."""
        ignored = super().ignored()
        if self.model_name != "transformer":
            ignored["num_heads"] = "Transformers"
        if self.model_name not in ("lstm", "gru"):
            ignored["bidirectional"] = "lstm and gru"
        if self.model_name == "bag" and self.hidden_size is None:
            ignored["num_layers"] = "a bag with hidden layers; give hidden_size, too"
        return ignored

    @property
    def model_name(self) -> str:
        """The model: ``model``, or by default lstm; with ``init`` transformer."""
        return self.model or ("lstm" if self.init is None else "transformer")


@dataclass(frozen=True, kw_only=True)
class ResolvedTextClassificationSettings(TextClassificationSettings, ResolvedTextSettings):
    """Text classification settings with all defaults filled in; a bag may have no hidden layer."""

    RESOLVED = True
    tokenizer: str
    lowercase: bool
    unicode_normalization: str
    min_count: int
    device: str
    model: str
    pooling: str
    embedding_size: int
    num_layers: int
    num_heads: int
