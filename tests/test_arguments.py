"""Arguments of public functions that act on nothing beside others are refused by name."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from seqkit.corpora import open_images, open_labelled, open_seq2seq
from seqkit.decoding.sampling import check_sampling
from seqkit.errors import UsageError
from seqkit.text import get_tokenizer
from seqkit.vectors import KeyedVectors, Word2Vec, load_vectors
from tests.corpora.test_images import write_idx


def vectors() -> KeyedVectors:
    table = KeyedVectors(2)
    table.add_vectors(["a", "b"], np.eye(2, dtype=np.float32))
    return table


IDLE: dict[str, Callable[[], object]] = {
    "lines": lambda: get_tokenizer("word", lines=lambda: ["a"]),
    "vocab_size": lambda: get_tokenizer("char", vocab_size=9),
    "top_k": lambda: check_sampling(0.0, 3, None),
    "top_p": lambda: check_sampling(0.0, None, 0.5),
    "label_column": lambda: open_labelled("rt-polarity", label_column=2),
    "text_column": lambda: open_labelled("rt-polarity", text_column=2),
    "target": lambda: open_seq2seq("addition", target="x.txt"),
    "seed": lambda: open_images(write_idx(Path("images")), validation=0, seed=3),
    "total_vec": lambda: vectors().save_word2vec_format("v.txt", total_vec=9, write_header=False),
    "true_gradient": lambda: Word2Vec(sg=1, true_gradient=True),
}


@pytest.mark.parametrize("argument", IDLE)
def test_an_argument_without_effect_is_refused(
    argument: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=f"^{argument} has no effect here: it is for "):
        IDLE[argument]()


def test_an_unknown_attribute_cannot_sort(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no attribute 'frequency' to sort by"):
        vectors().save_word2vec_format(tmp_path / "v.txt", sort_attr="frequency")


@pytest.mark.parametrize("name", ["v.txt", "v.bin", "v.kv"])
def test_vectors_can_be_read_only_in_every_format(name: str, tmp_path: Path) -> None:
    if name == "v.kv":
        vectors().save(tmp_path / name)
    else:
        vectors().save_word2vec_format(tmp_path / name, binary=name == "v.bin")
    for table in (
        load_vectors(tmp_path / name, writable=False),
        KeyedVectors.load(tmp_path / name, mmap="r"),
    ):
        with pytest.raises(ValueError, match="read-only"):
            table.vectors[0] = 1
    load_vectors(tmp_path / name).vectors[0] = 1
