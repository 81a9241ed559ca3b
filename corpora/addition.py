"""Sums as sequences: "16+75" to "91"."""

from __future__ import annotations

from collections.abc import Iterator

from seqkit.backend.random import Generator

_BLOCK = 1 << 14


def draw_sums(seed: int) -> Iterator[tuple[str, str, str]]:
    """(source, target, key) of sums of two numbers of 0 to 999, such as ("75+16", "91", "16+75").

    Each number has one, two or three digits with equal chance, then any digits; leading zeros are dropped.
    (If the numbers themselves had equal chances, four sums of five would have two operands of three digits.)
    The key is the unordered pair of operands, the smaller first; each key comes once. The draws thin out as
    the 500,500 keys are used up, and never end.
    """
    generator = Generator(seed, "addition")
    seen: set[str] = set()
    while True:
        limits = 10 ** generator.integers(1, 4, (_BLOCK, 2))
        numbers = (generator.uniform((_BLOCK, 2), dtype="float64") * limits).astype("int64")
        for a, b in numbers.tolist():
            key = f"{min(a, b)}+{max(a, b)}"
            if key not in seen:
                seen.add(key)
                yield f"{a}+{b}", str(a + b), key
