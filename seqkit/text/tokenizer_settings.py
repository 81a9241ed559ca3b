"""The settings files beside a tokenizer in a checkpoint folder, and the tokens that they add.

``tokenizer_config.json`` and ``special_tokens_map.json`` say how text is normalised, which tokens have a
role, and how many tokens a text may have; ``added_tokens.json`` and ``added_tokens_decoder`` give tokens that
were added to a vocabulary, with their ids.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from seqkit.errors import DamagedFileError, RunError
from seqkit.files import Between, DocumentLimits, read_json
from seqkit.files.json_files import REMEDY
from seqkit.text.special_tokens import BERT_TOKENS

CONFIG, ROLES, ADDED = "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"
_LIMITS = DocumentLimits(bits=128)  # model_max_length is 10**30 where there is no limit
_NO_LIMIT = 1 << 31

Id = Annotated[int, Between(0, 1 << 31)]


@dataclass(frozen=True)
class AddedToken:
    """A token with the manner in which it is found in a text."""

    content: str
    lstrip: bool = False
    rstrip: bool = False
    single_word: bool = False
    normalized: bool | None = None
    special: bool = False


Token = str | AddedToken
Tokens = list[Token]


@dataclass(frozen=True)
class TokenizerSettings:
    """The keys of ``tokenizer_config.json`` that are read, and those that must have one value."""

    model_max_length: Annotated[float, Between(1)] | None = None
    max_len: Annotated[float, Between(1)] | None = None
    """Its older name."""
    do_lower_case: bool | None = None
    strip_accents: bool | None = None
    tokenize_chinese_chars: bool | None = None
    add_prefix_space: bool | None = None
    unk_token: Token | None = None
    sep_token: Token | None = None
    cls_token: Token | None = None
    pad_token: Token | None = None
    mask_token: Token | None = None
    bos_token: Token | None = None
    eos_token: Token | None = None
    additional_special_tokens: Tokens | None = None
    extra_special_tokens: Tokens | dict[str, Token] | None = None
    added_tokens_decoder: dict[str, AddedToken] = field(default_factory=dict)
    tokenizer_class: str | None = None
    truncation_side: str = "right"
    padding_side: str = "right"
    """Read where several texts are padded; the positions of a model's tokens depend on it."""
    do_basic_tokenize: bool = True
    split_special_tokens: bool = False
    add_bos_token: bool = False
    add_eos_token: bool = False
    never_split: list[str] | None = None
    wordpieces_prefix: str = "##"

    @property
    def max_length(self) -> int | None:
        """The most tokens of a text, special ones included; None where no limit is stated."""
        stated = self.model_max_length if self.model_max_length is not None else self.max_len
        return None if stated is None or stated >= _NO_LIMIT else int(stated)

    def extra_specials(self) -> list[Token]:
        """Return the special tokens that have no role."""
        extra = self.extra_special_tokens or []
        return [
            *(self.additional_special_tokens or []),
            *(extra.values() if isinstance(extra, dict) else extra),
        ]


@dataclass(frozen=True)
class _Roles:
    unk_token: Token | None = None
    sep_token: Token | None = None
    cls_token: Token | None = None
    pad_token: Token | None = None
    mask_token: Token | None = None
    bos_token: Token | None = None
    eos_token: Token | None = None
    additional_special_tokens: Tokens | None = None


_REQUIRED: dict[str, Any] = {
    "truncation_side": "right",
    "do_basic_tokenize": True,
    "split_special_tokens": False,
    "add_bos_token": False,
    "add_eos_token": False,
    "wordpieces_prefix": "##",
}
ROLE_NAMES = (*BERT_TOKENS, "bos_token", "eos_token")


def content_of(token: Token) -> str:
    """Return the text of a token, which may be written with its settings."""
    return token if isinstance(token, str) else token.content


def read_tokenizer_settings(folder: Path) -> TokenizerSettings:
    """Read the ``tokenizer_config.json`` of a folder; the defaults without one.

    Raises:
        DamagedFileError: A value is of another type.
        RunError: A value changes the tokens in a manner that is not known here.
    """
    path = folder / CONFIG
    if not path.is_file():
        return TokenizerSettings()
    settings = read_json(path, TokenizerSettings, limits=_LIMITS, null_is_default=True)
    for name, expected in _REQUIRED.items():
        if getattr(settings, name) != expected:
            raise RunError(
                f"{path}: expected {name} to be {expected!r}, got {getattr(settings, name)!r}",
                remedy="give another model",
            )
    if settings.never_split:
        raise RunError(
            f"{path}: expected no never_split, got {settings.never_split[:3]}", remedy="give another model"
        )
    return settings


def read_roles(folder: Path, settings: TokenizerSettings) -> dict[str, Token]:
    """Return the special tokens by role, of ``tokenizer_config.json`` and ``special_tokens_map.json``.

    Raises:
        RunError: The two files differ.
    """
    path = folder / ROLES
    there = read_json(path, _Roles, null_is_default=True) if path.is_file() else _Roles()
    roles: dict[str, Token] = {}
    for name in ROLE_NAMES:
        one, other = getattr(settings, name), getattr(there, name)
        if one is not None and other is not None and content_of(one) != content_of(other):
            expected = f"{content_of(one)!r} as in {CONFIG}"
            raise RunError(
                f"{path}: expected {name} to be {expected}, got {content_of(other)!r}", remedy=REMEDY
            )
        token = one if one is not None else other
        if token is not None:
            roles[name] = token
    for number, token in enumerate([*settings.extra_specials(), *(there.additional_special_tokens or [])]):
        roles[f"additional {number}"] = token
    return roles


def added_tokens(folder: Path, settings: TokenizerSettings) -> dict[str, tuple[int, AddedToken]]:
    """Return the tokens that were added to the vocabulary, with their ids, in the order of these.

    Raises:
        DamagedFileError: Two files, or two tokens, disagree.
    """
    special = {content_of(token) for token in read_roles(folder, settings).values()}
    found: dict[str, tuple[int, AddedToken]] = {}
    holders: dict[int, str] = {}
    for path, number, token in _stated(folder, settings, special):
        known = found.get(token.content, (number, token))[0]
        if known != number or holders.setdefault(number, token.content) != token.content:
            raise DamagedFileError(
                f"{path} is damaged: expected {token.content!r} and no other token to have the id "
                f"{known}, got {number} of {holders.get(number, token.content)!r}",
                remedy=REMEDY,
            )
        found.setdefault(token.content, (number, token))
    return dict(sorted(found.items(), key=lambda item: item[1][0]))


def _stated(
    folder: Path, settings: TokenizerSettings, special: set[str]
) -> Iterator[tuple[Path, int, AddedToken]]:
    for text, token in settings.added_tokens_decoder.items():
        if not (text.isascii() and text.isdigit() and len(text) < 10):
            expected = "expected ids as keys of added_tokens_decoder"
            raise DamagedFileError(
                f"{folder / CONFIG} is damaged: {expected}, got {text[:60]!r}", remedy=REMEDY
            )
        yield folder / CONFIG, int(text), token
    path = folder / ADDED
    if path.is_file():
        for content, number in read_json(path, dict[str, Id]).items():
            yield path, number, AddedToken(content, special=content in special)
