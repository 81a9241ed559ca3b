"""Run a benchmark and print its rows."""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys

from benchmarks.measure import write_results

BENCHMARKS: dict[str, tuple[str, ...]] = {"corpus_memory": (), "language_model": ("torch",)}
"""Name and the peers it knows; one without peers compares seqkit with itself."""


def main() -> None:
    """Parse, run, print, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", choices=sorted(BENCHMARKS))
    parser.add_argument("--against", default=None, help="the peer")
    parser.add_argument("--runs", type=int, default=21, help="timed runs of each side")
    parser.add_argument("--json", action="store_true", help="rows as JSON on stdout")
    arguments = parser.parse_args()
    peers = BENCHMARKS[arguments.name]
    peer = arguments.against or (peers[0] if peers else "itself")
    if peer not in (peers or ("itself",)):
        parser.error(f"{arguments.name} knows the peers {', '.join(peers) or 'none'}, not {peer}")
    if peer != "itself" and importlib.util.find_spec(peer) is None:
        sys.exit(f"error: {peer} is not installed; pip install 'seqkit[bench]'")
    rows, versions = importlib.import_module(f"benchmarks.{arguments.name}").run(peer, arguments.runs)
    path = write_results(arguments.name, peer, rows, versions)
    if arguments.json:
        print(json.dumps(rows, indent=1))
    else:
        for row in rows:
            values = f"{row['ours']:>10,} {row['unit']}"
            if row["peer"] is not None:
                other = row.get("against", peer)
                values += f"   {other} {row['peer']:>10,} {row['unit']}   ratio {row['ratio']:.2f}"
            print(f"{row['name']:<52}{values}   ({row['runs']} runs)")
    print(f"written to {path}", file=sys.stderr)


if __name__ == "__main__":
    main()
