"""Compiled code is the same whether it was just compiled or found; a damaged file is compiled again."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

pytest.importorskip("numba", reason="Numba is not installed: the compiled kernels do not run")

from seqkit.backend.kernels import object_code
from tests.backend.test_kernel_dispatch import run_python
from tests.exhaustive import exhaustive, some
from tests.training.tiny import environment, python, write_corpus

pytestmark = pytest.mark.slow

SUM = """
import numpy as np
from seqkit.backend.kernels.column_sums.cpu import column_sums
print(column_sums(np.ones((3, 2), np.float32)).tolist())
"""
"""It needs a kernel that is compiled in a second."""


def object_file(cache: Path) -> Path:
    (path,) = cache.rglob("column_sums*.o")
    return path


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path]:
    """Run SUM on an empty cache; return the process, and the cache with its kernels."""
    cache = tmp_path_factory.mktemp("compiled") / "cache"
    return run_python(SUM, SEQKIT_CACHE=str(cache)), cache


@pytest.fixture
def compiled(first: tuple[subprocess.CompletedProcess[str], Path]) -> tuple[str, Path]:
    """Return the output of SUM, and a cache with its kernels."""
    return first[0].stdout, first[1]


def test_the_first_compilation_says_so_once(
    first: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    """And the second process finds what the first one kept."""
    done, cache = first
    lines = done.stderr.splitlines()
    assert lines[0].startswith("compiling kernels for this processor, once")
    assert str(cache) in lines[0]
    assert re.fullmatch(
        r"compiling kernels: column sums \(1 of at most \d\d families\)", "\n".join(lines[1:])
    )
    second = run_python(SUM, SEQKIT_CACHE=str(cache))
    assert (second.stdout, second.stderr) == (done.stdout, "")


def copied(cache: Path, to: Path) -> Path:
    """A copy of a cache; return the object file in it."""
    return object_file(shutil.copytree(cache, to))


def plant(path: Path) -> bytes:
    """Write an object file of which nothing can be run, with a checksum that holds."""
    object_code._write(path, "nothing", b"\x7fELF")
    return path.read_bytes()


@pytest.mark.parametrize("damage", some(["flipped", "empty", "another kernel"], 3))
def test_a_damaged_file_is_compiled_again(damage: str, compiled: tuple[str, Path], tmp_path: Path) -> None:
    expected, whole = compiled
    path = copied(whole, tmp_path / "cache")
    data = path.read_bytes()
    half = len(data) // 2
    damaged = {
        "empty": b"",
        "flipped": data[:half] + bytes([data[half] ^ 1]) + data[half + 1 :],
        "another kernel": plant(tmp_path / "another.o"),
    }[damage]
    path.write_bytes(damaged)
    again = run_python(SUM, SEQKIT_CACHE=str(tmp_path / "cache"))
    assert again.stdout == expected
    assert "compiling kernels: column sums" in again.stderr
    assert object_code._read(path) is not None
    assert path.read_bytes() != damaged
    assert {file.suffix for file in path.parent.iterdir()} == {".o"}


@pytest.mark.parametrize("change", ["cut", "longer", "another format"])
def test_a_file_that_is_not_as_written_is_not_read(
    change: str, compiled: tuple[str, Path], tmp_path: Path
) -> None:
    path = copied(compiled[1], tmp_path / "cache")
    data = path.read_bytes()
    assert object_code._read(path) is not None
    path.write_bytes({"cut": data[:-1], "longer": data + b"\0", "another format": b"x\n" + data}[change])
    assert object_code._read(path) is None


LAYER_NORM = """
import hashlib
import numpy as np
from seqkit import ops
from seqkit.autograd import Tensor
x, gain, bias = (
    Tensor(np.random.default_rng(i).standard_normal(shape).astype("f"), requires_grad=True)
    for i, shape in enumerate([(50, 128), (128,), (128,)])
)
y = ops.layer_norm(x, gain, bias)
(y * y).sum().backward()
print([hashlib.sha256(a.tobytes()).hexdigest() for a in (y.data, x.grad, gain.grad, bias.grad)])
"""


@exhaustive
def test_bits_do_not_depend_on_the_cache(tmp_path: Path) -> None:
    """Nor on whether a helper was compiled by itself or within the task that calls it."""
    empty, warm = (run_python(LAYER_NORM, SEQKIT_CACHE=str(tmp_path)) for _ in range(2))
    assert "compiling kernels: layer norm" in empty.stderr
    assert (warm.stdout, warm.stderr) == (empty.stdout, "")


@exhaustive
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


posix = pytest.mark.skipif(os.name == "nt", reason="the owners and modes are POSIX's")


def share(path: Path, how: str) -> None:
    """Let others write to a file or folder, or give it to another user."""
    if how == "mode":
        path.chmod(0o777)
    elif os.geteuid() == 0:
        os.chown(path, 12345, -1)
    else:
        pytest.skip("only root can give files away")


@exhaustive
@posix
def test_a_planted_file_in_a_shared_cache_is_not_run(compiled: tuple[str, Path], tmp_path: Path) -> None:
    expected, whole = compiled
    cache, private = tmp_path / "cache", tmp_path / "private"
    plant(copied(whole, cache))
    private.mkdir()
    share(cache, "mode")
    variables = {"SEQKIT_CACHE": str(cache), "TMPDIR": str(private)}
    first, second = (run_python(SUM, **variables) for _ in range(2))
    assert (first.stdout, second.stdout) == (expected, expected)
    (line,) = second.stderr.splitlines()
    assert line.startswith(f"compiled kernels are kept in {private}")
    assert line.endswith(f": {cache} belongs to another user or can be written by others")
    assert object_file(private).stat().st_mode & 0o077 == 0


@posix
@pytest.mark.parametrize("how", ["mode", "owner"])
@pytest.mark.parametrize("depth", range(3))
def test_a_shared_folder_is_not_used(
    depth: int, how: str, compiled: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the folder of these sources, nor that of all kernels, nor the cache itself."""
    folder = copied(compiled[1], tmp_path / "cache").parent
    monkeypatch.setenv("SEQKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    find = object_code.cache_folder.__wrapped__
    assert find() == folder
    share((folder, *folder.parents)[depth], how)
    found = find()
    assert found == tmp_path / f"seqkit-{os.geteuid()}" / folder.relative_to(tmp_path / "cache")
    share(tmp_path / f"seqkit-{os.geteuid()}", how)
    assert find() is None


@posix
@pytest.mark.parametrize("how", ["mode", "owner"])
def test_a_file_of_others_is_not_read(how: str, compiled: tuple[str, Path], tmp_path: Path) -> None:
    path = copied(compiled[1], tmp_path / "cache")
    assert object_code._read(path) is not None
    share(path, how)
    assert object_code._read(path) is None


@posix
def test_new_folders_of_the_cache_are_private_whatever_the_umask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEQKIT_CACHE", str(tmp_path / "new" / "cache"))
    before = os.umask(0o002)
    try:
        folder = object_code.cache_folder.__wrapped__()
        assert folder is not None
        assert object_code.cache_folder.__wrapped__() == folder
    finally:
        os.umask(before)


@exhaustive
def test_kernels_that_cannot_be_kept(compiled: tuple[str, Path], tmp_path: Path) -> None:
    """A full disk costs the next process a compilation, and nothing else."""
    resource = pytest.importorskip("resource")
    code = f"""
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100, {resource.RLIM_INFINITY}))
{SUM}"""
    done = run_python(code, SEQKIT_CACHE=str(tmp_path))
    assert done.stdout == compiled[0]
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
