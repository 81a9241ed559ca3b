"""Data of the masked language modelling task: the corpus as ids, and windows with masked tokens."""

import time

import numpy as np

from seqkit import corpora
from seqkit.corpora import Corpus
from seqkit.data import EncodedCorpus, MaskedBatches, Masking
from seqkit.data.masking import with_mask_tokens, without_mask_tokens
from seqkit.tasks.initial_run import InitialText, report_start
from seqkit.tasks.masked_language_modeling.settings import (
    MaskedLanguageModelSettings,
    ResolvedMaskedLanguageModelSettings,
)
from seqkit.tasks.text import describe_text, encode_text, report_reading, warn_of_text
from seqkit.text import Vocabulary
from seqkit.text.special_tokens import CLS, MASK
from seqkit.training import Callback

_SEED, _WINDOWS = 0, 32  # the tokens that an evaluation masks depend on both


def open_corpus(settings: MaskedLanguageModelSettings) -> Corpus:
    """Open the corpus that the settings name."""
    return corpora.open_corpus(settings.corpus, **settings.reading)


def encode(
    settings: ResolvedMaskedLanguageModelSettings,
    corpus: Corpus,
    callback: Callback,
    initial: InitialText | None = None,
) -> tuple[EncodedCorpus, Vocabulary]:
    """Return the corpus as ids and its vocabulary with special tokens, and report its size.

    The ids are those of the initial run if there is one; new words stand before the special tokens.
    """
    report_reading(corpus, callback.on_message)
    started = time.perf_counter()
    words = None if initial is None else (initial.tokenizer, without_mask_tokens(initial.vocabulary))
    encoded = encode_text(settings, corpus, callback.on_message, words)
    vocabulary = with_mask_tokens(encoded.vocabulary)
    seconds = time.perf_counter() - started
    callback.on_message(f"{corpus.name}: {describe_text(encoded, vocabulary)} ({seconds:.1f} s)")
    if initial is None:
        warn_of_text(encoded, vocabulary, callback.on_message)
    else:
        vocabularies = {"words": (initial.vocabulary, vocabulary)}
        report_start(initial, vocabularies, callback.on_message, encoded.info["train"].unk_fraction)
    return encoded, vocabulary


def masking_of(vocabulary: Vocabulary) -> Masking:
    """Return how the tokens of a vocabulary are masked; end-of-line tokens never are."""
    kept = () if vocabulary.eos_id is None else (vocabulary.eos_id,)
    return Masking(len(vocabulary) - 2, vocabulary.id(MASK), kept)


def training_batches(
    settings: ResolvedMaskedLanguageModelSettings, ids: np.ndarray, vocabulary: Vocabulary
) -> MaskedBatches:
    """Return the shuffled windows of the training split; each epoch masks other tokens."""
    return MaskedBatches(
        ids,
        masking_of(vocabulary),
        cls_id=vocabulary.id(CLS),
        batch_size=settings.batch_size,
        length=settings.context_length,
        seed=settings.seed,
    )


def evaluation_batches(ids: np.ndarray, vocabulary: Vocabulary, length: int) -> MaskedBatches:
    """Return the windows of a held-out text; the same tokens are masked every time."""
    return MaskedBatches(
        ids,
        masking_of(vocabulary),
        cls_id=vocabulary.id(CLS),
        batch_size=_WINDOWS,
        length=length,
        shuffle=False,
        seed=_SEED,
    )
