"""Data of the embedding task: the text as ids."""

import time

import numpy as np

from seqkit import corpora
from seqkit.corpora import Corpus
from seqkit.data import EncodedCorpus, FileIds, encode_corpus
from seqkit.data.text_check import ANY_TEXT, text_warning
from seqkit.errors import UsageError
from seqkit.tasks.embeddings.settings import EmbeddingSettings, ResolvedEmbeddingSettings
from seqkit.tasks.embeddings.trained import TASK
from seqkit.tasks.runs import open_run
from seqkit.tasks.text import report, report_reading, run_tokenizer, run_vocabulary, text_tokenizer
from seqkit.text import Tokenizer, Vocabulary
from seqkit.training import Callback

_BLOCK = 1 << 22


def open_corpus(settings: EmbeddingSettings) -> Corpus:
    """Open the corpus that the settings name."""
    return corpora.open_corpus(settings.corpus, held_out=False, **settings.reading)


def encode(settings: ResolvedEmbeddingSettings, corpus: Corpus, callback: Callback) -> EncodedCorpus:
    """Encode all splits of the text as ids, with the words of ``init`` if given, and report the size."""
    report_reading(corpus, callback.on_message)
    started = time.perf_counter()
    if settings.init is None:
        tokenizer = text_tokenizer(settings, corpus.every_line, callback.on_message)
    else:
        tokenizer = run_tokenizer(open_run(settings.init, TASK))
    encoded = _encode(settings, corpus, tokenizer)
    seconds = time.perf_counter() - started
    callback.on_message(f"{corpus.name}: {describe(encoded)} ({seconds:.1f} s)")
    sizes = encoded.info["train"]
    tokens = {"train": (sizes.tokens, sizes.unk)}
    warning = text_warning(tokens, encoded.vocabulary, encoded.tokenizer, fitting=ANY_TEXT)
    report(warning, callback.on_message)
    return encoded


def _encode(settings: ResolvedEmbeddingSettings, corpus: Corpus, tokenizer: Tokenizer) -> EncodedCorpus:
    vocabulary = None if settings.vocabulary is None else Vocabulary.load(settings.vocabulary)

    def read(vocabulary: Vocabulary | None) -> EncodedCorpus:
        return encode_corpus(
            {"train": corpus.every_line},
            tokenizer,
            key=f"{corpus.content_key()}-every-line",
            vocab_size=settings.vocab_size,
            min_count=settings.min_count,
            vocabulary=vocabulary,
            require_unchanged=corpus.require_unchanged,
        )

    if settings.init is None:
        return read(vocabulary)
    before = run_vocabulary(open_run(settings.init, TASK))
    return read(_merged(before, read(vocabulary).vocabulary) if settings.grow_vocabulary else before)


def describe(encoded: EncodedCorpus) -> str:
    """Return the size of the text in one line."""
    return f"{encoded.info['train'].tokens:,} tokens, {len(encoded.vocabulary):,} types"


def _merged(old: Vocabulary, new: Vocabulary) -> Vocabulary:
    """Return the tokens of both vocabularies, most frequent first, with the sums of their counts."""
    counts = dict(zip(old.tokens, _counts_of(old), strict=True))
    for token, count in zip(new.tokens, _counts_of(new), strict=True):
        counts[token] = counts.get(token, 0) + count
    unk, eos = old.unk or new.unk, old.eos or new.eos
    for first, second, role in ((old.unk, new.unk, "unknown"), (old.eos, new.eos, "end-of-line")):
        if first and second and first != second:
            raise UsageError(f"the {role} tokens {first!r} and {second!r} of the two vocabularies differ")
    order = sorted(counts, key=lambda token: (-counts[token], token))
    return Vocabulary(order, unk=unk, eos=eos, counts=[counts[token] for token in order])


def _counts_of(vocabulary: Vocabulary) -> list[int]:
    return [0] * len(vocabulary) if vocabulary.counts is None else vocabulary.counts.tolist()


def occurrences(ids: np.ndarray | FileIds, vocab_size: int) -> np.ndarray:
    """Return how often each id occurs, (V,), counted block by block."""
    total = np.zeros(vocab_size, np.int64)
    for start in range(0, len(ids), _BLOCK):
        total += np.bincount(ids[start : start + _BLOCK], minlength=vocab_size)
    return total
