"""Evaluation of word vectors: analogies, and the correlation of similarities with human scores."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seqkit.corpora import corpus_status
from seqkit.errors import CorpusNotFoundError, DataError
from seqkit.progress import with_progress
from seqkit.vectors import KeyedVectors

ANALOGIES = ("questions-words", "questions-words.txt")
PAIRS = ("wordsim353", "wordsim353.tsv")
"""Registered corpora for evaluation by default, and their files."""


@dataclass(frozen=True)
class AnalogyScores:
    """Scores on analogy questions.

    Attributes:
        accuracy: Fraction of questions answered correctly.
        questions: Number of questions whose words are all in the vocabulary.
        sections: Numbers of correct and incorrect answers by section.
    """

    accuracy: float
    questions: int
    sections: dict[str, dict[str, int]]


@dataclass(frozen=True)
class PairScores:
    """Correlations of cosine similarities with human scores.

    Attributes:
        spearman: Spearman's rank correlation.
        pearson: Pearson's correlation.
        missing_percent: Percentage of pairs with a word that is not in the vocabulary.
    """

    spearman: float
    pearson: float
    missing_percent: float


@dataclass(frozen=True)
class EmbeddingScores:
    """Scores of word vectors; those of a file that was not evaluated are None."""

    words: int
    dimensions: int
    analogies: AnalogyScores | None
    pairs: PairScores | None

    def to_dict(self) -> dict[str, Any]:
        """Return the scores as JSON values, without those that are None."""
        scores = {"analogies": self.analogies, "pairs": self.pairs}
        present = {name: dict(vars(score)) for name, score in scores.items() if score is not None}
        return {"words": self.words, "dimensions": self.dimensions, **present}


def evaluation_files(
    analogies: str | Path | None, pairs: str | Path | None
) -> tuple[str | Path | None, str | Path | None]:
    """Return the files to evaluate on: those given, or the registered ones if none is given.

    Raises:
        DataError: A file does not exist.
    """
    if analogies is None and pairs is None:
        analogies, pairs = _registered_file(*ANALOGIES), _registered_file(*PAIRS)
    for file in (analogies, pairs):
        if file is not None and not Path(file).is_file():
            raise DataError("no such file", where=str(file), remedy="name another file")
    return analogies, pairs


@with_progress
def evaluate(
    vectors: KeyedVectors,
    analogies: str | Path | None = None,
    pairs: str | Path | None = None,
    *,
    progress: bool = False,
) -> EmbeddingScores:
    """Evaluate word vectors on analogy questions and word pairs; without files, on the registered ones.

    Args:
        vectors: The vectors.
        analogies: File of analogy questions; by default questions-words.txt, if ``pairs`` is None too.
        pairs: File of word pairs with human scores; by default WordSim-353, if ``analogies`` is None too.
        progress: Whether to show a progress bar.

    Raises:
        DataError: A file is absent or malformed.
    """
    analogies, pairs = evaluation_files(analogies, pairs)
    return EmbeddingScores(
        words=len(vectors),
        dimensions=vectors.vector_size,
        analogies=None if analogies is None else _analogy_scores(vectors, analogies),
        pairs=None if pairs is None else _pair_scores(vectors, pairs),
    )


def _analogy_scores(vectors: KeyedVectors, file: str | Path) -> AnalogyScores:
    accuracy, sections = vectors.evaluate_word_analogies(file)
    counts = {
        section["section"]: {"correct": len(section["correct"]), "incorrect": len(section["incorrect"])}
        for section in sections
    }
    questions = sum(len(section["correct"]) + len(section["incorrect"]) for section in sections[:-1])
    return AnalogyScores(float(accuracy), questions, counts)


def _pair_scores(vectors: KeyedVectors, file: str | Path) -> PairScores:
    pearson, spearman, missing = vectors.evaluate_word_pairs(file)
    return PairScores(float(spearman[0]), float(pearson[0]), missing)


def _registered_file(name: str, file: str) -> Path:
    status = corpus_status(name)
    if not status.present:
        raise CorpusNotFoundError(
            f"no {file}",
            where=f"looked in {status.folder}",
            remedy=f"fetch it with: seqkit corpora fetch {name}, or name a file",
        )
    return Path(status.folder) / file
