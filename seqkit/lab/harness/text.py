"""Text for experiments: the embedded corpus, as ids."""

from __future__ import annotations

import functools

from seqkit.corpora import open_corpus
from seqkit.data import EncodedCorpus, encode_corpus
from seqkit.text import make_tokenizer


@functools.cache
def pydocs(tokenizer: str = "word", vocab_size: int | None = None) -> EncodedCorpus:
    """The English of the Python installation by words (in lower case) or characters; kept in the cache."""
    corpus = open_corpus("pydocs")
    made = make_tokenizer(tokenizer, lowercase=tokenizer == "word")
    return encode_corpus(corpus.sources, made, key=corpus.content_key(), vocab_size=vocab_size, min_count=2)
