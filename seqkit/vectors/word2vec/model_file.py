"""The file of a whole Word2Vec model: a native vector file with output vectors and settings."""

from __future__ import annotations

import dataclasses
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from seqkit.backend.kernels.word2vec.settings import Word2VecSettings
from seqkit.errors import DataError, UsageError
from seqkit.vectors.formats.content import Content, first_not_finite
from seqkit.vectors.formats.native import read_native, write_native
from seqkit.vectors.keyed_vectors import KeyedVectors
from seqkit.vectors.words import Words

if TYPE_CHECKING:
    from seqkit.vectors.word2vec.model import Word2Vec

_KEPT = (
    "min_count",
    "max_vocab_size",
    "max_final_vocab",
    "corpus_count",
    "corpus_total_words",
    "epoch_losses",
)
_KEY = "word2vec"


def save_model(model: Word2Vec, path: str | os.PathLike[str]) -> None:
    """Write input and output vectors, counts and settings. UsageError for words that are no strings."""
    keys = model.wv.index_to_key
    if not keys:
        raise UsageError("a model without a vocabulary cannot be saved", remedy="call build_vocab first")
    if not all(isinstance(key, str) for key in keys):
        raise UsageError("words that are no strings cannot be saved", remedy="use str(word) for each")
    model.wv.fill_norms()
    settings = {"training": dataclasses.asdict(model.settings)} | {
        name: getattr(model, name) for name in _KEPT
    }
    content = Content(
        model.wv.vectors,
        Words.of([key.encode() for key in keys]),
        model.wv.norms,
        {name: array for name, array in model.wv.expandos.items() if array.dtype != object},
        extras={"output": model._output},
        settings={_KEY: settings},
    )
    write_native(content, path)


def load_model(kind: type[Word2Vec], path: str | os.PathLike[str]) -> Word2Vec:
    """The model of a file, every checksum verified. Raises DataError."""
    content = read_native(path, verify=True)

    def unfit(what: str) -> DataError:
        return DataError(what, where=str(path), remedy="load a file that Word2Vec.save wrote")

    read: Any = content.settings.get(_KEY)
    if read is None:
        raise unfit("the file holds vectors, but no model that could be trained on")
    V, E = content.vectors.shape
    output, counts = content.extras.get("output"), content.attributes.get("count")
    if output is None or output.shape != (V, E) or {output.dtype, content.vectors.dtype} != {np.dtype("f4")}:
        raise unfit("input and output vectors are not float32 of one shape")
    if counts is None or counts.dtype != np.int64 or (counts < 0).any():
        raise unfit("the counts of the words are absent or no whole numbers from 0 up")
    if (row := first_not_finite(output)) is not None:
        raise unfit(f"output vector {row} holds a number that is not finite")
    names = {field.name for field in dataclasses.fields(Word2VecSettings)}
    try:
        given = set(read["training"])
        if given != names or not set(_KEPT) < set(read):
            raise unfit(f"settings that differ from this version's: {sorted(given ^ names)}")
        settings = Word2VecSettings(**read["training"])
        if settings.vector_size != E:
            raise unfit(f"vectors of {E} numbers, where the settings say {settings.vector_size}")
        model = kind(vector_size=E)
        model.settings = settings
        for name in _KEPT:
            setattr(model, name, read[name])
    except (TypeError, KeyError, UsageError) as error:
        raise unfit(f"the settings cannot be used ({error})") from error
    model.wv = KeyedVectors._of(content)
    model._output = output
    return model
