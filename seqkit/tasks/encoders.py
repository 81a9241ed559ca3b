"""The Transformer encoder of every task that trains one from the start."""

from __future__ import annotations

from typing import Any

from seqkit.models import TransformerEncoderConfig


def encoder_config(settings: Any, vocab_size: int, max_length: int) -> TransformerEncoderConfig:
    """Of completed settings with embedding_size, hidden_size, num_layers, num_heads and dropout.

    Pre-norm, which learns without a warm-up of thousands of steps (Xiong et al. 2020).
    """
    return TransformerEncoderConfig(
        vocab_size,
        embedding_size=settings.embedding_size,
        hidden_size=settings.hidden_size,
        num_layers=settings.num_layers,
        num_heads=settings.num_heads,
        max_length=max_length,
        norm="pre",
        embedding_norm=False,
        epsilon=1e-5,
        dropout=settings.dropout,
    )
