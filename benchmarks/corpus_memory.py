"""Peak memory of train-lm by corpus size: english-novels once, and repeated to over 1 GB.

Needs $SEQKIT_DATA/english-novels. Both runs take the same steps with the same vocabulary size; the peak is
that of the whole process: tokenizing, counting, training, validation.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from seqkit.backend import data_dir

_TRAIN = """
import os, sys
from seqkit.cli import main
try:
    main(sys.argv[1:])
except SystemExit as stop:
    print('exit', stop.code)
print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])
"""


def _train(text: Path, folder: Path) -> tuple[float, float]:
    """Return the peak memory and the corpus size in MiB."""
    command = [
        "train-lm",
        str(text),
        "--vocab-size",
        "10000",
        "--max-steps",
        "100",
        "--valid-tokens",
        "20000",
    ]
    command += ["--nlayers", "1", "--emsize", "256", "--batch-size", "32", "--sampled-softmax", "0"]
    command += ["--out", str(folder / f"run-{text.stem}"), "--quiet"]
    environment = {**os.environ, "SEQKIT_CACHE": os.environ.get("SEQKIT_CACHE", str(folder / "cache"))}
    done = subprocess.run(
        [sys.executable, "-c", _TRAIN, *command], capture_output=True, text=True, check=True, env=environment
    )
    *_, code, peak = done.stdout.split()
    if code != "0":
        raise RuntimeError(done.stderr)
    return int(peak) / 1024, text.stat().st_size / 2**20


def run(peer: str, runs: int) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Return a row that compares both corpus sizes."""
    novels = sorted((data_dir() / "english-novels").glob("*.txt"))
    if not novels:
        raise SystemExit("error: no english-novels; set SEQKIT_DATA to the folder that holds them")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        once, repeated = folder / "once.txt", folder / "repeated.txt"
        with once.open("wb") as file:
            for novel in novels:
                file.write(novel.read_bytes().removeprefix(b"\xef\xbb\xbf"))
        with repeated.open("wb") as file:
            while file.tell() < 1 << 30:
                with once.open("rb") as source:
                    shutil.copyfileobj(source, file)
        small, small_size = _train(once, folder)
        large, large_size = _train(repeated, folder)
    result = {
        "name": f"peak memory of train-lm, {large_size:,.0f} MiB of text",
        "ours": round(large, 1),
        "peer": round(small, 1),
        "against": f"{small_size:,.0f} MiB of text",
        "unit": "MiB",
        "ratio": round(small / large, 3),
        "runs": 1,
    }
    return [result], {}
