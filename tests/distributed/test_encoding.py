"""Text that several processes tokenize has the vocabulary and the ids of one process."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from seqkit.data import encode
from seqkit.data.encode import EncodedCorpus, encode_corpus
from seqkit.distributed.group import ALONE, ProcessGroup, acting_together
from seqkit.errors import DataError
from seqkit.tasks.text import make_tokenizer
from seqkit.text import get_tokenizer
from tests.distributed.stand_in import together

SPLITS = {
    "train": [f"the {word} sat on {other}" for word in "abcdefg" for other in ("mats", "cats", "Ünd")] * 3,
    "valid": ["the z sat", "", "on mats"],
    "test": ["a b c q"],
}


def _encode(group: ProcessGroup, cache: Path, **settings: object) -> EncodedCorpus:
    sources = {split: (lambda lines=lines: iter(lines)) for split, lines in SPLITS.items()}
    with acting_together(group):
        return encode_corpus(sources, get_tokenizer("word"), key="k", cache=cache, **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [2, 3, 7])
@pytest.mark.parametrize("settings", [{"min_count": 2}, {"vocab_size": 8}])
def test_the_same_ids(
    size: int, settings: dict[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In blocks of two or three lines, of which some turns leave processes without one."""
    monkeypatch.setattr(encode.join_blocks, "__kwdefaults__", {"size": 50})
    expected = _encode(ALONE, tmp_path / "one", **settings)
    for found in together(size, lambda group: _encode(group, tmp_path / "many", **settings)):
        assert found.vocabulary.to_bytes() == expected.vocabulary.to_bytes()
        assert found.info == expected.info
        for split, ids in expected.splits.items():
            np.testing.assert_array_equal(found.splits[split], ids)


def test_a_split_without_words_stops_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SPLITS, "valid", [""])
    with pytest.raises(DataError, match="the valid split has no words"):
        together(2, lambda group: _encode(group, tmp_path))


def test_subwords_are_learned_once() -> None:
    read: list[int] = []

    def learn(group: ProcessGroup) -> bytes:
        def lines() -> list[str]:
            read.append(group.rank)
            return SPLITS["train"]

        with acting_together(group):
            return make_tokenizer("bpe", False, "nfc", lines, 300).to_bytes()  # type: ignore[attr-defined]

    first, second = together(2, learn)
    assert first == second
    assert set(read) == {0}
