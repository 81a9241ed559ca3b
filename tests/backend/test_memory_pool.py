"""Recycled memory and other processes. What it promises to ops stands in tests/autograd/test_contract.py."""

from __future__ import annotations

import os
import sys
import threading

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
    assert free.nbytes == sum(len(block) for blocks in free.blocks.values() for block in blocks)
    memory_pool.clear()
    assert (free.nbytes, dict(free.blocks)) == (0, {})
