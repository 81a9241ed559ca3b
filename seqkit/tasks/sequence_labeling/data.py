"""Data of the sequence labelling task: the tagged sentences as ids."""

import time
from collections.abc import Iterable

from seqkit.corpora import TaggedCorpus, open_tagged
from seqkit.data import EncodedTaggedCorpus, WordEncoder, encode_tagged
from seqkit.data.tagging import normalized
from seqkit.tasks.embeddings import open_vectors
from seqkit.tasks.sequence_labeling.settings import SequenceLabelingSettings
from seqkit.training import Callback

_MORE_WORDS = 100_000
"""Words of a vector file that enter the vocabulary beside those of the training split: the first ones."""


def open_corpus(settings: SequenceLabelingSettings) -> TaggedCorpus:
    """Open the tagged sentences that the settings name."""
    return open_tagged(
        settings.corpus,
        on_bad_line=settings.on_bad_line,
        word_column=settings.word_column,
        tag_column=settings.tag_column,
    )


def encode(
    settings: SequenceLabelingSettings,
    corpus: TaggedCorpus,
    *,
    encoder: WordEncoder | None = None,
    labels: tuple[str, ...] | None = None,
) -> EncodedTaggedCorpus:
    """Encode the sentences; ``encoder`` and ``labels`` are those of an earlier run."""
    lowercase, zero_digits = bool(settings.lowercase), bool(settings.zero_digits)
    more: Iterable[str] = ()
    if settings.vectors is not None and encoder is None:
        keys = open_vectors(settings.vectors).index_to_key[:_MORE_WORDS]
        more = (normalized(key, lowercase, zero_digits) for key in keys)
    return encode_tagged(
        corpus.sources,
        scheme=settings.scheme,
        input_scheme=settings.input_scheme,
        on_broken_tags=settings.on_broken_tags,
        lowercase=lowercase,
        zero_digits=zero_digits,
        min_count=settings.min_count,
        vocab_size=settings.vocab_size,
        max_length=settings.max_length,
        encoder=encoder,
        labels=labels,
        more_words=more,
    )


def encode_and_report(
    settings: SequenceLabelingSettings, corpus: TaggedCorpus, callback: Callback
) -> EncodedTaggedCorpus:
    """Encode the sentences, and report their number and what is wrong with them."""
    started = time.perf_counter()
    for line, reason in corpus.skipped:
        callback.on_message(f"{settings.corpus}, line {line}, its sentence is skipped: {reason}")
    if corpus.skipped_count:
        callback.on_message(f"{corpus.skipped_count:,} sentences skipped")
    encoded = encode(settings, corpus)
    seconds = time.perf_counter() - started
    callback.on_message(f"{corpus.name}: {describe(encoded)} ({seconds:.1f} s)")
    if encoded.repaired is not None:
        place, count = encoded.repaired
        callback.on_message(
            f"{count:,} sentences repaired whose tags break {encoded.input_scheme}, the first at {place}"
        )
    if encoded.unseen:
        shown = ", ".join(encoded.unseen[:5])
        total = sum(info.unseen_tags for info in encoded.info.values())
        callback.on_message(
            f"warning: {total:,} held-out words have a tag that no training sentence has ({shown}) and "
            "count as errors"
        )
    return encoded


def describe(encoded: EncodedTaggedCorpus) -> str:
    """Return the numbers of sentences and words by split, of types and of tags, in one line."""
    splits = ", ".join(f"{split} {info.sentences:,}" for split, info in encoded.info.items())
    words = sum(info.words for info in encoded.info.values())
    scheme = "" if encoded.scheme is None else f" ({encoded.input_scheme}, learned as {encoded.scheme})"
    return (
        f"{splits} sentences, {words:,} words, {len(encoded.encoder.words):,} types, "
        f"{len(encoded.labels)} tags{scheme}"
    )
