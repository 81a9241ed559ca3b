"""Fonts for the characters of a figure: those that are installed, or the name of one to install."""

from __future__ import annotations

import logging
import unicodedata
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PREFERRED = (
    "Noto Sans CJK", "Source Han Sans", "Noto Sans", "PingFang", "Hiragino Sans", "Microsoft YaHei",
    "Yu Gothic", "Meiryo", "Malgun Gothic", "Apple SD Gothic", "WenQuanYi", "IPAexGothic", "Arial Unicode",
    "Noto Emoji",
)  # fmt: skip
"""Beginnings of the names of fonts that are tried first."""
_EAST_ASIAN = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "IDEOGRAPHIC", "FULLWIDTH", "BOPOMOFO")


@contextmanager
def fonts_for(figure: Figure) -> Iterator[str | None]:
    """Give the texts of a figure fonts with their characters, while it is drawn and afterwards.

    Matplotlib's own warnings about characters that no font has are silenced.

    Yields:
        A sentence that says which font to install; None if the fonts have all characters.
    """
    missing = _set_fonts(figure)
    logger = logging.getLogger("matplotlib.font_manager")  # of weights that a font does not have
    level = logger.level
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from")
        logger.setLevel(logging.ERROR)
        try:
            yield _advice(missing) if missing else None
        finally:
            logger.setLevel(level)


def _set_fonts(figure: Figure) -> list[str]:
    """Set the fonts of all texts; return the characters that no font has."""
    from matplotlib.font_manager import FontProperties, findfont
    from matplotlib.text import Text

    texts: list[Any] = figure.findobj(Text)
    characters = {c for text in texts for c in text.get_text() if ord(c) > 0x7F and c.isprintable()}
    if not characters:
        return []
    families, missing = texts[0].get_fontfamily(), characters
    for family in families:
        missing = _absent(findfont(FontProperties(family=[family])), missing)
    added: list[str] = []
    for path, family in _candidates() if missing else ():
        left = _absent(path, missing)
        if left != missing:
            added.append(family)
            missing = left
        if not missing:
            break
    for text in texts if added else ():
        text.set_fontfamily([*families, *added])
    return sorted(missing)


def _absent(path: str, characters: Iterable[str]) -> set[str]:
    """Return the characters that a font lacks: all of a font that cannot be drawn, such as one of pixels."""
    from matplotlib.ft2font import FT2Font

    try:
        font = FT2Font(path)
        return {c for c in characters if not font.scalable or font.get_char_index(ord(c)) == 0}
    except (OSError, RuntimeError):
        return set(characters)


@lru_cache(1)
def _candidates() -> tuple[tuple[str, str], ...]:
    """Return path and name of the installed fonts of ordinary weight, the preferred ones first."""
    from matplotlib.font_manager import fontManager

    fonts = {
        entry.name: entry.fname
        for entry in sorted(fontManager.ttflist, key=lambda entry: entry.fname)
        if entry.style == "normal"
        and str(entry.weight) in ("400", "normal", "regular")
        and not entry.name.startswith("Last Resort")  # Matplotlib's own, of boxes
    }

    def rank(name: str) -> tuple[int, str]:
        known = (place for place, start in enumerate(PREFERRED) if name.startswith(start))
        return next(known, len(PREFERRED)), name

    return tuple((fonts[name], name) for name in sorted(fonts, key=rank))


def _advice(missing: list[str]) -> str:
    names = {unicodedata.name(c, "SYMBOL").split()[0] for c in missing}
    fonts = {"Noto Sans CJK" for name in names if name.startswith(_EAST_ASIAN)}
    others = {c for c in missing if not unicodedata.name(c, "SYMBOL").startswith(_EAST_ASIAN)}
    fonts |= {f"Noto Sans {unicodedata.name(c).split()[0].title()}" for c in others if c.isalpha()}
    fonts |= {"Noto Emoji" for c in others if not c.isalpha() and unicodedata.category(c)[0] == "S"}
    shown = "".join(missing[:8]) + ("…" if len(missing) > 8 else "")
    install = " and ".join(sorted(fonts)) or "a font that has them"
    return f"no installed font has the characters {shown}; install {install} to see them"
