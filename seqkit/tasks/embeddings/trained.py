"""Trained word vectors as a run directory keeps them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from seqkit.errors import DamagedFileError
from seqkit.tasks.embeddings.settings import ResolvedEmbeddingSettings
from seqkit.tasks.runs import open_run, run_settings
from seqkit.tasks.text import run_vocabulary
from seqkit.text import Vocabulary
from seqkit.training import RunDirectory
from seqkit.vectors import KeyedVectors

TASK = "embeddings"
INPUT, OUTPUT = "input.weight", "output.weight"
"""The tensors of a run, named as in ``models.Word2VecModel``."""


class TrainedEmbeddings:
    """What :func:`seqkit.load` returns for a run of `train-embeddings`.

    wv: the words' vectors, most frequent first, without the unknown and end-of-line tokens.
    vectors, output: (V, E) both matrices in the order of the vocabulary; a model of counts has no output.
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
        places = np.array([i for i in range(len(vocabulary)) if i not in specials], np.int64)
        extras: dict[str, Any] = {}
        if vocabulary.counts is not None:
            extras["count"] = vocabulary.counts[places]
        self.wv = KeyedVectors(vectors.shape[1])
        self.wv.add_vectors([vocabulary.tokens[i] for i in places], vectors[places], extras=extras)

    @property
    def epochs_trained(self) -> int:
        """The epochs that the vectors were trained for, those of the run that they started from included."""
        best = self.run.best
        return int(best.get("epochs_trained", best.get("epoch", 0)))

    def __repr__(self) -> str:
        shape = f"{len(self.wv):,} words of {self.wv.vector_size} dimensions"
        return f"TrainedEmbeddings({str(self.run.path)!r}: {self.settings.model}, {shape})"


def load(path: str | Path) -> TrainedEmbeddings:
    """Open a run of `train-embeddings`, its files verified. RunError or DamagedFileError."""
    run = open_run(path, TASK)
    settings, vocabulary = run_settings(run, ResolvedEmbeddingSettings), run_vocabulary(run)
    arrays = run.load_model()
    shape = (len(vocabulary), settings.vector_size)
    for name, array in arrays.items():
        if array.shape != shape:
            raise DamagedFileError(
                f"{name} has the shape {array.shape}, the vocabulary and settings say {shape}",
                where=str(run.path / "model.safetensors"),
            )
    if INPUT not in arrays:
        raise DamagedFileError(f"there is no tensor {INPUT}", where=str(run.path / "model.safetensors"))
    return TrainedEmbeddings(run, settings, vocabulary, arrays[INPUT], arrays.get(OUTPUT))
