"""Data sets that scikit-learn brings, imported on use."""

import importlib
from typing import Any

import numpy as np

from seqkit.backend.random import Generator
from seqkit.corpora.entry import CorpusEntry
from seqkit.corpora.image_corpus import ImageCorpus, LabelledImages
from seqkit.corpora.readers.lines import BadLines
from seqkit.errors import MissingDependencyError

_TEST_DIGITS = 360


def read_digits(entry: CorpusEntry, _: BadLines) -> ImageCorpus:
    """Return the handwritten digits of 8×8, of which a fixed fifth tests.

    Raises:
        MissingDependencyError: Without scikit-learn.
    """
    try:
        datasets: Any = importlib.import_module("sklearn.datasets")
    except ImportError as error:
        raise MissingDependencyError(
            "the digits come with scikit-learn, which is not installed", remedy="pip install 'seqkit[images]'"
        ) from error
    bunch = datasets.load_digits()
    images = np.rint(bunch.images * (255 / 16)).astype(np.uint8)[..., None]  # 17 shades
    whole = LabelledImages(images, bunch.target.astype(np.int64))
    order = Generator(0, "digits").permutation(len(whole))
    return ImageCorpus(
        entry.name,
        description=entry.description,
        data={
            "train": whole.take(np.sort(order[_TEST_DIGITS:])),
            "test": whole.take(np.sort(order[:_TEST_DIGITS])),
        },
        classes=tuple("0123456789"),
        origin={"source": "sklearn.datasets.load_digits"},
        split_rule=f"{_TEST_DIGITS} fixed ones test, the rest trains",
    )
