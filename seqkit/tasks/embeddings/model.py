"""The models of the embedding task: a differentiable model, and the fast word2vec trainer."""

import numpy as np

from seqkit.backend.random import Generator
from seqkit.data import EncodedCorpus, FileIds
from seqkit.models import Word2VecConfig, Word2VecModel
from seqkit.tasks.embeddings.data import occurrences
from seqkit.tasks.embeddings.settings import ResolvedEmbeddingSettings
from seqkit.tasks.embeddings.trained import TrainedEmbeddings
from seqkit.text import Vocabulary
from seqkit.vectors.word2vec import Word2VecTrainer, initial_vectors


def make_model(settings: ResolvedEmbeddingSettings, vocab_size: int) -> Word2VecModel:
    """Return the differentiable model of the settings, initialised from their seed."""
    config = Word2VecConfig(
        vocab_size,
        settings.vector_size,
        settings.model,
        settings.loss,
        settings.cbow_mean,
        settings.weight_init,
    )
    return Word2VecModel(config, generator=Generator(settings.seed, "init"))


def make_trainer(
    settings: ResolvedEmbeddingSettings,
    encoded: EncodedCorpus,
    eos_id: int,
    before: TrainedEmbeddings | None = None,
) -> Word2VecTrainer:
    """Return the word2vec trainer of the settings, which starts from the vectors of a run if there is one."""
    ids = FileIds.of(encoded.splits["train"])
    return Word2VecTrainer(
        ids,
        occurrences(ids, len(encoded.vocabulary)),
        settings.word2vec(),
        eos_id=eos_id,
        unk_id=encoded.vocabulary.unk_id,
        initial=None if before is None else initial_vectors_of(before, encoded.vocabulary, settings.seed),
        epochs_before=0 if before is None else before.epochs_trained,
        device=settings.device,
        sync_words=settings.sync_words,
    )


def initial_vectors_of(
    before: TrainedEmbeddings, vocabulary: Vocabulary, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the input and output vectors of a run, with untrained ones for new words."""
    E = before.settings.vector_size
    V, known = len(vocabulary), len(before.vocabulary)
    rows = np.array([vocabulary.id(token) for token in before.vocabulary.tokens])
    vectors = np.empty((V, E), np.float32)
    output = np.zeros_like(vectors)
    new = np.setdiff1d(np.arange(V), rows)
    vectors[new] = initial_vectors(V, E, seed)[known:]  # not those that the run's own words started from
    vectors[rows] = before.vectors
    if before.output is not None:
        output[rows] = before.output
    return vectors, output
