"""Settings of a tagger's training: the flags of `train-tagger`."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from typing import ClassVar

from seqkit.errors import UsageError
from seqkit.models.tagger import CHARACTERS, OUTPUTS
from seqkit.tasks.text import FROM_A_RUN
from seqkit.text import NORMALIZATIONS, SEGMENTERS
from seqkit.text.tag_schemes import SCHEMES
from seqkit.training import ResolvedTrainingSettings, TrainingSettings

COUNTS = ("hmm", "frequent")
"""Models of counts, without an optimiser."""
MODELS = ("lstm", "gru", "transformer", *COUNTS)
INPUT_SCHEMES = (*SCHEMES, "none")
TOKENIZERS = ("word", "whitespace", "char", *(segmenter.name for segmenter in SEGMENTERS))
_COUNTED = [
    "corpus",
    "word_column",
    "tag_column",
    "on_bad_line",
    "input_scheme",
    "scheme",
    "on_broken_tags",
    "tokenizer",
    "lowercase",
    "unicode_normalization",
    "zero_digits",
    "vocab_size",
    "min_count",
    "model",
]
"""Settings of the models of counts."""
OF_WORDS = {
    "lowercase": False,
    "zero_digits": False,
    "vocab_size": None,
    "min_count": 1,
    "grow_vocabulary": False,
    "characters": "none",
    "capitalization": False,
    "character_embedding_size": 30,
    "character_hidden_size": 50,
    "locked_dropout": False,
    "word_dropout": 0.0,
    "vectors": None,
    "feature_columns": None,
    "feature_size": 20,
}
"""Settings of taggers of words, each with its value in taggers on a pretrained encoder, which refuse them."""
ON_BAD_LINE = ("error", "skip")
ON_BROKEN_TAGS = ("error", "repair")


@dataclass(frozen=True, kw_only=True)
class SequenceLabelingSettings(TrainingSettings):
    """Settings of a tagger: the flags of ``seqkit train-tagger``.

    None means the default of the corpus, the model or the optimiser, or no limit. The fields of
    :class:`seqkit.training.TrainingSettings` come on top.

    Args:
        corpus: A registered name, a file with a word and its tag in each line, or a folder with train, valid
            and test files of that form.
        word_column: Column of the words: its number from 1, or its name in CoNLL-U.
        tag_column: Column of the tags: its number from 1, -1 for the last, or its name.
        feature_columns: Columns that the tagger reads beside the words, such as that of the parts of speech:
            numbers from 1 or names, separated by commas.
        on_bad_line: What to do with a sentence with a malformed line: error or skip.
        input_scheme: Scheme of the corpus's tags: iob1, bio, bioes, or none for tags without spans.
        scheme: Scheme in which the spans are learned: iob1, bio or bioes.
        on_broken_tags: What to do with tags that break the scheme of the corpus: error or repair.
        tokenizer: How texts are cut into words when they are tagged: word, whitespace, char, or a segmenter:
            jieba (Chinese), sudachi or fugashi (Japanese), pythainlp (Thai).
        lowercase: Look words up in lower case; the letters of a word are as they stand. By default yes, but
            not in a model of counts.
        unicode_normalization: Unicode normalization form of the words: nfc, nfkc or none.
        zero_digits: Look words up with 0 for each digit; likewise.
        vocab_size: Number of words to keep at most.
        min_count: Frequency below which words are dropped.
        grow_vocabulary: Add the new words and letters of the corpus to those of ``init``, in which they are
            unknown otherwise.
        max_length: Number of words beyond which a sentence is cut.
        model: Encoder: lstm, gru or transformer; or a model of counts: hmm (order 2, unknown words by their
            endings: Brants 2000) or frequent (the most frequent tag of each word).
        output: crf, or softmax for each word on its own.
        characters: How letters become a word's vector: cnn, lstm or none.
        capitalization: Use classes of capitalisation as a feature.
        embedding_size: Size of the words' vectors.
        character_embedding_size: Size of the letters' vectors.
        character_hidden_size: Filters of the cnn, or size of the lstm in each direction.
        feature_size: Size of the vector of a value of each feature column.
        hidden_size: Size of the encoder, of each direction.
        num_layers: Number of layers.
        num_heads: Attention heads of a Transformer.
        dropout: Dropout on the words' vectors, between layers, and before the output layer.
        locked_dropout: Use one dropout mask for all words of a sentence.
        word_dropout: A word seen n times becomes unknown in training with the probability a / (a + n), and a
            value of a feature column likewise; this is a.
        vectors: Vector file, or run of train-embeddings, from which the words' vectors start.
        freeze: Do not train the vectors from ``vectors``, or the encoder from ``init``.
        batch_size: Batch size.
        eval_batch_size: Batch size of the validation.
    """

    LIMITS: ClassVar[dict[str, int]] = {
        **TrainingSettings.LIMITS,
        "character_embedding_size": 1 << 16,
        "character_hidden_size": 1 << 16,
        "feature_size": 1 << 16,
    }

    OF_THE_RUN = (
        *("tokenizer", "lowercase", "unicode_normalization", "zero_digits"),
        *("vocab_size", "min_count", "model", "characters"),
        *("capitalization", "embedding_size", "character_embedding_size", "character_hidden_size"),
        *("hidden_size", "num_layers", "num_heads", "feature_size"),
    )
    FROM_THE_RUN = ("dropout", "locked_dropout", "word_dropout", "scheme", "output")

    corpus: str = "nltk:conll2000"
    word_column: str | None = None
    tag_column: str | None = None
    feature_columns: str | None = None
    on_bad_line: str = "error"
    input_scheme: str | None = None
    scheme: str = "bioes"
    on_broken_tags: str = "error"
    tokenizer: str = "word"
    lowercase: bool | None = None
    unicode_normalization: str = "nfc"
    zero_digits: bool | None = None
    vocab_size: int | None = None
    min_count: int = 1
    grow_vocabulary: bool = False
    max_length: int = 512
    model: str = "lstm"
    output: str | None = None
    characters: str = "cnn"
    capitalization: bool = True
    embedding_size: int | None = None
    character_embedding_size: int = 30
    character_hidden_size: int = 50
    feature_size: int = 20
    hidden_size: int = 200
    num_layers: int = 1
    num_heads: int = 4
    dropout: float = 0.5
    locked_dropout: bool = True
    word_dropout: float = 0.25
    vectors: str | None = None
    freeze: bool = False
    batch_size: int = 16
    eval_batch_size: int = 64

    def _check(self) -> None:
        """Raise UsageError for values out of range."""
        super()._check()
        if self.model in COUNTS and self.device not in (None, "cpu"):
            raise UsageError(f"expected device to be cpu for the model {self.model}, got {self.device}")
        self._require_choice("model", MODELS)
        self._require_choice("characters", CHARACTERS)
        self._require_choice("scheme", SCHEMES)
        self._require_choice("tokenizer", TOKENIZERS)
        self._require_choice("unicode_normalization", NORMALIZATIONS)
        self._require_choice("on_bad_line", ON_BAD_LINE)
        self._require_choice("on_broken_tags", ON_BROKEN_TAGS)
        if self.output is not None:
            self._require_choice("output", OUTPUTS)
        if self.input_scheme is not None:
            self._require_choice("input_scheme", INPUT_SCHEMES)
        self._require_positive(
            "vocab_size min_count max_length embedding_size character_embedding_size character_hidden_size "
            "feature_size hidden_size num_layers num_heads batch_size eval_batch_size"
        )
        if not all(self.columns) or any(re.fullmatch("-[0-9]+|0+", column) for column in self.columns):
            raise UsageError(
                "expected feature_columns to be numbers from 1 or names, separated by commas, got "
                f"{self.feature_columns!r}",
                remedy="count from the first column: files to be tagged may lack the last one",
            )
        self._require_fraction("dropout")
        self._require_at_least_zero("word_dropout")
        if self.vectors is not None and self.init is not None:
            raise UsageError("expected vectors or init, got both", remedy="leave one out")
        if self.freeze and self.vectors is None and self.init is None:
            raise UsageError("expected vectors or init with freeze, got neither")

    def ignored(self) -> dict[str, str]:
        """Return the fields that have no effect with the model, each with what it is for."""
        if self.model in COUNTS:
            neural = {field.name for field in dataclasses.fields(self)} - set(_COUNTED)
            return dict.fromkeys(sorted(neural), "neural models") | self._without_spans()
        ignored = super().ignored() | self._without_spans()
        if self.init is None:
            ignored["grow_vocabulary"] = FROM_A_RUN
        if self.model != "transformer":
            ignored["num_heads"] = "Transformers"
        if not self.columns:
            ignored["feature_size"] = "a tagger with feature_columns"
        if not self.dropout:
            ignored["locked_dropout"] = "a dropout above 0"
        if self.characters == "none":
            ignored["character_embedding_size"] = ignored["character_hidden_size"] = "character features"
        return ignored

    @property
    def columns(self) -> tuple[str, ...]:
        """The feature columns, one by one."""
        given = self.feature_columns
        return () if given is None else tuple(column.strip() for column in given.split(","))

    def _without_spans(self) -> dict[str, str]:
        return (
            dict.fromkeys(("scheme", "on_broken_tags"), "tags of spans")
            if self.input_scheme == "none"
            else {}
        )


@dataclass(frozen=True, kw_only=True)
class ResolvedSequenceLabelingSettings(SequenceLabelingSettings, ResolvedTrainingSettings):
    """Sequence labelling settings with all defaults filled in."""

    RESOLVED = True
    input_scheme: str
    lowercase: bool
    zero_digits: bool
    output: str
    embedding_size: int
    device: str
