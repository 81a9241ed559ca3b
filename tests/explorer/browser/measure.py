"""Measure the explorer on 100,000 words of 100 dimensions: `python -m tests.explorer.browser.measure FOLDER`.

Prints the seconds from the command to the page that is ready, the milliseconds of a neighbour query in the
browser, and the largest memory of the server. Vectors are random, around 30 centres, with counts by Zipf.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from playwright.sync_api import sync_playwright

from seqkit.vectors import KeyedVectors
from tests.explorer.browser.conftest import CHROMIUM

WORDS, DIMENSIONS, QUERIES = 100_000, 100, 200
SYLLABLES = ("ba", "ko", "ri", "tu", "me", "sa", "no", "li", "va", "pe")
ASK = """async ([item, words]) => {
  const times = [];
  for (const plus of words) {
    const start = performance.now();
    await (await fetch("/words/neighbours?" + new URLSearchParams({item, plus}))).json();
    times.push(performance.now() - start);
  }
  return times;
}"""


def write_words(path: Path) -> list[str]:
    """Write the vectors and return their words, the most frequent first."""
    generator = np.random.default_rng(0)
    centres = generator.standard_normal((30, DIMENSIONS)).astype(np.float32)
    vectors = generator.standard_normal((WORDS, DIMENSIONS)).astype(np.float32)
    vectors += 0.9 * centres[generator.integers(30, size=WORDS)]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    words = ["".join(SYLLABLES[int(digit)] for digit in str(number)) for number in range(WORDS)]
    table = KeyedVectors(DIMENSIONS)
    table.add_vectors(words, vectors, extras={"count": (1e7 / np.arange(1, WORDS + 1)).astype(np.int64)})
    table.save(path)
    return words


def measure(folder: Path) -> None:
    """Start the command on the vectors, open the page and print the figures."""
    path = folder / "hundred-thousand.safetensors"
    words = write_words(path)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        start = time.perf_counter()
        command = [sys.executable, "-m", "seqkit", "explore", str(path), "--no-browser"]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout is not None
            page.goto(server.stdout.readline().strip())
            page.wait_for_selector("body[data-ready]", timeout=120_000)
            print(f"page ready after {time.perf_counter() - start:.1f} s")
            times = sorted(page.evaluate(ASK, [path.name, words[:QUERIES]]))
            median, most = statistics.median(times), times[-QUERIES // 20]
            print(f"neighbours: median {median:.1f} ms, fastest {times[0]:.1f} ms, 95 % below {most:.1f} ms")
            status = Path(f"/proc/{server.pid}/status").read_text()
            peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
            print(f"memory of the server: {peak / 1024:.0f} MiB")
        finally:
            server.terminate()
            server.wait()
            browser.close()


if __name__ == "__main__":
    measure(Path(sys.argv[1]))
