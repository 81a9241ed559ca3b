"""The settings at the beginning of fastText's .bin files, by which those of 2016 are known.

Source: fastText's ``Args::save`` and ``Dictionary::save``, which wrote the same numbers before a magic number
and the version were put in front.
"""

import math
import struct

NAMES = ("dim", "ws", "epoch", "min_count", "neg", "word_ngrams", "loss", "model", "bucket", "minn", "maxn")
SETTINGS = struct.Struct("<12id")
_SIZES = struct.Struct("<iiiq")
_RANGES = {
    "dim": (1, 1 << 16),
    "ws": (1, 10**4),
    "epoch": (1, 10**6),
    "min_count": (0, 10**9),
    "neg": (0, 10**4),
    "word_ngrams": (1, 100),
    "loss": (1, 3),
    "model": (1, 3),
    "bucket": (0, (1 << 31) - 1),
    "minn": (0, 1000),
    "maxn": (0, 1000),
}
"""Those that a file of 2016 may have; each is one of many four bytes that other files begin with."""


def is_headerless(head: bytes) -> bool:
    """Return whether a file begins as fastText's .bin of 2016: settings, then the sizes of its dictionary."""
    if len(head) < SETTINGS.size + _SIZES.size:
        return False
    *numbers, threshold = SETTINGS.unpack_from(head)
    known = dict(zip(NAMES, numbers, strict=False))
    if any(not least <= known[name] <= most for name, (least, most) in _RANGES.items()):
        return False
    size, words, labels, tokens = _SIZES.unpack_from(head, SETTINGS.size)
    return min(words, labels, tokens) >= 0 and words + labels == size > 0 and math.isfinite(threshold)
