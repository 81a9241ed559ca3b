"""Tokens that are parts of words: BPE and WordPiece, by the ``tokenizers`` library.

Byte-level BPE is that of GPT-2 (Sennrich et al. 2016; Radford et al. 2019), WordPiece that of BERT (Schuster
and Nakajima 2012; Devlin et al. 2019). Checkpoint folders bring theirs (``subword_folders.py``), and
``subword_training.py`` learns them.
"""

from __future__ import annotations

import hashlib
import importlib
import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from seqkit.errors import DamagedFileError, MissingDependencyError, RunError, UsageError
from seqkit.text.special_tokens import BERT_TOKENS, UNK
from seqkit.text.tokenizers import Tokenizer
from seqkit.text.vocabulary import Vocabulary

FILE = "tokenizer.json"
"""What a folder or a run calls the file of a tokenizer."""


def library_of_subwords() -> Any:
    """The module ``tokenizers``. MissingDependencyError without it."""
    try:
        return importlib.import_module("tokenizers")
    except ImportError as error:
        raise MissingDependencyError(
            "subword tokens need the tokenizers library, which is not installed",
            remedy="pip install 'seqkit[bert]' (or tokenizers)",
        ) from error


class SubwordTokenizer(Tokenizer):
    """A tokenizer of the ``tokenizers`` library.

    As every tokenizer it makes tokens of lines; for a model that it belongs to, :meth:`encode` makes ids.

    max_length: make those that the model reads, as :meth:`for_model` says.
    """

    name = "subword"

    def __init__(self, inner: Any, *, lowercase: bool = False, max_length: int | None = None) -> None:
        super().__init__(lowercase=lowercase)
        inner.no_truncation()
        inner.no_padding()
        self._inner, self.max_length = inner, max_length

    def for_model(self, max_length: int) -> SubwordTokenizer:
        """The same, which puts the special tokens around a line's tokens and cuts them to ``max_length``.

        What was cut has one token more, so that whoever keeps ``max_length`` of them can tell.
        """
        return type(self)(self._inner, lowercase=self.lowercase, max_length=max_length)

    @cached_property
    def _size(self) -> int:
        return max(self._inner.get_vocab().values(), default=-1) + 1  # get_vocab_size() passes over gaps

    def __len__(self) -> int:
        """How many ids there are."""
        return self._size

    def tokenize(self, line: str) -> list[str]:
        return self._tokens([line])[0]

    def _tokens(self, lines: Sequence[str]) -> list[list[str]]:
        if self.max_length is None:
            return [one.tokens for one in self._inner.encode_batch(lines, add_special_tokens=False)]
        added = self._inner.num_special_tokens_to_add(False)
        return [
            [] if len(one) == added else [*one.tokens, *(one.overflowing and one.tokens[-1:])]
            for one in self._encodings(lines, self.max_length)
        ]

    def tokenize_block(self, text: str) -> list[str]:
        lines = text.split("\n")
        last = lines.pop()  # what stands behind the last newline: no line ends there
        tokens: list[str] = []
        for one in self._tokens(lines):
            tokens += one
            tokens.append(self.end_of_line)
        return tokens + self.tokenize(last) if last else tokens

    def detokenize(self, tokens: Sequence[str]) -> str:
        """The text that the tokens are parts of."""
        decoder = self._inner.decoder
        return " ".join(tokens) if decoder is None else decoder.decode(list(tokens))

    def encode(
        self, texts: Sequence[str], *, max_length: int | None = None, special_tokens: bool = True
    ) -> list[list[int]]:
        """The ids of each text as its model takes them, cut to ``max_length``, special tokens included.

        UsageError when there is no room beside the special tokens.
        """
        if isinstance(texts, str):
            raise UsageError("texts must be a list, got a string", remedy="[text]")
        return [one.ids for one in self._encodings(texts, max_length, special_tokens)]

    def _encodings(
        self, texts: Sequence[str], max_length: int | None, special_tokens: bool = True
    ) -> list[Any]:
        added = self._inner.num_special_tokens_to_add(False) if special_tokens else 0
        if max_length is not None and max_length <= added:
            raise UsageError(f"max_length {max_length} leaves no room beside {added} special tokens")
        if max_length is not None:
            self._inner.enable_truncation(max_length)
        try:
            return self._inner.encode_batch(list(texts), add_special_tokens=special_tokens)
        finally:
            self._inner.no_truncation()

    def decode(self, ids: Sequence[int], *, special_tokens: bool = False) -> str:
        """The text of ids, without special tokens unless they are asked for."""
        return self._inner.decode([int(i) for i in ids], skip_special_tokens=not special_tokens)

    def id(self, token: str) -> int | None:
        """The id of a token, None for one that there is not."""
        return self._inner.token_to_id(token)

    @property
    def unk(self) -> str | None:
        """The token of what it cannot write; None where there is none."""
        named = getattr(self._inner.model, "unk_token", None)
        return next((t for t in (named, UNK, BERT_TOKENS["unk_token"]) if t and self.id(t) is not None), None)

    def vocabulary(self, size: int = 0) -> Vocabulary:
        """Its tokens by the ids that they have here; ids without a token have names of their own.

        size: how many ids at least, where a model has more vectors than there are tokens.
        """
        ids = range(max(len(self), size))
        tokens = [self._inner.id_to_token(i) or f"<unused {i}>" for i in ids]
        return Vocabulary(tokens, unk=self.unk, eos=self.end_of_line if self.end_of_line in tokens else None)

    def to_bytes(self) -> bytes:
        """The content of its ``tokenizer.json``."""
        return self._inner.to_str(pretty=True).encode()

    @classmethod
    def from_bytes(cls, data: bytes, source: str = FILE, *, lowercase: bool = False) -> SubwordTokenizer:
        """What :meth:`to_bytes` wrote, or any ``tokenizer.json``. DamagedFileError naming ``source``."""
        tokenizer = library_of_subwords().Tokenizer
        try:
            inner = tokenizer.from_str(data.decode())
        except Exception as error:  # the library raises plain ones
            raise DamagedFileError(
                f"{source} is damaged: no tokenizer ({error})", remedy="copy or download it again"
            ) from None
        kind = _KINDS.get(type(inner.model).__name__, SubwordTokenizer)
        return kind(inner, lowercase=lowercase)

    def save(self, folder: str | Path) -> None:
        """Write ``tokenizer.json`` and the settings with which the reference library opens it."""
        known = {role: token for role, token in BERT_TOKENS.items() if self.id(token) is not None}
        settings = {"tokenizer_class": "PreTrainedTokenizerFast", **known}
        try:
            Path(folder).mkdir(parents=True, exist_ok=True)
            (Path(folder) / FILE).write_bytes(self.to_bytes())
            (Path(folder) / "tokenizer_config.json").write_text(json.dumps(settings, indent=2) + "\n")
        except OSError as error:
            raise RunError(f"cannot write {folder} ({error.strerror or error})") from error

    def config(self) -> dict[str, Any]:
        """Name and checksum; the tokenizer itself is its :meth:`to_bytes`."""
        own = {"sha256": hashlib.sha256(self.to_bytes()).hexdigest()}
        return super().config() | own | ({} if self.max_length is None else {"max_length": self.max_length})

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self):,} tokens)"


class BpeTokenizer(SubwordTokenizer):
    """Byte pair encoding."""

    name = "bpe"


class WordPieceTokenizer(SubwordTokenizer):
    """The longest known parts of each word, from its left."""

    name = "wordpiece"


_KINDS: dict[str, type[SubwordTokenizer]] = {"BPE": BpeTokenizer, "WordPiece": WordPieceTokenizer}
"""By the name of the library's class."""
