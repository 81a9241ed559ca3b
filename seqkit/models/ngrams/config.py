"""The settings of an n-gram model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from seqkit.errors import UsageError

# Keys are (index of the prefix) * (V + 1) + word in int64. With V and the number of n-grams of an order
# both below 2^31 the product stays below 2^63, whatever the order.
LARGEST_SIZE = 2**31 - 2


@dataclass(frozen=True)
class NGramConfig:
    """Settings of an n-gram model.

    Args:
        vocab_size: V, the number of ids that can be predicted (0 … V-1).
        order: Length of the longest n-gram: order 5 looks at four preceding tokens.
        eos_id: Id that ends every sentence.

    Raises:
        UsageError: A setting out of range.
    """

    vocab_size: int
    order: int = 5
    eos_id: int = 0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not isinstance(value, int) or isinstance(value, bool):
                raise UsageError(f"n-grams: expected {field.name} to be an integer, got {value!r}")
        if not 1 <= self.vocab_size <= LARGEST_SIZE:
            raise UsageError(
                f"n-grams: expected vocab_size between 1 and {LARGEST_SIZE}, got {self.vocab_size}"
            )
        if self.order < 1:
            raise UsageError(f"n-grams: expected order to be at least 1, got {self.order}")
        if not 0 <= self.eos_id < self.vocab_size:
            raise UsageError(
                f"n-grams: expected eos_id to be an id of the vocabulary (0 to {self.vocab_size - 1}), "
                f"got {self.eos_id}"
            )

    def to_dict(self) -> dict[str, Any]:
        """The settings as plain values, for config.json."""
        return asdict(self)

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> NGramConfig:
        """The inverse of :meth:`to_dict`. Raises UsageError naming a setting unknown or missing."""
        known = {field.name for field in fields(cls)}
        unknown = sorted(str(name) for name in settings if name not in known)
        if unknown:
            raise UsageError(f"n-grams: unknown setting {unknown[0]!r}", remedy=f"known: {sorted(known)}")
        if "vocab_size" not in settings:
            raise UsageError("n-grams: the setting vocab_size is missing")
        return cls(**settings)
