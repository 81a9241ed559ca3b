"""Tokens as people read them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from seqkit.text import SubwordTokenizer


def reader(tokenizer: Any) -> Callable[[str], str]:
    """Return a function from a vocabulary's token to its text: byte-level subwords are decoded.

    "ĠMÃ¤nner" becomes " Männer"; part of a character becomes "�". Other tokens stay as they are.
    """
    if isinstance(tokenizer, SubwordTokenizer) and tokenizer.detokenize(["Ġ"]) == " ":
        return lambda token: tokenizer.detokenize([token])
    return str
