"""Encoded corpora and batches of them (no Tensor)."""

from seqkit.data.batches import epoch_generator, pad_batch
from seqkit.data.context_windows import ContextWindows, NegativeSampler
from seqkit.data.encode import EncodedCorpus, SplitInfo, encode_corpus, encode_lines
from seqkit.data.images import NORMALIZATIONS, ImageBatch, ImageBatches, Standardization
from seqkit.data.labelled import (
    EncodedLabelledCorpus,
    EncodedTexts,
    TextBatch,
    TextBatches,
    TextInfo,
    encode_labelled,
    text_rows,
)
from seqkit.data.language_modeling import BPTTBatches, LineStreams, TextWindows, textbook_batches
from seqkit.data.masking import MaskedBatch, MaskedBatches, Masking
from seqkit.data.seq2seq import (
    EncodedSeq2Seq,
    EncodedSeq2SeqCorpus,
    Seq2SeqBatch,
    Seq2SeqBatches,
    Seq2SeqInfo,
    encode_seq2seq,
)
from seqkit.data.tagging import (
    EncodedSentences,
    EncodedTaggedCorpus,
    TaggedBatch,
    TaggedBatches,
    TaggedInfo,
    TaggingEncoder,
    WordEncoder,
    encode_tagged,
    tagged_batch,
)
from seqkit.data.text_encoder import encode_texts
from seqkit.data.token_files import FileIds
from seqkit.data.word_pieces import PieceEncoder

__all__ = [
    "NORMALIZATIONS",
    "BPTTBatches",
    "ContextWindows",
    "EncodedCorpus",
    "EncodedLabelledCorpus",
    "EncodedSentences",
    "EncodedSeq2Seq",
    "EncodedSeq2SeqCorpus",
    "EncodedTaggedCorpus",
    "EncodedTexts",
    "FileIds",
    "ImageBatch",
    "ImageBatches",
    "LineStreams",
    "MaskedBatch",
    "MaskedBatches",
    "Masking",
    "NegativeSampler",
    "PieceEncoder",
    "Seq2SeqBatch",
    "Seq2SeqBatches",
    "Seq2SeqInfo",
    "SplitInfo",
    "Standardization",
    "TaggedBatch",
    "TaggedBatches",
    "TaggedInfo",
    "TaggingEncoder",
    "TextBatch",
    "TextBatches",
    "TextInfo",
    "TextWindows",
    "WordEncoder",
    "encode_corpus",
    "encode_labelled",
    "encode_lines",
    "encode_seq2seq",
    "encode_tagged",
    "encode_texts",
    "epoch_generator",
    "pad_batch",
    "tagged_batch",
    "text_rows",
    "textbook_batches",
]
