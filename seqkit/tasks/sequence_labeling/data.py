"""Data of the sequence labelling task: the tagged sentences as ids."""

import dataclasses
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from seqkit.corpora import REGISTRY, TaggedCorpus, TaggedSentence, open_tagged
from seqkit.corpora.readers.columns import Columns
from seqkit.data import EncodedTaggedCorpus, PieceEncoder, TaggingEncoder, WordEncoder, encode_tagged
from seqkit.data.tagging import UnspacedWords, normalized
from seqkit.data.text_check import MOST_UNKNOWN, uncut_fraction
from seqkit.errors import UsageError
from seqkit.tasks.embeddings import open_vectors
from seqkit.tasks.sequence_labeling.settings import SequenceLabelingSettings
from seqkit.text import Tokenizer, get_tokenizer, normalize
from seqkit.training import Callback

_MORE_WORDS = 100_000
"""Words of a vector file that enter the vocabulary beside those of the training split: the first ones."""

_CHECKED = 1000
"""Sentences whose words the tokenizer should find."""


def open_corpus(
    settings: SequenceLabelingSettings, other: str | None = None, *, whole: bool = False
) -> TaggedCorpus:
    """Open the tagged sentences that the settings name, or others with these columns.

    With ``whole``, a file of others is test data, all of it.
    """
    registered = other in REGISTRY
    return open_tagged(
        settings.corpus if other is None else other,
        on_bad_line=settings.on_bad_line,
        word_column=None if registered else settings.word_column,
        tag_column=None if registered else settings.tag_column,
        feature_columns=settings.columns,
        whole=whole,
    )


def untagged_columns(settings: SequenceLabelingSettings) -> Columns:
    """Return the columns that a tagger reads of sentences to be tagged, which may have further ones.

    Raises:
        UsageError: The column of the words counts from the last one, which these sentences may lack.
    """
    if settings.word_column is not None and settings.word_column.startswith("-"):
        raise UsageError(
            f"the words are in column {settings.word_column} from the end, which is another one without tags",
            remedy="train with word_column counted from the first, or tag texts",
        )
    return Columns(settings.word_column, features=settings.columns, tagged=False)


def encode(
    settings: SequenceLabelingSettings,
    corpus: TaggedCorpus,
    *,
    encoder: TaggingEncoder | None = None,
    labels: tuple[str, ...] | None = None,
) -> EncodedTaggedCorpus:
    """Encode the sentences.

    Args:
        settings: The settings.
        corpus: The sentences.
        encoder: That of a pretrained encoder or of an earlier run.
        labels: The tags of an earlier run.
    """
    lowercase, zero_digits = bool(settings.lowercase), bool(settings.zero_digits)
    more: Iterable[str] = ()
    form = settings.unicode_normalization
    if settings.vectors is not None and encoder is None:
        keys = open_vectors(settings.vectors).index_to_key[:_MORE_WORDS]
        more = (normalized(normalize(key, form), lowercase, zero_digits) for key in keys)
    encoded = encode_tagged(
        {split: _normalized(read, form) for split, read in corpus.sources.items()},
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
        grow=settings.grow_vocabulary,
    )
    if isinstance(encoder, PieceEncoder) and "train" in encoded.forms:
        unspaced = UnspacedWords.of({word for words in encoded.forms["train"] for word in words})
        return dataclasses.replace(encoded, encoder=dataclasses.replace(encoder, unspaced=unspaced))
    return encoded


def tagging_tokenizer(settings: SequenceLabelingSettings) -> Tokenizer:
    """Return the tokenizer that cuts texts into words when they are tagged."""
    return get_tokenizer(settings.tokenizer, normalization=settings.unicode_normalization)


def _normalized(
    read: Callable[[], Iterator[TaggedSentence]], form: str
) -> Callable[[], Iterator[TaggedSentence]]:
    """Return a reader of the same sentences in a Unicode normalization form."""

    def sentences() -> Iterator[TaggedSentence]:
        for sentence in read():
            yield dataclasses.replace(sentence, words=tuple(normalize(word, form) for word in sentence.words))

    return read if form == "none" else sentences


def encode_and_report(
    settings: SequenceLabelingSettings,
    corpus: TaggedCorpus,
    callback: Callback,
    encoder: TaggingEncoder | None = None,
) -> EncodedTaggedCorpus:
    """Encode the sentences, and report their number and what is wrong with them.

    ``encoder`` is that of the model that the training starts from.
    """
    started = time.perf_counter()
    for line, reason in corpus.skipped:
        callback.on_message(f"{settings.corpus}, line {line}, its sentence is skipped: {reason}")
    if corpus.skipped_count:
        callback.on_message(f"{corpus.skipped_count:,} sentences skipped")
    encoded = encode(settings, corpus, encoder=encoder)
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
    _report_columns(settings, encoded, callback)
    _report_values(settings, encoded, callback)
    return encoded


def _report_values(
    settings: SequenceLabelingSettings, encoded: EncodedTaggedCorpus, callback: Callback
) -> None:
    """Report feature columns most of whose values are unknown, as swapped ones of another run are."""
    if not isinstance(encoded.encoder, WordEncoder) or not encoded.counts.any():
        return
    vocabularies = encoded.encoder.feature_columns
    for name, known, ids in zip(settings.columns, vocabularies, encoded.table.feature_columns.T, strict=True):
        unknown = (ids == known.unk_id) @ encoded.counts / encoded.counts.sum()
        if unknown > MOST_UNKNOWN:
            callback.on_message(
                f"warning: {unknown:.0%} of the values in column {name} are unknown; is it the column that "
                "the model was trained with?"
            )


def _report_columns(
    settings: SequenceLabelingSettings, encoded: EncodedTaggedCorpus, callback: Callback
) -> None:
    """Report columns that look swapped, and words that the tokenizer does not find in raw text."""
    if encoded.scheme is None and len(encoded.labels) > len(encoded.table.ids):
        callback.on_message(
            f"warning: more tags ({len(encoded.labels):,}) than words ({len(encoded.table.ids):,} types): "
            "are the columns swapped? Then choose them by --word-column and --tag-column"
        )
    forms = next(iter(encoded.forms.values()))
    fraction = uncut_fraction(islice(forms, _CHECKED), tagging_tokenizer(settings))
    if fraction > MOST_UNKNOWN:
        callback.on_message(
            f"warning: {fraction:.0%} of the words have no blank between them and the next, as in Chinese, "
            f"Japanese and Thai, and the tokenizer {settings.tokenizer} does not find them in raw text; give "
            "`tag` words with blanks between them (--pretokenized), or train with a tokenizer that finds "
            "them (--tokenizer jieba, sudachi, fugashi or pythainlp), or with single characters as words"
        )


def describe(encoded: EncodedTaggedCorpus) -> str:
    """Return the numbers of sentences and words by split, of types and of tags, in one line."""
    splits = ", ".join(f"{split} {info.sentences:,}" for split, info in encoded.info.items())
    words = sum(info.words for info in encoded.info.values())
    scheme = "" if encoded.scheme is None else f" ({encoded.input_scheme}, learned as {encoded.scheme})"
    return (
        f"{splits} sentences, {words:,} words, {encoded.encoder.describe()}, "
        f"{len(encoded.labels)} tags{scheme}"
    )
