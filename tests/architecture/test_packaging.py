"""Packages: built and installed where neither Git nor links are, and used from other folders.

The trees are those that people have: a clone with the links seqkit/cli and seqkit/corpora, and an archive
extracted without them, where each is a file with the path of its target. No network: dependencies are taken
from the environment of the tests.
"""

import os
import shutil
import site
import subprocess
import sys
import tarfile
import venv
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

import seqkit
from tests.exhaustive import exhaustive
from tests.training.tiny import write_corpus

ROOT = Path(__file__).parents[2]
LINKS = ("seqkit/cli", "seqkit/corpora")

needs_pip = pytest.mark.skipif(find_spec("pip") is None, reason="needs pip in the environment of the tests")


def run(*command: str | Path, cwd: Path) -> str:
    """The output of a command that must succeed, without the PYTHONPATH of the tests."""
    outside = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, env={**outside, "SEQKIT_KERNELS": "reference"},
        capture_output=True, encoding="utf-8",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def build(source: Path, out: Path, *arguments: str) -> None:
    run(sys.executable, "-m", "build", "--no-isolation", *arguments, "--outdir", out, source, cwd=out)


def copy_tree(target: Path, *, links: bool) -> Path:
    """Copy the tracked files, and those that Git would take, into a folder named seqkit."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, encoding="utf-8",
    )  # fmt: skip
    if listed.returncode:
        pytest.skip("not a git checkout: git ls-files gives nothing to build from")
    for name in listed.stdout.splitlines():
        source, copy = ROOT / name, target / "seqkit" / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        if name in LINKS and links:
            copy.symlink_to(f"../{source.name}", target_is_directory=True)
        elif name in LINKS:
            copy.write_text(f"../{source.name}")
        elif source.exists():
            shutil.copy(source, copy)
    return target / "seqkit"


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_tree(tmp_path_factory.mktemp("clone"), links=True)


@pytest.fixture(scope="module")
def unlinked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_tree(tmp_path_factory.mktemp("extracted"), links=False)


@pytest.fixture(scope="module")
def dist(clone: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and the wheel that was built from the sdist."""
    out = tmp_path_factory.mktemp("dist")
    build(clone, out)
    return out


@pytest.fixture(scope="module")
def wheel(dist: Path) -> zipfile.ZipFile:
    [path] = dist.glob("*.whl")
    return zipfile.ZipFile(path)


class Environment:
    """A new virtual environment, empty but for the dependencies of seqkit."""

    def __init__(self, folder: Path) -> None:
        context = venv.EnvBuilder(symlinks=os.name != "nt").ensure_directories(folder)
        venv.create(folder, symlinks=os.name != "nt")
        self.python, self.bin = Path(context.env_exe), Path(context.bin_path)
        [packages] = [path for path in folder.rglob("site-packages") if not path.is_symlink()]
        (packages / "dependencies.pth").write_text("\n".join(site.getsitepackages()))

    def install(self, *what: str | Path) -> None:
        offline = ("--no-index", "--no-deps", "--no-build-isolation", "--ignore-installed")
        pip = (sys.executable, "-m", "pip", "--python", self.python, "install", "--quiet")
        run(*pip, *offline, *what, cwd=self.bin)

    def check(self, folder: Path) -> None:
        """Train and use a model from ``folder``."""
        write_corpus(folder / "text.txt")
        flags = "--epochs 1 --emsize 8 --nhid 8 --tokenizer word --quiet"
        run(self.bin / "seqkit", "train-lm", "text.txt", "--out", "run", *flags.split(), cwd=folder)
        said = run(self.python, "-m", "seqkit", "generate", "run", "--prompt", "the", cwd=folder)
        assert said.startswith("the ")


# What is in a wheel


def test_the_wheel_is_pure_and_has_the_version_of_the_library(wheel: zipfile.ZipFile) -> None:
    assert Path(wheel.filename or "").name == f"seqkit-{seqkit.__version__}-py3-none-any.whl"


def test_the_wheel_holds_the_files_of_the_library_and_no_others(
    wheel: zipfile.ZipFile, unlinked: Path
) -> None:
    expected = set()
    for package, folder in {"seqkit": "seqkit", "seqkit/cli": "cli", "seqkit/corpora": "corpora"}.items():
        for path in (unlinked / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                expected.add(f"{package}/{path.relative_to(unlinked / folder).as_posix()}")
    held = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert held == expected - set(LINKS)


def test_no_entry_of_the_wheel_is_a_link(wheel: zipfile.ZipFile) -> None:
    for name in ("seqkit/cli/__init__.py", "seqkit/corpora/__init__.py"):
        entry = wheel.getinfo(name)
        assert entry.file_size > 0
        assert (entry.external_attr >> 16) & 0o170000 != 0o120000


def test_a_tree_without_links_builds_the_same_wheel(
    unlinked: Path, wheel: zipfile.ZipFile, tmp_path: Path
) -> None:
    build(unlinked, tmp_path, "--wheel")
    [path] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(path) as other:
        expected = {entry.filename: entry.CRC for entry in wheel.infolist()}
        assert {entry.filename: entry.CRC for entry in other.infolist()} == expected


def test_the_sdist_holds_tests_and_docs(dist: Path) -> None:
    [path] = dist.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    assert {"cli/__init__.py", "corpora/__init__.py", "docs/commands.md", "tests/conftest.py"} <= held


# Installed


@needs_pip
def test_the_wheel_works_in_an_empty_environment(dist: Path, tmp_path: Path) -> None:
    environment = Environment(tmp_path / "environment")
    environment.install(*dist.glob("*.whl"))
    environment.check(tmp_path)


@exhaustive
@needs_pip
@pytest.mark.parametrize("source", ["clone", "unlinked", "sdist"])
def test_every_tree_installs(source: str, dist: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    environment = Environment(tmp_path / "environment")
    what = next(dist.glob("*.tar.gz")) if source == "sdist" else request.getfixturevalue(source)
    environment.install(what)
    environment.check(tmp_path)


@needs_pip
@pytest.mark.parametrize(
    "tree", ["unlinked", pytest.param("clone", marks=exhaustive)]
)  # of a clone it differs by the links only
def test_an_editable_install_works_beside_the_checkout(
    tree: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """There, a folder named seqkit without __init__.py must not hide the package."""
    checkout: Path = request.getfixturevalue(tree)
    environment = Environment(tmp_path / "environment")
    environment.install("--editable", checkout)
    for folder in (checkout.parent, checkout, tmp_path):
        version = run(environment.python, "-m", "seqkit", "--version", cwd=folder)
        assert version.split()[-1] == seqkit.__version__
    where = "import seqkit.corpora.readers.rows as rows; print(rows.__file__)"
    assert Path(run(environment.python, "-c", where, cwd=tmp_path).strip()).samefile(
        checkout / "corpora" / "readers" / "rows.py"
    )


def test_a_tree_without_links_runs_uninstalled(unlinked: Path, tmp_path: Path) -> None:
    code = f"import sys; sys.path.insert(0, {str(unlinked)!r}); import seqkit.cli; print(seqkit.cli.__file__)"
    assert Path(run(sys.executable, "-c", code, cwd=tmp_path).strip()).samefile(
        unlinked / "cli" / "__init__.py"
    )
