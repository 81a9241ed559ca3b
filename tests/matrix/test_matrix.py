"""The oldest requirements, and what is read from the output of a run."""

import sys
from pathlib import Path

import pytest

from tests.matrix import __main__ as matrix
from tests.matrix.environments import ENVIRONMENTS, interpreters
from tests.matrix.requirements import declared, oldest


@pytest.mark.parametrize(
    ("requirement", "expected"),
    [
        ("numpy>=2.0", "numpy==2.0"),
        ("numba>=0.60,<0.69; python_version < '3.15'", "numba==0.60; python_version < '3.15'"),
        ("faiss-cpu>=1.8", "faiss-cpu==1.8"),
        ("psycopg[binary]>=3.2", "psycopg[binary]==3.2"),
        ("wheel", "wheel"),
    ],
)
def test_the_oldest_version_is_the_lower_bound(requirement: str, expected: str) -> None:
    assert oldest(requirement) == expected


def test_requirements_are_those_of_the_library_and_its_tests() -> None:
    names = {line.split(">")[0] for line in declared()}
    assert {"numpy", "numba", "optuna", "pytest", "matplotlib"} <= names
    assert names.isdisjoint({"ruff", "mypy", "torch", "cupy-cuda12x"})


@pytest.mark.parametrize(
    ("log", "passed", "failed", "skipped"),
    [
        ("...\n12 passed, 3 skipped in 4.5s\n", 12, 0, 3),
        ("...\n1 failed, 10 passed, 2 errors in 90.1s (0:01:30)", 10, 3, 0),
        ("INTERNALERROR> no space left on device\n", 0, 1, 0),
        ("", 0, 1, 0),
    ],
)
def test_counts_are_read_from_the_last_line(log: str, passed: int, failed: int, skipped: int) -> None:
    assert matrix.counts_of(log) == {"passed": passed, "failed": failed, "skipped": skipped}


def test_the_table_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{matrix.BEGIN}| old |\n{matrix.END}after\n", "utf-8")
    monkeypatch.setattr(matrix, "PAGE", page)
    matrix.write_table([["Python 3.11", "3.11.1", "2.0", "0.60", "1,000", "0", "2"]])
    before, begin, head, line, row, end, after = page.read_text("utf-8").splitlines()
    assert (before, begin, end, after) == ("before", matrix.BEGIN.strip(), matrix.END.strip(), "after")
    assert "old" not in head
    assert row == "| Python 3.11 | 3.11.1 | 2.0 | 0.60 | 1,000 | 0 | 2 |"
    assert line.count("|") == head.count("|") == row.count("|")


def test_the_page_has_the_place_of_the_table() -> None:
    text = matrix.PAGE.read_text("utf-8")
    assert text.index(matrix.BEGIN) < text.index(matrix.END)


def test_a_named_interpreter_comes_first() -> None:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert interpreters([sys.executable])[version] == Path(sys.executable)


def test_processors_without_vectors_run_the_suite_for_their_features(tmp_path: Path) -> None:
    [environment] = [each for each in ENVIRONMENTS if each.name == "processor without AVX2"]
    variables = environment.variables(Path(sys.executable))
    assert "avx" not in variables["NUMBA_CPU_FEATURES"]
    assert not any(name.startswith("SSE") for name in variables["NPY_DISABLE_CPU_FEATURES"].split())
