"""The settings of an n-gram model as values: its lists and sizes are text, as on the command line."""

from __future__ import annotations

import re
from dataclasses import dataclass

from seqkit.errors import UsageError
from seqkit.models.ngrams.kneser_ney import check_discounts, pruning_thresholds
from seqkit.models.ngrams.quantization import MOST_BITS

_LEAST_MEMORY = 1 << 20
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
WHOLE_BITS = (32, 64)
"""Bits of a logarithm that is not quantised: float32 and float64."""


@dataclass(frozen=True)
class NGramOptions:
    """The settings of an n-gram model as values.

    Args:
        order: Length of the longest n-grams.
        prune: Of each order from 1 on, the occurrences up to which an n-gram is left out.
        discount_fallback: Three discounts, or None.
        bits: Bits of each logarithm.
        memory: Bytes that the fit may take.
    """

    order: int
    prune: tuple[int, ...]
    discount_fallback: tuple[float, ...] | None
    bits: int
    memory: int


def ngram_options(
    order: int, prune: str | None, discount_fallback: str | None, bits: int, memory: str
) -> NGramOptions:
    """Return the settings as values.

    Args:
        order: Length of the longest n-grams.
        prune: Whole numbers, such as "0 0 1".
        discount_fallback: Three numbers, such as "0.5 1 1.5".
        bits: 2 to 16, 32 or 64.
        memory: Bytes, with a unit of 1024 (K, M, G, T): "2G".

    Raises:
        UsageError: One of them is out of range or cannot be read.
    """
    if bits not in WHOLE_BITS and not 2 <= bits <= MOST_BITS:
        raise UsageError(f"expected bits from 2 to {MOST_BITS}, 32 or 64, got {bits}")
    try:
        counts = tuple(int(text) for text in _parts(prune))
    except ValueError:
        raise UsageError(f"expected prune to be whole numbers such as '0 0 1', got {prune!r}") from None
    pruning_thresholds(counts, order)
    try:
        fallback = tuple(float(text) for text in _parts(discount_fallback)) or None
    except ValueError:
        raise UsageError(
            f"expected discount_fallback to be numbers such as '0.5 1 1.5', got {discount_fallback!r}"
        ) from None
    if fallback is not None:
        check_discounts(fallback)
    return NGramOptions(order, counts, fallback, bits, _size(memory))


def _parts(text: str | None) -> list[str]:
    return [] if text is None else text.replace(",", " ").split()


def _size(text: str) -> int:
    match = re.fullmatch(r"(\d{1,15}(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?", text.strip(), re.IGNORECASE)
    size = int(float(match[1]) * _UNITS[match[2].upper()]) if match else 0
    if size < _LEAST_MEMORY:
        raise UsageError(f"expected memory to be a size of at least 1M, such as 2G, got {text!r}")
    return size
