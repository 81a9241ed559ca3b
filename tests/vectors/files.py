"""Small vector files of every format, by hand, so that reader and writer cannot agree on a mistake."""

import struct
from collections.abc import Sequence

import numpy as np

WORDS = ["the", "naïve", "日本", "of", "x-ray", "2,000", "Zürich"]
DIMENSIONS = 5


def vectors() -> np.ndarray:
    """(7, 5), numbers of few digits, so that text holds them exactly."""
    values = np.random.default_rng(5).integers(-999, 1000, (len(WORDS), DIMENSIONS))
    return (values / 1000).astype(np.float32)


def text(words: list[str], table: np.ndarray, *, header: str | None) -> bytes:
    """word2vec text, or GloVe without a header."""
    lines = [
        f"{word} {' '.join(f'{v:.3f}' for v in row)}" for word, row in zip(words, table.tolist(), strict=True)
    ]
    return ("\n".join([*([] if header is None else [header]), *lines]) + "\n").encode()


def binary(words: list[str], table: np.ndarray, *, header: str, newline: bytes = b"\n") -> bytes:
    """word2vec binary: as word2vec.c writes it, or as gensim does, without line feeds."""
    rows = [
        word.encode() + b" " + row.astype("<f4").tobytes() + newline
        for word, row in zip(words, table, strict=True)
    ]
    return header.encode() + b"\n" + b"".join(rows)


def fasttext(
    words: Sequence[str | bytes],
    table: np.ndarray,
    *,
    size: int | None = None,
    dim: int = DIMENSIONS,
    rows: int | None = None,
    bucket: int = 11,
    minn: int = 3,
    maxn: int = 6,
    quantised: bool = False,
    ngrams: np.ndarray | None = None,
    version: int = 12,
    model: int = 2,
) -> bytes:
    """fastText's .bin."""
    N = len(words) if size is None else size
    ngrams = np.random.default_rng(6).normal(size=(11, table.shape[1])) if ngrams is None else ngrams
    data = struct.pack("<ii", 793712314, version)
    data += struct.pack("<12id", dim, 5, 5, 5, 5, 1, 2, model, bucket, minn, maxn, 100, 1e-4)
    data += struct.pack("<iiiqq", N, N, 0, 1234, -1)
    for i, word in enumerate(words):
        data += (word if isinstance(word, bytes) else word.encode()) + b"\0" + struct.pack("<qb", 100 - i, 0)
    inputs = np.vstack([table, ngrams]).astype("<f4")
    data += struct.pack("<?qq", quantised, len(inputs) if rows is None else rows, dim) + inputs.tobytes()
    return data + struct.pack("<?qq", False, len(words), dim) + table.astype("<f4").tobytes()
