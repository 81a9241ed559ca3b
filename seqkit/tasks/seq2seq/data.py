"""Data of the sequence-to-sequence task: the pairs as ids."""

from __future__ import annotations

import time

from seqkit.corpora import Seq2SeqCorpus, open_seq2seq
from seqkit.data import EncodedSeq2SeqCorpus, encode_seq2seq
from seqkit.tasks.seq2seq.settings import ResolvedSeq2SeqSettings, Seq2SeqSettings
from seqkit.text import get_tokenizer
from seqkit.training import Callback


def open_corpus(settings: Seq2SeqSettings) -> Seq2SeqCorpus:
    """Open the pairs that the settings name."""
    return open_seq2seq(settings.corpus, on_bad_line=settings.on_bad_line, target=settings.target)


def encode(
    settings: ResolvedSeq2SeqSettings, corpus: Seq2SeqCorpus, callback: Callback
) -> EncodedSeq2SeqCorpus:
    """Encode the pairs as ids, and report their number and the lines that were skipped."""
    started = time.perf_counter()
    for line, reason in corpus.skipped:
        callback.on_message(f"{settings.corpus}, line {line} skipped: {reason}")
    if corpus.skipped_count:
        callback.on_message(f"{corpus.skipped_count:,} malformed lines skipped")
    encoded = encode_seq2seq(
        corpus.sources,
        get_tokenizer(settings.tokenizer, lowercase=settings.lowercase),
        shared=settings.shared_vocabulary,
        vocab_size=settings.vocab_size,
        min_count=settings.min_count,
    )
    seconds = time.perf_counter() - started
    callback.on_message(f"{corpus.name}: {describe(encoded)} ({seconds:.1f} s)")
    return encoded


def describe(encoded: EncodedSeq2SeqCorpus) -> str:
    """Return the sizes of the encoded pairs in one line."""
    pairs = ", ".join(f"{split} {info.pairs:,}" for split, info in encoded.info.items())
    types = f"{len(encoded.source_vocabulary):,} and {len(encoded.target_vocabulary):,} types"
    return f"{pairs} pairs, {types}"
