"""The pool does each chunk of a job once; kernels give the same in any number of chunks."""

from __future__ import annotations

import importlib
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba", reason="Numba is not installed: the compiled kernels do not run")

from seqkit.backend.kernels import thread_pool
from seqkit.backend.kernels.intrinsics import address, atomic_read, atomic_write
from seqkit.backend.kernels.task import Task, task
from seqkit.backend.kernels.task_arguments import float64, int64
from seqkit.backend.kernels.thread_pool import chunk_bounds
from seqkit.threads import available_cores
from tests.backend.test_kernel_dispatch import run_python


@task(seen=int64("N").written(), turns=int64)
def _mark(a, chunk, chunks):
    """Add, slowly, so that a chunk done twice shows, and that all can be at work at once."""
    for _ in range(a.turns):
        a.seen[chunk] += 1


@task(out=float64("N").written(), factor=float64)
def _fill(a, chunk, chunks):
    first, last = chunk_bounds(a.N, chunk, chunks)
    for i in range(first, last):
        a.out[i] = a.factor * i


@task(here=int64("4").written())
def _meet(a, chunk, chunks):
    """Say that this chunk is at work, and look for the other one a while."""
    here = address(a.here)
    atomic_write(here + 8 * chunk, 1)
    for _ in range(1 << 22):
        if atomic_read(here + 8 * (1 - chunk)):
            atomic_write(here + 8 * (2 + chunk), 1)
            return


@task(sums=int64("rows, columns").written())
def _add_steps(a, chunk, chunks):
    """Each step builds on the one before it, of another chunk."""
    before = 1 if a.step == 0 else a.sums[(chunk + 1) % chunks, a.step - 1]
    a.sums[chunk, a.step] = before + 1


@pytest.mark.skipif(available_cores() < 2, reason="one core: no two chunks run at once")
def test_chunks_run_at_the_same_time() -> None:
    """Not in each job, for workers may be parked; but in one of many."""
    here = np.zeros(4, np.int64)
    for _ in range(100):
        here[:] = 0
        assert _meet.parallel_for(2, here=here)
        if here.tolist() == [1, 1, 1, 1]:
            return
    pytest.fail(f"in 100 jobs no chunk met the other: {here}")


@pytest.mark.parametrize("chunks", [1, 2, 3, 7, 40])
@pytest.mark.parametrize("pause", [0.0, 0.01])
def test_each_chunk_is_done_once(chunks: int, pause: float) -> None:
    """Also by workers that were parked in between, and of more chunks than there are workers."""
    for _ in range(20):
        time.sleep(pause)
        seen = np.zeros(chunks, np.int64)
        assert _mark.parallel_for(chunks, seen=seen, turns=1000)
        assert seen.tolist() == [1000] * chunks


def test_each_step_follows_the_one_before() -> None:
    for chunks in (1, 2, 3):
        sums = np.zeros((chunks, 50), np.int64)
        assert _add_steps.parallel_for(chunks, steps=range(50), sums=sums)
        np.testing.assert_array_equal(sums, [range(2, 52)] * chunks)


def test_steps_run_backwards() -> None:
    sums = np.zeros((1, 5), np.int64)
    assert _add_steps.parallel_for(1, steps=range(3, -1, -1), sums=sums)
    assert sums.tolist() == [[2, 1, 1, 1, 0]]


def test_scalars_and_arrays_arrive() -> None:
    out = np.full(1001, np.nan)
    assert _fill.parallel_for(3, out=out, factor=-0.5)
    np.testing.assert_array_equal(out, -0.5 * np.arange(1001))


def test_many_threads_run_tasks_at_once() -> None:
    """A thread that finds the pool at work does without it; all results are whole."""
    wrong: list[Any] = []

    def work(seed: int) -> None:
        for turn in range(200):
            out = np.empty(257)
            _fill.parallel_for(4, out=out, factor=float(seed + turn))
            if not np.array_equal(out, (seed + turn) * np.arange(257.0)):
                wrong.append((seed, turn))

    workers = [threading.Thread(target=work, args=(1000 * i,)) for i in range(5)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert wrong == []


def test_the_pool_is_free_again_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(argument: Any) -> None:
        assert thread_pool.pool.enter(2) == 0, "two jobs at once"
        raise ValueError("mine")

    _fill.load()
    with monkeypatch.context() as patch:
        patch.setattr(thread_pool, "run", fail)
        with pytest.raises(ValueError, match="mine"):
            _fill.parallel_for(2, out=np.empty(3), factor=1.0)
    assert thread_pool.pool.enter(2)
    thread_pool.pool.leave()


@pytest.mark.skipif(not hasattr(os, "fork") or sys.platform == "darwin", reason="no fork on this platform")
def test_a_forked_process_has_a_pool_of_its_own() -> None:
    code = """
import os
import numpy as np
from tests.backend.test_thread_pool import _fill
def filled():
    out = np.empty(500)
    _fill.parallel_for(2, out=out, factor=2.0)
    return bool((out == 2 * np.arange(500.0)).all())
print(filled(), flush=True)
child = os.fork()
if child == 0:
    os.write(1, f"{filled()}\\n".encode())
    os._exit(0)
os.waitpid(child, 0)
print(filled())
"""
    assert run_python("import warnings; warnings.simplefilter('ignore')\n" + code).stdout == "True\n" * 3


def test_the_process_ends_while_workers_are_parked_or_spin() -> None:
    """They live as long as the process, and do not keep it."""
    code = """
import numpy as np
from tests.backend.test_thread_pool import _fill
_fill.parallel_for(3, out=np.empty(100), factor=1.0)
{}
print("end")
"""
    for last in ("", "import time; time.sleep(0.2)"):
        assert run_python(code.format(last)).stdout == "end\n"


def test_the_environment_sets_the_threads() -> None:
    code = """
from seqkit.backend.kernels.processor import TILES
from seqkit.backend.kernels.thread_pool import chunks_for
print([chunks_for(1000, least) if TILES else 0 for least in (2000, 1000, 400, 1)])
"""
    for count in (1, 2, 3):
        expected = [min(n, count) for n in (1, 1, 2, 1000)]
        assert run_python(code, OPENBLAS_NUM_THREADS=str(count)).stdout in (f"{expected}\n", "[0, 0, 0, 0]\n")


# Kernels in chunks


def normal(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(np.float32)


def _activation(kernel: Any) -> list[Any]:
    out, dx = np.empty((2, 37, 53), np.float32)
    kernel.forward(normal(37, 53), normal(53), "gelu", out)
    kernel.backward(normal(37, 53), None, "gelu", normal(37, 53) + 1, dx)
    return [out, dx]


def _attention(kernel: Any) -> list[Any]:
    found: list[Any] = []
    bias = np.where(np.random.default_rng(0).random((3, 1, 1, 13)) < 0.7, 0, -np.inf).astype(np.float32)
    for mask, offset in ((None, None), (bias, None), (None, 2)):
        scores, again = normal(3, 5, 11, 13), normal(3, 5, 11, 13)
        rows = kernel.softmax(scores, 0.3, mask, offset)
        kernel.weights_again(again, 0.3, mask, offset, rows)
        gradient = normal(3, 5, 11, 13) + 1
        kernel.score_gradient(scores, gradient, 0.3)
        context, packed = np.empty((3, 5, 11, 7), np.float32), np.empty((5, 11, 7), np.float32)
        q, k, v = normal(3, 5, 11, 8), normal(3, 5, 13, 8), normal(3, 5, 13, 7)
        kernel.attend(q, k, v, 0.3, mask, offset, context)
        kernel.attend_packed(q[0], k[0], v[0], [4, 6, 1], [6, 6, 1], 0.3, offset is not None, packed)
        found += [scores, rows, again, gradient, context, packed]
    return found


def _packed_attention(kernel: Any) -> list[Any]:
    table = np.array([[0, 4, 0, 6, 0], [4, 6, 6, 6, 120], [10, 1, 12, 1, 300]])
    found: list[Any] = []
    for causal in (False, True):
        weights, d_scores = np.empty((2, 305), np.float32)
        context, dv = np.empty((5, 11, 7), np.float32), np.empty((5, 13, 7), np.float32)
        kernel.scores(normal(5, 11, 8), normal(5, 13, 8), table, weights)
        kernel.softmax(weights, table, 5, 0.3, causal)
        kernel.by_query(weights, normal(5, 13, 7), table, context)
        kernel.by_key(weights, normal(5, 11, 7), table, dv)
        kernel.scores(normal(5, 11, 7), normal(5, 13, 7), table, d_scores)
        kernel.score_gradient(weights, d_scores, table, 5, 0.3)
        found += [weights, d_scores, context, dv]
    return found


def _dropout(kernel: Any) -> list[Any]:
    out = np.empty(10_007, np.float32)
    kernel.masked_scale(normal(10_007), (7, 1, 99, 5, 0), 1 << 31, 2.0, out)
    return [out]


def _layer_norm(kernel: Any) -> list[Any]:
    x, branch, gamma = normal(37, 29), normal(37, 29) + 1, normal(29)
    total, y, dx = np.empty((3, 37, 29), np.float32)
    statistics = kernel.forward(x, branch, gamma, gamma + 1, 1e-5, total, y)
    sums = kernel.backward(total, statistics, gamma, y, branch, dx)
    return [total, y, statistics, dx, *sums]


def _cross_entropy(kernel: Any) -> list[Any]:
    targets = np.arange(37) % 53 - 1
    gradient = np.empty((37, 53), np.float32)
    found = [kernel.loss_and_gradient(normal(37, 53), targets, -1, 0.1, given) for given in (gradient, None)]
    return [*found, gradient]


def _log_softmax(kernel: Any) -> list[Any]:
    return [kernel.log_softmax(normal(37, 53))]


def _largest(kernel: Any) -> list[Any]:
    return [kernel.largest(normal(37, 53), np.arange(53) % 7 == 0, 5)]


def _optimizer(kernel: Any) -> list[Any]:
    g, found = normal(11, 97), []
    for name, states, settings in (
        ("sgd", 0, (0.1, 0.01, 0.02, 0.99)),
        ("momentum", 1, (0.1, 0.9, True, 0.01, 0.0, 1.0)),
        ("adagrad", 1, (0.1, 1e-8, 0.0, 0.0, 1.0)),
        ("rmsprop", 3, (0.1, 0.9, 1e-8, 0.5, 0.0, 0.0, 1.0)),
        ("adam", 2, (0.1, 0.9, 0.99, 0.5, 1e-8, 0.0, 0.0, 0.99)),
    ):
        p, own = normal(97, 11), [np.abs(normal(97, 11)) for _ in range(states)]
        getattr(kernel, name)(p, g.reshape(97, 11), *own, *settings)
        found += [p, *own]
    kernel.scale(g, np.float64(0.3))
    return [*found, g, kernel.sum_of_squares(g)]


def _rotary(kernel: Any) -> list[Any]:
    """Heads side by side, as a linear layer leaves them, and packed ones; both orders of pairs."""
    found: list[Any] = []
    for x in (normal(3, 7, 2, 5, 6)[:, :, 1].swapaxes(1, 2), normal(5, 7, 6)):
        for interleaved in (False, True):
            found.append(np.empty_like(x))
            kernel.turn(x, np.cos(normal(7, 3)), np.sin(normal(7, 3)), interleaved, found[-1])
    return found


def _column_sums(kernel: Any) -> list[Any]:
    x = normal(37, 53)
    return [kernel.column_sums(x), kernel.column_sums(x, normal(37))]


def _convolution(kernel: Any) -> list[Any]:
    x, dx = normal(7, 9, 8, 3), np.empty((7, 9, 8, 3), np.float32)
    columns, y, dz = np.empty((7, 9, 4, 3, 2, 3), np.float32), normal(70, 5), np.empty((70, 5), np.float32)
    kernel.gather(x, (1, 2), (1, 0), columns)
    kernel.scatter(columns + 1, (1, 2), (1, 0), dx)
    kernel.add_bias(y, normal(5), True)
    kernel.where_positive(normal(70, 5) + 1, y, dz)
    return [columns, dx, y, dz]


def _winograd(kernel: Any) -> list[Any]:
    x, tiles, padding = normal(5, 7, 6, 3), (4, 3), (1, 1)
    V, y = np.empty((16, 60, 3), np.float32), np.empty((5, 7, 6, 3), np.float32)
    M, dx = np.empty((16, 60, 3), np.float32), np.empty((5, 7, 6, 3), np.float32)
    kernel.pixels_to_tiles(x, tiles, padding, V)
    kernel.results_from_tiles(V, tiles, y)
    kernel.results_to_tiles(x, tiles, M)
    kernel.pixels_from_tiles(V, tiles, padding, dx)
    return [V, y, M, dx]


def _pooling(kernel: Any) -> list[Any]:
    x, y, dx = normal(5, 7, 6, 3), np.empty((5, 3, 3, 3), np.float32), np.empty((5, 7, 6, 3), np.float32)
    winner = np.empty(y.shape, np.uint8)
    kernel.max_forward(x, (2, 2), (2, 2), (0, 0), -np.inf, y, winner)
    kernel.max_backward(y + 1, winner, (2, 2), (2, 2), (0, 0), dx)
    return [y, winner, dx]


def _crf(kernel: Any) -> list[Any]:
    keep = np.arange(7) < np.array([[7], [3], [0], [1], [6]])
    given = (normal(5, 7, 11), keep, normal(11), normal(11, 11), normal(11) + 1)
    alphas, d_emissions = np.empty((2, 5, 7, 11), np.float32)
    totals, scores = np.empty((2, 5), np.float32)
    tags = np.empty((5, 7), np.int64)
    kernel.forward(*given, alphas, totals)
    sums = kernel.backward(*given, alphas, normal(5), d_emissions)
    kernel.viterbi(*given, tags, scores)
    return [alphas[keep], totals, d_emissions, *(x.reshape(-1) for x in sums), tags, scores]


def _ngrams(kernel: Any) -> list[Any]:
    random = np.random.default_rng(0)
    first = np.sort(random.integers(0, 41, 14)).astype(np.int32)
    first[0], first[-1] = 0, 40
    words = np.concatenate([np.sort(random.permutation(50)[:n]) for n in np.diff(first)]).astype(np.int32)
    contexts = random.integers(-1, 13, 301).astype(np.int32)
    wanted = random.integers(0, 51, 301).astype(np.int32)
    found, counts = np.empty(301, np.int32), np.zeros(52, np.int32)
    kernel.find(words, first, contexts, wanted, found)
    kernel.count(wanted, counts)
    assert (found >= 0).sum() > 5
    first = np.array([0, *np.sort(random.integers(0, 301, 49)), 300, 300], np.int32)
    words = np.concatenate([np.sort(random.permutation(300)[:n]) for n in np.diff(first)]).astype(np.int32)
    probs = [random.normal(size=n).astype(np.float32) for n in (51, len(words))]
    tables = kernel.tables([words[:0], words % 50], [first], probs, [random.normal(size=51)])
    stream = np.where(np.arange(300) % 9, random.integers(0, 50, 300), 50).astype(np.int32)
    log10, length = np.zeros(300), np.zeros(300, np.int64)
    kernel.full_scores(tables, stream, 50, True, log10, length)
    return [found, counts, log10, length]


def _word_ids(kernel: Any) -> list[Any]:
    random = np.random.default_rng(0)
    words = [f"w{n}".encode() for n in range(300)]
    text = b" ".join(words[n] + b"\n" * int(n % 7 == 0) for n in random.integers(0, 300, 900)) + b" absent\n"
    found = kernel.word_ids(kernel.table(words[:250]), text, 250)
    assert {-1, 250} < {*found.tolist()}
    return [found]


CASES: dict[str, Callable[[Any], list[Any]]] = {
    "activation": _activation,
    "attention": _attention,
    "packed_attention": _packed_attention,
    "dropout": _dropout,
    "layer_norm": _layer_norm,
    "softmax_cross_entropy": _cross_entropy,
    "log_softmax": _log_softmax,
    "largest": _largest,
    "optimizer": _optimizer,
    "column_sums": _column_sums,
    "convolution": _convolution,
    "crf": _crf,
    "winograd": _winograd,
    "pooling": _pooling,
    "rotary": _rotary,
    "ngrams": _ngrams,
    "word_ids": _word_ids,
}


IN_ONE_CHUNK = {"word_ids"}
"""Families that one thread computes."""


@pytest.mark.parametrize("family", [name for name in CASES if name not in IN_ONE_CHUNK])
@pytest.mark.parametrize("chunks", [2, 3, 8])
def test_a_kernel_in_chunks_gives_what_it_gives_whole(
    family: str, chunks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To rounding: loops end elsewhere, and sums over chunks are added up in another order."""
    kernel = importlib.import_module(f"seqkit.backend.kernels.{family}.cpu")
    monkeypatch.setattr(kernel, "chunks_for", lambda *_: 1)
    whole = CASES[family](kernel)
    monkeypatch.setattr(kernel, "chunks_for", lambda *_: chunks)
    for ours, expected in zip(CASES[family](kernel), whole, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-5 if ours.ndim < 2 else 0)


@pytest.mark.parametrize("family", CASES)
def test_a_task_that_does_not_run_leaves_the_work_to_the_reference(
    family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Because of its arrays, or because it does not compile: the result is the reference's, bit by bit."""
    kernel = importlib.import_module(f"seqkit.backend.kernels.{family}.cpu")
    reference = importlib.import_module(f"seqkit.backend.kernels.{family}.reference")
    expected = CASES[family](reference)
    tasks = [value for value in vars(kernel).values() if isinstance(value, Task)]
    assert tasks
    for one in tasks:
        monkeypatch.setattr(one, "parallel_for", lambda *_, **__: False)
    for ours, theirs in zip(CASES[family](kernel), expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("size", [1, 1023, 1024, 1025, 5000])
def test_chunks_have_pages_of_their_own(size: int) -> None:
    rows = thread_pool.page_aligned_scratch(3, size)
    assert rows.dtype == np.float32
    pages = [{(row.ctypes.data + 4 * i) // 4096 for i in range(len(row))} for row in rows]
    assert all(len(row) >= size for row in rows)
    assert sum(len(one) for one in pages) == len(set.union(*pages))
