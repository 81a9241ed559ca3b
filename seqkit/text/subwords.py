"""Tokens that are parts of words: BPE, WordPiece and unigram, by the ``tokenizers`` library.

Byte-level BPE is that of GPT-2 (Sennrich et al. 2016; Radford et al. 2019), WordPiece that of BERT (Schuster
and Nakajima 2012; Devlin et al. 2019), unigram that of SentencePiece (Kudo 2018). Checkpoint folders bring
theirs (``checkpoint_tokenizers.py``).
"""

from __future__ import annotations

import hashlib
import importlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar, Self

from seqkit.errors import (
    DamagedFileError,
    DataError,
    MissingDependencyError,
    RunError,
    SeqkitError,
    UsageError,
)
from seqkit.files.substitutes import HEAD, refuse_substitute
from seqkit.progress import progress
from seqkit.text.special_tokens import BERT_TOKENS, CLS, EOS, MASK, UNK
from seqkit.text.vocabulary import Vocabulary
from seqkit.text.word_tokenizers import NORMALIZATIONS, Tokenizer

Lines = Callable[[], Iterable[str]]
"""Starts a pass over a text, without newlines."""
FILE = "tokenizer.json"
"""The file of a tokenizer in a folder or a run."""
VOCAB_SIZE = 8000
"""The number of tokens that are learned unless the user says otherwise."""
_SPECIALS = [UNK, EOS]
_OWN_ROLES = {"unk_token": UNK, "eos_token": EOS, "cls_token": CLS, "mask_token": MASK}
"""Roles of special tokens in the settings of the reference library."""
_GAPS = 1 << 16
"""Largest number of ids without a token, besides the number of tokens; an error names each."""
_FAILS = "the tokenizer is damaged: it cannot read a text"


def subword_library() -> ModuleType:
    """Import the module ``tokenizers``. MissingDependencyError without it."""
    try:
        return importlib.import_module("tokenizers")
    except ImportError as error:
        raise MissingDependencyError(
            "subword tokens need the tokenizers library, which is not installed",
            remedy="pip install 'seqkit[bert]' (or tokenizers)",
        ) from error


def _damaged(source: str, why: str) -> DamagedFileError:
    return DamagedFileError(f"{source} is damaged: {why}", remedy="copy or download it again")


@contextmanager
def _library_errors(problem: str, texts: Iterable[str] = ()) -> Iterator[None]:
    """Turn the library's plain exceptions, and its panics, which are no Exceptions, to DamagedFileError.

    For a text that is no valid Unicode, DataError.
    """
    try:
        yield
    except (SeqkitError, KeyboardInterrupt, SystemExit, GeneratorExit, MemoryError):
        raise
    except BaseException as error:
        for text in texts:
            _require_unicode(text)
        raise DamagedFileError(f"{problem} ({error})", remedy="copy or download it again") from None


def _require_unicode(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        at, place = text[error.start], f"character {error.start + 1} of {text[:60]!r}"
        raise DataError(
            f"expected valid Unicode, got {at!r}, half of a pair of surrogates or a byte that is not UTF-8",
            where=place,
        ) from None
    return text


class SubwordTokenizer(Tokenizer):
    """A tokenizer of the ``tokenizers`` library.

    As every tokenizer it turns lines to tokens; for the model that it belongs to, :meth:`encode` gives ids.
    Threads may share it.

    Args:
        inner: The library's tokenizer.
        lowercase: Whether it was trained on lower-case text.
        max_length: Give the tokens that a model reads, as :meth:`for_model` says.
    """

    name = "subword"
    learned = True
    alphabet: ClassVar[int] = 1
    """The least number of tokens beside the special ones."""

    @classmethod
    def train(
        cls,
        lines: Lines,
        *,
        vocab_size: int = VOCAB_SIZE,
        min_count: int = 2,
        lowercase: bool = False,
        normalization: str = "nfc",
    ) -> Self:
        """Learn the tokens of a text, with ``<unk>`` and ``<eos>``.

        Args:
            lines: Starts a pass over the text, without newlines.
            vocab_size: The largest number of tokens.
            min_count: How often a pair must occur to become a token.
            lowercase: Read everything in lower case.
            normalization: The Unicode normalization form of the tokens: nfc, nfkc or none.

        Raises:
            UsageError: If ``vocab_size`` leaves no room for the alphabet, or for the letters of the text.
            MissingDependencyError: Without the ``tokenizers`` library.
        """
        least = len(_SPECIALS) + cls.alphabet
        if vocab_size < least:
            raise UsageError(
                f"expected {least} tokens or more for {cls.name}, got a vocab_size of {vocab_size}"
            )
        settings = {"vocab_size": vocab_size, "min_frequency": min_count, "show_progress": False}
        checked = lambda: map(_require_unicode, lines())  # noqa: E731
        library = subword_library()
        normalizers = (
            [] if normalization == "none" else [getattr(library.normalizers, normalization.upper())()]
        )
        normalizers += cls._normalizers(library, lowercase)
        inner = cls._trained(library, checked, settings, library.normalizers.Sequence(normalizers))
        made = cls(inner, lowercase=lowercase)
        if len(made.vocabulary()) > vocab_size:  # the library keeps all letters
            raise UsageError(
                f"expected {len(made.vocabulary())} tokens or more for {cls.name} and the letters of this "
                f"text, got a vocab_size of {vocab_size}"
            )
        return made

    @classmethod
    def _normalizers(cls, library: ModuleType, lowercase: bool) -> list[Any]:
        """Return the library's normalizers that follow the Unicode normalization."""
        return [library.normalizers.Lowercase()] if lowercase else []

    @classmethod
    def _trained(cls, library: ModuleType, lines: Lines, settings: dict[str, int], normalizer: Any) -> Any:
        """Return the library's tokenizer, trained with the settings of its trainers."""
        raise NotImplementedError

    def __init__(
        self,
        inner: Any,
        *,
        lowercase: bool = False,
        max_length: int | None = None,
    ) -> None:
        shown = repr(inner.normalizer)
        forms = [form for form in NORMALIZATIONS if f"{form.upper()}()" in shown]
        super().__init__(lowercase=lowercase, normalization=forms[0] if forms else "none")
        if inner.truncation is not None:  # threads may be using it: do not touch it without need
            inner.no_truncation()
        if inner.padding is not None:
            inner.no_padding()
        self._inner, self.max_length = inner, max_length

    @property
    def inner(self) -> Any:
        """The library's tokenizer."""
        return self._inner

    def for_model(self, max_length: int) -> SubwordTokenizer:
        """Return a tokenizer that puts the special tokens around a line's tokens, cut to ``max_length``.

        A line that was cut has one token more, so that a caller who keeps ``max_length`` of them can tell.
        """
        return type(self)(self._inner, lowercase=self.lowercase, max_length=max_length)

    def add_lowercase(self) -> None:
        """Put all text in lower case before anything else. Not while other threads use the tokenizer."""
        normalizers = subword_library().normalizers
        own = self._inner.normalizer
        self._inner.normalizer = normalizers.Sequence([normalizers.Lowercase(), *([own] if own else [])])

    @cached_property
    def _size(self) -> int:
        return max(self._inner.get_vocab().values(), default=-1) + 1  # get_vocab_size() passes over gaps

    def __len__(self) -> int:
        """The number of ids."""
        return self._size

    def tokenize(self, line: str) -> list[str]:
        return self._tokens([line])[0]

    def _tokens(self, lines: Sequence[str]) -> list[list[str]]:
        if self.max_length is None:
            with _library_errors(_FAILS, lines):
                return [line.tokens for line in self._inner.encode_batch(lines, add_special_tokens=False)]
        added = self._inner.num_special_tokens_to_add(False)
        return [
            [] if len(line) == added else [*line.tokens, *(line.overflowing and line.tokens[-1:])]
            for line in self._encodings(lines, self.max_length)
        ]

    def tokenize_block(self, text: str) -> list[str]:
        lines = text.split("\n")
        last = lines.pop()  # behind the last newline: an unfinished line
        tokens: list[str] = []
        for line in self._tokens(lines):
            tokens += line
            tokens.append(self.end_of_line)
        return tokens + self.tokenize(last) if last else tokens

    def detokenize(self, tokens: Sequence[str]) -> str:
        """Return the text that the tokens are parts of."""
        decoder = self._inner.decoder
        if decoder is None:
            return " ".join(tokens)
        with _library_errors(_FAILS):
            return str(decoder.decode(list(tokens)))

    def encode(
        self, texts: Sequence[str], *, max_length: int | None = None, special_tokens: bool = True
    ) -> list[list[int]]:
        """Return the ids of each text as its model reads them.

        Args:
            texts: The texts.
            max_length: Truncate each to this many ids, special tokens included.
            special_tokens: Put the special tokens around each text.

        Raises:
            UsageError: If ``max_length`` leaves no room beside the special tokens.
        """
        if isinstance(texts, str):
            raise UsageError("texts must be a list, got a string", remedy="[text]")
        return [text.ids for text in self._encodings(texts, max_length, special_tokens)]

    def _encodings(
        self, texts: Sequence[str], max_length: int | None, special_tokens: bool = True
    ) -> list[Any]:
        inner = self._inner
        added = inner.num_special_tokens_to_add(False) if special_tokens else 0
        if max_length is not None and max_length <= added:
            raise UsageError(f"max_length {max_length} leaves no room beside {added} special tokens")
        texts = list(texts)
        with _library_errors(_FAILS, texts):
            encodings: list[Any] = inner.encode_batch(texts, add_special_tokens=special_tokens)
            if max_length is None:
                return encodings
            # The library itself cuts by a setting of the tokenizer, which other threads would see.
            long = [i for i, encoding in enumerate(encodings) if len(encoding) > max_length]
            cut = inner.encode_batch([texts[i] for i in long], add_special_tokens=False)
            for i, encoding in zip(long, cut, strict=True):
                encoding.truncate(max_length - added)
                encodings[i] = inner.post_process(encoding, None, special_tokens)
        return encodings

    def decode(self, ids: Sequence[int], *, special_tokens: bool = False) -> str:
        """Return the text of ids, without special tokens by default."""
        with _library_errors(_FAILS):
            return str(self._inner.decode([int(i) for i in ids], skip_special_tokens=not special_tokens))

    def id(self, token: str) -> int | None:
        """Return the id of a token; None for an unknown one."""
        return self._inner.token_to_id(token)

    @property
    def unk(self) -> str | None:
        """The token of words that it cannot write; None for a tokenizer without one."""
        named = getattr(self._inner.model, "unk_token", None)
        return next((t for t in (named, UNK, BERT_TOKENS["unk_token"]) if t and self.id(t) is not None), None)

    def vocabulary(self, size: int = 0) -> Vocabulary:
        """Return its tokens as a vocabulary with the same ids; ids without a token get names of their own.

        Args:
            size: The least number of ids, for a model that has more vectors than there are tokens.
        """
        ids = range(max(len(self), size))
        tokens = [self._inner.id_to_token(i) or f"<unused {i}>" for i in ids]
        return Vocabulary(tokens, unk=self.unk, eos=self.end_of_line if self.end_of_line in tokens else None)

    def to_bytes(self) -> bytes:
        """Return the content of its ``tokenizer.json``."""
        return self._inner.to_str(pretty=True).encode()

    @classmethod
    def from_bytes(cls, data: bytes, source: str = FILE, *, lowercase: bool = False) -> SubwordTokenizer:
        """Read what :meth:`to_bytes` wrote, or any ``tokenizer.json``. DamagedFileError names ``source``."""
        refuse_substitute(source, data[:HEAD], error=DamagedFileError, may_be_empty=True)
        library = subword_library()
        with _library_errors(f"{source} is damaged: no tokenizer"):
            inner = library.Tokenizer.from_str(data.decode())
            inner.no_truncation()
            inner.no_padding()
            ids = inner.get_vocab().values()
            least, most = min(ids, default=0), max(ids, default=-1)
            probed = inner.encode_batch(["a b"], add_special_tokens=True)[0].ids
        limit = 2 * len(ids) + _GAPS
        if not 0 <= least <= most < limit:
            raise _damaged(
                source, f"expected ids of 0 to {limit - 1:,} for {len(ids):,} tokens, got {most:,}"
            )
        if any(number > most for number in probed):
            raise _damaged(
                source, f"its special tokens have the id {max(probed):,}, its tokens end at {most:,}"
            )
        subclass = _BY_MODEL.get(type(inner.model).__name__, SubwordTokenizer)
        return subclass(inner, lowercase=lowercase)

    def with_mask_tokens(self) -> Self:
        """Return the tokenizer of a masked language model: ``<cls>`` before every text, and ``<mask>``."""
        library = subword_library()
        inner = library.Tokenizer.from_str(self._inner.to_str())
        inner.add_special_tokens([CLS, MASK])
        inner.post_processor = library.processors.TemplateProcessing(
            single=f"{CLS} $A", special_tokens=[(CLS, inner.token_to_id(CLS))]
        )
        return type(self)(inner, lowercase=self.lowercase)

    def save(self, folder: str | Path) -> None:
        """Write ``tokenizer.json`` and the settings with which the reference library opens it."""
        known = {role: token for role, token in BERT_TOKENS.items() if self.id(token) is not None}
        known |= {
            role: token
            for role, token in _OWN_ROLES.items()
            if role not in known and self.id(token) is not None
        }
        settings = {"tokenizer_class": "PreTrainedTokenizerFast", **known}
        try:
            Path(folder).mkdir(parents=True, exist_ok=True)
            (Path(folder) / FILE).write_bytes(self.to_bytes())
            content = json.dumps(settings, indent=2) + "\n"
            (Path(folder) / "tokenizer_config.json").write_bytes(content.encode())
        except OSError as error:
            raise RunError(f"cannot write {folder} ({error.strerror or error})") from error

    def config(self) -> dict[str, Any]:
        """Return name and checksum; the tokenizer itself is its :meth:`to_bytes`."""
        own = {"sha256": hashlib.sha256(self.to_bytes()).hexdigest()}
        return super().config() | own | ({} if self.max_length is None else {"max_length": self.max_length})

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self):,} tokens)"


class BpeTokenizer(SubwordTokenizer):
    """Byte pair encoding. It starts from the 256 bytes, so it can write any text.

    Threads may share it.
    """

    name = "bpe"
    alphabet = 256

    @classmethod
    def _trained(cls, library: ModuleType, lines: Lines, settings: dict[str, int], normalizer: Any) -> Any:
        inner = library.Tokenizer(library.models.BPE())
        inner.normalizer = normalizer
        inner.pre_tokenizer = library.pre_tokenizers.ByteLevel(add_prefix_space=False)
        inner.decoder = library.decoders.ByteLevel()
        bytes_ = library.pre_tokenizers.ByteLevel.alphabet()
        trainer = library.trainers.BpeTrainer(initial_alphabet=bytes_, special_tokens=_SPECIALS, **settings)
        with progress("learning subwords"):
            inner.train_from_iterator(lines(), trainer)
        return inner


class WordPieceTokenizer(SubwordTokenizer):
    """The longest known parts of each word, from its left.

    Threads may share it.

    A word with a character that the training text lacks becomes ``<unk>``.
    """

    name = "wordpiece"

    @classmethod
    def _normalizers(cls, library: ModuleType, lowercase: bool) -> list[Any]:
        return [library.normalizers.BertNormalizer(lowercase=lowercase, strip_accents=False)]

    @classmethod
    def _trained(cls, library: ModuleType, lines: Lines, settings: dict[str, int], normalizer: Any) -> Any:
        # The library's trainer numbers the parts that continue words in the order of a hash table, and breaks
        # ties by number. It is given those of one character, sorted: so a text always gives the same tokens.
        def untrained(**vocabulary: dict[str, int]) -> Any:
            inner = library.Tokenizer(library.models.WordPiece(unk_token=UNK, **vocabulary))
            inner.normalizer = normalizer
            inner.pre_tokenizer = library.pre_tokenizers.BertPreTokenizer()
            inner.decoder = library.decoders.WordPiece()
            return inner

        inner, within = untrained(), set[str]()
        for line in lines():
            plain = inner.normalizer.normalize_str(line)
            for word, _ in inner.pre_tokenizer.pre_tokenize_str(plain):
                within.update(word[1:])
        fixed = [*_SPECIALS, *(f"##{character}" for character in sorted(within))]
        trainer = library.trainers.WordPieceTrainer(special_tokens=fixed, **settings)
        with progress("learning subwords"):
            inner.train_from_iterator(lines(), trainer)
        trained = untrained(vocab=inner.get_vocab())  # in which those characters are no special tokens
        trained.add_special_tokens(_SPECIALS)
        return trained


class UnigramTokenizer(SubwordTokenizer):
    """The most probable parts of a sentence, as a unigram language model of parts gives them (Kudo 2018).

    Threads may share it.

    Blanks belong to the parts (``▁the``), so that text comes back as it was; a character that the training
    text lacks becomes ``<unk>``.
    """

    name = "unigram"

    @classmethod
    def _trained(cls, library: ModuleType, lines: Lines, settings: dict[str, int], normalizer: Any) -> Any:
        inner = library.Tokenizer(library.models.Unigram())
        inner.normalizer = normalizer
        inner.pre_tokenizer = library.pre_tokenizers.Metaspace()
        inner.decoder = library.decoders.Metaspace()
        kept = {name: value for name, value in settings.items() if name != "min_frequency"}
        trainer = library.trainers.UnigramTrainer(special_tokens=_SPECIALS, unk_token=UNK, **kept)
        with progress("learning subwords"):
            inner.train_from_iterator(lines(), trainer)
        # The trainer adds in the order of a hash table, and gives letters that are no part of their own the
        # least score plus 0.0001, 0.0002, … in that order. Scores are rounded, and those letters get the
        # least: so a text always gives the same tokens.
        state = json.loads(inner.to_str())
        special, parts = state["model"]["vocab"][: len(_SPECIALS)], state["model"]["vocab"][len(_SPECIALS) :]
        least = round(min((score for _, score in parts), default=0.0), 6)
        bound = least + 1e-4 * (len(parts) + 1)
        scored = [
            [part, least if len(part) == 1 and score < bound else round(score, 6)] for part, score in parts
        ]
        state["model"]["vocab"] = special + sorted(scored, key=lambda entry: (-entry[1], entry[0]))
        return library.Tokenizer.from_str(json.dumps(state))


SUBWORD_TOKENIZERS: tuple[type[SubwordTokenizer], ...] = (BpeTokenizer, WordPieceTokenizer, UnigramTokenizer)
"""Those that are learned from a text."""
_BY_MODEL: dict[str, type[SubwordTokenizer]] = {
    "BPE": BpeTokenizer,
    "WordPiece": WordPieceTokenizer,
    "Unigram": UnigramTokenizer,
}
"""By the name of the library's class."""
