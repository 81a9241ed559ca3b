"""Pixels to numbers, and mini-batches of images."""

import numpy as np
import pytest

from seqkit.corpora import LabelledImages
from seqkit.data import ImageBatches, Standardization
from seqkit.errors import DamagedFileError, DataError, ShapeError, UsageError

# Two images of 1×2 with 2 channels. Channel 0: 0 2 4 6, mean 3, variance (9+1+1+9)/4 = 5. Channel 1: all 9.
TINY = np.array([[[[0, 9], [2, 9]]], [[[4, 9], [6, 9]]]], np.uint8)


def test_standardization_by_hand() -> None:
    found = Standardization.of("standardize", TINY)
    assert found.mean == (3.0, 9.0)
    assert found.deviation == (5**0.5, 1.0)  # a channel without difference is only shifted
    values = found.apply(TINY)
    assert values.dtype == np.float32
    np.testing.assert_allclose(values[..., 0].ravel(), np.array([-3, -1, 1, 3]) / 5**0.5, rtol=1e-6)
    np.testing.assert_array_equal(values[..., 1], 0)
    np.testing.assert_array_equal(Standardization.of("none", TINY).apply(TINY), TINY)
    whole = np.array([[[[0], [255]]]], np.uint8)
    np.testing.assert_array_equal(Standardization.of("unit", whole).apply(whole).ravel(), [0, 1])


def test_standardization_of_many_images(random: np.random.Generator) -> None:
    images = random.integers(0, 256, (11, 5, 7, 3), np.uint8)
    values = Standardization.of("standardize", images).apply(images)
    np.testing.assert_allclose(values.mean(axis=(0, 1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(values.std(axis=(0, 1, 2)), 1, rtol=1e-5)


def test_standardization_comes_back_with_the_same_bits(random: np.random.Generator) -> None:
    found = Standardization.of("standardize", random.integers(0, 256, (5, 3, 2, 3), np.uint8))
    assert Standardization.from_bytes(found.to_bytes(), "f") == found
    for broken in (b"", b"[]", b'{"mean": [1]}', b'{"mean": [1], "deviation": [0]}', b'{"mean": 1}'):
        with pytest.raises(DamagedFileError, match=r"standardization\.json"):
            Standardization.from_bytes(broken, "standardization.json")


def test_standardization_misuse() -> None:
    with pytest.raises(UsageError, match="normalize must be one of none, unit, standardize, got 'half'"):
        Standardization.of("half", TINY)
    scale = Standardization.of("unit", TINY)
    for wrong in (TINY.astype(np.float32), TINY[..., :1]):
        with pytest.raises(ShapeError, match=r"expected 2 channel\(s\) of uint8, got"):
            scale.apply(wrong)


def part_of(count: int) -> LabelledImages:
    """Image n is all n, of class n % 3."""
    images = np.broadcast_to(np.arange(count, dtype=np.uint8)[:, None, None, None], (count, 3, 2, 1))
    return LabelledImages(images, np.arange(count) % 3)


def batches_of(count: int, size: int, **settings: object) -> ImageBatches:
    raw = Standardization.of("none", part_of(count).images)
    return ImageBatches(part_of(count), size, standardization=raw, **settings)  # type: ignore[arg-type]


def test_each_image_once_an_epoch_with_its_label() -> None:
    batches = batches_of(23, 5, seed=1)
    found = list(batches.epoch(0))
    assert [len(batch) for batch in found] == [5, 5, 5, 5, 3]
    assert len(batches) == 5
    rows = np.concatenate([batch.rows for batch in found])
    assert sorted(rows) == list(range(23))
    assert rows.tolist() != list(range(23))
    for batch in found:
        assert batch.images.shape == (len(batch), 3, 2, 1)
        np.testing.assert_array_equal(batch.images[:, 0, 0, 0], batch.rows)
        np.testing.assert_array_equal(batch.labels, batch.rows % 3)


def test_a_batch_is_a_function_of_seed_epoch_and_index() -> None:
    one, other = batches_of(23, 5, seed=1), batches_of(23, 5, seed=1)
    list(one.epoch(0))
    for epoch, index in ((3, 4), (0, 2), (3, 1)):
        np.testing.assert_array_equal(one.batch(epoch, index).rows, other.batch(epoch, index).rows)
    assert one.batch(0, 0).rows.tolist() != one.batch(1, 0).rows.tolist()
    assert one.batch(0, 0).rows.tolist() != batches_of(23, 5, seed=2).batch(0, 0).rows.tolist()


@pytest.mark.parametrize(
    ("count", "size", "sizes"), [(11, 5, [5, 6]), (1, 5, [1]), (6, 1, [1] * 6), (10, 5, [5, 5]), (4, 5, [4])]
)
def test_a_last_image_alone_joins_the_batch_before(count: int, size: int, sizes: list[int]) -> None:
    batches = batches_of(count, size, shuffle=False)
    assert [len(batch) for batch in batches.epoch(0)] == sizes
    assert len(batches) == len(sizes)
    np.testing.assert_array_equal(np.concatenate([b.rows for b in batches.epoch(7)]), np.arange(count))


def test_misuse() -> None:
    with pytest.raises(UsageError, match=r"batch_size .*got .*0"):
        batches_of(5, 0)
    with pytest.raises(DataError, match="no images"):
        batches_of(0, 5)
    with pytest.raises(IndexError, match="batch 2 of 2"):
        batches_of(11, 5).batch(0, 2)
    with pytest.raises(UsageError, match="got -1 and 0"):
        batches_of(11, 5).batch(-1, 0)
