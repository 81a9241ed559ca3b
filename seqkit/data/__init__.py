"""Token files, memory-mapped, and batches over them (no Tensor)."""

from seqkit.data.bptt import IGNORE, BPTTBatches, textbook_batches
from seqkit.data.context_windows import ContextWindows, NegativeSampler
from seqkit.data.encode import EncodedCorpus, SplitInfo, encode_corpus, encode_lines
from seqkit.data.pairs import (
    EncodedPairCorpus,
    EncodedPairs,
    PairBatch,
    PairBatches,
    PairInfo,
    encode_pairs,
    encode_texts,
    pad_sources,
)
from seqkit.data.token_files import FileIds

__all__ = [
    "IGNORE",
    "BPTTBatches",
    "ContextWindows",
    "EncodedCorpus",
    "EncodedPairCorpus",
    "EncodedPairs",
    "FileIds",
    "NegativeSampler",
    "PairBatch",
    "PairBatches",
    "PairInfo",
    "SplitInfo",
    "encode_corpus",
    "encode_lines",
    "encode_pairs",
    "encode_texts",
    "pad_sources",
    "textbook_batches",
]
