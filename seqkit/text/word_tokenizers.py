"""Tokenizers by rule: words, text between blanks, characters; and the base class of all tokenizers.

Words follow Unicode's rules for word boundaries (UAX #29), but for the exceptions of :class:`WordTokenizer`.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, Literal

from seqkit.errors import require_choice
from seqkit.text.detokenize import join_words
from seqkit.text.special_tokens import EOS, UNK

NORMALIZATIONS = ("nfc", "nfkc", "none")
"""The Unicode normalization forms that texts are put in; "none" leaves them as they are."""


def normalize(text: str, form: str) -> str:
    """Return a text in a Unicode normalization form.

    Args:
        text: The text.
        form: One of ``NORMALIZATIONS``.

    Example:
        >>> len("é".encode()), len(normalize("e\u0301", "nfc").encode())
        (2, 2)
    """
    if form == "none" or text.isascii():
        return text
    name: Literal["NFC", "NFKC"] = "NFC" if form == "nfc" else "NFKC"
    return text if unicodedata.is_normalized(name, text) else unicodedata.normalize(name, text)


class Tokenizer:
    """The base of all tokenizers, which turn a line of text to tokens and back.

    Threads may share it.

    Args:
        lowercase: Whether to convert the text to lower case.
        normalization: The Unicode normalization form of the tokens: nfc, nfkc or none.
    """

    name: ClassVar[str]
    rules: ClassVar[int] = 1
    """The version of its rules, which a run keeps: a model belongs to the tokens that it was trained on."""
    end_of_line: ClassVar[str] = EOS
    open_vocabulary: ClassVar[bool] = True
    """Whether new text brings new tokens, so that a vocabulary needs an unknown token: words do."""
    learned: ClassVar[bool] = False
    """Whether it is learned from a text, with a vocabulary of its own."""

    def __init__(self, *, lowercase: bool = False, normalization: str = "nfc") -> None:
        require_choice("normalization", normalization, NORMALIZATIONS)
        self.lowercase, self.normalization = lowercase, normalization

    def prepare(self, text: str) -> str:
        """Return the text in the tokenizer's normalization form and case."""
        text = normalize(text, self.normalization)
        return normalize(text.lower(), self.normalization) if self.lowercase else text

    def tokenize(self, line: str) -> list[str]:
        """Return the tokens of one line, given without its newline."""
        raise NotImplementedError

    def tokenize_block(self, text: str) -> list[str]:
        """Return the tokens of whole lines, each with its newline, and ``end_of_line`` after each line.

        The fast method for files: it equals :meth:`tokenize` line by line.
        """
        raise NotImplementedError

    def detokenize(self, tokens: Sequence[str]) -> str:
        """Return readable text of one line's tokens."""
        raise NotImplementedError

    def spans(self, line: str) -> list[tuple[int, int]]:
        """Return start and end of each token in the line as it stands.

        Raises:
            NotImplementedError: For subwords.
        """
        raise NotImplementedError

    def config(self) -> dict[str, Any]:
        """Return the configuration from which :func:`tokenizer_from_config` makes the same tokenizer."""
        return {
            "name": self.name,
            "rules": self.rules,
            "lowercase": self.lowercase,
            "normalization": self.normalization,
        }

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tokenizer) and self.config() == other.config()

    def __hash__(self) -> int:
        return hash((self.name, self.lowercase, self.normalization))

    def __repr__(self) -> str:
        return f"{type(self).__name__}(lowercase={self.lowercase}, normalization={self.normalization!r})"


@dataclass(frozen=True)
class _Rules:
    """The patterns of words: for lines of common characters, and for all others."""

    common: re.Pattern[str]
    """For lines without ``uncommon``; six times as fast as the others."""
    general: Any
    """For lines of any characters without addresses."""
    addresses: Any
    """For lines that may have addresses of the web or of e-mail."""
    uncommon: re.Pattern[str]
    """A character that ``common`` does not know."""


_COMMON = "".join(
    map(chr, [*range(0x530), *range(0x2010, 0x2028), *range(0x2030, 0x205F), *range(0x20A0, 0x20C0)])
)
"""Latin, Greek, Cyrillic, and punctuation; what needs more than one character to decide is taken out."""
_JOINS_LETTERS, _JOINS_NUMBERS = r".\u2018\u2019\u2024'", r".\u2018\u2019\u2024',;:\u066b\u066c"
_SIGNS = ("://", "www.", "@")
"""Signs of an address of the web, and of e-mail if no blank stands beside it."""


@cache
def word_rules() -> _Rules:
    """Return the patterns, made at the first use: the import of ``regex`` and they take 60 ms."""
    import regex

    def has(property_: str) -> str:
        return "".join(map(re.escape, regex.findall(rf"[{property_}]", _COMMON, regex.V1)))

    # Letters, numbers with superscripts and fractions, marks that belong to what precedes them, and invisible
    # characters, which are kept between letters only
    A, N = r"\p{WB=ALetter}\p{WB=Hebrew_Letter}", r"\p{WB=Numeric}\p{No}"
    M, F = r"\p{WB=Extend}\p{WB=ZWJ}", r"\p{WB=Format}"
    marks = rf"{UNK}|\*+|_+"

    letters, numbers = has(A), has(N)
    own = rf"['’]s(?![{letters}{numbers}_])"
    middles = has(r"\p{WB=MidLetter}--:") + _JOINS_LETTERS
    word = (
        rf"[{letters}{numbers}]++(?:_++[{letters}{numbers}]++"
        rf"|(?<=[{letters}])(?!{own})[{middles}][{letters}][{letters}{numbers}]*+"
        rf"|(?<=[{numbers}])[{_JOINS_NUMBERS}][{numbers}][{letters}{numbers}]*+)*+"
    )
    hard = regex.sub(rf"[{M}{F}\p{{WB=Hebrew_Letter}}\p{{DI}}]", "", _COMMON, flags=regex.V1)
    uncommon = f"[^{re.escape(hard)}]"

    possessive = rf"['’]s(?![{A}{N}{M}_])"
    m = f"(?:[{M}{F}]*[{M}])?+"
    f = f"[{F}]*+"
    mid = rf"{f}(?!{possessive})[\p{{WB=MidLetter}}{_JOINS_LETTERS}--:]{m}(?={f}[{A}])"
    hebrew = r"\p{WB=Hebrew_Letter}"
    letter = rf"(?:\p{{WB=ALetter}}{m}(?:{mid})?+|{hebrew}{m}(?:{f}\"(?={f}{hebrew})|{mid}|'(?!\w))?+)"
    number = rf"[{N}]{m}(?:{f}[\p{{WB=MidNum}}{_JOINS_NUMBERS}]{m}(?={f}[{N}]))?+"
    katakana = rf"\p{{WB=Katakana}}{m}(?:{f}\p{{WB=Katakana}}{m})*+"
    general = (
        rf"\n|(?:{letter}|{number})(?:{f}(?:{letter}|{number}|_++{m}(?={f}[{A}{N}])))*+|(?<=[{A}{N}{M}_]){possessive}|{marks}|{katakana}"
        rf"|(?![\s\x1c-\x1f\p{{DI}}])\X"
    )
    C = r"\p{L}\p{M}\p{N}--[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]"
    inside, last = rf"[[{C}]/?#@!$&'*+,;=:._~%\[\]\-]", rf"[[{C}]/#$&=~%\-]"
    web = rf"(?:[a-zA-Z][a-zA-Z0-9+.\-]*+://|www\.)(?:{inside}|\({inside}*+\))*(?:{last}|\({inside}*+\))"
    mail = rf"[[{C}]](?:[[{C}].+_\-])*+@[[{C}]\-]++(?:\.[[{C}]\-]++)++"
    return _Rules(
        re.compile(rf"{word}|\n|(?<=[{letters}{numbers}_]){own}|{marks}|\S"),
        regex.compile(general, regex.V1),
        regex.compile(rf"{web}|{mail}|{general}", regex.V1),
        re.compile(uncommon),
    )


class WordTokenizer(Tokenizer):
    """Words, numbers and punctuation marks of any script, each a token.

    Threads may share it.

    The rules are those of Unicode's UAX #29, except that ``it's`` gives ``it 's`` (the possessive would
    double the nouns of the vocabulary), that ``:`` joins numbers (``10:30``) but no letters, that
    superscripts and fractions belong to their number or unit, that addresses (``https://example.org/a``,
    ``a@example.org``) stay whole, that ``_`` joins words only from inside (``snake_case``, but ``_ word _``),
    that ``**`` is one mark, and that ``<unk>`` is kept. Blanks and invisible characters are no tokens, but
    belong to a word that they stand in. Of scripts without blanks between words (Chinese, Japanese, Thai)
    each character is a token; for their words there are :mod:`seqkit.text.segmenters`.

    Example:
        >>> WordTokenizer().tokenize("I don't like well-known users.")
        ['I', "don't", 'like', 'well', '-', 'known', 'users', '.']
    """

    name = "word"
    rules = 2

    def tokenize(self, line: str) -> list[str]:
        return self._tokens(self.prepare(line.replace("\n", " ")))

    def spans(self, line: str) -> list[tuple[int, int]]:
        return self._spans(line.replace("\n", " "))

    def tokenize_block(self, text: str) -> list[str]:
        tokens, eos = self._tokens(self.prepare(text)), self.end_of_line
        return [eos if token == "\n" else token for token in tokens]

    def detokenize(self, tokens: Sequence[str]) -> str:
        """Join words by the blanks that their script has, and punctuation to its word."""
        return join_words(tokens)

    def _tokens(self, text: str) -> list[str]:
        tokens: list[str] = []
        for pattern, start, end in _patterns(text):
            tokens += pattern.findall(text, start, end)
        return tokens

    def _spans(self, text: str) -> list[tuple[int, int]]:
        return [m.span() for p, start, end in _patterns(text) for m in p.finditer(text, start, end)]


def _patterns(text: str) -> Iterator[tuple[Any, int, int]]:
    """Iterate over the pattern for each group of lines: the fast one wherever it suffices."""
    rules, start, length, ascii_only = word_rules(), 0, len(text), text.isascii()
    signs = dict.fromkeys(_SIGNS, -1)  # sign of an address -> its next position
    while start < length:
        for sign, position in signs.items():
            if position < start:
                signs[sign] = _find(sign, text, start)
        nearest = min(signs.values())
        found = None if ascii_only else rules.uncommon.search(text, start, nearest)
        at = nearest if found is None else found.start()
        if at == length:
            yield rules.common, start, length
            return
        line, end = max(start, text.rfind("\n", start, at) + 1), text.find("\n", at) + 1 or length
        if line > start:
            yield rules.common, start, line
        yield (rules.addresses if nearest < end else rules.general), line, end
        start = end


def _find(sign: str, text: str, start: int) -> int:
    """Return the next position of a sign of an address, the length of the text without one."""
    position = text.find(sign, start)
    while sign == "@" and position >= 0 and len(text[max(0, position - 1) : position + 2].strip()) < 3:
        position = text.find(sign, position + 1)
    return len(text) if position < 0 else position


class WhitespaceTokenizer(Tokenizer):
    """Text between blanks, for text that was tokenized before (Penn Treebank, WikiText).

    Threads may share it.
    """

    name = "whitespace"

    def tokenize(self, line: str) -> list[str]:
        return self.prepare(line).split()

    def spans(self, line: str) -> list[tuple[int, int]]:
        return [match.span() for match in re.finditer(r"\S+", line)]

    def tokenize_block(self, text: str) -> list[str]:
        return self.prepare(text).replace("\n", f" {self.end_of_line} ").split()

    def detokenize(self, tokens: Sequence[str]) -> str:
        """Join the tokens by blanks."""
        return " ".join(tokens)


class CharTokenizer(Tokenizer):
    """Every character (code point) is a token; the newline itself ends a line.

    Threads may share it.
    """

    name = "char"
    end_of_line = "\n"
    open_vocabulary = False

    def tokenize(self, line: str) -> list[str]:
        return list(self.prepare(line))

    def spans(self, line: str) -> list[tuple[int, int]]:
        return [(i, i + 1) for i, character in enumerate(line) if not character.isspace()]

    def tokenize_block(self, text: str) -> list[str]:
        return list(self.prepare(text))

    def detokenize(self, tokens: Sequence[str]) -> str:
        """Join the characters."""
        return "".join(tokens)
