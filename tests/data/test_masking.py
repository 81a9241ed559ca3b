"""Masked language modelling: which tokens are hidden, and how; windows that hold every token once."""

import numpy as np
import pytest

from seqkit.backend.ids import IGNORE_INDEX
from seqkit.backend.random import Generator
from seqkit.data import MaskedBatches, Masking
from seqkit.data.masking import with_mask_tokens
from seqkit.errors import DataError, UsageError
from seqkit.text import Vocabulary
from seqkit.text.special_tokens import CLS, MASK

V, CLS_ID, MASK_ID, EOS = 50, 50, 51, 3
MASKING = Masking(V, MASK_ID, kept=(EOS,))


def test_fifteen_per_cent_are_chosen_and_hidden_80_10_10() -> None:
    """Of n draws the share has a deviation of √(p(1 - p) / n); five of them are allowed."""
    ids = np.random.default_rng(0).integers(0, V, (200, 500))
    shown, targets = MASKING.apply(ids, Generator(1, "masks"))
    can, chosen = ids != EOS, targets != IGNORE_INDEX
    np.testing.assert_array_equal(targets[chosen], ids[chosen])
    np.testing.assert_array_equal(shown[~chosen], ids[~chosen])
    assert not (chosen & ~can).any()

    def share(part: np.ndarray, p: float, n: int) -> None:
        assert part.sum() / n == pytest.approx(p, abs=5 * np.sqrt(p * (1 - p) / n))

    share(chosen, 0.15, can.sum())
    n = chosen.sum()
    hidden, kept = shown == MASK_ID, chosen & (shown == ids)
    share(hidden, 0.8, n)
    share(kept, 0.1 + 0.1 / V, n)  # a drawn token is the old one now and then
    drawn = shown[chosen & ~hidden & ~kept]
    share(np.array(len(drawn)), 0.1 * (1 - 1 / V), n)
    assert np.bincount(drawn, minlength=V).min() > 0  # any token, the kept ones too
    again = MASKING.apply(ids, Generator(1, "masks"))
    np.testing.assert_array_equal(again[0], shown)


def test_specials_and_padding_are_never_chosen() -> None:
    ids = np.full((50, 40), EOS)
    ids[:, 0], ids[:, 30:] = CLS_ID, -1
    shown, targets = MASKING.apply(ids, Generator(0))
    np.testing.assert_array_equal(shown, ids)
    assert (targets == IGNORE_INDEX).all()
    with pytest.raises(UsageError, match="between 0 and 1"):
        Masking(V, MASK_ID, rate=1.0)


def test_specials_stand_behind_the_words() -> None:
    made = with_mask_tokens(Vocabulary(("b", "<eos>", "<unk>"), counts=(3, 2, 1)))
    assert made.tokens == ("b", "<eos>", "<unk>", CLS, MASK)
    assert (made.unk_id, made.eos_id, made.counts.tolist()) == (2, 1, [3, 2, 1, 0, 0])
    with pytest.raises(UsageError, match="stands twice"):
        with_mask_tokens(made)


def batches(n: int = 103, **settings: object) -> MaskedBatches:
    ids = np.arange(n) % V
    given = {"cls_id": CLS_ID, "batch_size": 4, "length": 8, **settings}
    return MaskedBatches(ids, MASKING, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize("shuffle", [True, False])
def test_every_token_is_in_one_window(shuffle: bool) -> None:
    made = batches(shuffle=shuffle)
    found = []
    for batch in made.epoch(2):
        real = np.arange(8) < batch.lengths[:, None]
        assert (batch.ids[:, 0] == CLS_ID).all()
        assert (batch.ids[~real] == 0).all()
        assert (batch.targets[~real] == IGNORE_INDEX).all()
        unchanged = np.where(batch.targets == IGNORE_INDEX, batch.ids, batch.targets)
        found += unchanged[:, 1:][real[:, 1:]].tolist()
    assert len(made) == 4  # 15 windows of 7, the last of 5
    assert sorted(found) == sorted((np.arange(103) % V).tolist())
    assert (found == (np.arange(103) % V).tolist()) != shuffle


def test_a_batch_is_a_function_of_seed_epoch_and_index() -> None:
    made = batches(seed=1)
    forward = [made.batch(epoch, index) for epoch in (0, 1) for index in range(4)]
    again = batches(seed=1)
    backward = [again.batch(epoch, index) for epoch in (1, 0) for index in reversed(range(4))][::-1]
    for one, other in zip(forward, backward, strict=True):
        np.testing.assert_array_equal(one.ids, other.ids)
        np.testing.assert_array_equal(one.targets, other.targets)
    held_out = batches(shuffle=False)
    np.testing.assert_array_equal(held_out.batch(0, 1).ids, held_out.batch(5, 1).ids)
    assert not np.array_equal(held_out.batch(0, 1).targets, held_out.batch(0, 0).targets)
    assert not np.array_equal(forward[0].ids, forward[4].ids)


def test_mistakes() -> None:
    with pytest.raises(DataError, match="no tokens"):
        batches(0)
    with pytest.raises(UsageError, match="length of 2 or more, got 4 and 1"):
        batches(length=1)
    with pytest.raises(IndexError):
        batches().batch(0, 4)
