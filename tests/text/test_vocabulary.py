import contextlib
import random

import numpy as np
import pytest

from seqkit.errors import DataError, UsageError
from seqkit.text import Vocabulary

NASTY = [
    "\n",
    " ",
    "\\",
    "\\n",
    "\t",
    "\r",
    "\u2028",
    "\x00",
    "\x85",
    "naïve",
    "日本",
    "\U0001f600",
    "a b",
    "\ud800",
    "\\u0041",
]


def test_ids_follow_the_order_of_the_tokens() -> None:
    v = Vocabulary(["the", "<unk>", "cat", "<eos>"])
    assert [v.id(t) for t in v.tokens] == [0, 1, 2, 3]
    assert (len(v), v.unk_id, v.eos_id, v.token(2), list(v)) == (4, 1, 3, "cat", list(v.tokens))
    assert "cat" in v
    assert "dog" not in v


def test_unknown_words_become_unk_and_leave_the_vocabulary_unchanged() -> None:
    v = Vocabulary(["the", "<unk>", "cat", "<eos>"])
    ids = v.encode(["the", "dog", "cat", "dog"])
    assert ids.dtype == np.int32
    assert ids.tolist() == [0, 1, 2, 1]
    assert v.decode(ids) == ["the", "<unk>", "cat", "<unk>"]
    assert "dog" not in v
    assert len(v) == 4
    assert v.encode([]).shape == (0,)


def test_without_unk_an_unknown_token_is_an_error_that_names_it() -> None:
    v = Vocabulary(["a", "\n"], unk=None, eos="\n")
    assert v.unk_id is None
    with pytest.raises(DataError, match="'z' is not among the 2 tokens"):
        v.encode("aaz")
    with pytest.raises(DataError, match="'z' is not among"):
        v.id("z")


@pytest.mark.parametrize("index", [-1, 4])
def test_ids_outside_the_vocabulary_are_refused(index: int) -> None:
    with pytest.raises(DataError, match=f"expected an id between 0 and 3, got {index}"):
        Vocabulary(["the", "<unk>", "cat", "<eos>"]).decode([index])


def test_the_constructor_refuses_repeats_empties_and_absent_specials() -> None:
    with pytest.raises(UsageError, match="'a' stands twice, ids 0 and 2"):
        Vocabulary(["a", "b", "a"], unk=None, eos=None)
    with pytest.raises(UsageError, match="empty token"):
        Vocabulary(["a", ""], unk=None, eos=None)
    with pytest.raises(UsageError, match="unk token '<unk>' is not among the 1 tokens"):
        Vocabulary(["a"], eos=None)
    with pytest.raises(UsageError, match="counts, got shape"):
        Vocabulary(["a"], unk=None, eos=None, counts=[1, 2])


def test_counts_are_read_only() -> None:
    counts = Vocabulary(["a"], unk=None, eos=None, counts=[3]).counts
    assert counts is not None
    with pytest.raises(ValueError, match="read-only"):
        counts[0] = 1


def test_from_counts_is_by_frequency_then_by_token() -> None:
    counts = {"b": 2, "a": 2, "c": 5, "rare": 1, "<eos>": 3}
    v = Vocabulary.from_counts(counts, min_count=2)
    assert v.tokens == ("c", "<eos>", "a", "b", "<unk>")
    assert v.counts is not None
    assert v.counts.tolist() == [5, 3, 2, 2, 1]  # the rare word is what <unk> stands for
    shuffled = list(counts.items())
    random.Random(1).shuffle(shuffled)
    assert Vocabulary.from_counts(dict(shuffled), min_count=2) == v


def test_from_counts_adds_unk_only_where_it_is_needed() -> None:
    counts = {"a": 2, "b": 1}
    assert Vocabulary.from_counts(counts).tokens == ("a", "b", "<eos>")
    assert Vocabulary.from_counts(counts).unk is None
    assert Vocabulary.from_counts(counts, require_unk=True).unk == "<unk>"
    assert Vocabulary.from_counts({**counts, "<unk>": 9}).tokens == ("<unk>", "a", "b", "<eos>")
    assert Vocabulary.from_counts(counts, min_count=2).unk_id is not None


def test_size_counts_the_specials() -> None:
    counts = {"a": 5, "b": 4, "c": 3, "d": 2}
    v = Vocabulary.from_counts(counts, size=4)
    assert sorted(v.tokens) == ["<eos>", "<unk>", "a", "b"]
    assert v.counts is not None
    assert v.counts[v.unk_id] == 5
    assert len(Vocabulary.from_counts(counts, size=5)) == 5  # all four words and <eos>: nothing is dropped
    assert Vocabulary.from_counts(counts, size=5).unk is None


def test_any_token_survives_a_file(tmp_path) -> None:
    for unk, eos in ((None, "\n"), ("\\", " "), (None, None)):
        v = Vocabulary(NASTY, unk=unk, eos=eos, counts=range(len(NASTY)))
        v.save(tmp_path / "v.txt")
        read = Vocabulary.load(tmp_path / "v.txt")
        assert (read.tokens, read.unk, read.eos) == (v.tokens, unk, eos)
        assert read.counts is not None
        assert read.counts.tolist() == list(range(len(NASTY)))
    assert Vocabulary.from_bytes(Vocabulary(NASTY, unk=None, eos=None).to_bytes()).counts is None


def test_one_token_is_one_line() -> None:
    assert Vocabulary(NASTY, unk=None, eos=None).to_bytes().count(b"\n") == len(NASTY) + 1


def test_random_tokens_survive_a_file() -> None:
    draw = random.Random(7)
    alphabet = [*map(chr, range(0x20, 0x7F)), "\n", "\\", "é", "\u2029", "\U0001f4a9", "\ufeff"]
    for _ in range(200):
        tokens = list({"".join(draw.choices(alphabet, k=draw.randint(1, 6))) for _ in range(9)})
        v = Vocabulary(tokens, unk=tokens[0], eos=tokens[-1])
        assert Vocabulary.from_bytes(v.to_bytes()) == v


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda b: b.replace(b"cat\t2\n", b""),
            "expected 4 whole lines of tokens, as the header says, got 3",
        ),
        (lambda b: b[:-1], "expected 4 whole lines.*got 3"),
        (lambda b: b.replace(b"cat", b"c\\qt"), r"unknown escape .*v.txt, line 4"),
        (lambda b: b.replace(b"cat", b"the"), "'the' stands twice, v.txt, line 4"),
        (lambda b: b.replace(b"cat\t2", b"cat"), "expected a token and its count.*line 4"),
        (lambda b: b.replace(b"cat\t2", b"cat\tx"), "line 4"),
        (lambda b: b.replace(b"cat", b"\xff"), "byte .* is not UTF-8, v.txt, line 4"),
        (lambda b: b"x" + b, "expected a seqkit vocabulary.*line 1"),
        (lambda b: b.replace(b'"version": 1', b'"version": 9'), "expected vocabulary format 1, got 9"),
        (lambda b: b.replace(b'"<unk>"', b'"<x>"'), "unk token '<x>'"),
        (lambda b: b.replace(b'"<unk>"', b"[1]"), "expected unk to be a string or null, got a list"),
        (lambda b: b"", "line 1"),
    ],
)
def test_a_damaged_file_is_refused_by_name_and_line(change, message) -> None:
    good = Vocabulary(["the", "<unk>", "cat", "<eos>"], counts=[4, 3, 2, 1]).to_bytes()
    with pytest.raises(DataError, match=message):
        Vocabulary.from_bytes(change(good), "v.txt")


def test_damage_of_any_kind_gives_a_vocabulary_or_a_data_error() -> None:
    good = Vocabulary(["the", "<unk>", "cat", "<eos>", "\\"], counts=[4, 3, 2, 1, 1]).to_bytes()
    draw = random.Random(3)
    for cut in range(len(good)):
        with pytest.raises(DataError):
            Vocabulary.from_bytes(good[:cut])
    for _ in range(1000):
        damaged = bytearray(good)
        damaged[draw.randrange(len(good))] = draw.randrange(256)
        with contextlib.suppress(DataError):  # any other exception fails
            assert len(Vocabulary.from_bytes(bytes(damaged))) == 5


def test_an_absent_file_is_a_data_error(tmp_path) -> None:
    with pytest.raises(DataError, match=r"No such file.*none\.txt"):
        Vocabulary.load(tmp_path / "none.txt")
