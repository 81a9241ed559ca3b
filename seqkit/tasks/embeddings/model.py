"""The models of the embedding task: the differentiable one, and the fast word2vec trainer."""

from __future__ import annotations

import numpy as np

from seqkit.backend.random import Generator
from seqkit.data import EncodedCorpus, FileIds
from seqkit.errors import UsageError
from seqkit.models import Word2VecConfig, Word2VecModel
from seqkit.tasks.embeddings.data import occurrences
from seqkit.tasks.embeddings.settings import ResolvedEmbeddingSettings
from seqkit.tasks.embeddings.trained import load
from seqkit.text import Vocabulary
from seqkit.vectors.word2vec import Word2VecSettings, Word2VecTrainer, initial_vectors


def make_model(settings: ResolvedEmbeddingSettings, vocab_size: int) -> Word2VecModel:
    """Return the differentiable model of these settings, its weights drawn from their seed."""
    config = Word2VecConfig(
        vocab_size,
        settings.vector_size,
        settings.model,
        settings.loss,
        settings.cbow_mean,
        settings.weight_init,
    )
    return Word2VecModel(config, generator=Generator(settings.seed, "init"))


def make_trainer(settings: ResolvedEmbeddingSettings, encoded: EncodedCorpus, eos_id: int) -> Word2VecTrainer:
    """Return the word2vec trainer of these settings."""
    ids = FileIds.of(encoded.splits["train"])
    return Word2VecTrainer(
        ids,
        occurrences(ids, len(encoded.vocabulary)),
        Word2VecSettings(
            vector_size=settings.vector_size,
            alpha=settings.alpha,
            window=settings.window,
            sample=settings.sample,
            seed=settings.seed,
            workers=settings.workers,
            min_alpha=min(settings.min_alpha, settings.alpha),
            sg=settings.model == "skip-gram",
            negative=settings.negative,
            ns_exponent=settings.ns_exponent,
            cbow_mean=settings.cbow_mean,
            epochs=settings.epochs,
            shrink_windows=settings.shrink_windows,
            true_gradient=settings.true_gradient,
        ),
        eos_id=eos_id,
        unk_id=encoded.vocabulary.unk_id,
        initial=None if settings.init is None else _initial(settings, encoded.vocabulary),
        device=settings.device,
    )


def _initial(settings: ResolvedEmbeddingSettings, vocabulary: Vocabulary) -> tuple[np.ndarray, np.ndarray]:
    """Return the vectors of the run ``init``, and untrained ones for words that are new."""
    assert settings.init is not None
    before = load(settings.init)
    if before.settings.vector_size != settings.vector_size:
        raise UsageError(
            f"{settings.init} has vectors of {before.settings.vector_size} dimensions, not "
            f"{settings.vector_size}",
            remedy=f"add --vector-size {before.settings.vector_size}",
        )
    vectors = initial_vectors(len(vocabulary), settings.vector_size, settings.seed)
    output = np.zeros_like(vectors)
    places = np.array([vocabulary.id(token) for token in before.vocabulary.tokens])
    vectors[places] = before.vectors
    if before.output is not None:
        output[places] = before.output
    return vectors, output
