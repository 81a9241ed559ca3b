"""Token files, memory-mapped, and batches over them (no Tensor)."""

from seqkit.data.bptt import IGNORE, BPTTBatches, textbook_batches
from seqkit.data.context_windows import ContextWindows, NegativeSampler
from seqkit.data.encode import EncodedCorpus, SplitInfo, encode_corpus, encode_lines

__all__ = [
    "IGNORE",
    "BPTTBatches",
    "ContextWindows",
    "EncodedCorpus",
    "NegativeSampler",
    "SplitInfo",
    "encode_corpus",
    "encode_lines",
    "textbook_batches",
]
