"""Data of the sequence-to-sequence task: the pairs as ids."""

import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from seqkit.corpora import Seq2SeqCorpus, open_seq2seq
from seqkit.data import EncodedSeq2SeqCorpus, encode_seq2seq
from seqkit.data.text_check import text_warning
from seqkit.errors import DataError
from seqkit.tasks.seq2seq.settings import ResolvedSeq2SeqSettings, Seq2SeqSettings
from seqkit.tasks.text import OnMessage, make_tokenizer, report, report_reading, training_texts
from seqkit.text import SUBWORDS, TOKENIZERS, SubwordTokenizer, Tokenizer, Vocabulary
from seqkit.text.scripts import sample
from seqkit.text.tokenizers import note_of_words
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
    tokenizers: tuple[Tokenizer, Tokenizer] | None = None,
) -> EncodedSeq2SeqCorpus:
    """Encode the pairs as ids, and report their number and the lines that were skipped.

    The ids are those of the initial vocabularies and tokenizers if there are some.
    """
    started = time.perf_counter()
    report_reading(corpus, callback.on_message)
    tokenizer, target_tokenizer = tokenizers or make_tokenizers(settings, corpus)
    for side, each in enumerate((tokenizer, target_tokenizer)):
        if (lines := training_texts(corpus, side)) is not None:
            report(note_of_words(sample(lines()), each), callback.on_message)
    encoded = encode_seq2seq(
        corpus.sources,
        tokenizer,
        target_tokenizer=target_tokenizer,
        shared=settings.shared_vocabulary,
        vocab_size=(settings.vocab_size, settings.target_vocab_size),
        min_count=settings.min_count,
        vocabularies=initial,
        more_words=bool(settings.grow_vocabulary),
    )
    seconds = time.perf_counter() - started
    callback.on_message(f"{corpus.name}: {describe(encoded)} ({seconds:.1f} s)")
    if initial is None:
        warn_of_pairs(encoded, callback.on_message)
    return encoded


def make_tokenizers(settings: ResolvedSeq2SeqSettings, corpus: Seq2SeqCorpus) -> tuple[Tokenizer, Tokenizer]:
    """Return the tokenizers of the sources and of the targets; subwords are learned or read from a file."""
    shared = settings.shared_vocabulary
    form = settings.unicode_normalization
    source = _tokenizer(
        settings.tokenizer, settings.lowercase, form, settings.vocab_size, corpus, (0, 1) if shared else (0,)
    )
    if shared:
        return source, source
    name = settings.target_tokenizer or settings.tokenizer
    lowercase = bool(settings.target_lowercase)
    return source, _tokenizer(name, lowercase, form, settings.target_vocab_size, corpus, (1,))


def _tokenizer(
    name: str,
    lowercase: bool,
    form: str,
    vocab_size: int | None,
    corpus: Seq2SeqCorpus,
    sides: tuple[int, ...],
) -> Tokenizer:
    """Return a tokenizer by name or file; subwords are learned from these sides of the training pairs."""
    if name not in TOKENIZERS and Path(name).exists():
        tokenizer = _read_tokenizer(Path(name))
        if lowercase:
            tokenizer.add_lowercase()
        return tokenizer
    if name not in SUBWORDS:
        return make_tokenizer(name, lowercase, form)

    def lines() -> Iterator[str]:
        return (pair[side] for pair in corpus.sources["train"]() for side in sides)

    return make_tokenizer(name, lowercase, form, lines, vocab_size)


def _read_tokenizer(path: Path) -> SubwordTokenizer:
    try:
        return SubwordTokenizer.from_bytes(path.read_bytes(), str(path))
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror or error})", where=str(path)) from error


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
