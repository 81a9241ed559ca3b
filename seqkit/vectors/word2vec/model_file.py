"""The file of a whole Word2Vec model: a native vector file with output vectors and settings."""

from __future__ import annotations

import dataclasses
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from seqkit.backend.kernels.word2vec.settings import Word2VecSettings
from seqkit.errors import DataError, UsageError
from seqkit.vectors.formats import detect_format
from seqkit.vectors.formats.content import Content, first_not_finite
from seqkit.vectors.formats.native import read_native, write_native
from seqkit.vectors.keyed_vectors import KeyedVectors
from seqkit.vectors.words import Words, encode_words

if TYPE_CHECKING:
    from seqkit.vectors.word2vec.model import Word2Vec

_KEPT: dict[str, type | tuple[type, ...]] = {
    "min_count": int,
    "max_vocab_size": (int, type(None)),
    "max_final_vocab": (int, type(None)),
    "sorted_vocab": int,
    "comment": (str, type(None)),
    "corpus_count": int,
    "corpus_total_words": int,
    "epoch_losses": list,
    "epochs_trained": int,
    "_vectors_drawn": int,
}
"""The attributes that are kept beside the settings, and their types."""
_KEY, _OUTPUT, _LOCKS = "word2vec", "output", "lock_factors"


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
    locks = model.wv.lock_factors()
    content = Content(
        model.wv.vectors,
        Words.of(encode_words(keys)),
        model.wv.norms,
        {name: array for name, array in model.wv.expandos.items() if array.dtype != object},
        extras={_OUTPUT: model._output} | ({} if locks is None else {_LOCKS: locks}),
        settings={_KEY: settings},
    )
    write_native(content, path)


def load_model(model_class: type[Word2Vec], path: str | os.PathLike[str]) -> Word2Vec:
    """Open a file of :func:`save_model`, every checksum verified. Raises DataError."""

    def unfit(what: str) -> DataError:
        return DataError(what, where=str(path), remedy="load a file that Word2Vec.save wrote")

    if (found := detect_format(path)) != "native":
        raise unfit(f"expected a model, got vectors in the format {found}, which cannot be trained on")
    content = read_native(path, verify=True)

    read: Any = content.settings.get(_KEY)
    if read is None:
        raise unfit("the file holds vectors, but no model that could be trained on")
    V, E = content.vectors.shape
    output, counts = content.extras.get(_OUTPUT), content.attributes.get("count")
    if output is None or output.shape != (V, E) or {output.dtype, content.vectors.dtype} != {np.dtype("f4")}:
        raise unfit("expected input and output vectors of float32 and one shape")
    if counts is None or counts.dtype != np.int64 or (counts < 0).any():
        raise unfit("expected whole numbers from 0 up as the counts of the words")
    if (row := first_not_finite(output)) is not None:
        raise unfit(f"output vector {row} holds a number that is not finite")
    try:
        settings = Word2VecSettings(**read["training"])
        if read["training"] != dataclasses.asdict(settings) or set(read) != {"training", *_KEPT}:
            raise unfit("the settings are those of another version")
        if settings.vector_size != E:
            raise unfit(f"expected vectors of {settings.vector_size} numbers, got {E}")
        model = model_class(**read["training"])
        for name, types in _KEPT.items():
            if not isinstance(read[name], types):
                raise unfit(f"the settings cannot be used ({name} is {read[name]!r})")
            setattr(model, name, read[name])
    except (TypeError, KeyError, UsageError) as error:
        raise unfit(f"the settings cannot be used ({error})") from error
    model.wv = KeyedVectors._of(content)
    if _LOCKS in content.extras:
        model.wv.vectors_lockf = content.extras[_LOCKS]
        model.wv.lock_factors()
    model._output = output
    return model
