"""Compiled code is the same whether it was just compiled or found; a damaged file is compiled again."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

pytest.importorskip("numba", reason="Numba is not installed: the compiled kernels do not run")

from tests.backend.test_kernel_dispatch import run_python
from tests.training.tiny import environment, python, write_corpus

pytestmark = pytest.mark.slow

DRAW = "from seqkit.backend.random import Generator; print(Generator(0).words(2).tolist())"


def object_file(cache: Path) -> Path:
    (path,) = cache.rglob("philox*.o")
    return path


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A cache that holds the generator's kernel, and the numbers drawn."""
    cache = tmp_path_factory.mktemp("filled")
    return cache, run_python(DRAW, SEQKIT_CACHE=str(cache)).stdout


@pytest.mark.parametrize("damage", ["empty", "cut", "flipped", "other"])
def test_a_damaged_file_is_compiled_again(damage: str, filled: tuple[Path, str], tmp_path: Path) -> None:
    cache, expected = filled
    shutil.copytree(cache, tmp_path, dirs_exist_ok=True)
    path = object_file(tmp_path)
    whole = path.read_bytes()
    half = len(whole) // 2
    path.write_bytes(
        {
            "empty": b"",
            "cut": whole[:half],
            "flipped": whole[:half] + bytes([whole[half] ^ 1]) + whole[half + 1 :],
            "other": b"another format\n" + whole,
        }[damage]
    )
    again = run_python(DRAW, SEQKIT_CACHE=str(tmp_path))
    assert (again.stdout, again.stderr) == (expected, "")
    checksum, content = path.read_bytes().split(b"\n", 2)[1:]
    assert hashlib.sha256(content).hexdigest().encode() == checksum
    assert {file.suffix for file in path.parent.iterdir()} == {".o"}


def test_a_training_does_not_depend_on_the_cache(tmp_path: Path) -> None:
    """The first training of a machine, which compiles, and the second have the same weights, bit by bit."""
    corpus, cache = write_corpus(tmp_path / "text.txt"), str(tmp_path / "cache")
    found = []
    for run in ("empty", "warm"):
        python(
            *("-m", "seqkit", "train-lm", str(corpus), "--model", "transformer", "--positions", "rotary"),
            *("--emsize", "64", "--context-length", "32", "--batch-size", "8", "--max-steps", "4"),
            *("--seed", "3", "--quiet", "--out", str(tmp_path / run)),
            env=environment(SEQKIT_CACHE=cache),
            check=True,
            timeout=600,
        )
        found.append(hashlib.sha256((tmp_path / run / "model.safetensors").read_bytes()).hexdigest())
    assert found[0] == found[1]
