"""The options of reading vector files, and the remedies of errors in the words of each interface."""

from dataclasses import dataclass
from typing import NamedTuple

from seqkit.errors import UsageError


class Remedies(NamedTuple):
    """Remedies for a file that cannot be read, in the words of the reader's caller."""

    other: str
    """Against a file that is not of the format that it was taken for."""
    limit: str
    """Against more lines than the header says; ``{}`` is replaced by their number."""
    repeated: str
    encoding: str


LIBRARY = Remedies(
    'copy the file anew, or name its format, as in load_vectors(PATH, format="glove")',
    "read no more than these: load_vectors(PATH, limit={})",
    'keep the first of each: load_vectors(PATH, duplicates="first")',
    'give encoding=, or read on: load_vectors(PATH, errors="replace")',
)
GENSIM = Remedies(
    "copy the file anew, or give binary= and no_header= as the file is",
    "give limit={} to read no more than these",
    "",
    'give the encoding, or unicode_errors="replace"',
)
COMMAND = Remedies(
    "copy the file anew, or convert it and name its format: seqkit convert FILE NEW --from glove",
    "convert the file first: seqkit convert FILE NEW --limit {}",
    "convert the file first: seqkit convert FILE NEW --keep-first",
    "convert the file first: seqkit convert FILE NEW --errors replace, or --encoding NAME",
)


@dataclass(frozen=True)
class ReadOptions:
    """How to read a file of vectors.

    Args:
        limit: Read only this many words, the first ones, and do not check the header against the rest.
        encoding: The encoding of the words.
        errors: For bytes that are not of the encoding: "strict", "ignore" or "replace".
        duplicates: "error", or "first" to keep the first of each repeated word.
        writable: Whether vectors that are mapped from a native file may be changed in memory.
        remedies: The advice in the errors.

    Raises:
        UsageError: For other values.
    """

    limit: int | None = None
    encoding: str = "utf8"
    errors: str = "strict"
    duplicates: str = "error"
    writable: bool = True
    remedies: Remedies = LIBRARY

    def __post_init__(self) -> None:
        """Check the values."""
        if self.limit is not None and self.limit < 1:
            raise UsageError(f"expected limit of at least 1, got {self.limit}")
        if self.duplicates not in ("error", "first"):
            raise UsageError(f'expected duplicates "error" or "first", got {self.duplicates!r}')
        if self.errors not in ("strict", "ignore", "replace"):
            raise UsageError(f'expected errors "strict", "ignore" or "replace", got {self.errors!r}')
        try:
            "".encode(self.encoding)
        except LookupError:
            raise UsageError(f"expected the name of an encoding, got {self.encoding!r}") from None

    def refuse_for(self, name: str) -> None:
        """Refuse what the format ``name``, which has words in UTF-8 and none twice, does not read by."""
        for option, usual in (("limit", None), ("encoding", "utf8"), ("errors", "strict")):
            if getattr(self, option) != usual:
                raise UsageError(f"the format {name} is read whole and in UTF-8, got {option}")
