"""The word vectors that a command reads, and those of the embedded corpus, which are always there."""

import os
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

from seqkit.backend.paths import cache_dir, make_folder
from seqkit.errors import UsageError
from seqkit.vectors import KeyedVectors
from seqkit.vectors.formats import COMMAND, ReadOptions, load_vectors, read_vectors, save_vectors

EPOCHS = 20
"""Passes over the embedded corpus, which is small: 7 million words in all passes."""


def open_vectors(
    source: str | Path, file_format: str | None = None, options: ReadOptions | None = None
) -> KeyedVectors:
    """Open the vectors of a run of `train-embeddings`, or of a vector file in any format.

    Args:
        source: The run or the file.
        file_format: The format of a file; None takes that of its content.
        options: How to read a file.

    Raises:
        RunError: A run is damaged or of another task.
        DataError: A file is absent or damaged.
    """
    options = options or ReadOptions(writable=False, remedies=COMMAND)
    if Path(source).is_dir():
        from seqkit.tasks.embeddings.trained import load  # a file needs none of what a run does

        if file_format is not None:
            raise UsageError(f"{source} is a run, got the format {file_format} of a file")
        options.refuse_for("of a run")
        return load(source).wv
    return read_vectors(source, file_format, options)


def find_vectors(source: str | None, on_message: Callable[[str], object] = lambda text: None) -> KeyedVectors:
    """Open the vectors in ``source``, else in $SEQKIT_VECTORS, else those of the embedded corpus.

    Args:
        source: A file or a run.
        on_message: Called with a sentence that says which vectors these are, unless ``source`` does.

    Raises:
        DataError: A file is absent or damaged.
    """
    if source is not None:
        return open_vectors(source)
    variable = os.environ.get("SEQKIT_VECTORS")
    if variable:
        on_message(f"vectors: {variable} (SEQKIT_VECTORS)")
        return open_vectors(variable)
    path = default_vectors(on_message)
    on_message(f"vectors: those of the embedded corpus, {path}; --vectors or SEQKIT_VECTORS names others")
    return load_vectors(path, writable=False)


def known_spelling(
    vectors: KeyedVectors, word: str, on_message: Callable[[str], object] = lambda text: None
) -> str:
    """Return the word, or the same word in the Unicode normalization form in which the vectors have it.

    Args:
        vectors: The vectors.
        word: A word.
        on_message: Called with a sentence that says so if it is in another form.
    """
    if word not in vectors:
        for form in ("NFC", "NFD", "NFKC", "NFKD"):
            other = unicodedata.normalize(form, word)
            if other in vectors:
                on_message(f"{word!r} is written in another Unicode form in these vectors, in {form}")
                return other
    return word


def default_vectors(on_message: Callable[[str], object] = lambda text: None) -> Path:
    """Return the file of the embedded corpus's vectors, trained into the cache the first time.

    CBOW, 100 wide, 20 epochs, one worker: the same vectors on every machine of this Python version.
    """
    from seqkit.corpora import open_corpus
    from seqkit.text import WordTokenizer
    from seqkit.vectors.word2vec import Word2Vec

    corpus = open_corpus("pydocs")
    path = (
        cache_dir()
        / "vectors"
        / f"pydocs-{corpus.content_key()[:16]}-words{WordTokenizer.rules}-{EPOCHS}.safetensors"
    )
    if path.exists():
        return path
    on_message("training vectors on the embedded corpus, once")
    tokenizer = WordTokenizer(lowercase=True)

    class Words:
        def __iter__(self) -> Iterator[list[str]]:
            for line in corpus.lines("train"):
                yield [token for token in tokenizer.tokenize(line) if token[0].isalpha()]

    make_folder(path.parent)
    save_vectors(Word2Vec(Words(), epochs=EPOCHS, workers=1).wv, path)
    return path
