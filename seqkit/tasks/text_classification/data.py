"""Data of the text classification task: the labelled texts as ids."""

import time
from collections.abc import Iterable

import numpy as np

from seqkit.corpora import LabelledCorpus, open_labelled
from seqkit.data import EncodedLabelledCorpus, encode_labelled
from seqkit.data.text_check import ANY_TEXT, text_warning
from seqkit.tasks.text import OnMessage, report, report_reading, text_tokenizer, training_texts
from seqkit.tasks.text_classification.settings import (
    ResolvedTextClassificationSettings,
    TextClassificationSettings,
)
from seqkit.text import Tokenizer, Vocabulary
from seqkit.training import Callback


def open_corpus(settings: TextClassificationSettings) -> LabelledCorpus:
    """Open the labelled texts that the settings name."""
    return open_labelled(
        settings.corpus,
        on_bad_line=settings.on_bad_line,
        label_column=settings.label_column,
        text_column=settings.text_column,
        header=settings.header,
    )


def encode(
    settings: ResolvedTextClassificationSettings,
    corpus: LabelledCorpus,
    initial: tuple[Tokenizer, Vocabulary] | None,
    callback: Callback,
    *,
    published: bool = False,
) -> EncodedLabelledCorpus:
    """Encode the texts as ids, and report their number.

    Args:
        settings: Resolved settings.
        corpus: The texts.
        initial: Tokenizer and vocabulary of the encoder or classifier that the training starts from.
        callback: Gets the report.
        published: Whether that encoder comes from a checkpoint folder.
    """
    started = time.perf_counter()
    report_reading(corpus, callback.on_message)
    encoded = encode_labelled(
        corpus.sources,
        text_tokenizer(settings, training_texts(corpus), callback.on_message)
        if initial is None
        else initial[0],
        max_length=settings.max_length,
        vocab_size=settings.vocab_size,
        min_count=settings.min_count,
        cls=settings.pooling == "cls",
        vocabulary=None if initial is None else initial[1],
        more_words=bool(settings.grow_vocabulary),
    )
    seconds = time.perf_counter() - started
    callback.on_message(f"{corpus.name}: {describe(encoded)} ({seconds:.1f} s)")
    warn_of_texts(encoded, callback.on_message, published=published)
    counts = np.sum([info.by_label for info in encoded.info.values()], axis=0)
    single = [repr(encoded.labels[row]) for row in np.flatnonzero(counts == 1)[:5]]
    if single:
        callback.on_message(
            f"warning: only one text has the label {', '.join(single)}: is it misspelt, or a header row?"
        )
    return encoded


def warn_of_texts(
    encoded: EncodedLabelledCorpus,
    on_message: OnMessage | None,
    splits: Iterable[str] | None = None,
    *,
    published: bool,
) -> None:
    """Report texts that do not fit their tokenizer, of these splits or all.

    ``published`` is whether an encoder that was trained elsewhere decides the tokenizer.
    """
    info = {split: encoded.info[split] for split in splits or encoded.info}
    tokens = {split: (sizes.tokens, sizes.unk) for split, sizes in info.items()}
    fitting = ["that of an encoder of their language"] if published else ANY_TEXT
    warning = text_warning(tokens, encoded.vocabulary, encoded.tokenizer, fitting=fitting, what="texts")
    report(warning, on_message)


def describe(encoded: EncodedLabelledCorpus) -> str:
    """Return the numbers of texts by split and label, of types, and of truncated texts, in one line."""
    splits = ", ".join(f"{split} {info.texts:,}" for split, info in encoded.info.items())
    by_label = zip(encoded.labels, encoded.info["train"].by_label, strict=True)
    labels = ", ".join(f"{label} {count:,}" for label, count in by_label)
    cut = sum(info.cut for info in encoded.info.values())
    note = f"; {cut:,} truncated to the greatest length" if cut else ""
    return f"{splits} texts (train: {labels}), {len(encoded.vocabulary):,} types{note}"
