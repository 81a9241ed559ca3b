"""seqkit doctor."""

import importlib.metadata
import os
import platform
import sys
from pathlib import Path
from typing import Any

import click

from seqkit.cli.common import echo, json_option, print_json

PACKAGES = {
    "numpy": "numpy",
    "numba": "numba",
    "click": "click",
    "nltk": "nltk",
    "tqdm": "tqdm",
    "matplotlib": "'seqkit[plot]'",
    "starlette": "'seqkit[explore]'",
    "uvicorn": "'seqkit[explore]'",
    "jinja2": "'seqkit[explore]'",
    "plotly": "'seqkit[explore]'",
    "torch": "'seqkit[bench]'",
}
"""Packages, with the argument of pip install for each."""

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


@click.command("doctor")
@json_option
def command(as_json: bool) -> None:
    """Show versions, BLAS, threads, GPU and folders, and how to install missing packages."""
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
    missing = [f"{name}: pip install {line}" for name, line in PACKAGES.items() if versions[name] is None]
    if cupy is None:
        missing.append("cupy (GPU): pip install 'seqkit[cuda12]' or 'seqkit[cuda13]'")
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
        "missing": missing,
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
    for line in missing:
        echo(f"to install {line}")
