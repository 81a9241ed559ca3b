"""What importing the library must not load."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ON_FIRST_USE = ["numba", "nltk", "matplotlib", "cupy"]


def loaded_after(code: str) -> set[str]:
    """Top-level names in sys.modules of a fresh interpreter."""
    report = "\nimport sys\nprint(*{name.partition('.')[0] for name in sys.modules})"
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", code + report],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(result.stdout.split())


@pytest.mark.parametrize(
    "code",
    [
        "import seqkit",
        "import seqkit.ops, seqkit.autograd, seqkit.backend, seqkit.backend.kernels, seqkit.backend.random",
        "import seqkit.text, seqkit.data, seqkit.nn, seqkit.optim",
        "import seqkit.models, seqkit.decoding, seqkit.training",
        "import numpy\nfrom seqkit.autograd import Tensor\n(Tensor(numpy.ones(3)) * 2.0).sum()",
    ],
)
def test_heavy_packages_wait_for_their_first_use(code: str) -> None:
    loaded = loaded_after(code)
    assert "seqkit" in loaded
    assert loaded.isdisjoint(ON_FIRST_USE)


def test_import_seqkit_loads_no_numpy() -> None:
    """So that `seqkit --version` starts at once."""
    assert "numpy" not in loaded_after("import seqkit")


def test_the_report_can_fail() -> None:
    assert "numpy" in loaded_after("import numpy")
