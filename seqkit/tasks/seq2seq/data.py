"""Data of the sequence-to-sequence task: the pairs as ids."""

import time
from collections.abc import Iterable

from seqkit.corpora import Seq2SeqCorpus, open_seq2seq
from seqkit.data import EncodedSeq2SeqCorpus, encode_seq2seq
from seqkit.data.text_check import text_warning
from seqkit.tasks.seq2seq.settings import ResolvedSeq2SeqSettings, Seq2SeqSettings
from seqkit.tasks.text import OnMessage, report, report_reading
from seqkit.text import Vocabulary, get_tokenizer
from seqkit.training import Callback


def open_corpus(settings: Seq2SeqSettings) -> Seq2SeqCorpus:
    """Open the pairs that the settings name."""
    return open_seq2seq(
        settings.corpus,
        on_bad_line=settings.on_bad_line,
        target=settings.target,
        source_column=settings.source_column,
        target_column=settings.target_column,
        header=settings.header,
    )


def encode(
    settings: ResolvedSeq2SeqSettings,
    corpus: Seq2SeqCorpus,
    callback: Callback,
    initial: tuple[Vocabulary, Vocabulary] | None = None,
) -> EncodedSeq2SeqCorpus:
    """Encode the pairs as ids, and report their number and the lines that were skipped.

    The ids are those of the initial vocabularies if there are some.
    """
    started = time.perf_counter()
    report_reading(corpus, callback.on_message)
    encoded = encode_seq2seq(
        corpus.sources,
        get_tokenizer(settings.tokenizer, lowercase=settings.lowercase),
        shared=settings.shared_vocabulary,
        vocab_size=settings.vocab_size,
        min_count=settings.min_count,
        vocabularies=initial,
        more_words=bool(settings.grow_vocabulary),
    )
    seconds = time.perf_counter() - started
    callback.on_message(f"{corpus.name}: {describe(encoded)} ({seconds:.1f} s)")
    warn_of_pairs(encoded, callback.on_message)
    return encoded


def warn_of_pairs(
    encoded: EncodedSeq2SeqCorpus, on_message: OnMessage | None, splits: Iterable[str] | None = None
) -> None:
    """Report pairs whose texts do not fit their tokenizer, of these splits or all."""
    info = {split: encoded.info[split] for split in splits or encoded.info}
    sides = {
        "source": (
            {split: (n.source_tokens, n.source_unk) for split, n in info.items()},
            encoded.source_vocabulary,
            encoded.source_tokenizer,
        ),
        "target": (
            {split: (n.target_tokens, n.target_unk) for split, n in info.items()},
            encoded.target_vocabulary,
            encoded.target_tokenizer,
        ),
    }
    for side, (tokens, vocabulary, tokenizer) in sides.items():
        report(
            text_warning(tokens, vocabulary, tokenizer, fitting=["char"], what=f"{side} texts"), on_message
        )


def describe(encoded: EncodedSeq2SeqCorpus) -> str:
    """Return the sizes of the encoded pairs in one line."""
    pairs = ", ".join(f"{split} {info.pairs:,}" for split, info in encoded.info.items())
    types = f"{len(encoded.source_vocabulary):,} and {len(encoded.target_vocabulary):,} types"
    return f"{pairs} pairs, {types}"
