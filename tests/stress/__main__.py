"""Run commands under random disturbances for some minutes; print a fault with the seed that repeats it.

``make stress MINUTES=60 SEED=7``; ``python -m tests.stress --seed 7 --first 41 --actions 1`` repeats
action 41.
"""

from __future__ import annotations

import argparse
import collections
import os
import random
import secrets
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from seqkit.backend import cache_dir
from tests.stress import damage, disturbances
from tests.stress.processes import FaultError, load_everything
from tests.stress.trainings import Place, write_material

ACTIONS: dict[Callable[[Place], None], int] = {
    disturbances.kill_and_resume: 10,
    disturbances.two_at_once: 4,
    disturbances.full_disk: 4,
    disturbances.full_cache: 2,
    disturbances.damaged_cache: 3,
    disturbances.forbidden_cache: 2,
    disturbances.few_descriptors: 3,
    disturbances.lost_terminal: 4,
    disturbances.lost_streams: 4,
    damage.damaged_run: 10,
    damage.damaged_vectors: 6,
    damage.damaged_checkpoint: 6,
    damage.damaged_corpus: 6,
}
"""All actions, and how often each is drawn."""


def stress(root: Path, seed: int, *, first: int, actions: int | None, minutes: float) -> int:
    """Run actions until their number or the time is reached, and print what they did.

    Args:
        root: An empty folder for all files.
        seed: With the number of an action, determines what it does.
        first: Number of the first action.
        actions: Number of actions; None for as many as there is time for.
        minutes: The time.

    Returns:
        The exit code: 0, or 1 after a fault.

    """
    root.mkdir(exist_ok=True)
    print(f"seed {seed}, {root}", flush=True)
    cache = root / "cache"
    if (cache_dir() / "kernels").is_dir():
        shutil.copytree(cache_dir() / "kernels", cache / "kernels")
    write_material(root / "material")
    load_everything()
    start, counts, number = time.monotonic(), collections.Counter[str](), first
    while time.monotonic() - start < 60 * minutes and (actions is None or number < first + actions):
        chance = random.Random(f"{seed}/{number}")
        action = chance.choices(list(ACTIONS), list(ACTIONS.values()))[0]
        place = Place(root, cache, root / "action", chance, [])
        place.folder.mkdir()
        try:
            action(place)
        except Exception as fault:
            notes = "\n  ".join(place.notes)
            print(f"action {number}, {action.__name__}:\n  {notes}", flush=True)
            print(fault if isinstance(fault, FaultError) else traceback.format_exc())
            again = f"python -m tests.stress --seed {seed} --first {number} --actions 1"
            print(f"repeat: {again}; files: {place.folder}")
            return 1
        shutil.rmtree(place.folder)
        counts[action.__name__] += 1
        number += 1
        if sum(counts.values()) % 50 == 0:
            print(
                f"{sum(counts.values())} actions in {(time.monotonic() - start) / 60:.1f} minutes", flush=True
            )
    print(f"{sum(counts.values())} actions in {(time.monotonic() - start) / 60:.1f} minutes, no fault")
    for name, count in sorted(counts.items()):
        print(f"  {name.replace('_', ' '):20} {count:6}")
    return 0


def main() -> int:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m tests.stress", description=__doc__)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--actions", type=int, default=None, help="stop after so many actions")
    parser.add_argument("--first", type=int, default=1, help="number of the first action")
    given = parser.parse_args()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    seed = secrets.randbelow(1 << 32) if given.seed is None else given.seed
    root = Path(tempfile.mkdtemp(prefix="seqkit-stress-"))
    code = stress(root, seed, first=given.first, actions=given.actions, minutes=given.minutes)
    if code == 0:
        shutil.rmtree(root)
    return code


if __name__ == "__main__":
    sys.exit(main())
