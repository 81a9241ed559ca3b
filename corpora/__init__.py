"""Corpora of text, of pairs, of labelled texts and of images: registered ones, and the user's own files."""

from seqkit.corpora.corpus import Corpus, CorpusFile, LabelledCorpus, Seq2SeqCorpus, TextDefaults
from seqkit.corpora.download import CorpusStatus, FileStatus, corpus_status, fetch
from seqkit.corpora.entry import CorpusEntry, RemoteFile
from seqkit.corpora.image_corpus import ImageCorpus, LabelledImages
from seqkit.corpora.readers.image_files import read_images
from seqkit.corpora.registry import REGISTRY, corpus_names, registered
from seqkit.corpora.resolve import generated_seq2seq, open_corpus, open_images, open_labelled, open_seq2seq
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
    "TextDefaults",
    "corpus_names",
    "corpus_status",
    "fetch",
    "generated_seq2seq",
    "open_corpus",
    "open_images",
    "open_labelled",
    "open_seq2seq",
    "read_images",
    "read_lines",
    "registered",
]
