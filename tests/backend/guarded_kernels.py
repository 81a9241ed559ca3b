"""All compiled kernels, each array of each task against a page that nobody may touch.

    python -m tests.backend.guarded_kernels PROGRESS_FILE

runs the ops and the cases of the kernels' own tests, and prints the tasks that have not run. Tiles and
vectors are read by address, so that no bounds can be checked in them; here what lies beside an array ends the
process.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from seqkit import ops
from seqkit.autograd import Tensor
from seqkit.backend.kernels.processor import TILES
from seqkit.backend.kernels.task import Task
from seqkit.models.ngrams import NGramConfig, fit_kneser_ney
from seqkit.models.ngrams.quantization import QuantizedArray
from tests import guarded_memory
from tests.backend import test_kernels, test_thread_pool
from tests.conformance.table import OPS
from tests.conformance.test_properties import run
from tests.exhaustive import some
from tests.guarded_memory import FAMILIES, placed
from tests.vectors import test_formats, test_word2vec_kernel

TILED = (
    "attention.cpu.attend",
    "lstm_sequence.cpu.",
    "matrix_product.cpu.",
    "packed_attention.cpu.scores",
    "packed_attention.cpu.sums",
)
"""Beginnings of the tasks that multiply in tiles, which no processor without AVX2 runs."""
COPIED = 1 << 20
"""Bytes of an array up to which it is moved to guarded memory; larger ones are scratch memory, and there."""


def guard(task: Task, ran: set[str], at_end: list[bool]) -> None:
    """Make a task work in guarded copies of its arrays; an array given twice is one copy."""
    inner, fields = task.parallel_for, task.layout.arrays

    def parallel_for(chunks: int, **values: Any) -> bool:
        copies = {
            id(x): (x, placed(x, at_end[0]))
            for name in fields
            if type(x := values[name]) is np.ndarray and x.nbytes <= COPIED
        }
        moved = {name: copies[id(values[name])][1] for name in fields if id(values[name]) in copies}
        done = inner(chunks, **{**values, **moved})
        for name, field in fields.items():
            if field.is_written and id(values[name]) in copies:
                x, copy = copies[id(values[name])]
                x[...] = copy
        if done:
            ran.add(task.name)
        return done

    task.parallel_for = parallel_for


def score_ngrams(at_end: bool) -> None:
    """Score a stream by tables that are read by address, each of which is in guarded memory."""
    config = NGramConfig(vocab_size=23, order=4, eos_id=0)
    ids = np.random.default_rng(0).integers(0, 23, 2000)
    for bits in (None, 5, 12):
        model = fit_kneser_ney(ids, config)
        model = model if bits is None else model.quantized(bits)
        for arrays in (model.trie.words, model.trie.first, model.log10_probs, model.log10_backoffs):
            for i, array in enumerate(arrays):
                if isinstance(array, QuantizedArray):
                    array.codes, array.values = placed(array.codes, at_end), placed(array.values, at_end)
                else:
                    arrays[i] = placed(np.asarray(array), at_end)
        model.full_scores(ids[::-1])


def cases() -> Iterator[tuple[str, Callable[[], Any]]]:
    """Functions to run, with their names."""
    random = np.random.default_rng(0)
    for row in OPS:
        yield row.name, lambda row=row: run(row, row.inputs(np.float32))
    for family, case in test_thread_pool.CASES.items():
        kernel = sys.modules[f"seqkit.backend.kernels.{family}.cpu"]
        yield family, lambda case=case, kernel=kernel: case(kernel)
    for test in (test_kernels.test_lstm_step, test_kernels.test_gru_step):
        yield test.__name__, lambda test=test: test(3, 5, 2, 1.0, random)
    for settings in test_word2vec_kernel.ALL_SETTINGS[::9]:
        for locks in test_word2vec_kernel.LOCKS:
            yield (
                f"word2vec {settings} {locks}",
                lambda settings=settings, locks=locks: test_word2vec_kernel.test_compiled_equals_reference(
                    settings, locks
                ),
            )
    for at_end in (False, True):
        yield f"tables of n-grams {at_end}", lambda at_end=at_end: score_ngrams(at_end)
    yield "vector_text", lambda: test_formats.test_kernel_equals_python(random)
    yield "philox", lambda: test_kernels.test_philox_bit_for_bit(test_kernels.KEYS[0], 1021)
    large = Tensor(np.ones((2, 19, 17, 3), np.float32), requires_grad=True)
    yield "windows of 256 places", lambda: ops.max_pool2d(large, size=16, stride=1).sum().backward()


def main() -> None:
    guarded_memory.install()
    progress = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT)
    ran: set[str] = set()
    at_end = [True]
    tasks = [x for x in gc.get_objects() if type(x) is Task and x.family in FAMILIES]
    for task in tasks:
        guard(task, ran, at_end)
    for at_end[0] in some((True, False), 2):
        for name, case in cases():
            os.pwrite(progress, f"{name[:100]:100}".encode(), 0)
            case()
    for name in sorted({task.name for task in tasks} - ran):
        if TILES or not name.startswith(TILED):
            print(f"{name} has not run")


if __name__ == "__main__":
    main()
