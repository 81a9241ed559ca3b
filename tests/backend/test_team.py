"""A team does each part of a job once, whoever sleeps, and kernels give the same in any number of parts."""

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

from seqkit.backend.kernels import team
from seqkit.backend.kernels.compiler import task
from seqkit.backend.kernels.team import bounds, number, real, share
from seqkit.backend.kernels.views import doubles, integers
from seqkit.threads import available_cores
from tests.backend.test_kernel_dispatch import run_python


@task
def _mark(numbers, part, parts):  # type: ignore[no-untyped-def]
    """Adds, slowly, so that a part that two have done shows, and that all can be at work at once."""
    seen = integers(number(numbers, 0), parts)
    for _ in range(number(numbers, 1)):
        seen[part] += 1


@task
def _fill(numbers, part, parts):  # type: ignore[no-untyped-def]
    first, last = bounds(number(numbers, 0), part, parts)
    out = doubles(number(numbers, 1), number(numbers, 0))
    for i in range(first, last):
        out[i] = real(numbers, 2) * i


@task
def _meet(numbers, part, parts):  # type: ignore[no-untyped-def]
    """Says that it is there, and looks for the other part a while."""
    here = number(numbers, 0)
    team._write(here + 8 * part, 1)
    for _ in range(1 << 22):
        if team._read(here + 8 * (1 - part)):
            team._write(here + 8 * (2 + part), 1)
            return


@pytest.mark.skipif(available_cores() < 2, reason="one core: nobody meets anybody")
def test_parts_are_done_at_the_same_time() -> None:
    """Not in each job, for members may sleep; but in one of many."""
    here = np.zeros(4, np.int64)
    for _ in range(100):
        here[:] = 0
        share(_meet, 2, here)
        if here.tolist() == [1, 1, 1, 1]:
            return
    pytest.fail(f"in 100 jobs no part met the other: {here}")


@pytest.mark.parametrize("parts", [1, 2, 3, 7, 40])
@pytest.mark.parametrize("pause", [0.0, 0.01])
def test_each_part_is_done_once(parts: int, pause: float) -> None:
    """Also by members that have fallen asleep in between, and of parts more than there are members."""
    for _ in range(20):
        time.sleep(pause)
        seen = np.zeros(parts, np.int64)
        share(_mark, parts, seen, 1000)
        assert seen.tolist() == [1000] * parts


def test_numbers_and_arrays_arrive() -> None:
    out = np.full(1001, np.nan)
    share(_fill, 3, 1001, out, -0.5)
    np.testing.assert_array_equal(out, -0.5 * np.arange(1001))
    given: list[Any] = [None, 3, -1, np.float64(0.5)]
    assert [team._as_integer(one) for one in given] == [0, 3, -1, 0x3FE0000000000000]


def test_many_threads_share_at_once() -> None:
    """Who finds the team at work does without it; all results are whole."""
    wrong: list[Any] = []

    def work(seed: int) -> None:
        for turn in range(200):
            out = np.empty(257)
            share(_fill, 4, 257, out, float(seed + turn))
            if not np.array_equal(out, (seed + turn) * np.arange(257.0)):
                wrong.append((seed, turn))

    workers = [threading.Thread(target=work, args=(1000 * i,)) for i in range(5)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert wrong == []


def test_a_room_is_free_again_after_an_error() -> None:
    def fail() -> None:
        with team.lead(2) as (room, parts):
            assert (room > 0, parts) == (True, 2)
            with team.lead(2) as inner:
                assert inner == (0, 1)
            raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        fail()
    with team.lead(2) as (room, _):
        assert room


@pytest.mark.skipif(not hasattr(os, "fork") or sys.platform == "darwin", reason="no fork on this platform")
def test_a_forked_process_has_a_team_of_its_own() -> None:
    code = """
import os
import numpy as np
from seqkit.backend.kernels.team import share
from tests.backend.test_team import _fill
def filled():
    out = np.empty(500)
    share(_fill, 2, 500, out, 2.0)
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


def test_the_process_ends_while_members_sleep_or_look() -> None:
    """They live as long as the process, and do not keep it."""
    code = """
import numpy as np
from seqkit.backend.kernels.team import share
from tests.backend.test_team import _fill
share(_fill, 3, 100, np.empty(100), 1.0)
{}
print("end")
"""
    for last in ("", "import time; time.sleep(0.2)"):
        assert run_python(code.format(last)).stdout == "end\n"


def test_the_environment_sets_the_threads() -> None:
    code = """
from seqkit.backend.kernels.processor import FITS
from seqkit.backend.kernels.team import parts_for
print([parts_for(1000, least) if FITS else 0 for least in (2000, 1000, 400, 1)])
"""
    for count in (1, 2, 3):
        expected = [min(n, count) for n in (1, 1, 2, 1000)]
        assert run_python(code, OPENBLAS_NUM_THREADS=str(count)).stdout in (f"{expected}\n", "[0, 0, 0, 0]\n")


# Kernels in parts


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
    return [kernel.loss_and_gradient(normal(37, 53), targets, -1, 0.1, gradient), gradient]


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


CASES: dict[str, Callable[[Any], list[Any]]] = {
    "activation": _activation,
    "attention": _attention,
    "dropout": _dropout,
    "layer_norm": _layer_norm,
    "softmax_cross_entropy": _cross_entropy,
    "optimizer": _optimizer,
    "column_sums": _column_sums,
    "convolution": _convolution,
    "winograd": _winograd,
    "pooling": _pooling,
    "rotary": _rotary,
}


@pytest.mark.parametrize("family", CASES)
@pytest.mark.parametrize("parts", [2, 3, 8])
def test_a_kernel_in_parts_gives_what_it_gives_whole(
    family: str, parts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To rounding: loops end elsewhere, and sums over parts are added up in another order."""
    kernel = importlib.import_module(f"seqkit.backend.kernels.{family}.cpu")
    monkeypatch.setattr(kernel, "parts_for", lambda *_: 1)
    whole = CASES[family](kernel)
    monkeypatch.setattr(kernel, "parts_for", lambda *_: parts)
    for ours, expected in zip(CASES[family](kernel), whole, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-5 if ours.ndim < 2 else 0)


@pytest.mark.parametrize("family", CASES)
def test_arrays_of_other_kinds_go_to_the_reference(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A task reads memory as float32 side by side: it must never get anything else."""
    kernel = importlib.import_module(f"seqkit.backend.kernels.{family}.cpu")
    reference = importlib.import_module(f"seqkit.backend.kernels.{family}.reference")
    expected = CASES[family](reference)
    monkeypatch.setattr(kernel, "plain", lambda *_: False)
    monkeypatch.setattr(kernel, "share", _only_sums)
    for ours, theirs in zip(CASES[family](kernel), expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert not team.plain(np.zeros(3))
    assert not team.plain(np.zeros((3, 3), np.float32).T[1:])
    assert team.plain(None, np.zeros((3, 3), np.float32))


def _only_sums(task: Any, parts: int, *given: Any) -> None:
    assert task._pyfunc.__name__ == "_sum_of_squares_part", "a task has got what it cannot read"
    given[-1][0] = (given[1].astype(np.float64) ** 2).sum()


@pytest.mark.parametrize("size", [1, 1023, 1024, 1025, 5000])
def test_parts_have_pages_of_their_own(size: int) -> None:
    rooms = team.own_pages(3, size)
    assert rooms.dtype == np.float32
    pages = [{(room.ctypes.data + 4 * i) // 4096 for i in range(len(room))} for room in rooms]
    assert all(len(room) >= size for room in rooms)
    assert sum(len(one) for one in pages) == len(set.union(*pages))
