"""fastText's vectors of any word: the mean of the vectors of its character n-grams.

Source: Bojanowski et al. 2017, "Enriching word vectors with subword information"; the hash and the rules for
n-grams are those of fastText's dictionary.cc.
"""

from collections.abc import Sequence

import numpy as np

from seqkit.vectors.keyed_vectors import KeyedVectors
from seqkit.vectors.keys import Key

_BASIS, _PRIME = 2166136261, 16777619
END_OF_LINE = "</s>"
"""fastText's end of sentence, which has no n-grams."""
_ENDS_OF_LINE = (END_OF_LINE, END_OF_LINE.encode())


def fnv1a(data: bytes) -> int:
    """Return fastText's 32-bit FNV-1a, in which bytes are signed: those above 127 flip the upper bits too.

    Reference values of http://www.isthe.com/chongo/tech/comp/fnv/ hold for ASCII: "" 0x811c9dc5,
    "a" 0xe40c292c, "foobar" 0xbf9cf968.
    """
    value = _BASIS
    for byte in data:
        value ^= byte | (0xFFFFFF00 if byte > 127 else 0)
        value = value * _PRIME & 0xFFFFFFFF
    return value


def ngrams(word: str, least: int, most: int) -> list[str]:
    """Return the n-grams of ``<word>`` of ``least`` to ``most`` characters, the whole among them if it fits.

    The brackets alone are none: fastText leaves 1-grams at the edges out.
    """
    text = f"<{word}>"
    return [
        text[i : i + n]
        for i in range(len(text))
        for n in range(max(1, least), most + 1)
        if i + n <= len(text) and not (n == 1 and i in (0, len(text) - 1))
    ]


def ngram_buckets(
    words: Sequence[str | bytes], least: int, most: int, buckets: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return (places, rows) of the n-grams of many words, as text or as its bytes.

    N-gram k belongs to word places[k], in ascending order, and its vector is rows[k]. Equal to hashing each
    of :func:`ngrams`, but all beginnings advance a character at a time.
    """
    encoded = (word if isinstance(word, bytes) else word.encode(errors="replace") for word in words)
    marked = [b"<%b>" % word for word in encoded]
    data = np.frombuffer(b"".join(marked), np.uint8)
    begins = (data & 0xC0) != 0x80  # a character; a byte that continues one belongs to that before it
    starts = np.flatnonzero(begins)
    first_bytes = np.cumsum([0, *map(len, marked)])[:-1]
    lengths = np.add.reduceat(begins, first_bytes, dtype=np.int64) if marked else np.zeros(0, np.int64)
    sizes = np.diff(np.append(starts, len(data)))
    owner = np.repeat(np.arange(len(marked)), lengths)
    ends = np.cumsum(lengths)[owner]  # one past the last character of the word
    signed = data.view(np.int8).astype(np.int32).view(np.uint32)
    hashes = np.full(len(starts), _BASIS, np.uint32)
    active = np.arange(len(starts))
    places, rows = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for n in range(1, most + 1):
        active = active[active + n <= ends[active]]
        if len(active) == 0:
            break
        last = active + n - 1
        for k in range(int(sizes[last].max())):
            longer = sizes[last] > k
            some = active[longer]
            hashes[some] = (hashes[some] ^ signed[starts[last[longer]] + k]) * np.uint32(_PRIME)
        if n >= least:
            kept = active
            if n == 1:
                first = np.append(True, owner[1:] != owner[:-1])
                kept = active[~first[active] & (active + 1 != ends[active])]
            places.append(owner[kept])
            rows.append((hashes[kept] % np.uint32(buckets)).astype(np.int64))
    place, row = np.concatenate(places), np.concatenate(rows)
    order = np.argsort(place, kind="stable")
    return place[order], row[order]


def word_vectors(
    words: Sequence[str | bytes], table: np.ndarray, ngram_table: np.ndarray, least: int, most: int
) -> np.ndarray:
    """Return the vectors of known words, (N, D): the mean of the word's own and those of its n-grams."""
    result = np.array(table, np.float32)
    if len(ngram_table) == 0 or most == 0:
        return result
    for first in range(0, len(words), 2048):  # a few thousand words of n-grams at once
        block = ["" if word in _ENDS_OF_LINE else word for word in words[first : first + 2048]]
        place, row = ngram_buckets(block, least, most, len(ngram_table))
        plain = np.fromiter((word in _ENDS_OF_LINE for word in words[first : first + 2048]), bool, len(block))
        keep = ~plain[place]
        place, row = place[keep], row[keep]
        if len(place) == 0:
            continue
        own, begins, counts = np.unique(place, return_index=True, return_counts=True)
        sums = np.add.reduceat(ngram_table[row], begins, axis=0)
        result[first + own] = (result[first + own] + sums) / (counts + 1).astype(np.float32)[:, None]
    return result


class SubwordVectors(KeyedVectors):
    """The vectors of a fastText model, which has one for any string, by its n-grams.

    Threads may share it to read, not while another changes it.

    ``word in table`` holds for any string; ``has_index_for`` tells the known ones.
    """

    vectors_vocab: np.ndarray
    """The words' own vectors, (N, D)."""
    vectors_ngrams: np.ndarray
    """The vectors of the buckets of n-grams, (bucket, D)."""
    min_n: int
    """The shortest n-grams."""
    max_n: int
    """The longest n-grams."""
    encoding: str = "utf8"
    """The encoding of the text that it was trained on, whose bytes the n-grams are made of."""

    @property
    def bucket(self) -> int:
        """The number of n-gram vectors."""
        return len(self.vectors_ngrams)

    def __contains__(self, key: object) -> bool:
        return self.has_index_for(key) or (isinstance(key, str) and self.bucket > 0 and self.max_n > 0)

    def get_vector(self, key: Key, norm: bool = False) -> np.ndarray:
        """Return the vector of a key, (D,); of an unknown string the mean of its n-grams, or zero."""
        if self.has_index_for(key) or key not in self:
            return super().get_vector(key, norm)
        word = str(key).encode(self.encoding, "replace")
        _, rows = ngram_buckets([word], self.min_n, self.max_n, self.bucket)
        if len(rows) == 0:
            return np.zeros(self.vector_size, np.float32)
        result = self.vectors_ngrams[rows].mean(axis=0, dtype=np.float32)
        length = np.linalg.norm(result)
        return result / length if norm and length > 0 else result
