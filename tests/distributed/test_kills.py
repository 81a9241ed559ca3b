"""Each process of a job is killed at random moments: no job hangs, and what is resumed has the same bits."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from tests.distributed.test_commands import _children, _command, _weights
from tests.distributed.test_groups import mpiexec, run, start
from tests.exhaustive import exhaustive
from tests.training.tiny import write_corpus

KILLS = 10


@exhaustive
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc: processes are not found")
@pytest.mark.parametrize("rank", [0, 1])
def test_kills_at_random_moments(rank: int, tmp_path: Path) -> None:
    mpiexec()
    corpus = write_corpus(tmp_path / "text.txt")
    settings = {"epochs": 40, "checkpoint_interval": 0.2}
    code, _, err = run(2, *_command(corpus, tmp_path / "whole", **settings))
    assert code == 0, err
    out, draws = tmp_path / "killed", random.Random(rank)
    for _ in range(KILLS):
        process = start(2, *_command(corpus, out, "--resume", **settings))
        victims = _children(process, out)
        time.sleep(draws.uniform(0, 0.8))
        if process.poll() is None:
            os.kill(victims[rank], signal.SIGKILL)
        process.communicate(timeout=30)
    code, _, err = run(2, *_command(corpus, out, "--resume", **settings))
    assert code == 0, err
    for key, expected in _weights(tmp_path / "whole").items():
        np.testing.assert_array_equal(_weights(out)[key], expected)
