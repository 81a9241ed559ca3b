"""Taggers: gradients, padding, learning, and what the scheme forbids."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from seqkit.backend.random import Generator
from seqkit.errors import ShapeError, UsageError
from seqkit.models import Tagger, TaggerConfig, TaggerInput
from seqkit.optim import Adam
from seqkit.text.tag_schemes import first_break, legal_transitions, tag_set

LABELS = tag_set(["X", "Y"], "bioes")
SMALL: dict[str, Any] = {
    "vocab_size": 13,
    "tags": len(LABELS),
    "letters": 7,
    "shapes": 5,
    "embedding_size": 11,
    "character_embedding_size": 3,
    "character_hidden_size": 5,
    "shape_size": 2,
    "hidden_size": 6,
    "num_heads": 3,
    "dropout": 0.0,
}
VARIANTS = [
    {},
    {"characters": "lstm", "encoder": "gru", "num_layers": 2},
    {"characters": "none", "encoder": "transformer"},
    {"output": "softmax", "shapes": 0},
    {"feature_columns": (3, 4), "feature_size": 2},
]


def make(**changes: Any) -> Tagger:
    config = TaggerConfig(**{**SMALL, **changes})
    return Tagger(config, legal=legal_transitions(LABELS, "bioes"), generator=3)


def sentences(model: Tagger, lengths: tuple[int, ...] = (5, 2, 3)) -> tuple[TaggerInput, np.ndarray]:
    """Random sentences, and tags that follow the scheme."""
    draw = np.random.default_rng(5)
    B, T, W, L = len(lengths), max(lengths), 4, 6
    held = np.arange(T) < np.array(lengths)[:, None]
    batch = TaggerInput(
        ids=draw.integers(0, 13, (B, T)),
        lengths=np.array(lengths),
        words=draw.integers(0, W, (B, T)),
        letters=draw.integers(0, 7, (W, L)),
        letter_lengths=np.array([6, 1, 3, 4]),
        shapes=draw.integers(0, 5, (B, T)),
        feature_columns=draw.integers(0, 3, (B, T, 2)),
    )
    singles = np.array([0, *(i for i, label in enumerate(LABELS) if label.startswith("S-"))])
    return batch, np.where(held, singles[draw.integers(0, 3, (B, T))], -1)


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_it_overfits_a_batch(variant: dict[str, Any]) -> None:
    model = make(**variant)
    batch, tags = sentences(model)
    optimizer = Adam(list(model.named_parameters()), lr=0.02)
    first = model.loss(batch, tags).item()
    for _ in range(120):
        optimizer.zero_grad()
        loss = model.loss(batch, tags)
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.1 * first
    np.testing.assert_array_equal(model.decode(batch), tags)
    best, losses = model.evaluate(batch, tags)
    np.testing.assert_array_equal(best, tags)
    assert losses.sum() / 10 == pytest.approx(model.loss(batch, tags).item(), rel=1e-4)


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_padding_changes_nothing(variant: dict[str, Any]) -> None:
    model = make(**variant).eval()
    batch, tags = sentences(model)
    best, shares = model.decode(batch), model.probabilities(batch)
    assert not shares[1, 2:].any()
    held = tags >= 0
    np.testing.assert_allclose(shares.sum(axis=2)[held], 1, atol=1e-5)
    alone = TaggerInput(
        batch.ids[1:2, :2],
        None,
        batch.words[1:2, :2],
        batch.letters,
        batch.letter_lengths,
        batch.shapes[1:2, :2],
        feature_columns=batch.feature_columns[1:2, :2],
    )
    np.testing.assert_allclose(model.probabilities(alone)[0], shares[1, :2], atol=1e-5)
    np.testing.assert_array_equal(model.decode(alone)[0], best[1, :2])
    other = np.where(held, batch.ids, 12)  # other padding
    again = model.probabilities(TaggerInput(other, *list(vars(batch).values())[1:]))
    np.testing.assert_allclose(again, shares, atol=1e-6)


def test_a_crf_never_breaks_the_scheme() -> None:
    """Not even untrained, for sentences of any length."""
    model = make()
    batch, _ = sentences(model, (1, 2, 3, 7))
    for row, length in zip(model.decode(batch), (1, 2, 3, 7), strict=True):
        tags = [LABELS[tag] for tag in row[:length]]
        assert first_break(tags, "bioes") is None
        assert (row[length:] == -1).all()
    probable, shares = model.decode_with_probabilities(batch)
    np.testing.assert_array_equal(probable, model.decode(batch))
    assert ((shares > 0) == (probable >= 0)).all()


def test_dropout_needs_a_generator() -> None:
    model = make(dropout=0.5)
    batch, tags = sentences(model)
    with pytest.raises(UsageError, match="dropout needs a generator"):
        model.loss(batch, tags)
    first = model.loss(batch, tags, generator=Generator(1)).item()
    assert model.loss(batch, tags, generator=Generator(1)).item() == first
    assert model.loss(batch, tags, generator=Generator(2)).item() != first


@pytest.mark.parametrize("characters", ["cnn", "lstm"])
def test_vectors_of_letters_stand_for_the_letters(characters: str) -> None:
    model = make(characters=characters)
    batch, _ = sentences(model)
    parts = [(batch.letters[:1], batch.letter_lengths[:1]), (batch.letters[1:, :4], batch.letter_lengths[1:])]
    vectors = model.letter_vectors(parts)
    known = replace(batch, letters=None, letter_lengths=None, letter_vectors=vectors)
    np.testing.assert_allclose(model.probabilities(known), model.probabilities(batch), atol=1e-6)


def test_vectors_of_letters_need_character_features() -> None:
    with pytest.raises(UsageError, match="expected a tagger with character features"):
        make(characters="none").letter_vectors([])


def test_mistakes() -> None:
    model = make()
    batch, tags = sentences(model)
    with pytest.raises(UsageError, match="expected letters for a tagger that has them"):
        model.decode(TaggerInput(batch.ids, batch.lengths))
    with pytest.raises(ShapeError, match="expected ids between 0 and 12, got 13"):
        model.decode(TaggerInput([[13]]))
    with pytest.raises(ShapeError, match=r"expected tags between -1 and 8, got 9"):
        model.loss(batch, np.where(tags < 0, tags, 9))
    with pytest.raises(UsageError, match="expected feature_columns for a tagger that has them"):
        make(feature_columns=(3,)).decode(replace(batch, feature_columns=None))
    with pytest.raises(ShapeError, match="expected feature_columns between 0 and 1, got 2"):
        make(feature_columns=(3, 2)).decode(replace(batch, feature_columns=np.full((3, 5, 2), 2)))
    with pytest.raises(ShapeError, match="feature_columns"):
        make(feature_columns=(3,)).decode(batch)
    with pytest.raises(UsageError, match="expected output to be one of crf, softmax"):
        make(output="svm")
    with pytest.raises(UsageError, match="a multiple of num_heads, got 6 and 4"):
        make(encoder="transformer", num_heads=4)
