"""No form of an argument crashes a process, or changes a result in silence."""

from __future__ import annotations

import mmap
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("numba", reason="Numba is not installed: the compiled kernels do not run")

pytestmark = pytest.mark.skipif(not hasattr(mmap, "MAP_PRIVATE"), reason="memory cannot be protected")


def run(module: str, progress: Path) -> str:
    """What a module of the tests prints; the last thing it was at, if it has crashed."""
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
