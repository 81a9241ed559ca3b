"""Tokens of words back to readable text: the blanks that each script writes."""

import re
from collections.abc import Sequence
from unicodedata import category

from seqkit.text.scripts import HAN, KANA, is_unspaced

_WIDE = re.compile(f"[{HAN}{KANA}\u3000-\u30ff\u3100-\u312f\ufe30-\ufe4f\uff00-\uff65]")
"""East Asian letters and punctuation, which have no blanks around them."""
_BOTH = frozenset("-/\\=~^\u2010\u2011\u05be\u0f0b")
"""Marks that join what stands around them: hyphens, the maqaf, the tsheg."""
_RIGHT = frozenset("#@¡¿")
_APART = frozenset("&*•‣§¶†‡※'\"") | _BOTH | _RIGHT
"""Marks of the category of the full stop that are not written like it."""
_CLOSED_BY = {
    '"': '"', "'": "'", "`": "`", "“": "”", "„": "“”", "‘": "’", "‚": "‘’", "«": "»", "»": "«»", "‹": "›",
    "›": "‹›", "”": "”",
}  # fmt: skip
_DEEPEST = 8
"""Quotations within each other that are followed: more are never closed."""
_DASHES = frozenset("-–—")


def join_words(tokens: Sequence[str]) -> str:
    """Return the text of a line's words and punctuation marks; more tokens add to its end only.

    Blanks that a script writes now and then (French before ``!``, Thai between phrases) are not restored.

    Example:
        >>> join_words(["He", "said", '"', "no", '"', "."]), join_words(["天", "气", "好", "。"])
        ('He said "no".', '天气好。')
    """
    parts: list[str] = []
    closers: list[str] = []
    glue = True  # the next token follows without a blank
    for number, token in enumerate(tokens):
        previous = tokens[number - 1] if number else ""
        following = tokens[number + 1] if number + 1 < len(tokens) else ""
        closing = any(token in each for each in closers)
        if closing:
            while token not in closers.pop():
                pass
        opening = not closing and _opens(token, previous, following)
        if opening:
            closers = [*closers[-_DEEPEST:], _CLOSED_BY.get(token, token)]
        if not (glue or closing or _joins(previous, token, opening)):
            parts.append(" ")
        parts.append(token)
        glue = opening or token in _BOTH or token in _RIGHT or (not closing and _glues(token, following))
    return "".join(parts)


def _opens(token: str, previous: str, following: str) -> bool:
    """Return whether a token opens a quotation, or Markdown's emphasis, where none is open that it closes."""
    mark = token[:1]
    if mark in "*_" and not token.strip(mark):
        return not (_is_number(previous) and _is_number(following))
    if token in "”»›":  # after a full stop they close a quotation of an earlier line
        return not previous or previous[-1].isalnum()
    return token in _CLOSED_BY


def _glues(token: str, following: str) -> bool:
    """Return whether a token that opens no quotation joins the next one."""
    kind = category(token[-1])
    if kind == "Sc":
        return _is_number(following)
    return kind == "Ps" or (token[0] in "*_" and not token.strip(token[0]) and token != "*")


def _joins(previous: str, token: str, opening: bool) -> bool:
    """Return whether a token follows the previous one without a blank."""
    before, first = previous[-1], token[0]
    if _is_wide(before) or _is_wide(first):
        return not (_is_hangul(before) and _is_han(first))  # particles follow a word in Chinese characters
    if is_unspaced(before) and is_unspaced(first):
        return True
    if opening:
        return False
    if token in ("'s", "’s") or token in _BOTH:
        return True
    if token in _DASHES and previous == token:
        return True
    kind = category(first)
    if len(token) == 1 and (kind in ("Pe", "Pf") or (kind == "Po" and token not in _APART)):
        return True
    return (
        (token == "°" and _is_number(previous))
        or (previous == "°" and token in ("C", "F"))
        or (_is_emoji(previous) and _is_emoji(token))
    )


def _is_emoji(token: str) -> bool:
    return (category(token[0]) == "So" and ord(token[0]) >= 0x1F000) or token[-1] == "\ufe0f"


def _is_number(token: str) -> bool:
    return token[:1].isdigit()


def _is_wide(character: str) -> bool:
    return _WIDE.match(character) is not None


def _is_han(character: str) -> bool:
    return re.match(f"[{HAN}]", character) is not None


def _is_hangul(character: str) -> bool:
    return "\uac00" <= character <= "\ud7a3" or "\u1100" <= character <= "\u11ff"
