"""Word2vec with negative sampling over id streams."""

from seqkit.vectors.training.trainer import TrainingState, Word2VecSettings, Word2VecTrainer

__all__ = ["TrainingState", "Word2VecSettings", "Word2VecTrainer"]
