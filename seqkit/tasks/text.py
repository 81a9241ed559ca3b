"""Text as tasks read it: tokenizer settings, a corpus as ids, and the tokenizer that a run keeps.

A learned tokenizer is an artifact of the run, ``tokenizer.json``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from seqkit.corpora import Corpus, TextDefaults, corpus_names
from seqkit.data import EncodedCorpus, encode_corpus
from seqkit.tasks.runs import VOCABULARY
from seqkit.text import (
    SUBWORDS,
    SubwordTokenizer,
    Tokenizer,
    Vocabulary,
    get_tokenizer,
    tokenizer_from_config,
)
from seqkit.text.subwords import FILE
from seqkit.training import ResolvedTrainingSettings, RunDirectory, Task, TrainingSettings
from seqkit.training.settings import absolute_path

_SUBWORDS = 8000
"""Subwords that are learned where no vocabulary size is given."""


@dataclass(frozen=True, kw_only=True)
class TextSettings(TrainingSettings):
    """Settings of tasks that read text; None means the usual value of the corpus."""

    tokenizer: str | None = None
    lowercase: bool | None = None
    vocab_size: int | None = None
    min_count: int | None = None

    def text_choices(self, defaults: TextDefaults) -> dict[str, Any]:
        """Return tokenizer, lowercase, min_count and vocab_size: those given, else those of the corpus.

        Another tokenizer than the corpus's own makes its other defaults void.
        """
        own = self.tokenizer in (None, defaults.tokenizer)
        tokenizer = self.tokenizer or defaults.tokenizer
        subwords = tokenizer in SUBWORDS
        all_kept = subwords or tokenizer == "char"

        def choose(given: Any, usual: Any, otherwise: Any) -> Any:
            return given if given is not None else usual if own else otherwise

        return {
            "tokenizer": tokenizer,
            "lowercase": choose(self.lowercase, defaults.lowercase, False),
            "min_count": choose(self.min_count, defaults.min_count, 1 if all_kept else 2),
            "vocab_size": choose(self.vocab_size, defaults.vocab_size, _SUBWORDS if subwords else None),
        }


@dataclass(frozen=True, kw_only=True)
class ResolvedTextSettings(TextSettings, ResolvedTrainingSettings):
    """Text settings in which nothing is left open but the vocabulary size, where None means all types."""

    RESOLVED = True
    tokenizer: str
    lowercase: bool
    min_count: int


def absolute_corpus(corpus: str) -> str:
    """Return a text corpus by its absolute path; registered names and nltk:NAME stay as they are."""
    return corpus if corpus.startswith("nltk:") else absolute_path(corpus, corpus_names("text"))


def text_tokenizer(settings: ResolvedTextSettings, lines: Callable[[], Iterable[str]] | None) -> Tokenizer:
    """Return the tokenizer that the settings name.

    Args:
        settings: resolved settings.
        lines: starts a pass over the training split, from which subwords are learned.

    Raises:
        DataError: where subwords are to be learned and there is no training split.

    """
    return get_tokenizer(
        settings.tokenizer, lowercase=settings.lowercase, lines=lines, vocab_size=settings.vocab_size
    )


def encode_text(settings: ResolvedTextSettings, corpus: Corpus) -> EncodedCorpus:
    """Return a text corpus as ids. Subwords keep the ids that their tokenizer gives them."""
    key = corpus.content_key()  # of the text before it is read
    tokenizer = text_tokenizer(settings, corpus.sources.get("train"))
    subwords = tokenizer.vocabulary() if isinstance(tokenizer, SubwordTokenizer) else None
    encoded = encode_corpus(
        corpus.sources,
        tokenizer,
        key=key,
        vocab_size=settings.vocab_size,
        min_count=settings.min_count,
        vocabulary=subwords,
        require_unchanged=corpus.require_unchanged,
    )
    if subwords is None:
        return encoded
    counts = np.bincount(encoded.splits["train"], minlength=len(subwords))
    counted = Vocabulary(subwords.tokens, unk=subwords.unk, eos=subwords.eos, counts=counts)
    return replace(encoded, vocabulary=counted)


def describe_text(encoded: EncodedCorpus, vocabulary: Vocabulary) -> str:
    """Return the sizes of an encoded text in one line."""
    tokens = ", ".join(f"{split} {info.tokens:,}" for split, info in encoded.info.items())
    unknown = ", ".join(
        f"{split} {info.unk / max(1, info.tokens):.1%}" for split, info in encoded.info.items()
    )
    return f"{tokens} tokens, {len(vocabulary):,} types; <unk>: {unknown}"


class TextTask(Task):
    """Base class of tasks on one text: it keeps the vocabulary and the tokenizer in the run."""

    def __init__(
        self, settings: ResolvedTextSettings, encoded: EncodedCorpus, vocabulary: Vocabulary
    ) -> None:
        self.settings, self.encoded, self.vocabulary = settings, encoded, vocabulary
        self.artifacts = {VOCABULARY: vocabulary.to_bytes(), **tokenizer_artifacts(encoded.tokenizer)}
        self.counts = {"tokens": {split: info.tokens for split, info in encoded.info.items()}}
        self.config = {"tokenizer": encoded.tokenizer.config()}
        self.summary = describe_text(encoded, vocabulary)


def tokenizer_artifacts(tokenizer: Tokenizer) -> dict[str, bytes]:
    """Return the files that a run keeps of a tokenizer, by name; none if its config is enough."""
    return {FILE: tokenizer.to_bytes()} if isinstance(tokenizer, SubwordTokenizer) else {}


def run_tokenizer(run: RunDirectory) -> Tokenizer:
    """Return the tokenizer that a run was trained with."""
    config = run.config["tokenizer"]
    if "sha256" not in config:
        return tokenizer_from_config(config)
    data, source = run.artifact(FILE), str(run.path / FILE)
    tokenizer = SubwordTokenizer.from_bytes(data, source, lowercase=config["lowercase"])
    longest = config.get("max_length")
    return tokenizer if longest is None else tokenizer.for_model(longest)


def run_vocabulary(run: RunDirectory, name: str = VOCABULARY) -> Vocabulary:
    """Return a vocabulary of a run."""
    return Vocabulary.from_bytes(run.artifact(name), str(run.path / name))


def corpus_stem(corpus: str) -> str:
    """Return a short name of a corpus for run directories."""
    return Path(corpus.replace(":", "-")).stem
