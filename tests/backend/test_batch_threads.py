"""Batches in several threads: order, bits, errors, and what is left behind."""

import itertools
import threading
import time

import numpy as np
import pytest

from seqkit import nn
from seqkit.autograd import no_grad
from seqkit.backend import batch_threads
from seqkit.backend.batch_threads import map_batches
from seqkit.backend.kernels import has_tiles

needs_threads = pytest.mark.skipif(not has_tiles(), reason="one thread where BLAS multiplies matrices")


@pytest.fixture(autouse=True)
def _two_threads(monkeypatch):
    monkeypatch.setattr(batch_threads, "thread_count", lambda: 2)


def _all(compute, batches, device):
    with map_batches(compute, batches, device) as results:
        return list(results)


def _is_free():
    with batch_threads._pool().reserved() as free:
        return free


def test_results_come_in_the_order_of_the_batches():
    def compute(n):
        time.sleep(0.001 * (7 - n))
        return n * n

    assert _all(compute, range(8), "cpu") == [n * n for n in range(8)]


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_few_batches(count):
    assert _all(str, iter(range(count)), "cpu") == [str(n) for n in range(count)]


def test_recurrent_batches_have_the_bits_of_one_after_another():
    model = nn.LSTM(24, 40, bidirectional=True, generator=0)
    model.eval()
    random = np.random.default_rng(0)
    batches = [random.standard_normal((5 + n, 9, 24)).astype(np.float32) for n in range(12)]

    def compute(x):
        with no_grad():
            return model(x, None, None)[0].data.copy()

    one_by_one = [compute(x) for x in batches]
    for mine, theirs in zip(_all(compute, batches, "cpu"), one_by_one, strict=True):
        np.testing.assert_array_equal(mine, theirs)


@needs_threads
def test_two_threads_compute_at_the_same_time():
    barrier = threading.Barrier(2, timeout=30)
    assert len(_all(lambda _: barrier.wait(), range(6), "cpu")) == 6


@needs_threads
def test_an_error_comes_out_and_leaves_the_kernels_free():
    def compute(n):
        if n == 3:
            raise ValueError("batch 3")
        return n

    with pytest.raises(ValueError, match="batch 3"):
        _all(compute, range(10), "cpu")
    assert _is_free()


@needs_threads
def test_an_error_of_the_caller_leaves_the_kernels_free_while_its_traceback_lives():
    """A notebook keeps the last traceback, with all frames, after Ctrl-C."""

    def stop():
        with map_batches(lambda n: n, itertools.count(), "cpu") as results:
            assert [next(results) for _ in range(5)] == [0, 1, 2, 3, 4]
            assert not _is_free()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        stop()
    assert _is_free()
    assert caught.traceback


def _thread(_):
    return threading.current_thread().name


@needs_threads
@pytest.mark.parametrize(("threads", "batches", "device"), [(2, 4, "cuda"), (3, 2, "cpu"), (99, 200, "cpu")])
def test_batches_come_one_after_another(threads, batches, device, monkeypatch):
    """On a GPU, with fewer batches than threads, and with more threads than were measured."""
    monkeypatch.setattr(batch_threads, "thread_count", lambda: threads)
    assert set(_all(_thread, range(batches), device)) == {_thread(None)}


@needs_threads
def test_batches_within_batches_come_one_after_another():
    def compute(_):
        return _thread(None), set(_all(_thread, range(4), "cpu"))

    for name, names in _all(compute, range(2), "cpu"):
        assert name.startswith("seqkit batches")
        assert names == {name}
