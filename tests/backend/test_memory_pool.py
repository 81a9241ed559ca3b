"""Recycled memory and other processes. What it promises to ops stands in tests/autograd/test_contract.py."""

from __future__ import annotations

import errno
import os
import sys
import threading
from typing import Any

import numpy as np
import pytest

from seqkit.backend import memory_pool
from tests.backend.test_kernel_dispatch import run_python


@pytest.mark.skipif(not hasattr(os, "fork") or sys.platform == "darwin", reason="no fork on this platform")
def test_a_forked_process_has_memory_of_its_own() -> None:
    """A worker's writes do not appear in the arrays of its parent."""
    code = """
import os
import numpy as np
from seqkit.backend import empty
x = empty(np, (256, 1024), np.float32)
x[...] = 1
child = os.fork()
if child == 0:
    x[...] = 2
    os._exit(0)
os.waitpid(child, 0)
print(x.min(), x.max())
"""
    assert run_python("import warnings; warnings.simplefilter('ignore')\n" + code).stdout == "1.0 1.0\n"


def test_threads_share_the_free_blocks() -> None:
    """The pool keeps the bytes that it reports, and no block is in two arrays."""
    wrong: list[int] = []

    def work(seed: int) -> None:
        for turn in range(300):
            arrays = [memory_pool.empty((size, 1024), np.int32) for size in (257, 300, 257)]
            for number, x in enumerate(arrays):
                x[:, 0] = 1000 * seed + number
            if any((x[:, 0] != 1000 * seed + number).any() for number, x in enumerate(arrays)):
                wrong.append(turn)

    workers = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert wrong == []
    free = memory_pool._free
    assert free.nbytes == sum(len(block) for blocks in free.blocks.values() for _, block in blocks)
    memory_pool.clear()
    assert (free.nbytes, dict(free.blocks)) == (0, {})


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> memory_pool._FreeBlocks:
    """A pool that has seen no other test's arrays."""
    pool = memory_pool._FreeBlocks()
    monkeypatch.setattr(memory_pool, "_free", pool)
    return pool


def test_ever_other_lengths_cost_no_more_than_the_longest(pool: memory_pool._FreeBlocks) -> None:
    """Ascending and random sizes keep blocks in proportion to what was in use at once."""
    rng = np.random.default_rng(0)
    lengths = [*range(20, 400), *rng.integers(20, 400, 400).tolist()]
    most = 0
    for length in lengths:
        arrays = [memory_pool.empty((length, 1 << 12), np.float32) for _ in range(5)]
        most = max(most, sum(x.nbytes for x in arrays))
        del arrays
        assert pool.nbytes + pool.used <= 1.15 * memory_pool.MOST_SURPLUS * most


def test_blocks_unused_for_long_are_given_back_first(pool: memory_pool._FreeBlocks) -> None:
    def step(*megabytes: int) -> None:
        for each in megabytes:
            x = memory_pool.empty(each << 20, np.uint8)
            del x

    step(4, 2)
    step(6)  # above 1.5 times the peak, but all were used lately
    assert pool.nbytes == 12 << 20
    step(*[6] * memory_pool.IDLE_AFTER)
    step(1)  # served by no block of about its size
    assert pool.nbytes == 9 << 20  # the block of 4 MiB is gone
    assert sorted(size >> 20 for size, kept in pool.blocks.items() if kept) == [1, 2, 6]


def test_a_free_block_serves_a_request_that_is_a_little_smaller(pool: memory_pool._FreeBlocks) -> None:
    x = memory_pool.empty(1 << 20, np.uint8)
    address = x.ctypes.data
    del x
    y = memory_pool.empty(900_000, np.uint8)
    assert y.ctypes.data == address
    del y
    z = memory_pool.empty(500_000, np.uint8)  # half a block would be wasted
    assert z.ctypes.data != address
    del z


def test_what_is_free_is_given_back_before_memory_runs_out(
    pool: memory_pool._FreeBlocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = memory_pool.empty(1 << 20, np.uint8)
    del kept
    assert pool.nbytes == 1 << 20
    refused = []

    class Full(memory_pool.mmap.mmap):
        def __new__(cls, number: int, size: int, **settings: Any) -> Any:
            if pool.nbytes:
                refused.append(size)
                raise OSError(errno.ENOMEM, "Cannot allocate memory")
            return super().__new__(cls, number, size, **settings)

    monkeypatch.setattr(memory_pool.mmap, "mmap", Full)
    x = memory_pool.empty(1 << 22, np.uint8)
    assert len(x) == 1 << 22
    assert refused == [1 << 22]
    assert pool.nbytes == 0


def test_an_old_peak_is_forgotten(pool: memory_pool._FreeBlocks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_pool, "RECENT", 10)
    large = memory_pool.empty(1 << 24, np.uint8)
    del large
    for size in range(20):
        x = memory_pool.empty((1 << 20) + (size << 18), np.uint8)
        del x
    assert pool.nbytes < 1 << 24
