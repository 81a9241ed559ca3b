"""Paragraphs of English out of documentation text: examples, tables, rules and signatures are left out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from inspect import cleandoc

_BLANK = re.compile(r"\n[ \t]*\n\s*")
_WORD = re.compile(r"[\"'(\[]*[A-Za-z][a-z]*(?:['’-][A-Za-z]+)*[.,;:!?)\]\"']*")
_MARKUP = re.compile(r"``?|(?<!\w)\*{1,2}(?=\w)|(?<=\w)\*{1,2}(?!\w)|:[a-z:]+:(?=`)")
_EXAMPLE = re.compile(r"^\s*(?:>>>|\$ ).*", re.MULTILINE | re.DOTALL)
_RULE = re.compile(r"^\s*(?:[-=~+|#*^_]{3,}|[|+]).*$", re.MULTILINE)
_COLUMNS = re.compile(r"\S {3,}\S")
_BULLET = re.compile(r"^\s*(?:[-*•o]|\(?\d{1,2}[.)]|\[\d+\])\s+")

MIN_WORDS = 3
MIN_SHARE = 0.6
"""Of the blank-separated pieces of a paragraph, how many must be ordinary words."""


def paragraphs(text: str) -> Iterator[str]:
    """The paragraphs of prose in a docstring or a page, each on one line, markup taken off."""
    without_rules = _RULE.sub("", cleandoc(text))  # a rule under a heading parts it from what follows
    for whole in _BLANK.split(without_rules):
        block = _EXAMPLE.sub("", whole)  # an interactive example, its output included, up to the blank line
        if _has_columns(block):
            continue
        pieces = _MARKUP.sub("", _BULLET.sub("", block)).split()
        words = sum(1 for piece in pieces if _WORD.fullmatch(piece))
        if words >= MIN_WORDS and words >= MIN_SHARE * len(pieces):
            yield " ".join(pieces)


def _has_columns(block: str) -> bool:
    """Two lines or more with a gap of three blanks inside: a table."""
    return sum(1 for line in block.splitlines() if _COLUMNS.search(line.strip())) > 1


def normalised(paragraph: str) -> str:
    """The words alone, lower case: two paragraphs with the same are the same paragraph."""
    return " ".join(re.findall(r"\w+", paragraph.lower()))
