"""Labelled texts as ids and batches."""

from typing import Any

import numpy as np
import pytest

from seqkit.data import EncodedTexts, TextBatches, encode_labelled, text_rows
from seqkit.errors import DataError, ShapeError
from seqkit.text import get_tokenizer
from seqkit.text.special_tokens import CLS

WS, CHAR = get_tokenizer("whitespace"), get_tokenizer("char")
TEXT = {
    "train": [("b a", "yes"), ("a", "no"), ("a c c d", "yes")],
    "valid": [("c new", "no")],
}


def sources(text: dict[str, list[tuple[str, str]]]) -> Any:
    return {split: (lambda pairs=pairs: iter(pairs)) for split, pairs in text.items()}


def rows_of(texts: EncodedTexts) -> list[list[int]]:
    return [texts.text_ids(row).tolist() for row in range(len(texts))]


def test_ids_labels_and_vocabulary_by_hand() -> None:
    made = encode_labelled(sources(TEXT), WS, max_length=10)
    assert made.vocabulary.tokens == ("a", "c", "b", "d", "<unk>")  # 3, 2, 1, 1
    assert made.labels == ("no", "yes")
    assert rows_of(made.splits["train"]) == [[2, 0], [0], [0, 1, 1, 3]]
    assert made.splits["train"].labels.tolist() == [1, 0, 1]
    assert rows_of(made.splits["valid"]) == [[1, 4]]
    info = made.info["valid"]
    assert (info.texts, info.by_label, info.tokens, info.unk, info.cut) == (1, (1, 0), 2, 1, 0)


def test_cls_stands_before_every_text_and_long_ones_are_cut() -> None:
    made = encode_labelled(sources(TEXT), WS, max_length=3, min_count=2, cls=True)
    assert made.vocabulary.tokens == (CLS, "a", "<unk>", "c")  # 3, 2, 2
    assert rows_of(made.splits["train"]) == [[0, 2, 1], [0, 1], [0, 1, 3]]
    assert made.info["train"].cut == 1
    rows = text_rows(["a c c d", "d"], WS, made.vocabulary, 3)
    assert [row.tolist() for row in rows] == [[0, 1, 3], [0, 2]]
    with pytest.raises(DataError, match="expected a text with a token, got an empty one, text 2: ' '"):
        text_rows(["a", " "], WS, made.vocabulary, 3)


def test_characters_always_have_an_unknown_token_and_vocabularies_can_be_given() -> None:
    made = encode_labelled(sources({"train": [("ab", "x"), ("b", "y")]}), CHAR, max_length=9)
    assert made.vocabulary.unk == "<unk>"
    later = encode_labelled(
        sources({"test": [("bz", "y")]}), CHAR, max_length=9, vocabulary=made.vocabulary, labels=made.labels
    )
    assert later.vocabulary is made.vocabulary
    assert later.splits["test"].labels.tolist() == [1]
    assert later.info["test"].unk == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ({"valid": [("a", "x")]}, "no train split"),
        ({"train": [("a", "x"), ("b", "y")], "valid": []}, "the valid split has no texts"),
        ({"train": [("a", "x"), ("b", "x")]}, "every training text has the label 'x'"),
        ({"train": [("a", "x"), ("b", "y")], "test": [("a", "z")]}, "the label 'z' of the test split is not"),
        ({"train": [("a", "x"), (" ", "y")]}, "a text without a token"),
        ({"train": [("a <cls>", "x"), ("b", "y")]}, "holds the token '<cls>', which stands before"),
    ],
    ids=str,
)
def test_what_cannot_be_encoded(text: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        encode_labelled(sources(text), WS, max_length=9)


def test_a_vocabulary_without_a_word() -> None:
    with pytest.raises(DataError, match="a text vocabulary without a word"):
        encode_labelled(sources(TEXT), WS, max_length=9, min_count=4)
    with pytest.raises(ShapeError):
        EncodedTexts(np.zeros(3, np.int32), np.array([0, 2]), np.zeros(1, np.int32))


def example(n: int = 503) -> EncodedTexts:
    draw = np.random.default_rng(5)
    lengths = draw.integers(1, 12, n)
    offsets = np.concatenate(([0], np.cumsum(lengths)))
    ids = draw.integers(1, 50, int(offsets[-1])).astype(np.int32)
    return EncodedTexts(ids, offsets, np.arange(n, dtype=np.int32) % 3)


@pytest.mark.parametrize("shuffle", [True, False])
def test_batches_hold_every_text_once_and_pad_behind(shuffle: bool) -> None:
    texts = example()
    batches = TextBatches(texts, 16, shuffle=shuffle)
    seen = []
    for batch in batches.epoch(3):
        assert batch.ids.shape == (len(batch), batch.lengths.max())
        for ids, length, row in zip(batch.ids, batch.lengths, batch.rows.tolist(), strict=True):
            assert ids[:length].tolist() == texts.text_ids(row).tolist()
            assert not ids[length:].any()
        assert batch.labels.tolist() == (batch.rows % 3).tolist()
        assert np.ptp(batch.lengths) <= 3  # of like lengths: there are 11
        seen += batch.rows.tolist()
    assert sorted(seen) == list(range(503))
    assert len(batches) == 32


def test_a_batch_is_a_function_of_seed_epoch_and_index() -> None:
    texts = example()
    batches = TextBatches(texts, 16, seed=1)
    forward = [batches.batch(epoch, index).rows for epoch in (0, 1) for index in range(32)]
    again = TextBatches(texts, 16, seed=1)
    backward = [again.batch(epoch, index).rows for epoch in (1, 0) for index in reversed(range(32))][::-1]
    for one, other in zip(forward, backward, strict=True):
        np.testing.assert_array_equal(one, other)
    assert not np.array_equal(forward[0], forward[32])
    assert not np.array_equal(forward[0], TextBatches(texts, 16, seed=2).batch(0, 0).rows)
