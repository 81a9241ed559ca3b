"""Tokenizers by rule: words, text between blanks, characters; and the base class of all tokenizers.

Each has one compiled pattern or one string method.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import Any, ClassVar

from seqkit.text.special_tokens import EOS, UNK

LEFT_CLINGING = frozenset(".,;:!?)]}%’”…") | {"'s", "’s"}
RIGHT_CLINGING = frozenset("([{$£€#@‘“")
BOTH_CLINGING = frozenset("-/_\\=~^")
PAIRED_QUOTES = frozenset("\"'`")


class Tokenizer:
    """The base of all tokenizers, which turn a line of text to tokens and back.

    Threads may share it.
    """

    name: ClassVar[str]
    end_of_line: ClassVar[str] = EOS
    open_vocabulary: ClassVar[bool] = True
    """Whether new text brings new tokens, so that a vocabulary needs an unknown token: words do."""
    learned: ClassVar[bool] = False
    """Whether it is learned from a text, with a vocabulary of its own."""

    def __init__(self, *, lowercase: bool = False) -> None:
        self.lowercase = lowercase

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
        return {"name": self.name, "lowercase": self.lowercase}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tokenizer) and self.config() == other.config()

    def __hash__(self) -> int:
        return hash((self.name, self.lowercase))

    def __repr__(self) -> str:
        return f"{type(self).__name__}(lowercase={self.lowercase})"


@cache
def _word_pattern() -> re.Pattern[str]:
    r"""Words, numbers and single punctuation marks of any script, and the newline.

    ``\w`` leaves out combining marks, which would cut every Hindi word at its vowel signs, so those are
    added. The table is made on first use: 17 planes would take 0.3 s at import, the first plane takes 8 ms.
    """
    marks = [chr(c) for c in range(0x300, 0x10000) if unicodedata.category(chr(c))[0] == "M"]
    m = "".join(marks)
    return re.compile(
        rf"\w+(?:['’](?!s\b)\w+|(?<=\d)[.,](?=\d)\w+|[{m}\u200d]+\w*)*"  # don't, 3.14 and 1,000 are one token
        r"|\n"
        r"|(?<=\w)['’]s\b"  # it 's: the possessive would double the nouns of the vocabulary
        rf"|{UNK}"
        r"|[^\w\s]"
    )


class WordTokenizer(Tokenizer):
    """Words, numbers and punctuation marks of any script, each a token.

    Threads may share it.

    ``don't`` and ``3.14`` stay whole, ``it's`` gives ``it 's``, ``well-known`` gives ``well - known``, and
    ``<unk>`` is kept unchanged.

    Example:
        >>> WordTokenizer().tokenize("I don't like well-known users.")
        ['I', "don't", 'like', 'well', '-', 'known', 'users', '.']
    """

    name = "word"

    def tokenize(self, line: str) -> list[str]:
        return _word_pattern().findall((line.lower() if self.lowercase else line).replace("\n", " "))

    def spans(self, line: str) -> list[tuple[int, int]]:
        return [match.span() for match in _word_pattern().finditer(line.replace("\n", " "))]

    def tokenize_block(self, text: str) -> list[str]:
        tokens = _word_pattern().findall(text.lower() if self.lowercase else text)
        eos = self.end_of_line
        return [eos if token == "\n" else token for token in tokens]

    def detokenize(self, tokens: Sequence[str]) -> str:
        """Join words by blanks, and punctuation to the word that it belongs to."""
        parts: list[str] = []
        glue = True  # the next token follows without a blank
        open_quotes: set[str] = set()
        for token in tokens:
            closing = token in open_quotes
            if not (glue or closing or token in LEFT_CLINGING or token in BOTH_CLINGING):
                parts.append(" ")
            parts.append(token)
            glue = token in RIGHT_CLINGING or token in BOTH_CLINGING
            if token in PAIRED_QUOTES:
                open_quotes ^= {token}
                glue = not closing
        return "".join(parts)


class WhitespaceTokenizer(Tokenizer):
    """Text between blanks, for text that was tokenized before (Penn Treebank, WikiText).

    Threads may share it.
    """

    name = "whitespace"

    def tokenize(self, line: str) -> list[str]:
        return (line.lower() if self.lowercase else line).split()

    def spans(self, line: str) -> list[tuple[int, int]]:
        return [match.span() for match in re.finditer(r"\S+", line)]

    def tokenize_block(self, text: str) -> list[str]:
        return (text.lower() if self.lowercase else text).replace("\n", f" {self.end_of_line} ").split()

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
        return list(line.lower() if self.lowercase else line)

    def spans(self, line: str) -> list[tuple[int, int]]:
        return [(i, i + 1) for i, character in enumerate(line) if not character.isspace()]

    def tokenize_block(self, text: str) -> list[str]:
        return list(text.lower() if self.lowercase else text)

    def detokenize(self, tokens: Sequence[str]) -> str:
        """Join the characters."""
        return "".join(tokens)
