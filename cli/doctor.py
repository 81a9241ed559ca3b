"""seqkit doctor."""

import importlib.metadata
import os
import platform
import sys
from pathlib import Path
from typing import Any

import click

from seqkit.cli.common import echo, json_option, print_json

PACKAGES = ("numpy", "numba", "click", "nltk", "regex", "tqdm")
"""Packages that come with seqkit; without Numba it computes slowly, without another it does not start."""

EXTRAS: dict[str, tuple[str, tuple[str, ...]]] = {
    "cuda12": ("NVIDIA GPUs with CUDA 12", ("cupy-cuda12x",)),
    "cuda13": ("NVIDIA GPUs with CUDA 13", ("cupy-cuda13x",)),
    "plot": ("figures: plot, lab --plot", ("matplotlib",)),
    "explore": ("explore: a web page over runs", ("starlette", "uvicorn", "jinja2", "plotly")),
    "tensorboard": ("train-… --tensorboard", ("tensorboardX",)),
    "ann": ("approximate search of nearest words", ("faiss-cpu",)),
    "bert": ("subwords, and folders of BERT and GPT-2", ("tokenizers",)),
    "images": ("image files, handwritten digits, t-SNE", ("scikit-learn", "pillow")),
    "search": ("search: good settings of trainings", ("optuna",)),
    "search-postgres": ("search --storage postgresql://…", ("optuna", "psycopg")),
    "mpi": ("training by several processes: mpiexec", ("mpi4py", "mpich")),
    "bleu": ("BLEU and chrF as published", ("sacrebleu",)),
    "arrow": ("tables in Parquet and Arrow", ("pyarrow",)),
    "zstd": ("files compressed by Zstandard, before Python 3.14", ("zstandard",)),
    "cjk": (
        "words of Chinese, Japanese and Thai",
        ("jieba", "sudachipy", "sudachidict-core", "pythainlp"),
    ),
    "bench": ("comparisons with other libraries", ("torch", "gensim", "transformers", "kenlm")),
    "notebooks": (
        "the notebooks of the course",
        ("jupytext", "nbclient", "ipykernel", "matplotlib", "scikit-learn"),
    ),
    "docs": ("the site of the documentation", ("mkdocs", "mkdocs-material", "mkdocstrings")),
    "test": ("the tests", ("pytest", "pytest-randomly", "pytest-xdist")),
}  # fmt: skip
"""Purpose and packages of each extra of pyproject.toml; of the packages of the tests the first ones."""

CUPY = ("cupy-cuda12x", "cupy-cuda13x", "cupy")


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _blas() -> str:
    import numpy as np

    build: Any = np.show_config(mode="dicts")
    blas = build.get("Build Dependencies", {}).get("blas", {})
    return f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip()


def _folder(path: Path) -> dict[str, Any]:
    parent = path
    while not parent.exists() and parent != parent.parent:
        parent = parent.parent
    return {"path": str(path), "exists": path.is_dir(), "writable": os.access(parent, os.W_OK)}


def _extra(name: str) -> dict[str, Any]:
    """Return what an extra is for, its packages with their versions, and whether none of them is there."""
    purpose, packages = EXTRAS[name]
    versions = {package: _version(package) for package in packages}
    return {"purpose": purpose, "packages": versions, "missing": not any(versions.values())}


@click.command("doctor")
@json_option
def command(as_json: bool) -> None:
    """Show versions, BLAS, threads, GPU and folders, and what each extra is for and whether it is there."""
    import seqkit
    from seqkit.backend import cache_dir, data_dir
    from seqkit.backend import device as parse_device
    from seqkit.backend.kernels import kernel_mode, numba_missing, products
    from seqkit.corpora import REGISTRY, corpus_status
    from seqkit.errors import DeviceError
    from seqkit.threads import available_cores, thread_count

    versions = {name: _version(name) for name in PACKAGES}
    cupy = next((f"{name} {_version(name)}" for name in CUPY if _version(name)), None)
    try:
        gpu = f"{parse_device('cuda')} works"
    except DeviceError as error:
        gpu = f"none: {error}"
    numba_error = numba_missing()
    report = {
        "seqkit": seqkit.__version__,
        "python": f"{platform.python_version()} at {sys.executable}",
        "system": platform.platform(),
        "packages": {**versions, "cupy": cupy},
        "blas": _blas(),
        "threads": thread_count(),
        "cores": available_cores(),
        "kernels": f"{kernel_mode()} (Numba)" if numba_error is None else f"reference ({numba_error})",
        "products": products(),
        "gpu": gpu,
        "data": _folder(data_dir()),
        "cache": _folder(cache_dir()),
        "corpora": [name for name in REGISTRY if corpus_status(name).present],
        "extras": {name: _extra(name) for name in EXTRAS},
    }
    if as_json:
        print_json(report)
        return
    for key in ("seqkit", "python", "system", "blas"):
        echo(f"{key:<9} {report[key]}")
    echo(f"threads   {report['threads']} of {report['cores']} cores")
    echo(f"kernels   {report['kernels']}")
    echo(f"products  {report['products']}")
    echo(f"gpu       {report['gpu']}")
    for key in ("data", "cache"):
        folder: Any = report[key]
        state = "exists" if folder["exists"] else "not created yet"
        echo(f"{key:<9} {folder['path']} ({state}{'' if folder['writable'] else ', NOT writable'})")
    echo(f"corpora   {', '.join(report['corpora'])}")  # type: ignore[arg-type]
    for name, version in report["packages"].items():  # type: ignore[attr-defined]
        echo(f"  {name:<12} {version or 'missing'}")
    echo("extras: pip install 'seqkit[NAME]'")
    for name, extra in report["extras"].items():  # type: ignore[attr-defined]
        absent = [package for package, version in extra["packages"].items() if version is None]
        state = "installed" if not absent else "missing" if extra["missing"] else "partly"
        lacks = f" (no {', '.join(absent)})" if state == "partly" else ""
        echo(f"  {name:<12} {state:<10} {extra['purpose']}{lacks}")
