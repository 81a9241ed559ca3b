"""Many lines encoded at once are what each is alone."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

from seqkit.data.line_encoder import LineEncoder
from seqkit.errors import DataError
from seqkit.text import Vocabulary, get_tokenizer

LINES = [
    "the cat sat",
    "",
    "  the\tdog \x1c the\x0bcat  ",
    "The Cat",
    "unknown words",
    "caf\u00e9 the\u3000cat\u00a0sat",
    "cafe\u0301",
    "the\ncat",
    "the <eos> cat",
    "\r",
]


def encoder(name: str, *, unk: bool = True, **options: Any) -> tuple[LineEncoder, Vocabulary, Any]:
    tokenizer = get_tokenizer(name, **options)
    tokens = ["the", "cat", "sat", "dog", "caf\u00e9", "<unk>", *"abcdehnortu \u00e9", tokenizer.end_of_line]
    vocabulary = Vocabulary(tokens, unk="<unk>" if unk else None, eos=tokenizer.end_of_line)
    end = vocabulary.id(tokenizer.end_of_line)
    made = LineEncoder(tokenizer, vocabulary.tokens, vocabulary.encode, unknown=vocabulary.unk_id, end=end)
    return made, vocabulary, tokenizer


@pytest.mark.parametrize("lowercase", [False, True])
@pytest.mark.parametrize("name", ["whitespace", "word", "char"])
@pytest.mark.parametrize("kept", [len(LINES), 5, 3, 1])
def test_lines_at_once_are_the_lines(name: str, lowercase: bool, kept: int) -> None:
    encode, vocabulary, tokenizer = encoder(name, lowercase=lowercase)
    for made in (encode, copy.deepcopy(encode)):
        ids, ends = made(LINES[:kept])
        assert ids.dtype == np.int32
        rows = np.split(ids, ends[:-1])
        for line, row in zip(LINES[:kept], rows, strict=True):
            assert row.tolist() == [*vocabulary.encode(tokenizer.tokenize(line)).tolist(), made.end]


def test_a_word_without_an_id_is_refused() -> None:
    encode, _, _ = encoder("whitespace", unk=False)
    assert encode(["the cat"])[0].tolist()[:2] == [0, 1]
    with pytest.raises(DataError, match="'zebra' is not among"):
        encode(["the cat", "the zebra"])
