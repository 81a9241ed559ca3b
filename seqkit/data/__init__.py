"""Token files, memory-mapped, and batches over them (no Tensor)."""

from seqkit.data.bptt import IGNORE, BPTTBatches, textbook_batches
from seqkit.data.encode import EncodedCorpus, SplitInfo, encode_corpus, encode_lines

__all__ = [
    "IGNORE",
    "BPTTBatches",
    "EncodedCorpus",
    "SplitInfo",
    "encode_corpus",
    "encode_lines",
    "textbook_batches",
]
