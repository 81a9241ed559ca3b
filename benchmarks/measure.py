"""Paired timing, result rows, and the description of the machine."""

import json
import os
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
"""Seconds to wait until the threads of the previous function sleep; see seqkit.threads."""


def paired(functions: dict[str, Callable[[], Any]], runs: int, warmup: int = 3) -> dict[str, list[float]]:
    """Time functions in turn, ``runs`` times after a warm-up, and return the seconds of each call.

    Taking turns spreads a drift of the machine's speed over all functions. Each timed call follows an untimed
    call of the same function, because the threads of a pool spin for a while on cores that the next function
    needs: next to OpenBLAS's threads, which spin without limit, PyTorch's steps took up to 1.8 times as long
    as alone.
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
    """Return a result row of times: medians in ``unit``; the ratio is the peer's time ÷ ours.

    ``against`` names what ours is compared with if it is not the peer.
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


def rate_row(name: str, ours: list[float], peer: list[float] | None, unit: str) -> dict[str, Any]:
    """Return a result row of rates: medians and ranges; the ratio is our rate ÷ the peer's."""
    result: dict[str, Any] = {
        "name": name,
        "ours": round(statistics.median(ours)),
        "peer": None if peer is None else round(statistics.median(peer)),
        "unit": unit,
        "ratio": None,
        "higher_is_better": True,
        "runs": len(ours),
        "ours_range": [round(min(ours)), round(max(ours))],
    }
    if peer is not None:
        result["ratio"] = round(statistics.median(ours) / statistics.median(peer), 3)
        result["peer_range"] = [round(min(peer)), round(max(peer))]
    return result


def peak_memory(code: str) -> float:
    """Return the peak resident memory in MiB of a Python process that runs ``code``."""
    # VmHWM and not getrusage: the latter still holds the parent's peak after fork and exec
    program = code + "\nprint(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])"
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return int(finished.stdout.split()[-1]) / 1024


def processor() -> str:
    """Return the name of the processor."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def machine() -> dict[str, Any]:
    """Return the processor, cores, threads and versions."""
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
    """Write rows and the machine to benchmarks/results/NAME-PEER[-KERNELS].json, and return the path."""
    RESULTS.mkdir(exist_ok=True)
    mode = os.environ.get("SEQKIT_KERNELS", "compiled")
    path = RESULTS / f"{name}-{peer}{'' if mode == 'compiled' else f'-{mode}'}.json"
    content = {"benchmark": name, "against": peer, "machine": machine() | versions, "rows": rows}
    write_json(path, content)
    return path


def write_json(path: Path, content: Any) -> None:
    """Write JSON atomically."""
    write_atomically(path, (json.dumps(content, indent=1) + "\n").encode(), shared=True)
