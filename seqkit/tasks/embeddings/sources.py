"""Which word vectors a command means, and those of the embedded corpus, which are always there."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from seqkit.backend.paths import cache_dir
from seqkit.vectors.formats import load_vectors, save_vectors

EPOCHS = 20
"""Passes over the embedded corpus, which is small: about 7 million words in all."""


def open_vectors(source: str | Path, **options: Any) -> Any:
    """The vectors of a run of `train-embeddings`, or of a vector file in any format.

    ``options`` go to the reader of files. Raises RunError or DataError for what is absent or damaged.
    """
    if Path(source).is_dir():
        from seqkit.tasks.embeddings.trained import load  # a file needs none of what a run does

        return load(source).wv
    return load_vectors(source, **{"writable": False, **options})


def find_vectors(source: str | None, say: Callable[[str], Any] = lambda text: None) -> Any:
    """The vectors in the file or run ``source``, else in $SEQKIT_VECTORS, else those of the embedded corpus.

    ``say`` hears which. Raises DataError for a file that is absent or damaged.
    """
    if source is not None:
        return open_vectors(source)
    named = os.environ.get("SEQKIT_VECTORS")
    if named:
        say(f"vectors: {named} (SEQKIT_VECTORS)")
        return open_vectors(named)
    path = default_vectors(say)
    say(f"vectors: those of the embedded corpus, {path}; --vectors or SEQKIT_VECTORS names others")
    return load_vectors(path, writable=False)


def default_vectors(say: Callable[[str], Any] = lambda text: None) -> Path:
    """The file of the embedded corpus's vectors, trained into the cache the first time.

    CBOW, 100 wide, 20 epochs, one worker: the same vectors on every machine of this Python version.
    """
    from seqkit.corpora import open_corpus
    from seqkit.text import get_tokenizer
    from seqkit.vectors.word2vec import Word2Vec

    corpus = open_corpus("pydocs")
    path = cache_dir() / "vectors" / f"pydocs-{corpus.content_key()[:16]}-{EPOCHS}.safetensors"
    if path.exists():
        return path
    say("training vectors on the embedded corpus, once")
    tokenizer = get_tokenizer("word", lowercase=True)

    class Words:
        def __iter__(self) -> Iterator[list[str]]:
            for line in corpus.lines("train"):
                yield [token for token in tokenizer.tokenize(line) if token[0].isalpha()]

    path.parent.mkdir(parents=True, exist_ok=True)
    save_vectors(Word2Vec(Words(), epochs=EPOCHS, workers=1).wv, path)
    return path
