"""Packages: the wheel contains the library, links resolved, and nothing else; no wheel without the links."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KINDS = (".py", ".toml", ".cu", ".cuh", ".html", ".css", ".js", ".svg")


def build(source: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "build", "--no-isolation", *arguments, str(source)]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel built from the sdist, which is built from a copy of the tracked tree."""
    out = tmp_path_factory.mktemp("dist")
    copy = tmp_path_factory.mktemp("source") / "seqkit"
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    if listed.returncode:
        pytest.skip("not a git checkout: git ls-files gives nothing to build from")
    for name in listed.stdout.splitlines():
        source, target = ROOT / name, copy / name
        if not source.exists():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_symlink():
            target.symlink_to(source.readlink())
        else:
            target.write_bytes(source.read_bytes())
    done = build(copy, "--outdir", str(out))
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = out.glob("*.whl")
    return zipfile.ZipFile(path)


def test_wheel_holds_every_module_of_the_library(wheel: zipfile.ZipFile) -> None:
    held = set(wheel.namelist())
    links = {"seqkit/corpora": ROOT / "corpora", "seqkit/cli": ROOT / "cli", "seqkit": ROOT / "seqkit"}
    for prefix, folder in links.items():
        for path in folder.rglob("*"):
            if path.suffix in KINDS and "__pycache__" not in path.parts:
                assert f"{prefix}/{path.relative_to(folder).as_posix()}" in held
    assert "seqkit/py.typed" in held


def test_wheel_holds_nothing_else(wheel: zipfile.ZipFile) -> None:
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"seqkit"}
    for name in wheel.namelist():
        if name.startswith("seqkit/"):
            assert Path(name).suffix in {*KINDS, ".typed"}, name


def test_links_are_real_files_in_the_wheel(wheel: zipfile.ZipFile) -> None:
    for name in ("seqkit/cli/__init__.py", "seqkit/corpora/__init__.py"):
        entry = wheel.getinfo(name)
        assert entry.file_size > 0
        assert (entry.external_attr >> 16) & 0o170000 != 0o120000  # not a symbolic link


@pytest.mark.parametrize("name", ["cli", "corpora"])
def test_a_checkout_without_links_says_how_to_clone(tmp_path: Path, name: str) -> None:
    """As Git for Windows leaves it: the link is a file that contains its target."""
    for file in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, tmp_path / file)
    for folder in {"cli", "corpora"} - {name}:
        (tmp_path / "seqkit" / folder).mkdir(parents=True)
        (tmp_path / "seqkit" / folder / "__init__.py").touch()
    (tmp_path / "seqkit" / "__init__.py").touch()
    (tmp_path / "seqkit" / name).write_text(f"../{name}")
    done = build(tmp_path, "--wheel")
    assert done.returncode != 0
    assert f"error: expected seqkit/{name} to be a symbolic link" in done.stdout + done.stderr
    assert "git clone -c core.symlinks=true" in done.stdout + done.stderr
    assert not list(tmp_path.rglob("*.whl"))


def test_the_command_in_a_checkout_without_links_says_how_to_clone(tmp_path: Path) -> None:
    (tmp_path / "seqkit").mkdir()
    (tmp_path / "seqkit" / "__init__.py").touch()
    shutil.copy(ROOT / "seqkit" / "__main__.py", tmp_path / "seqkit")
    (tmp_path / "seqkit" / "cli").write_text("../cli")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-S", "-m", "seqkit"]  # without the installed packages
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert "error: expected seqkit/cli to be a symbolic link" in done.stderr
    assert "git clone -c core.symlinks=true" in done.stderr
