"""Word2vec with negative sampling: the model with gensim's interface, and the trainer under it."""

from seqkit.backend.kernels.word2vec.settings import Word2VecSettings
from seqkit.vectors.word2vec.model import Word2Vec
from seqkit.vectors.word2vec.sampling import initial_vectors
from seqkit.vectors.word2vec.trainer import TrainingState, Word2VecTrainer

__all__ = ["TrainingState", "Word2Vec", "Word2VecSettings", "Word2VecTrainer", "initial_vectors"]
