"""The labelled texts that a classifier learns from."""

from __future__ import annotations

import time

from seqkit.corpora import LabelledCorpus, open_labelled
from seqkit.data import EncodedLabelledCorpus, encode_labelled
from seqkit.tasks.text import text_tokenizer
from seqkit.tasks.text_classification.initial_encoder import InitialEncoder
from seqkit.tasks.text_classification.settings import (
    ResolvedTextClassificationSettings,
    TextClassificationSettings,
)
from seqkit.training import Callback


def open_corpus(settings: TextClassificationSettings) -> LabelledCorpus:
    """Open the labelled texts that the settings name."""
    return open_labelled(
        settings.corpus,
        on_bad_line=settings.on_bad_line,
        label_column=settings.label_column,
        text_column=settings.text_column,
    )


def encode(
    settings: ResolvedTextClassificationSettings,
    corpus: LabelledCorpus,
    initial: InitialEncoder | None,
    callback: Callback,
) -> EncodedLabelledCorpus:
    """Return the texts as ids, those of the initial encoder if there is one, and report their number."""
    started = time.perf_counter()
    for line, reason in corpus.skipped:
        callback.on_message(f"{settings.corpus}, line {line} left out: {reason}")
    if corpus.skipped_count:
        callback.on_message(f"{corpus.skipped_count:,} bad lines left out")
    train = corpus.sources.get("train")
    lines = None if train is None else lambda: (text for text, _ in train())
    encoded = encode_labelled(
        corpus.sources,
        text_tokenizer(settings, lines) if initial is None else initial.tokenizer,
        max_length=settings.max_length,
        vocab_size=settings.vocab_size,
        min_count=settings.min_count,
        cls=settings.pooling == "cls",
        vocabulary=None if initial is None else initial.vocabulary,
        more_words=initial is not None and initial.takes_words(settings),
    )
    seconds = time.perf_counter() - started
    callback.on_message(f"{corpus.name}: {describe(encoded)} ({seconds:.1f} s)")
    return encoded


def describe(encoded: EncodedLabelledCorpus) -> str:
    """Return the texts of each split and label, the types, and the texts that were cut, in one line."""
    splits = ", ".join(f"{split} {info.texts:,}" for split, info in encoded.info.items())
    by_label = zip(encoded.labels, encoded.info["train"].by_label, strict=True)
    labels = ", ".join(f"{label} {count:,}" for label, count in by_label)
    cut = sum(info.cut for info in encoded.info.values())
    note = f"; {cut:,} cut to the longest length" if cut else ""
    return f"{splits} texts (train: {labels}), {len(encoded.vocabulary):,} types{note}"
