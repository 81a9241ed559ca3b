"""Pieces of work in threads, and how the products' own threads make room for them."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from seqkit import threads
from tests.backend.test_kernel_dispatch import run_python


class Products:
    """Libraries of products with a number of threads that can be limited, as threadpoolctl shows them."""

    def __init__(self, *counts: int) -> None:
        self.lib_controllers = [SimpleNamespace(num_threads=n) for n in counts]
        self.limits: list[int | None] = []

    def limit(self, limits: int) -> Any:
        before = [library.num_threads for library in self.lib_controllers]
        outer = self

        class Limit:
            def __enter__(self) -> None:
                outer.limits.append(limits)
                for library in outer.lib_controllers:
                    library.num_threads = limits

            def __exit__(self, *_: object) -> None:
                outer.limits.append(None)
                for library, count in zip(outer.lib_controllers, before, strict=True):
                    library.num_threads = count

        return Limit()


@pytest.fixture
def products(monkeypatch: pytest.MonkeyPatch) -> Iterator[Products]:
    found = Products(4)
    monkeypatch.setattr(threads, "_libraries", lambda: found)
    monkeypatch.setattr(threads, "let_blas_sleep", lambda: True)
    yield found
    assert found.lib_controllers[0].num_threads == 4


def test_results_come_in_the_order_of_the_parts(products: Products) -> None:
    """The first part ends last."""
    others = threading.Event()

    def square(n: int) -> int:
        if n == 1:
            assert others.wait(10)
        elif n == 3:
            others.set()
        return n * n

    assert threads.in_threads(square, [1, 2, 3]) == [1, 4, 9]
    assert products.limits == [1, None]


def test_each_part_has_a_thread_and_the_caller_s_context(products: Products) -> None:
    variable = contextvars.ContextVar("variable", default="none")
    variable.set("the caller's")
    together = threading.Barrier(3, timeout=10)

    def look(_: int) -> tuple[int, str, int]:
        together.wait()
        return threading.get_ident(), variable.get(), products.lib_controllers[0].num_threads

    seen = threads.in_threads(look, range(3))
    assert len({ident for ident, _, _ in seen}) == 3
    assert seen[0][0] == threading.get_ident()
    assert {(value, count) for _, value, count in seen} == {("the caller's", 1)}


def test_one_part_stays_in_the_caller_s_thread(products: Products) -> None:
    assert threads.in_threads(lambda _: threading.get_ident(), [0]) == [threading.get_ident()]
    assert products.limits == []


@pytest.mark.parametrize("bad", [0, 2])
def test_an_error_waits_for_the_others(products: Products, bad: int) -> None:
    done = []

    def work(n: int) -> None:
        if n == bad:
            raise ValueError(f"part {n}")
        done.append(n)

    with pytest.raises(ValueError, match=f"part {bad}"):
        threads.in_threads(work, range(3))
    assert sorted(done) == sorted({0, 1, 2} - {bad})


def test_overlapping_users_share_one_limit(products: Products) -> None:
    """The first to leave must not give the second's products their threads back."""
    with threads._one_thread_each():
        with threads._one_thread_each():
            assert products.limits == [1]
        assert products.lib_controllers[0].num_threads == 1
    assert products.limits == [1, None]


def test_how_many_threads_are_worth_it(products: Products, monkeypatch: pytest.MonkeyPatch) -> None:
    piece = threads.PIECE
    assert [threads.worthwhile_threads(n * piece) for n in (0, 1, 1.9, 2, 3.5, 100)] == [1, 1, 1, 2, 3, 4]
    assert threads.in_threads(lambda _: threads.worthwhile_threads(100 * piece), range(2)) == [1, 1]
    monkeypatch.setattr(threads, "let_blas_sleep", lambda: False)
    assert threads.worthwhile_threads(2 * piece) == 1
    assert threads.worthwhile_threads(2 * threads.PIECE_BESIDE_WAITING) == 2


def test_threads_of_several_libraries_and_of_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for counts, due in (((8, 2), 2), ((), 1)):
        found = Products(*counts)
        monkeypatch.setattr(threads, "_libraries", lambda found=found: found)
        assert threads.worthwhile_threads(1e15) == due


def test_numpy_s_own_products_are_limited_and_freed() -> None:
    code = """
from seqkit import threads
import numpy
libraries = threads._libraries().lib_controllers
before = [library.num_threads for library in libraries]
inside = threads.in_threads(lambda _: [library.num_threads for library in libraries], range(2))
print(inside == [[1] * len(libraries)] * 2, before == [library.num_threads for library in libraries])
"""
    assert run_python(code).stdout == "True True\n"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import seqkit", "True 24"),
        ("import numpy, seqkit", "False None"),
        ("import os; os.environ['OPENBLAS_THREAD_TIMEOUT'] = '7'; import seqkit", "True 7"),
    ],
)
def test_openblas_is_asked_to_sleep_before_numpy_comes(code: str, said: str) -> None:
    look = (
        "import os; os.environ.pop('OPENBLAS_THREAD_TIMEOUT', None)\n"
        f"{code}\nimport os\nfrom seqkit.threads import let_blas_sleep\n"
        "print(let_blas_sleep(), os.environ.get('OPENBLAS_THREAD_TIMEOUT'))"
    )
    assert run_python(look).stdout == said + "\n"
