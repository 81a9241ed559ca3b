"""Heavy packages that importing the library does not load, and modules that import without Numba."""

import importlib
import os
import subprocess
import sys
from types import ModuleType

import pytest

import seqkit
from tests.architecture.test_imports import SOURCES
from tests.backend.test_kernel_dispatch import run_python
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


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import seqkit", "20"),
        ("import numpy, seqkit", "None"),
        ("import os; os.environ['OPENBLAS_THREAD_TIMEOUT'] = '7'; import seqkit", "7"),
    ],
)
def test_openblas_is_asked_to_sleep_before_numpy_comes(code: str, said: str) -> None:
    look = (
        "import os; os.environ.pop('OPENBLAS_THREAD_TIMEOUT', None)\n"
        f"{code}\nimport os\nprint(os.environ.get('OPENBLAS_THREAD_TIMEOUT'))"
    )
    assert run_python(look).stdout == said + "\n"


@pytest.mark.parametrize("name", seqkit.__all__)
def test_public_names_are_there(name: str) -> None:
    value = getattr(seqkit, name)
    if isinstance(value, ModuleType):
        assert value is importlib.import_module(f"seqkit.{name}")
    assert name in dir(seqkit)


def test_tasks_give_their_modules() -> None:
    for name in ("language_modeling", "seq2seq", "text_classification", "sentence_encoding"):
        assert getattr(seqkit.tasks, name) is importlib.import_module(f"seqkit.tasks.{name}")


@pytest.mark.parametrize("module", [seqkit, seqkit.tasks], ids=["seqkit", "seqkit.tasks"])
def test_other_names_are_not(module: ModuleType) -> None:
    with pytest.raises(AttributeError, match=rf"module '{module.__name__}' has no attribute 'nothing'"):
        _ = module.nothing
