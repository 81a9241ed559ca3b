"""Philox known answers, uniformity, independence, and the state of a generator.

The statistical tests use fixed seeds, so they always give the same result; the thresholds are those at which
a perfect generator fails about once in 10⁶ seeds.
"""

from __future__ import annotations

import numpy as np
import pytest

from seqkit.backend.kernels.philox import reference
from seqkit.backend.random import Generator, as_generator
from seqkit.errors import UsageError

# Random123's kat_vectors for philox4x32-10: counter, key, words
# (https://github.com/DEShawResearch/random123, tests/kat_vectors).
KNOWN = [
    (
        (0x00000000, 0x00000000, 0x00000000, 0x00000000),
        (0x00000000, 0x00000000),
        (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8),
    ),
    (
        (0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF),
        (0xFFFFFFFF, 0xFFFFFFFF),
        (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD),
    ),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize(("counter", "key", "words"), KNOWN)
def test_known_answers_of_the_reference(
    counter: tuple[int, ...], key: tuple[int, int], words: tuple[int, ...]
) -> None:
    blocks = (np.array([c], np.uint64) for c in counter)
    assert tuple(int(w[0]) for w in reference.ten_rounds(*blocks, *key)) == words


@pytest.mark.parametrize(("counter", "key", "words"), KNOWN)
def test_known_answers_of_the_kernel(
    counter: tuple[int, ...], key: tuple[int, int], words: tuple[int, ...]
) -> None:
    pytest.importorskip("numba")
    from seqkit.backend.kernels.philox.block import LANES, philox_lanes

    lanes = np.zeros((4, LANES), np.uint32)
    philox_lanes(*map(np.uint32, (*counter, *key)), *lanes)
    assert tuple(int(w) for w in lanes[:, 0]) == words


def test_the_first_words_of_seed_0() -> None:
    """Seed is the key, (block, stream, draw) the counter: all zero gives the first known answer."""
    assert Generator(0, 0).words(4).tolist() == list(KNOWN[0][2])
    assert Generator(0, 0).words(2).tolist() == list(KNOWN[0][2][:2])


def test_seed_stream_and_draw_reach_the_words() -> None:
    generator = Generator(0xA4093822 | 0x299F31D0 << 32, 0x85A308D3)
    generator.counter = 0x13198A2E | 0x03707344 << 32
    expected = reference.ten_rounds(
        *(np.array([c], np.uint64) for c in (0, 0x85A308D3, 0x13198A2E, 0x03707344)), 0xA4093822, 0x299F31D0
    )
    assert generator.words(4).tolist() == [int(w[0]) for w in expected]


def test_more_words_begin_with_the_same_words() -> None:
    long = Generator(9).words(101)
    for count in (1, 2, 3, 4, 5, 100):
        np.testing.assert_array_equal(Generator(9).words(count), long[:count])


def chi_square(counts: np.ndarray) -> float:
    """Standardised: about a standard normal number for a perfect generator and many cells."""
    expected = counts.sum() / len(counts)
    degrees = len(counts) - 1
    return float((((counts - expected) ** 2 / expected).sum() - degrees) / np.sqrt(2 * degrees))


N = 1 << 16
BOUND = 5.0
"""Standard deviations: two-sided probability 6e-7."""


@pytest.mark.parametrize("seed", [0, 1, 2**64 - 1])
@pytest.mark.parametrize("bits", [range(8), range(12, 20), range(24, 32)], ids=["low", "middle", "high"])
def test_words_are_uniform(seed: int, bits: range) -> None:
    words = Generator(seed).words(N)
    assert words.dtype == np.uint32
    cells = (words >> np.uint32(bits.start)) & np.uint32(255)
    assert abs(chi_square(np.bincount(cells, minlength=256))) < BOUND


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_uniform(dtype: type) -> None:
    u = Generator(5).uniform((N // 4, 4), dtype=dtype)
    assert u.dtype == dtype
    assert u.shape == (N // 4, 4)
    assert u.min() >= 0
    assert u.max() < 1
    cells = np.bincount((u.reshape(-1) * 256).astype(int), minlength=256)
    assert abs(chi_square(cells)) < BOUND
    assert abs(float(u.mean(dtype=np.float64)) - 0.5) < BOUND / np.sqrt(12 * N)


def test_float64_has_53_bits() -> None:
    u = Generator(5).uniform(1000, dtype=np.float64) * 2.0**53
    assert (u == np.floor(u)).all()
    assert (u.astype(np.uint64) & np.uint64(1)).any()


def test_pairs_are_uniform() -> None:
    """Successive words in 16 × 16 cells."""
    words = Generator(11).words(2 * N).reshape(N, 2) >> np.uint32(28)
    assert abs(chi_square(np.bincount(words[:, 0] * 16 + words[:, 1], minlength=256))) < BOUND


SOURCES = {
    "next draw": lambda: (Generator(3), 1),
    "next stream": lambda: (Generator(3, 1), 0),
    "named stream": lambda: (Generator(3, "dropout"), 0),
    "next seed": lambda: (Generator(4), 0),
    "high bit of the seed": lambda: (Generator(3 | 1 << 63), 0),
    "high bit of the counter": lambda: (Generator(3), 1 << 63),
}


@pytest.mark.parametrize("name", SOURCES)
def test_streams_draws_and_seeds_are_independent(name: str) -> None:
    """Correlation with the first draw of seed 3, in place and shifted by one, of values and of bits."""
    base = Generator(3).words(N)
    generator, counter = SOURCES[name]()
    generator.counter = counter
    other = generator.words(N)
    for shift in (0, 1, -1):
        a, b = base.astype(np.float64), np.roll(other, shift).astype(np.float64)
        assert abs(np.corrcoef(a, b)[0, 1]) < BOUND / np.sqrt(N)
        agreeing = (
            32 - np.bitwise_count(base ^ np.roll(other, shift)) if hasattr(np, "bitwise_count") else None
        )
        if agreeing is not None:  # NumPy 2: each of 32·N bits agrees with probability a half
            assert abs(agreeing.sum(dtype=np.float64) - 16 * N) < BOUND * np.sqrt(32 * N) / 2


def test_names_of_streams_differ() -> None:
    streams = {Generator(0, name).stream for name in ("dropout", "init", "shuffle", "sample", "noise")}
    assert len(streams) == 5


def test_spawn_begins_a_stream_of_the_same_seed() -> None:
    parent = Generator(8)
    parent.words(4)
    np.testing.assert_array_equal(parent.spawn("init").words(8), Generator(8, "init").words(8))


def test_normal_moments() -> None:
    """Mean 0, variance 1, skewness 0, kurtosis 3, within 5 of their standard errors."""
    x = Generator(2).normal(N, dtype=np.float64)
    for power, moment, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        assert abs((x**power).mean() - moment) < BOUND * np.sqrt(variance / N)
    assert Generator(2).normal((3, 5)).dtype == np.float32
    assert Generator(2).normal((3, 5)).shape == (3, 5)


def test_integers() -> None:
    x = Generator(2).integers(-3, 4, N)
    assert x.dtype == np.int64
    counts = np.bincount(x + 3)
    assert len(counts) == 7
    assert abs(chi_square(counts)) < BOUND
    with pytest.raises(UsageError, match=r"low < high, got \[4, 4\)"):
        Generator(2).integers(4, 4, 1)


def test_permutation() -> None:
    order = Generator(2).permutation(1009)
    np.testing.assert_array_equal(np.sort(order), np.arange(1009))
    assert (order != np.arange(1009)).any()
    assert (Generator(3).permutation(1009) != order).any()
    # where element 0 of five ends up, over many draws
    generator = Generator(4)
    places = np.bincount([int(np.flatnonzero(generator.permutation(5) == 0)[0]) for _ in range(2000)])
    assert abs(chi_square(places)) < BOUND


def test_each_draw_is_another_and_a_state_brings_it_back() -> None:
    generator = Generator(2**64 - 1, "shuffle")
    generator.words(3)
    state = generator.state()
    first = generator.words(8)
    assert (generator.words(8) != first).any()
    again = Generator(0)
    again.load_state(state)
    np.testing.assert_array_equal(again.words(8), first)
    assert again.state() == {"seed": 2**64 - 1, "stream": generator.stream, "counter": 2}


def test_the_same_bits_on_a_gpu_array(gpu: str) -> None:
    from seqkit.backend import device, module_of, to_numpy

    xp = module_of(device(gpu))
    for draw in (
        lambda g, xp: g.words(13, xp),
        lambda g, xp: g.uniform((3, 5), xp),
        lambda g, xp: g.uniform((3, 5), xp, np.float64),
        lambda g, xp: g.integers(0, 1000, 13, xp),
    ):
        np.testing.assert_array_equal(to_numpy(draw(Generator(6), xp)), draw(Generator(6), np))
    np.testing.assert_allclose(to_numpy(Generator(6).normal(13, xp)), Generator(6).normal(13), rtol=1e-6)


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_seeds_outside_64_bits(seed: int) -> None:
    with pytest.raises(UsageError, match=rf"expected seed between 0 and 2\*\*64 - 1, got {seed}"):
        Generator(seed)


def test_too_many_words_for_the_block_counter() -> None:
    with pytest.raises(UsageError, match=r"expected at most \d+ words a draw, got"):
        Generator(0).words(4 * 2**32 + 1)


def test_a_generator_a_seed_or_nothing_give_a_generator() -> None:
    given = Generator(4, "shuffle")
    assert as_generator(given) is given
    for seed in (7, np.int64(7)):
        assert as_generator(seed).state() == Generator(7, "init").state()
    assert as_generator(7, "dropout").state() == Generator(7, "dropout").state()
    assert as_generator(None).seed != as_generator(None).seed  # equal once in 2**64 runs
