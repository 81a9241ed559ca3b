"""Scripts that are written without blanks between words: their characters and their languages."""

import re
from collections.abc import Iterable
from itertools import islice

HAN = (
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3038-\u303b\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff"
)
KANA = "\u3041-\u3096\u3099-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\uff66-\uff9f"
THAI = "\u0e01-\u0e3a\u0e40-\u0e4e"
_OTHERS = {
    "Lao": "\u0e80-\u0eff",
    "Tibetan": "\u0f40-\u0fbc",
    "Burmese": "\u1000-\u109f",
    "Khmer": "\u1780-\u17dd",
}
_UNSPACED = re.compile(f"[{HAN}{KANA}{THAI}{''.join(_OTHERS.values())}]")

FEWEST_UNSPACED = 0.3
"""The fraction of a text's letters from which on its script decides how it is cut."""
MOST_BLANKS = 0.12
"""Blanks for each letter above which words are between blanks already; Thai phrases have 0.05."""
LINES, CHARACTERS = 2000, 1 << 17
"""How much of a text is looked at."""


def is_unspaced(text: str) -> bool:
    """Return whether a text has letters of a script that is written without blanks between words.

    Example:
        >>> is_unspaced("天气"), is_unspaced("weather")
        (True, False)
    """
    return _UNSPACED.search(text) is not None


def sample(lines: Iterable[str]) -> str:
    """Return the beginning of a text."""
    return "\n".join(line[:CHARACTERS] for line in islice(lines, LINES))[:CHARACTERS]


def unspaced_language(text: str) -> str | None:
    """Return the language of a text whose script has no blanks between words; None for other text.

    Example:
        >>> unspaced_language("今天天气很好。"), unspaced_language("天気がいいですね。")
        ('Chinese', 'Japanese')
    """
    counts = {name: len(re.findall(f"[{letters}]", text)) for name, letters in _LETTERS.items()}
    unspaced = sum(counts.values())
    if unspaced == 0 or unspaced < FEWEST_UNSPACED * len(re.findall(r"[^\W\d_]", text)):
        return None
    if counts["Japanese"] * 10 > counts["Chinese"]:  # kana stand in every Japanese sentence
        counts["Japanese"] += counts.pop("Chinese")
    return max(counts, key=lambda name: counts[name])


def is_spaced(text: str) -> bool:
    """Return whether a text has blanks between words though its script has none.

    Example:
        >>> is_spaced("今天 天气 很 好 。"), is_spaced("今天天气很好。")
        (True, False)
    """
    return len(_BLANKS.findall(text)) > MOST_BLANKS * len(_UNSPACED.findall(text))


_LETTERS = {"Chinese": HAN, "Japanese": KANA, "Thai": THAI, **_OTHERS}
_BLANKS = re.compile(f"(?<={_UNSPACED.pattern})[ \t\u3000]+(?={_UNSPACED.pattern})")
