"""Text that is shown as it grows: all of short texts, seldom of long ones, and in the end all of it."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence

import pytest

from seqkit.tasks.language_modeling.generation import _GrowingText


class Clock:
    """Goes on by ``cost`` seconds for each token of a text that is made, and by ``step`` for each new one."""

    def __init__(self, cost: float, step: float, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.cost, self.step, self.making = 100.0, cost, step, 0.0
        monkeypatch.setattr(time, "perf_counter", lambda: self.now)

    def text_of(self, ids: Sequence[int]) -> str:
        self.now += self.cost * len(ids)
        self.making += self.cost * len(ids)
        return "".join(map(str, ids))


@pytest.mark.parametrize(("cost", "all_shown"), [(1e-6, True), (1e-3, False)])
def test_making_the_text_takes_a_small_part_of_the_time(
    cost: float, all_shown: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, shown = Clock(cost, 0.01, monkeypatch), list[str]()
    growing = _GrowingText(clock.text_of, shown.append)
    for n in range(500):
        clock.now += clock.step
        growing.add(n % 10)
    assert (len(shown) == 500) == all_shown
    assert clock.making <= 0.2 * (clock.now - 100)  # after every token it would be 96 % of the slow case
    growing.end()
    growing.end()
    assert shown[-1] == "0123456789" * 50
    assert all(later.startswith(earlier) for earlier, later in itertools.pairwise(shown))
    assert len({*shown}) == len(shown)
