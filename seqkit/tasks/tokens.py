"""The tokens of text tasks: by a named tokenizer, or by subwords learned from the training part.

A learned tokenizer is a file of the run, ``tokenizer.json``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from seqkit.corpora import Corpus
from seqkit.data import EncodedCorpus, encode_corpus
from seqkit.text import (
    SubwordTokenizer,
    Tokenizer,
    Vocabulary,
    get_tokenizer,
    tokenizer_from_config,
)
from seqkit.text.subwords import FILE
from seqkit.training import RunDirectory


def text_tokenizer(settings: Any, lines: Callable[[], Iterable[str]] | None) -> Tokenizer:
    """Return the tokenizer of resolved settings; ``lines`` starts a pass over the training split."""
    return get_tokenizer(
        settings.tokenizer, lowercase=bool(settings.lowercase), lines=lines, vocab_size=settings.vocab_size
    )


def encode(settings: Any, corpus: Corpus) -> EncodedCorpus:
    """A corpus as ids, by completed settings. Subwords keep the ids that their tokenizer gives them."""
    tokenizer = text_tokenizer(settings, corpus.sources.get("train"))
    subwords = tokenizer.vocabulary() if isinstance(tokenizer, SubwordTokenizer) else None
    encoded = encode_corpus(
        corpus.sources,
        tokenizer,
        key=corpus.content_key(),
        vocab_size=settings.vocab_size,
        min_count=settings.min_count or 1,
        vocabulary=subwords,
    )
    if subwords is None:
        return encoded
    counts = np.bincount(encoded.splits["train"], minlength=len(subwords))
    counted = Vocabulary(subwords.tokens, unk=subwords.unk, eos=subwords.eos, counts=counts)
    return replace(encoded, vocabulary=counted)


def tokenizer_files(tokenizer: Tokenizer) -> dict[str, bytes]:
    """What a run keeps of a tokenizer beside its config, by file name."""
    return {FILE: tokenizer.to_bytes()} if isinstance(tokenizer, SubwordTokenizer) else {}


def run_tokenizer(run: RunDirectory) -> Tokenizer:
    """The tokenizer that a run was trained with."""
    config = run.config["tokenizer"]
    if "sha256" not in config:
        return tokenizer_from_config(config)
    data, source = run.text(FILE), str(run.path / FILE)
    tokenizer = SubwordTokenizer.from_bytes(data, source, lowercase=config["lowercase"])
    longest = config.get("max_length")
    return tokenizer if longest is None else tokenizer.for_model(longest)
