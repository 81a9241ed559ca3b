"""The notebooks of the course as pages of the site: their texts in one language, and their code."""

import re
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "notebooks"
LANGUAGES = {"en": "English", "zh": "中文"}

_CELL = re.compile(r'^# %%(?: \[markdown\] lang="(\w+)")?\n', re.MULTILINE)
_OUTSIDE = re.compile(r"\[([^]]+)\]\(\.\./(?!docs/)[^)]+\)")
_WRAPPED = re.compile(r"(?<=[⺀-鿿，。、；：？！（）“”])\n(?=[⺀-鿿，。、；：？！（）“”])")


def navigation() -> list[dict[str, list[str]]]:
    """Return the entries of the navigation."""
    places = list(pages())
    return [
        {shown: [place for place in places if place.startswith(f"notebooks/{language}/")]}
        for language, shown in LANGUAGES.items()
    ]


def pages() -> dict[str, str]:
    """Return the Markdown of each page by its place."""
    sources = sorted(FOLDER.glob("book*.py"))
    return {
        f"notebooks/{language}/{source.stem}.md": _page(source.read_text("utf-8"), language)
        for language in LANGUAGES
        for source in sources
    }


def _page(text: str, language: str) -> str:
    """Return the page of a script in Jupytext's percent format; files outside docs/ are named, not linked."""
    _, *parts = _CELL.split(text)
    blocks = []
    for kind, cell in zip(parts[::2], parts[1::2], strict=True):
        if kind is None:
            blocks.append(f"```python\n{cell.strip()}\n```")
        elif kind == language:
            lines = "\n".join(line[2:] for line in cell.strip().splitlines())
            lines = _OUTSIDE.sub(r"`\1`", lines).replace("](../docs/", "](../../")
            blocks.append(_WRAPPED.sub("", re.sub(r"^(#+ .*)\n", r"\1\n\n", lines, flags=re.MULTILINE)))
    return "\n\n".join(blocks) + "\n"
