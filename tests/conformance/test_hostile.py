"""No form of an argument crashes a process, or changes a result in silence."""

from __future__ import annotations

import mmap
import os
import subprocess
import sys
from pathlib import Path

import pytest

from seqkit.backend.kernels import numba_missing

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(numba_missing() is not None, reason=f"no compiled kernels: {numba_missing()}"),
    pytest.mark.skipif(not hasattr(mmap, "MAP_PRIVATE"), reason="memory cannot be protected"),
]


def run(module: str, progress: Path) -> str:
    """Return the output of a module of the tests; AssertionError names the last case if it crashes."""
    environment = os.environ | {
        "MALLOC_PERTURB_": "170",
        "OPENBLAS_NUM_THREADS": "1",
        "SEQKIT_KERNELS": "compiled",
    }
    done = subprocess.run(
        [sys.executable, "-m", module, str(progress)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
    )
    at = progress.read_text().strip() if progress.exists() else "the start"
    assert done.returncode == 0, f"{done.returncode} at {at}: {done.stderr[-2000:]}"
    return done.stdout


def test_ops_take_every_form_of_every_argument(tmp_path: Path) -> None:
    assert run("tests.conformance.hostile", tmp_path / "progress") == ""


def test_kernels_stay_within_their_arrays(tmp_path: Path) -> None:
    """All families; each array lies at the end of its memory, and then at the start."""
    assert run("tests.backend.guarded_kernels", tmp_path / "progress") == ""
