"""Heavy packages that importing the library does not load, and modules that import without Numba."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.architecture.test_imports import SOURCES
from tests.training.tiny import ROOT, python_path

pytestmark = pytest.mark.without_numba

ON_FIRST_USE = ["numba", "nltk", "matplotlib", "cupy"]


def loaded_after(code: str, *, whole: bool = False) -> set[str]:
    """Names in sys.modules of a fresh interpreter, top-level ones unless ``whole``."""
    report = "\nimport sys\nprint(*sys.modules)"
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", code + report],
        env={**os.environ, "PYTHONPATH": python_path()},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return {name if whole else name.partition(".")[0] for name in result.stdout.split()}


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


IMPORT_ALL = """
import importlib, sys
sys.modules["numba"] = None
for name in {names}:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        assert error.name.startswith("numba") and name.startswith("seqkit.backend.kernels."), (name, error)
"""


def test_all_modules_but_compiled_kernels_import_without_numba() -> None:
    names = [source.name.removesuffix(".__init__") for source in SOURCES if source.package != "__main__"]
    assert {"seqkit.cli", "seqkit.corpora"} <= loaded_after(IMPORT_ALL.format(names=names), whole=True)
