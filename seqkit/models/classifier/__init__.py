"""Classifiers of sequences: an encoder, pooling over its tokens, and scores of classes."""

from seqkit.models.classifier.encoders import (
    POOLINGS,
    BagConfig,
    BagEncoder,
    EncoderConfig,
    PooledTransformer,
    RecurrentConfig,
    RecurrentEncoder,
    SequenceClassifierConfig,
)
from seqkit.models.classifier.model import SequenceClassifier

__all__ = [
    "POOLINGS",
    "BagConfig",
    "BagEncoder",
    "EncoderConfig",
    "PooledTransformer",
    "RecurrentConfig",
    "RecurrentEncoder",
    "SequenceClassifier",
    "SequenceClassifierConfig",
]
