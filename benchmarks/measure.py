"""Paired timing, and what a result must say of the machine."""

from __future__ import annotations

import json
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from seqkit.files import write_atomically

RESULTS = Path(__file__).parent / "results"
PAUSE = 0.02
"""Seconds in which the threads of the function before go to sleep; see seqkit.threads."""


def paired(functions: dict[str, Callable[[], Any]], runs: int, warmup: int = 3) -> dict[str, list[float]]:
    """Seconds of each function, called in turn ``runs`` times after a warm-up.

    Taking turns lets a drift of the machine's speed fall on all of them alike. Each timed call follows one of
    the same function that is not, for the threads of a pool look for work some time after the last, on cores
    that the next function wants: beside the unlimited waiting of OpenBLAS's, PyTorch's steps took up to 1.8
    times as long as in a loop of their own.
    """
    for _ in range(warmup):
        for function in functions.values():
            function()
    times: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(runs):
        for name, function in functions.items():
            time.sleep(PAUSE)
            function()
            start = time.perf_counter()
            function()
            times[name].append(time.perf_counter() - start)
    return times


def row(
    name: str, ours: list[float], peer: list[float] | None, unit: str = "ms", against: str | None = None
) -> dict[str, Any]:
    """A result row from seconds: medians in ``unit``; the ratio is above 1 where ours is faster.

    ``against`` names what stands in the peer's place, where it is not the peer.
    """
    scale = {"ms": 1e3, "s": 1.0}[unit]
    result: dict[str, Any] = {
        "name": name,
        "ours": round(statistics.median(ours) * scale, 3),
        "peer": None if peer is None else round(statistics.median(peer) * scale, 3),
        "unit": unit,
        "ratio": None,
        "runs": len(ours),
        "ours_range": [round(min(ours) * scale, 3), round(max(ours) * scale, 3)],
    }
    if against is not None:
        result["against"] = against
    if peer is not None:
        result["ratio"] = round(statistics.median(peer) / statistics.median(ours), 3)
        result["peer_range"] = [round(min(peer) * scale, 3), round(max(peer) * scale, 3)]
    return result


def rate_row(name: str, ours: list[float], peer: list[float], unit: str) -> dict[str, Any]:
    """A result row from rates, of which more is better: medians and ranges."""
    mine, other = statistics.median(ours), statistics.median(peer)
    return {
        "name": name,
        "ours": round(mine),
        "peer": round(other),
        "unit": unit,
        "ratio": round(mine / other, 3),
        "runs": len(ours),
        "ours_range": [round(min(ours)), round(max(ours))],
        "peer_range": [round(min(peer)), round(max(peer))],
    }


def peak_memory(code: str) -> float:
    """MiB of peak resident memory of a Python process that runs ``code``."""
    # VmHWM and not getrusage: the latter still holds the parent's peak after fork and exec
    program = code + "\nprint(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])"
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return int(finished.stdout.split()[-1]) / 1024


def processor() -> str:
    """The processor's name as the system tells it."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def machine() -> dict[str, Any]:
    """Processor, cores, threads and versions."""
    import numpy as np

    import seqkit
    from seqkit.threads import available_cores, thread_count

    blas: Any = np.show_config(mode="dicts")
    blas = blas.get("Build Dependencies", {}).get("blas", {})
    return {
        "processor": processor(),
        "cores": available_cores(),
        "threads": thread_count(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas": f"{blas.get('name')} {blas.get('version')}",
        "seqkit": seqkit.__version__,
    }


def write_results(name: str, peer: str, rows: list[dict[str, Any]], versions: dict[str, str]) -> Path:
    """Write the rows with the machine's description under benchmarks/results/."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}-{peer}.json"
    content = {"benchmark": name, "against": peer, "machine": machine() | versions, "rows": rows}
    write_json(path, content)
    return path


def write_json(path: Path, content: Any) -> None:
    """Write JSON; nobody sees half a file."""
    write_atomically(path, (json.dumps(content, indent=1) + "\n").encode(), shared=True)
