"""Starting points of classifiers: a pretrained encoder, the classifier of a run, or word vectors."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from seqkit.backend.random import Generator
from seqkit.errors import DataError, UsageError
from seqkit.nn import Embedding
from seqkit.tasks.embeddings import known_spelling, open_vectors
from seqkit.tasks.initial_encoder import InitialEncoder, require_as_in_encoder
from seqkit.tasks.initial_run import InitialText, open_initial_run, refuse_growing_subwords, with_text
from seqkit.tasks.runs import is_checkpoint_folder
from seqkit.tasks.text_classification.settings import (
    ResolvedTextClassificationSettings,
    TextClassificationSettings,
)
from seqkit.text import SubwordTokenizer, Tokenizer, Vocabulary
from seqkit.training import RunDirectory


def encoder_settings(initial: InitialEncoder, given: TextClassificationSettings) -> dict[str, Any]:
    """Return the settings that an encoder determines. Raise UsageError if ``given`` has other values."""
    if not given.RESOLVED:
        given.require_effect(given.given, complete=True)
    refuse_growing_subwords(given.grow_vocabulary, initial.tokenizer)
    growing = takes_words(given, initial.tokenizer)
    values = {
        "model": "transformer",
        "embedding_size": initial.config.embedding_size,
        "hidden_size": initial.config.hidden_size,
        "num_layers": initial.config.num_layers,
        "num_heads": initial.config.num_heads,
        "tokenizer": initial.tokenizer.name,
        "lowercase": initial.tokenizer.lowercase,
        "unicode_normalization": initial.tokenizer.normalization,
        "vocab_size": None,
    }
    if not growing:
        values["min_count"] = 1  # its vocabulary is fixed
    require_as_in_encoder(given, values)
    if initial.published and given.pooling is None:
        values["pooling"] = "cls"
    longest = min(given.max_length, initial.config.max_length)
    return {**values, "grow_vocabulary": growing, "max_length": longest}


def takes_words(given: TextClassificationSettings, tokenizer: Tokenizer) -> bool:
    """Return whether new words are added to the vocabulary of a tokenizer.

    By default they are if it has whole words and is not frozen.
    """
    if given.grow_vocabulary is not None:
        return given.grow_vocabulary
    return not given.freeze and not isinstance(tokenizer, SubwordTokenizer)


def initial_classifier(
    settings: TextClassificationSettings,
) -> InitialText[ResolvedTextClassificationSettings] | None:
    """Open the run of `train-classifier` that the settings name; None if they name none."""
    source = settings.init
    if source is None or not RunDirectory.exists(source) or is_checkpoint_folder(source):
        return None
    if RunDirectory.open(source).config.get("task") != "text_classification":
        return None
    initial = open_initial_run(
        settings, "text_classification", ResolvedTextClassificationSettings, "train-classifier"
    )
    assert initial is not None
    found = with_text(initial, growing=settings.grow_vocabulary)
    growing = takes_words(settings, found.tokenizer)
    return dataclasses.replace(found, free=("min_count",) if growing else ())


def vector_size(source: str, embedding_size: int | None) -> int:
    """Return the size of the vectors of a file or run. Raise UsageError unless ``embedding_size`` agrees."""
    size = int(open_vectors(source).vector_size)
    if embedding_size not in (None, size):
        raise UsageError(
            f"expected embedding_size (--emsize) to be {size}, as in {source}, got {embedding_size}",
            remedy="leave it out",
        )
    return size


def start_from_vectors(embedding: Embedding, vocabulary: Vocabulary, source: str, seed: int) -> int:
    """Initialise an embedding from pretrained vectors.

    Words without a vector, ``<unk>`` among them, get random vectors with the standard deviation of the
    others, so that rare words do not dominate the mean of a text.

    Args:
        embedding: The embedding; its weights are overwritten.
        vocabulary: Its vocabulary; a word is looked up as it is, in lower case, and in other Unicode
            normalization forms.
        source: A vector file or a run of train-embeddings.
        seed: Seed of the random vectors.

    Returns:
        The number of words with a pretrained vector.

    Raises:
        DataError: No word has a vector, or the file is damaged.
    """
    table = open_vectors(source)
    rows, vectors = [], []
    for row, token in enumerate(vocabulary):
        for key in (token, token.lower(), known_spelling(table, token)):
            if key in table.key_to_index:
                rows.append(row)
                vectors.append(table[key])
                break
    if not rows:
        raise DataError(f"expected vectors of some of the {len(vocabulary)} words, got none", where=source)
    known = np.array(vectors, np.float32)
    W = embedding.weight.data
    W[...] = Generator(seed, "unknown words").normal(W.shape) * known.std()
    W[rows] = known
    return len(rows)
