"""Trained word vectors."""

from pathlib import Path
from typing import Any

import numpy as np

from seqkit.errors import DamagedFileError
from seqkit.progress import with_progress
from seqkit.tasks.embeddings.evaluation import EmbeddingScores, evaluate
from seqkit.tasks.embeddings.settings import ResolvedEmbeddingSettings
from seqkit.tasks.runs import open_run, require_cpu, run_settings
from seqkit.tasks.text import run_vocabulary
from seqkit.text import Vocabulary
from seqkit.training import RunDirectory
from seqkit.vectors import KeyedVectors

TASK = "embeddings"
INPUT, OUTPUT = "input.weight", "output.weight"
"""The tensors of a run, named as in ``models.Word2VecModel``."""


class TrainedEmbeddings:
    """Trained word vectors; :func:`train` and :func:`load` return it.

    Threads may share it.

    Attributes:
        run: The run directory.
        settings: The resolved settings.
        vocabulary: The V words.
        wv: The vectors as :class:`seqkit.KeyedVectors`, most frequent word first, without special tokens.
        vectors: (V, E) the vectors in the order of the vocabulary.
        output: (V, E) the output vectors; None for the model counts.
    """

    def __init__(
        self,
        run: RunDirectory,
        settings: ResolvedEmbeddingSettings,
        vocabulary: Vocabulary,
        vectors: np.ndarray,
        output: np.ndarray | None,
    ) -> None:
        self.run, self.settings, self.vocabulary = run, settings, vocabulary
        self.vectors, self.output = vectors, output
        specials = (vocabulary.unk_id, vocabulary.eos_id)
        rows = np.array([i for i in range(len(vocabulary)) if i not in specials], np.int64)
        extras: dict[str, Any] = {}
        if vocabulary.counts is not None:
            extras["count"] = vocabulary.counts[rows]
        self.wv = KeyedVectors(vectors.shape[1])
        self.wv.add_vectors([vocabulary.tokens[i] for i in rows], vectors[rows], extras=extras)

    @property
    def epochs_trained(self) -> int:
        """The number of epochs of training, including those of the run that it started from."""
        best = self.run.best
        return int(best.get("epochs_trained", best.get("epoch", 0)))

    @with_progress
    def evaluate(
        self,
        analogies: str | Path | None = None,
        pairs: str | Path | None = None,
        *,
        progress: bool = False,
    ) -> EmbeddingScores:
        """Return the scores of the vectors, as :func:`seqkit.tasks.embeddings.evaluate` does.

        Args:
            analogies: File of analogy questions.
            pairs: File of word pairs with human scores.
            progress: Whether to show a progress bar.
        """
        return evaluate(self.wv, analogies, pairs)

    def __repr__(self) -> str:
        shape = f"{len(self.wv):,} words of {self.wv.vector_size} dimensions"
        return f"TrainedEmbeddings({str(self.run.path)!r}: {self.settings.model}, {shape})"


def load(path: str | Path, *, device: str | None = None) -> TrainedEmbeddings:
    """Load the vectors of a run of `train-embeddings`.

    Args:
        path: The run directory.
        device: None or "cpu": vectors are searched on the CPU.

    Raises:
        RunError: The folder is not a run directory, or that of another task.
        DamagedFileError: A file of the run is damaged.
    """
    require_cpu(device, "word vectors")
    run = open_run(path, TASK)
    settings, vocabulary = run_settings(run, ResolvedEmbeddingSettings), run_vocabulary(run)
    arrays = run.load_model()
    shape = (len(vocabulary), settings.vector_size)
    for name, array in arrays.items():
        if array.shape != shape:
            raise DamagedFileError(
                f"expected {name} of the shape {shape}, got {array.shape}",
                where=str(run.path / "model.safetensors"),
            )
    if INPUT not in arrays:
        raise DamagedFileError(
            f"expected a tensor {INPUT}, got none", where=str(run.path / "model.safetensors")
        )
    return TrainedEmbeddings(run, settings, vocabulary, arrays[INPUT], arrays.get(OUTPUT))
