"""Schemes of tags: what conlleval counts as a span, what breaks a scheme, and conversion between them."""

import random

import numpy as np
import pytest

from seqkit.errors import UsageError
from seqkit.text.tag_schemes import (
    SCHEMES,
    Span,
    detect_scheme,
    find_spans,
    first_break,
    is_legal,
    legal_transitions,
    span_tags,
    strict_spans,
    tag_set,
)


@pytest.mark.parametrize(
    ("tags", "spans"),
    [
        ("", []),
        ("O O", []),
        ("B-X I-X O", [(0, 2, "X")]),
        ("B-X B-X", [(0, 1, "X"), (1, 2, "X")]),
        ("I-X I-X B-X", [(0, 2, "X"), (2, 3, "X")]),  # IOB1
        ("O I-X", [(1, 2, "X")]),  # an I behind O begins a span
        ("I-X I-Y", [(0, 1, "X"), (1, 2, "Y")]),  # so does an I of another type
        ("B-X I-Y I-X", [(0, 1, "X"), (1, 2, "Y"), (2, 3, "X")]),
        ("B-X I-X", [(0, 2, "X")]),  # a span may end with the sentence
        ("B-X I-X E-X S-X", [(0, 3, "X"), (3, 4, "X")]),
        ("S-X S-X E-X", [(0, 1, "X"), (1, 2, "X"), (2, 3, "X")]),
        ("B-X S-X I-X", [(0, 1, "X"), (1, 2, "X"), (2, 3, "X")]),
        ("E-X E-X", [(0, 1, "X"), (1, 2, "X")]),
        ("B-X L-X U-Y", [(0, 2, "X"), (2, 3, "Y")]),  # BILOU
        ("B I O B", [(0, 2, ""), (3, 4, "")]),  # spans of one type without a name
        ("B-a-b I-a-b", [(0, 2, "a-b")]),  # a type with a dash in it
    ],
)
def test_spans_as_conlleval_finds_them(tags: str, spans: list[Span]) -> None:
    assert find_spans(tags.split()) == spans


@pytest.mark.parametrize(
    ("scheme", "tags", "spans"),
    [
        ("bio", "I-X B-X I-X I-Y O B-Y", [(1, 3, "X"), (5, 6, "Y")]),  # only a B begins
        ("bioes", "B-X I-X E-X S-Y B-X", [(0, 3, "X"), (3, 4, "Y")]),  # only E or S ends
        ("bioes", "B-X E-Y S-X", [(2, 3, "X")]),
        ("iob1", "I-X B-X I-X B-Y I-Y", [(0, 1, "X"), (1, 3, "X"), (4, 5, "Y")]),  # B only behind its type
        ("iob1", "I-X B-X B-Y", [(0, 1, "X")]),  # a B of another type behind a B breaks both
    ],
)
def test_strict_spans(scheme: str, tags: str, spans: list[Span]) -> None:
    assert strict_spans(tags.split(), scheme) == spans


def random_spans(draw: random.Random, length: int) -> list[Span]:
    spans, place = [], 0
    while place < length:
        end = min(length, place + draw.randint(1, 3))
        if draw.random() < 0.6:
            spans.append((place, end, draw.choice("XY")))
        place = end
    return spans


@pytest.mark.parametrize("scheme", SCHEMES)
def test_there_and_back(scheme: str) -> None:
    """Tags of a scheme are legal, and give their spans back, by both ways of reading."""
    draw = random.Random(3)
    for _ in range(300):
        length = draw.randint(0, 9)
        spans = random_spans(draw, length)
        tags = span_tags(spans, length, scheme)
        assert len(tags) == length
        assert find_spans(tags) == spans
        assert first_break(tags, scheme) is None
        assert strict_spans(tags, scheme) == spans


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_sequence_is_legal_if_its_spans_give_it_back(scheme: str) -> None:
    """The transition rules are those of the sequences that the scheme can write."""
    draw, tags = random.Random(4), tag_set("XY", "bioes")
    seen = set()
    for _ in range(3000):
        sequence = draw.choices(tags, k=draw.randint(1, 4))
        again = span_tags(find_spans(sequence), len(sequence), scheme)
        legal = first_break(sequence, scheme) is None
        assert legal == (again == sequence), sequence
        seen.add(legal)
    assert seen == {True, False}


def test_what_breaks() -> None:
    assert first_break(["O", "I-X"], "bio") == 1
    assert first_break(["B-X", "I-X", "O"], "bioes") == 2
    assert first_break(["O", "B-X"], "bioes") == 1  # a span without its end
    assert first_break(["B-X", "O"], "iob1") == 0
    assert first_break(["B-X", "E-X"], "bio") == 1  # a prefix of another scheme
    assert first_break([], "bio") is None
    assert not is_legal(None, "I-X", "bio")


def test_detection() -> None:
    def detected(*sentences: str) -> str | None:
        return detect_scheme(sentence.split() for sentence in sentences)

    assert detected("B-X I-X O", "O B-Y") == "bio"
    assert detected("I-X I-X O", "I-X B-X") == "iob1"
    assert detected("B-X E-X", "S-Y") == "bioes"
    assert detected("B-X L-X", "U-Y") == "bioes"
    assert detected("DT NN", "O NN") is None
    assert detected("O O") is None
    assert detected("FW-NN B-X") is None
    assert detected(*["B-X I-X"] * 5, "O I-X") == "bio"  # one broken sentence among others


def test_transitions() -> None:
    tags = tag_set(["X", "Y"], "bio")
    assert tags == ("O", "B-X", "I-X", "B-Y", "I-Y")
    start, pairs, end = legal_transitions(tags, "bio")
    assert start.tolist() == [True, True, False, True, False]
    assert end.all()
    assert pairs[:, 2].tolist() == [False, True, True, False, False]
    assert pairs[:, [0, 1, 3]].all()
    assert not legal_transitions(tag_set("X", "bioes"), "bioes")[2][1]  # B may not be last
    assert np.array_equal(pairs[:, 4], [False, False, False, True, True])


def test_mistakes() -> None:
    with pytest.raises(UsageError, match="to be one of iob1, bio, bioes, got 'iob'"):
        span_tags([], 3, "iob")
