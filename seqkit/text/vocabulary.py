"""The vocabulary: an ordered, read-only table of tokens and ids."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np

from seqkit.errors import DataError, Remedy, UsageError
from seqkit.files.substitutes import HEAD, refuse_substitute
from seqkit.text.special_tokens import EOS, UNK
from seqkit.text.vocabulary_file import pack, unpack


class _Ids(dict[str, int]):
    """token -> id; an unknown token gives the id of unk, which is not kept, or KeyError without one."""

    unk_id: int | None = None

    def __missing__(self, token: str) -> int:
        if self.unk_id is None:
            raise KeyError(token)
        return self.unk_id


class Vocabulary:
    """Tokens in the order of their ids, with an optional unknown and an optional end-of-line token.

    Threads may share it.

    Args:
        tokens: The tokens, id 0 first; no empty token, none twice.
        unk: The token that represents unknown ones, a member of ``tokens``; None for none.
        eos: The token that ends a line, a member of ``tokens``; None for none.
        counts: Occurrences in the training text, (V,), or None.

    Raises:
        UsageError: For a token that is empty or repeated, and a special token that is not among the tokens.

    Example:
        >>> Vocabulary(["the", "cat", "<unk>", "<eos>"]).encode(["the", "dog"]).tolist()
        [0, 2]
    """

    def __init__(
        self,
        tokens: Iterable[str],
        *,
        unk: str | None = UNK,
        eos: str | None = EOS,
        counts: Iterable[int] | np.ndarray | None = None,
    ) -> None:
        self._tokens = tuple(tokens)
        self._ids = _Ids(zip(self._tokens, range(len(self._tokens)), strict=True))
        if len(self._ids) != len(self._tokens):
            number = next(i for i, token in enumerate(self._tokens) if self._ids[token] != i)
            where = f"ids {number} and {self._ids[self._tokens[number]]}"
            raise UsageError(f"the token {self._tokens[number]!r} stands twice", where=where)
        if "" in self._ids:
            raise UsageError("an empty token", where=f"id {self._ids['']}", remedy="leave it out")
        for role, special in (("unk", unk), ("eos", eos)):
            if special is not None and special not in self._ids:
                raise UsageError(
                    f"the {role} token {special!r} is not among the {len(self._tokens)} tokens",
                    remedy=f"add it, or give {role}=None",
                )
        self.unk, self.eos = unk, eos
        self._ids.unk_id = None if unk is None else self._ids[unk]
        self._counts: np.ndarray | None = None
        if counts is not None:
            self._counts = np.array(counts if isinstance(counts, np.ndarray) else list(counts), np.int64)
            if self._counts.shape != (len(self._tokens),):
                raise UsageError(f"expected {len(self._tokens)} counts, got shape {self._counts.shape}")
            self._counts.flags.writeable = False

    @classmethod
    def from_counts(
        cls,
        counts: Mapping[str, int],
        *,
        eos: str | None = EOS,
        unk: str | None = UNK,
        size: int | None = None,
        min_count: int = 1,
        require_unk: bool = False,
    ) -> Vocabulary:
        """Return the most frequent tokens first, ties in the order of the tokens themselves.

        Args:
            counts: Token -> occurrences in the training text.
            eos: The token that ends a line; it is always kept.
            unk: The token that represents unknown ones. It enters if a token was dropped, if the text itself
                holds it, or with ``require_unk``; its count includes the dropped tokens.
            size: The largest number of tokens, special ones included.
            min_count: Tokens seen less often are dropped.
            require_unk: Have the unknown token in any case.

        Raises:
            UsageError: For a size or ``min_count`` below 1.

        Example:
            >>> Vocabulary.from_counts({"a": 3, "b": 1, "<eos>": 2}, min_count=2).tokens
            ('a', '<eos>', '<unk>')
        """
        if min_count < 1 or (size is not None and size < 1):
            raise UsageError(f"expected min_count and size of 1 or more, got {min_count} and {size}")
        words = [(-n, token) for token, n in counts.items() if n >= min_count and token not in (eos, unk)]
        words.sort()
        total = len(counts) - (eos in counts) - (unk in counts)  # ordinary words, before any cut
        limit = None if size is None else size - (eos is not None)
        needs_unk = unk is not None and (
            require_unk or unk in counts or len(words) < total or (limit is not None and len(words) > limit)
        )
        if limit is not None:
            words = words[: max(0, limit - needs_unk)]
        entries = words
        if eos is not None:
            entries.append((-counts.get(eos, 0), eos))
        if needs_unk and unk is not None:
            kept = -sum(n for n, _ in entries)
            entries.append((kept - sum(counts.values()), unk))
        entries.sort()
        return cls(
            [token for _, token in entries],
            unk=unk if needs_unk else None,
            eos=eos,
            counts=[-n for n, _ in entries],
        )

    def with_words(
        self, counts: Mapping[str, int], seen: Iterable[str] = (), *, min_count: int = 1
    ) -> Vocabulary:
        """Return this vocabulary with new words behind its own, whose ids stay; it has no counts.

        Args:
            counts: Token -> occurrences in the new training text.
            seen: All tokens that are to be encoded; an unknown token is added if it is needed for them.
            min_count: New words seen less often are left out.

        Example:
            >>> Vocabulary(["the", "<unk>"], eos=None).with_words({"the": 4, "dog": 2, "cat": 3}).tokens
            ('the', '<unk>', 'cat', 'dog')
        """
        new = [token for token, n in counts.items() if n >= min_count and token not in self and token != UNK]
        new.sort(key=lambda token: (-counts[token], token))
        unk = self.unk
        if unk is None and not {*new, *self._tokens}.issuperset(seen):
            unk = UNK
            new += [UNK] if UNK not in self else []
        return Vocabulary((*self._tokens, *new), unk=unk, eos=self.eos) if new else self

    @property
    def tokens(self) -> tuple[str, ...]:
        """All tokens, id 0 first."""
        return self._tokens

    @property
    def counts(self) -> np.ndarray | None:
        """Occurrences in the training text, (V,) int64, read-only; None if they were not recorded."""
        return self._counts

    @property
    def unk_id(self) -> int | None:
        """The id of unknown tokens; None without an unknown token."""
        return self._ids.unk_id

    @property
    def eos_id(self) -> int | None:
        """The id of the end-of-line token; None without one."""
        return None if self.eos is None else self._ids[self.eos]

    def __len__(self) -> int:
        return len(self._tokens)

    def __contains__(self, token: object) -> bool:
        return token in self._ids

    def __iter__(self) -> Iterator[str]:
        return iter(self._tokens)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Vocabulary):
            return NotImplemented
        return (self._tokens, self.unk, self.eos) == (other._tokens, other.unk, other.eos)

    def __hash__(self) -> int:
        return hash((self._tokens, self.unk, self.eos))

    def __repr__(self) -> str:
        return f"Vocabulary({len(self)} tokens, unk={self.unk!r}, eos={self.eos!r})"

    def token(self, index: int) -> str:
        """Return the token of an id. Raises DataError outside 0..V-1: -1 is not the last one."""
        if not 0 <= index < len(self._tokens):
            raise DataError(f"expected an id between 0 and {len(self) - 1}, got {index}")
        return self._tokens[index]

    def id(self, token: str) -> int:
        """Return the id of a token, or unk's. Raises DataError for an unknown token without an unk."""
        try:
            return self._ids[token]
        except KeyError:
            raise self._unknown(token) from None

    def encode(self, tokens: Iterable[str]) -> np.ndarray:
        """Return the ids of ``tokens``, (N,) int32. Raises as :meth:`id`."""
        try:
            return np.array(list(map(self._ids.__getitem__, tokens)), np.int32)
        except KeyError as error:
            raise self._unknown(error.args[0]) from None

    def decode(self, ids: Iterable[int] | np.ndarray) -> list[str]:
        """Return the tokens of ids. Raises DataError for an id outside 0..V-1."""
        return [self.token(int(index)) for index in ids]

    def _unknown(self, token: str) -> DataError:
        return DataError(
            f"{token!r} is not among the {len(self)} tokens of the vocabulary, which has no unknown token",
            remedy=Remedy(
                "leave it out of the text, or train with an unknown token (min_count=2), or with init give "
                "grow_vocabulary=True",
                command="leave it out of the text, or train with an unknown token (`--min-count 2`), or with "
                "--init add --grow-vocabulary",
            ),
        )

    def to_bytes(self) -> bytes:
        """Return UTF-8 text: a header line, then one escaped token a line, a tab and its count if counted."""
        counts = None if self._counts is None else self._counts.tolist()
        return pack(self._tokens, counts, unk=self.unk, eos=self.eos)

    @classmethod
    def from_bytes(cls, data: bytes, name: str = "vocabulary") -> Vocabulary:
        """Read what :meth:`to_bytes` wrote. Raises DataError naming ``name`` and the damaged line."""
        tokens, counts, unk, eos = unpack(data, name)
        return cls(tokens, unk=unk, eos=eos, counts=counts)

    def save(self, path: str | Path) -> None:
        """Write :meth:`to_bytes` to ``path``."""
        Path(path).write_bytes(self.to_bytes())

    @classmethod
    def load(cls, path: str | Path) -> Vocabulary:
        """Read what :meth:`save` wrote. Raises DataError naming file and line."""
        try:
            data = Path(path).read_bytes()
        except OSError as error:
            raise DataError(f"cannot be read ({error.strerror})", where=str(path)) from error
        refuse_substitute(path, data[:HEAD])
        return cls.from_bytes(data, str(path))
