"""Tagged sentences as ids: words, letters, capitalisation, schemes, long sentences, batches."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from seqkit.corpora import TaggedSentence
from seqkit.data import EncodedTaggedCorpus, TaggedBatches, WordEncoder, encode_tagged
from seqkit.data.tagging import LONGEST_WORD, SHAPES, word_shape
from seqkit.errors import DataError
from seqkit.text import Vocabulary

SETTINGS: dict[str, Any] = {
    "scheme": "bioes",
    "input_scheme": None,
    "on_broken_tags": "error",
    "lowercase": True,
    "zero_digits": True,
    "min_count": 1,
    "vocab_size": None,
    "max_length": 100,
}


def sentence(text: str, start: int = 1) -> TaggedSentence:
    """From "word/TAG word/TAG"."""
    words, tags = zip(*(pair.rsplit("/", 1) for pair in text.split()), strict=True)
    return TaggedSentence(words, tags, "a.conll", tuple(range(start, start + len(words))))


def encoded(train: list[str], valid: list[str] | None = None, **changes: Any) -> EncodedTaggedCorpus:
    def source(rows: list[str]) -> Any:
        def start() -> Iterator[TaggedSentence]:
            return (sentence(row) for row in rows)

        return start

    sources = {"train": source(train), "valid": source(valid or train)}
    return encode_tagged(sources, **{**SETTINGS, **changes})


def tags_of(corpus: EncodedTaggedCorpus, split: str = "train") -> list[str]:
    names = (*corpus.labels, *corpus.unseen)
    return [names[tag] for tag in corpus.splits[split].tags]


def test_spans_are_learned_in_their_scheme() -> None:
    corpus = encoded(["The/B-NP dog/I-NP barks/B-VP ./O", "It/B-NP sleeps/B-VP"])
    assert (corpus.input_scheme, corpus.scheme) == ("bio", "bioes")
    assert corpus.labels == ("O", *(f"{p}-{t}" for t in ("NP", "VP") for p in "BIES"))
    assert tags_of(corpus) == ["B-NP", "E-NP", "S-VP", "O", "S-NP", "S-VP"]
    assert corpus.gold["train"][0] == ("B-NP", "I-NP", "B-VP", "O")
    assert corpus.splits["train"].offsets.tolist() == [0, 4, 6]
    same = encoded(["The/I-NP dog/I-NP barks/I-VP ./O", "It/I-NP sleeps/I-VP"], input_scheme="iob1")
    assert tags_of(same) == tags_of(corpus)


def test_other_tags_stand_as_they_are() -> None:
    corpus = encoded(["the/DT dog/NN", "it/B-NP"])
    assert (corpus.input_scheme, corpus.scheme, corpus.labels) == (None, None, ("B-NP", "DT", "NN"))
    assert encoded(["a/B-X b/I-X"], input_scheme="none").labels == ("B-X", "I-X")


def test_broken_tags_are_refused_or_repaired() -> None:
    rows = ["a/B-X b/I-X", "a/B-X b/I-X", "a/O b/I-Y c/I-Y"]
    with pytest.raises(
        DataError, match=r"expected tags of the scheme bio, got I-Y behind O, a\.conll, line 2"
    ):
        encoded(rows)
    corpus = encoded(rows, on_broken_tags="repair")
    assert tags_of(corpus)[-3:] == ["O", "B-Y", "E-Y"]
    assert corpus.repaired == ("a.conll, line 2: I-Y behind O", 2)  # in both splits
    assert corpus.gold["train"][2] == ("O", "I-Y", "I-Y")  # scores are of the tags as they stand


def test_a_tag_of_held_out_sentences_alone() -> None:
    corpus = encoded(["a/B-X b/O"], ["a/B-Y b/O c/B-X"])
    assert corpus.unseen == ("S-Y",)
    assert corpus.splits["valid"].tags.tolist() == [len(corpus.labels), 0, corpus.labels.index("S-X")]
    assert corpus.info["valid"].unseen_tags == 1


def test_words_and_letters() -> None:
    words = Vocabulary(["<unk>", "the", "0000"], eos=None)
    letters = Vocabulary(["<unk>", "t", "h", "e", "T"], eos=None)
    encoder = WordEncoder(words, letters, lowercase=True, zero_digits=True)
    table = encoder.table(["The", "1984", "x" * 60 + "the"])
    assert table.ids.tolist() == [1, 2, 0]
    assert [SHAPES[shape] for shape in table.shapes] == ["capital", "digits", "lower"]
    assert np.diff(table.offsets).tolist() == [3, 4, LONGEST_WORD]
    assert table.letters[:3].tolist() == [4, 2, 3]
    assert table.letters[-3:].tolist() == [1, 2, 3]  # the end of a long word counts


@pytest.mark.parametrize(
    ("word", "shape"),
    [("x", "lower"), ("I", "capital"), ("UN", "upper"), ("McX", "mixed"), ("iX", "mixed"), ("7", "digits")],
)
def test_capitalisation(word: str, shape: str) -> None:
    assert SHAPES[word_shape(word)] == shape
    assert SHAPES[word_shape("--")] == SHAPES[word_shape("日本")] == "other"


def test_vocabularies() -> None:
    corpus = encoded(["a/X b/Y", "A/X c/Y"], ["d/X"], min_count=2)
    assert corpus.encoder.words.tokens == ("<unk>", "a") or corpus.encoder.words.tokens == ("a", "<unk>")
    assert corpus.counts[0] == 1  # of "a" as it stands
    more = encoded(["a/X b/Y"], more_words=["b", "new", "new"]).encoder.words
    assert sorted(more.tokens) == ["<unk>", "a", "b", "new"]


def test_long_sentences_are_cut_between_spans() -> None:
    row = "a/B-X b/I-X c/I-X d/B-Y e/O f/B-Y g/I-Y"
    corpus = encoded([row], max_length=3)
    assert corpus.splits["train"].offsets.tolist() == [0, 3, 5, 7]  # not inside f g
    assert corpus.splits["train"].bounds.tolist() == [0, 7]
    within = encoded(["a/B-X b/I-X c/I-X d/I-X"], max_length=3)  # nowhere else to cut
    assert within.splits["train"].offsets.tolist() == [0, 3, 4]


def test_batches() -> None:
    corpus = encoded(["a/X b/Y a/X", "cc/X", "b/Y a/X"])
    batches = TaggedBatches(corpus.splits["train"], corpus.table, 3, shuffle=False)
    batch = batches.batch(0, 0)
    assert batch.rows.tolist() == [1, 2, 0]  # by length
    assert batch.lengths.tolist() == [1, 2, 3]
    assert batch.tags.tolist() == [[0, -1, -1], [1, 0, -1], [0, 1, 0]]
    assert len(batch.letters) == 3  # different words
    assert batch.words[2, 0] == batch.words[2, 2] == batch.words[1, 1]
    spelt = [batch.letters[n, : batch.letter_lengths[n]] for n in batch.words[1, :2]]
    assert [corpus.encoder.letters.decode(letters) for letters in spelt] == [["b"], ["a"]]


def test_mistakes() -> None:
    with pytest.raises(DataError, match="every training word has the tag 'X'"):
        encoded(["a/X b/X"])
    with pytest.raises(DataError, match="the valid split has no sentences"):
        encode_tagged({"train": lambda: iter([sentence("a/X b/Y")]), "valid": lambda: iter([])}, **SETTINGS)


def with_columns(rows: list[str]) -> Any:
    """From "word|value/TAG word|value/TAG"."""

    def start() -> Iterator[TaggedSentence]:
        for row in rows:
            plain = sentence(row)
            words, values = zip(*(word.split("|") for word in plain.words), strict=True)
            yield replace(plain, words=words, feature_columns=(values,))

    return start


def test_feature_columns() -> None:
    """A word with another value is another row; it is known all the same. A new value is unknown."""
    sources = {
        "train": with_columns(["a|N/X b|V/Y", "a|N/X c|N/X"]),
        "valid": with_columns(["a|V/X", "b|Z/X d|N/Y"]),
    }
    corpus = encode_tagged(sources, **SETTINGS)
    encoder = corpus.encoder
    assert isinstance(encoder, WordEncoder)
    (values,) = encoder.feature_columns
    assert sorted(values.tokens) == ["<unk>", "N", "V"]
    batch = TaggedBatches(corpus.splits["valid"], corpus.table, 2, shuffle=False).batch(0, 0)
    assert batch.feature_columns.shape == (2, 2, 1)
    assert batch.feature_columns[:, :, 0].tolist() == [[values.id("V"), 0], [values.unk_id, values.id("N")]]
    assert batch.ids[0, 0] == encoder.words.id("a")
    assert corpus.known[corpus.splits["valid"].words].tolist() == [True, True, False]
    assert corpus.counts[corpus.splits["valid"].words].tolist() == [0, 0, 0]
    grown = encode_tagged(
        {"train": with_columns(["a|Q/X b|V/Y"])}, **SETTINGS, encoder=encoder, labels=corpus.labels, grow=True
    )
    assert isinstance(grown.encoder, WordEncoder)
    assert grown.encoder.feature_columns[0].tokens == (*values.tokens, "Q")
