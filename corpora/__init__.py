"""Corpora of text, pairs, labelled texts, tagged sentences and images: registered ones and users' files."""

from seqkit.corpora.corpus import (
    Corpus,
    CorpusFile,
    LabelledCorpus,
    Seq2SeqCorpus,
    TaggedCorpus,
    TaggedSentence,
    TextDefaults,
)
from seqkit.corpora.download import CorpusStatus, FileStatus, corpus_status, fetch
from seqkit.corpora.entry import CorpusEntry, RemoteFile
from seqkit.corpora.image_corpus import ImageCorpus, LabelledImages
from seqkit.corpora.readers.image_files import read_images
from seqkit.corpora.registry import REGISTRY, corpus_names, registered
from seqkit.corpora.resolve import (
    generated_seq2seq,
    open_corpus,
    open_images,
    open_labelled,
    open_seq2seq,
    open_tagged,
)
from seqkit.files.lines import read_lines

__all__ = [
    "REGISTRY",
    "Corpus",
    "CorpusEntry",
    "CorpusFile",
    "CorpusStatus",
    "FileStatus",
    "ImageCorpus",
    "LabelledCorpus",
    "LabelledImages",
    "RemoteFile",
    "Seq2SeqCorpus",
    "TaggedCorpus",
    "TaggedSentence",
    "TextDefaults",
    "corpus_names",
    "corpus_status",
    "fetch",
    "generated_seq2seq",
    "open_corpus",
    "open_images",
    "open_labelled",
    "open_seq2seq",
    "open_tagged",
    "read_images",
    "read_lines",
    "registered",
]
