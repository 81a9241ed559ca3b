"""Sentence vectors: pooling by hand, order, batches, and what a folder may say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqkit.errors import DamagedFileError, RunError, UsageError
from seqkit.tasks.sentence_encoding import load
from tests.models.folders import TOKENS, VECTORS, hidden_of, write_bert, write_modules

pytest.importorskip("tokenizers")

TEXTS = ["up down up", "", "down", "Ups up", "down down down up"]


def by_hand(*tokens: str) -> np.ndarray:
    """The hidden states (T, E) of a text, special tokens around it."""
    return hidden_of(VECTORS[[TOKENS.index(token) for token in ("[CLS]", *tokens, "[SEP]")]])


HIDDEN = [
    by_hand("up", "down", "up"),
    by_hand(),
    by_hand("down"),
    by_hand("up", "##s", "up"),
    by_hand("down", "down", "down", "up"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_bert(tmp_path / "bert")


def test_the_mean_over_tokens_by_hand(folder: Path, gpu: str) -> None:
    expected = [hidden.mean(axis=0) for hidden in HIDDEN]
    for device in (None, gpu):
        encoder = load(folder, device=device)
        assert (encoder.dimensions, encoder.max_length) == (4, 11)
        for batch_size in (1, 2, 32):
            found = encoder.encode(TEXTS, batch_size=batch_size)
            assert found.dtype == np.float32
            np.testing.assert_allclose(found, expected, atol=1e-6)
    assert encoder.encode([]).shape == (0, 4)


@pytest.mark.parametrize(
    ("poolings", "expected"),
    [
        (["cls_token"], lambda h: h[0]),
        (["max_tokens"], lambda h: h.max(axis=0)),
        (["mean_tokens", "cls_token"], lambda h: np.concatenate((h[0], h.mean(axis=0)))),
    ],
)
def test_pooling_as_the_folder_says(folder: Path, gpu: str, poolings: list[str], expected: Any) -> None:
    write_modules(folder, *poolings)
    for device in (None, gpu):
        found = load(folder, device=device).encode(TEXTS)
        np.testing.assert_allclose(found, [expected(hidden) for hidden in HIDDEN], atol=1e-6)


def test_normalisation_as_the_folder_says(folder: Path) -> None:
    plain = load(folder).encode(TEXTS)
    lengths = np.linalg.norm(plain, axis=1, keepdims=True)
    encoder = load(write_modules(folder, "mean_tokens", normalize=True))
    assert "mean pooling, normalised, 11 tokens" in repr(encoder)
    np.testing.assert_allclose(encoder.encode(TEXTS), plain / lengths, atol=1e-6)
    np.testing.assert_allclose(encoder.encode(TEXTS, normalize=False), plain, atol=1e-6)


def test_long_texts_are_cut_and_letters_made_small(folder: Path) -> None:
    write_modules(folder, "mean_tokens", max_seq_length=4, do_lower_case=True)
    (folder / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": False}))
    found = load(folder).encode(["UP down up", "up down"])
    np.testing.assert_array_equal(found[0], found[1])
    assert load(write_modules(folder, "cls_token", max_seq_length=10_000)).max_length == 11


def test_parts_in_folders_of_their_own(folder: Path) -> None:
    own = folder / "0_Transformer"
    own.mkdir()
    for name in ("config.json", "model.safetensors", "vocab.txt"):
        (folder / name).rename(own / name)
    listed = json.loads((write_modules(folder, "mean_tokens") / "modules.json").read_text())
    listed[0]["path"] = own.name
    (folder / "modules.json").write_text(json.dumps(listed))
    np.testing.assert_allclose(load(folder).encode(["down"])[0], HIDDEN[2].mean(axis=0), atol=1e-6)


def test_the_nearest_texts(folder: Path) -> None:
    encoder = load(folder)
    vectors = encoder.encode(TEXTS, normalize=True).astype(np.float64)
    cosines = vectors @ vectors.T
    found = encoder.nearest(TEXTS, TEXTS, count=3)
    for row, near in enumerate(found):
        assert near[0].index == row
        assert near[0].similarity == pytest.approx(1, abs=1e-6)
        assert [one.text for one in near] == [TEXTS[one.index] for one in near]
        best = sorted(cosines[row], reverse=True)[:3]
        np.testing.assert_allclose([one.similarity for one in near], best, atol=1e-6)
    equal = encoder.nearest(["down"], ["up", "down", "down"])[0]
    assert [one.index for one in equal] == [1, 2, 0]


def test_what_is_asked_wrongly(folder: Path) -> None:
    encoder = load(folder)
    for call, said in (
        (lambda: encoder.encode("up"), "texts must be a list"),
        (lambda: encoder.encode(["up"], batch_size=0), "batch_size must be at least 1"),
        (lambda: encoder.nearest(["up"], []), "no texts to look through"),
        (lambda: encoder.nearest(["up"], ["up"], 0), "count must be at least 1"),
    ):
        with pytest.raises(UsageError, match=said):
            call()


def test_folders_that_do_not_fit(folder: Path) -> None:
    with pytest.raises(RunError, match="pooling lasttoken, expected one of cls, mean, max"):
        load(write_modules(folder, "lasttoken"))
    with pytest.raises(RunError, match="pooling not given"):
        load(write_modules(folder))
    with pytest.raises(RunError, match="max_seq_length must be at least 1, got 'many'"):
        load(write_modules(folder, "mean_tokens", max_seq_length="many"))
    (folder / "sentence_bert_config.json").unlink()
    listed = json.loads((folder / "modules.json").read_text())
    for part, error, said in (
        ({"path": "2_Dense", "type": "sentence_transformers.models.Dense"}, RunError, "part 2 is .*Dense"),
        ({"path": "../x", "type": "models.Normalize"}, DamagedFileError, "leads out of the folder"),
        ({"path": ""}, DamagedFileError, "entry 2 has no type"),
    ):
        (folder / "modules.json").write_text(json.dumps([*listed, part]))
        with pytest.raises(error, match=said):
            load(folder)
    (folder / "modules.json").unlink()
    with (folder / "vocab.txt").open("a") as file:
        file.write("more\n")
    with pytest.raises(RunError, match=r"expected a tokenizer with at most 7 tokens, .* got 8"):
        load(folder)
