"""Text in tasks: settings of the tokenizer and the vocabulary, encoding, and the artifacts of a run.

A learned tokenizer is an artifact of the run, ``tokenizer.json``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol, TypeVar

import numpy as np

from seqkit.corpora import REGISTRY, Corpus, TextDefaults, corpus_names, open_corpus
from seqkit.corpora.corpus import BaseCorpus, ExampleCorpus
from seqkit.corpora.readers.roles import columns_of
from seqkit.data import EncodedCorpus, encode_corpus
from seqkit.data.text_check import text_warning
from seqkit.distributed.group import acting_group
from seqkit.tasks.runs import VOCABULARY
from seqkit.text import (
    NORMALIZATIONS,
    SUBWORDS,
    SubwordTokenizer,
    Tokenizer,
    Vocabulary,
    get_tokenizer,
    tokenizer_from_config,
)
from seqkit.text.scripts import sample
from seqkit.text.special_tokens import UNK
from seqkit.text.subwords import FILE
from seqkit.text.tokenizers import note_of_words, tokenizer_of_words
from seqkit.training import ResolvedTrainingSettings, RunDirectory, Settings, Task, TrainingSettings
from seqkit.training.base_settings import absolute_path

R = TypeVar("R", bound=Settings)
V = TypeVar("V")

FROM_A_RUN = "trainings that start from a run, with init"

SUBWORD_COUNT = 8000
"""Number of subwords that are learned if no vocabulary size is given."""


OnMessage = Callable[[str], object]
"""Takes a sentence for the user."""
TrainingLines = Callable[[], Iterable[str]] | None
"""Starts a pass over the lines of the training split; None without one."""


def training_texts(corpus: ExampleCorpus, position: int = 0) -> TrainingLines:
    """Return the training texts of a corpus of examples: its texts or sources, or with 1 its targets."""
    train = corpus.sources.get("train")
    return None if train is None else lambda: (example[position] for example in train())


def default_tokenizer_name(defaults: TextDefaults, lines: TrainingLines) -> str:
    """Return the tokenizer of a corpus; for words the one that fits its text.

    A text that has unknown tokens was cut into words before, and is cut at blanks. Others go by their script.
    """
    if defaults.tokenizer != "word" or lines is None:
        return defaults.tokenizer
    text = sample(lines())
    return "whitespace" if UNK in text.split() else tokenizer_of_words(text)


@dataclass(frozen=True, kw_only=True)
class TextFileSettings(Settings):
    """Settings of how files of running text are read.

    Args:
        corpus: A registered name, "nltk:NAME", a text file or table, or a folder of text files.
        text_column: Column of the texts in a table, by name or by number from 1; by default it is found.
        header: Whether the first row of a table has the names of its columns; by default it is found out.
        paragraphs: Read each paragraph, of lines up to a blank one, as one line.
    """

    corpus: str = "pydocs"
    text_column: int | str | None = None
    header: bool | None = None
    paragraphs: bool = False

    def _check(self) -> None:
        """Raise UsageError for values out of range."""
        super()._check()
        columns_of(text=self.text_column)

    @property
    def reading(self) -> dict[str, Any]:
        """The arguments of :func:`seqkit.corpora.open_corpus`."""
        return {"text_column": self.text_column, "header": self.header, "paragraphs": self.paragraphs}


def open_text(
    settings: TextFileSettings, corpus: str | None, text_column: int | str | None, *, whole: bool = False
) -> Corpus:
    """Open the corpus of a run's settings, or another one, whose paragraphs are read as the run's are.

    With ``whole``, another file is test data, all of it.
    """
    if corpus is None:
        return open_corpus(settings.corpus, **settings.reading)
    file = not (corpus.startswith("nltk:") or corpus in REGISTRY)
    paragraphs = settings.paragraphs and file
    return open_corpus(corpus, text_column=text_column, paragraphs=paragraphs, whole=whole)


@dataclass(frozen=True, kw_only=True)
class TextSettings(TrainingSettings):
    """Settings of tasks that read text; None means the default of the corpus.

    Args:
        tokenizer: word, whitespace, char, bpe, wordpiece, unigram, or a segmenter: jieba (Chinese), sudachi
            or fugashi (Japanese), pythainlp (Thai). A default of word is replaced by the segmenter that is
            installed for a text of those languages.
        lowercase: Whether to convert the text to lower case.
        unicode_normalization: Unicode normalization form of the text: nfc, nfkc or none.
        vocab_size: Number of types to keep at most, or of subwords to learn.
        min_count: Frequency below which types are dropped.
        grow_vocabulary: Add the new words of the corpus to the vocabulary of ``init``, in which they are
            unknown otherwise.
    """

    tokenizer: str | None = None
    lowercase: bool | None = None
    unicode_normalization: str | None = None
    vocab_size: int | None = None
    min_count: int | None = None
    grow_vocabulary: bool | None = None

    OF_THE_RUN: ClassVar[tuple[str, ...]] = (
        *("tokenizer", "lowercase", "unicode_normalization"),
        *("vocab_size", "min_count"),
    )

    def _check(self) -> None:
        """Raise UsageError for values out of range."""
        super()._check()
        if self.unicode_normalization is not None:
            self._require_choice("unicode_normalization", NORMALIZATIONS)

    def ignored(self) -> dict[str, str]:
        """Return the fields that have no effect beside the others, each with what it is for."""
        ignored = super().ignored()
        if self.tokenizer in SUBWORDS:
            ignored["min_count"] = "words and characters; vocab_size limits subwords"
        if self.init is None:
            ignored["grow_vocabulary"] = FROM_A_RUN
        return ignored

    def resolve_to(self, resolved: type[R], **values: Any) -> R:
        """Return resolved settings; the vocabulary of a run grows only if that is asked for."""
        grow = None if self.init is None else bool(self.grow_vocabulary)
        return super().resolve_to(resolved, **{"grow_vocabulary": grow, **values})

    def text_choices(self, defaults: TextDefaults, lines: TrainingLines) -> dict[str, Any]:
        """Return the settings of tokenizer and vocabulary: those given, else the corpus's defaults.

        The corpus's defaults hold for its default tokenizer only.
        """
        default_tokenizer = self.tokenizer in (None, defaults.tokenizer)
        tokenizer = self.tokenizer or default_tokenizer_name(defaults, lines)
        subwords = tokenizer in SUBWORDS
        all_kept = subwords or tokenizer == "char"
        cut_before = default_tokenizer and tokenizer == "whitespace" != defaults.tokenizer

        def choose(given: V, default: V, otherwise: V) -> V:
            return given if given is not None else default if default_tokenizer else otherwise

        return {
            "tokenizer": tokenizer,
            "lowercase": choose(self.lowercase, defaults.lowercase, False),
            "unicode_normalization": self.unicode_normalization or "nfc",
            "min_count": choose(
                self.min_count, 1 if cut_before else defaults.min_count, 1 if all_kept else 2
            ),
            "vocab_size": choose(self.vocab_size, defaults.vocab_size, SUBWORD_COUNT if subwords else None),
        }


@dataclass(frozen=True, kw_only=True)
class ResolvedTextSettings(TextSettings, ResolvedTrainingSettings):
    """Text settings with a tokenizer; a vocabulary size of None means all types."""

    RESOLVED = True
    tokenizer: str
    lowercase: bool
    unicode_normalization: str
    min_count: int


def absolute_corpus(corpus: str) -> str:
    """Return the absolute path of a text corpus; registered names and nltk:NAME stay as they are."""
    return corpus if corpus.startswith("nltk:") else absolute_path(corpus, corpus_names("text"))


class TokenizerSettings(Protocol):
    """Resolved settings with a tokenizer."""

    @property
    def tokenizer(self) -> str: ...

    @property
    def lowercase(self) -> bool: ...

    @property
    def unicode_normalization(self) -> str: ...

    @property
    def vocab_size(self) -> int | None: ...


def make_tokenizer(
    name: str, lowercase: bool, form: str, lines: TrainingLines = None, size: int | None = None
) -> Tokenizer:
    """Return a tokenizer by name. Of several processes the first one learns subwords, for all of them."""

    def make() -> Tokenizer:
        return get_tokenizer(name, lowercase=lowercase, normalization=form, lines=lines, vocab_size=size)

    group = acting_group()
    if group.size == 1 or name not in SUBWORDS:
        return make()
    made = group.on_first(make)
    data = made.to_bytes() if isinstance(made, SubwordTokenizer) else None
    return SubwordTokenizer.from_bytes(group.share_bytes(data), name)


def text_tokenizer(settings: TokenizerSettings, lines: TrainingLines, on_message: OnMessage) -> Tokenizer:
    """Return the tokenizer that the settings name, and say how it cuts a text without blanks between words.

    Args:
        settings: Resolved settings.
        lines: Returns the lines of the training split, from which subwords are learned.
        on_message: Takes the sentence.

    Raises:
        UsageError: Subwords are to be learned, but there is no training split.
        MissingDependencyError: The tokenizer's library is not installed.
    """
    learned = (lines, settings.vocab_size) if settings.tokenizer in SUBWORDS else (None, None)
    form = settings.unicode_normalization
    tokenizer = make_tokenizer(settings.tokenizer, settings.lowercase, form, *learned)
    if lines is not None:
        report(note_of_words(sample(lines()), tokenizer), on_message)
    return tokenizer


def encode_text(
    settings: ResolvedTextSettings,
    corpus: Corpus,
    on_message: OnMessage,
    initial: tuple[Tokenizer, Vocabulary] | None = None,
) -> EncodedCorpus:
    """Encode a text corpus as ids. Subwords keep the ids of their tokenizer.

    Args:
        settings: Resolved settings.
        corpus: The corpus.
        on_message: Takes a sentence about text without blanks between words.
        initial: The tokenizer and the vocabulary of the run that the training starts from.

    Raises:
        DataError: A text that does not fit the vocabulary of that run, or leaves no vocabulary.
    """
    key = corpus.content_key()  # of the text before it is read
    if initial is None:
        report(_note_of_unknown(settings, corpus), on_message)
        tokenizer = text_tokenizer(settings, corpus.sources.get("train"), on_message)
        subwords = tokenizer.vocabulary() if isinstance(tokenizer, SubwordTokenizer) else None
    else:
        (tokenizer, vocabulary), subwords = initial, None
    encoded = encode_corpus(
        corpus.sources,
        tokenizer,
        key=key,
        vocab_size=settings.vocab_size,
        min_count=settings.min_count,
        vocabulary=subwords if initial is None else vocabulary,
        more_words=bool(settings.grow_vocabulary),
        require_unchanged=corpus.require_unchanged,
    )
    if subwords is None:
        return encoded
    counts = np.bincount(encoded.splits["train"], minlength=len(subwords))
    counted = Vocabulary(subwords.tokens, unk=subwords.unk, eos=subwords.eos, counts=counts)
    return replace(encoded, vocabulary=counted)


def _note_of_unknown(settings: ResolvedTextSettings, corpus: Corpus) -> str | None:
    """Return how a text is cut that has unknown tokens already; None for others, and for registered ones."""
    lines = corpus.sources.get("train")
    if lines is None or (settings.tokenizer, corpus.defaults.tokenizer) != ("whitespace", "word"):
        return None
    if settings.min_count > 1 or UNK not in sample(lines()).split():
        return None
    return f"{corpus.name} is already tokenized (it has {UNK}): --tokenizer whitespace, --min-count 1"


def describe_text(encoded: EncodedCorpus, vocabulary: Vocabulary) -> str:
    """Return the sizes of an encoded text in one line."""
    tokens = ", ".join(f"{split} {info.tokens:,}" for split, info in encoded.info.items())
    unknown = ", ".join(
        f"{split} {info.unk / max(1, info.tokens):.1%}" for split, info in encoded.info.items()
    )
    return f"{tokens} tokens, {len(vocabulary):,} types; <unk>: {unknown}"


def warn_of_text(
    encoded: EncodedCorpus,
    vocabulary: Vocabulary,
    on_message: OnMessage | None,
    splits: Iterable[str] | None = None,
) -> None:
    """Report text that does not fit its tokenizer, of these splits or all."""
    info = {split: encoded.info[split] for split in splits or encoded.info}
    tokens = {split: (sizes.tokens, sizes.unk) for split, sizes in info.items()}
    report(text_warning(tokens, vocabulary, encoded.tokenizer), on_message)


def report(text: str | None, on_message: OnMessage | None) -> None:
    """Pass a sentence on, where there is one and someone to take it."""
    if text is not None and on_message is not None:
        on_message(text)


def report_reading(corpus: BaseCorpus[Any], on_message: OnMessage) -> None:
    """Report how the files of a corpus were read, and the lines that were left out."""
    for note in corpus.notes:
        on_message(note)
    for line, reason in corpus.skipped:
        on_message(f"{corpus.name}, line {line} skipped: {reason}")
    if corpus.skipped_count:
        on_message(f"{corpus.skipped_count:,} malformed lines skipped")


class TextTask(Task):
    """Base class of tasks on a text corpus; vocabulary and tokenizer are artifacts of the run."""

    def __init__(
        self, settings: ResolvedTextSettings, encoded: EncodedCorpus, vocabulary: Vocabulary
    ) -> None:
        self.settings, self.encoded, self.vocabulary = settings, encoded, vocabulary
        self.artifacts = {VOCABULARY: vocabulary.to_bytes(), **tokenizer_artifacts(encoded.tokenizer)}
        self.counts = {"tokens": {split: info.tokens for split, info in encoded.info.items()}}
        self.config = {"tokenizer": encoded.tokenizer.config()}
        self.summary = describe_text(encoded, vocabulary)


def tokenizer_artifacts(tokenizer: Tokenizer, file: str = FILE) -> dict[str, bytes]:
    """Return the artifacts of a tokenizer by name; empty if its config suffices."""
    return {file: tokenizer.to_bytes()} if isinstance(tokenizer, SubwordTokenizer) else {}


def run_tokenizer(run: RunDirectory, entry: str = "tokenizer", file: str = FILE) -> Tokenizer:
    """Return the tokenizer of a run. Raise DamagedFileError if its file is damaged."""
    config = run.entry(entry)
    if "sha256" not in config:
        return tokenizer_from_config(config, str(run.path))
    data, source = run.artifact(file), str(run.path / file)
    tokenizer = SubwordTokenizer.from_bytes(data, source, lowercase=config["lowercase"])
    longest = config.get("max_length")
    return tokenizer if longest is None else tokenizer.for_model(longest)


def run_vocabulary(run: RunDirectory, name: str = VOCABULARY) -> Vocabulary:
    """Return a vocabulary of a run. Raise DamagedFileError if its file is damaged."""
    return Vocabulary.from_bytes(run.artifact(name), str(run.path / name))
