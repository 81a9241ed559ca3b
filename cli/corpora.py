"""seqkit corpora list|fetch|info."""

from __future__ import annotations

from typing import Any

import click

from seqkit.cli.common import echo, json_option, print_json, warn
from seqkit.cli.parameter_types import CORPUS, REGISTERED
from seqkit.cli.progress import quiet_option


@click.group("corpora")
def command() -> None:
    """List, fetch and describe corpora."""


def _row(name: str) -> dict[str, Any]:
    from seqkit.corpora import corpus_status

    status = corpus_status(name)
    entry = status.entry
    return {
        "name": entry.name,
        "type": entry.type,
        "present": status.present,
        "folder": str(status.folder) if entry.files else None,
        "licence": entry.licence,
        "description": entry.description,
        "files": [
            {"name": file.path.name, "state": file.state, "bytes": file.bytes, "expected": file.expected}
            for file in status.files
        ],
    }


@command.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List all registered corpora and whether they are downloaded."""
    from seqkit.backend import data_dir
    from seqkit.corpora import REGISTRY

    rows = [_row(name) for name in REGISTRY]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        state = "present" if row["present"] else "absent"
        echo(f"{row['name']:<17} {state:<7} {row['type']:<10} {row['description']}")
    echo(f"\nfolder: {data_dir()} (SEQKIT_DATA); also nltk:NAME, text files and folders", err=True)


@command.command("info")
@click.argument("name", type=CORPUS)
@json_option
def info(name: str, as_json: bool) -> None:
    """Show the licence, files and state of a corpus, and its splits if it is downloaded.

    The files that are there are read, and their checksums compared with the published ones.
    """
    from seqkit.corpora import REGISTRY, open_corpus

    row: dict[str, Any] = {"name": name}
    corpus = None
    if name in REGISTRY:
        row = _with_sums(_row(name))
        if row["present"] and REGISTRY[name].read is not None:
            corpus = REGISTRY[name].open()
    else:
        corpus = open_corpus(name)
    if corpus is not None:
        row = {**corpus.provenance(), **row, "splits": list(corpus.splits)}
        if hasattr(corpus, "defaults"):
            row["defaults"] = vars(corpus.defaults)
        if getattr(corpus, "notes", ()):
            row["notes"] = list(corpus.notes)
    if as_json:
        print_json(row)
        return
    for key, value in row.items():
        if key == "files" and value and isinstance(value[0], dict) and "state" in value[0]:
            for file in value:
                sums = f", {file['sums']}" if file["sums"] else ""
                echo(f"  {file['name']}: {file['state']}, {file['bytes']:,} bytes{sums}")
        else:
            echo(f"{key}: {value}")


def _with_sums(row: dict[str, Any]) -> dict[str, Any]:
    """Return the row of a registered corpus with the verification of its checksums."""
    from seqkit.corpora import REGISTRY, corpus_status
    from seqkit.corpora.download import verify

    entry = REGISTRY[row["name"]]
    wrong = 0
    for status, file, shown in zip(corpus_status(row["name"]).files, entry.files, row["files"], strict=True):
        shown["sums"] = None
        if status.state == "present":
            difference = verify(status.path, file)
            wrong += difference is not None
            kind = "sha256" if file.sha256 else "md5"
            shown["sums"] = (
                f"{kind} verified" if difference is None else f"not the published one: {difference}"
            )
    if not entry.files:
        sums = "none: the corpus is generated or comes with a package"
    elif not row["present"]:
        sums = "not verified: files are absent"
    else:
        sums = f"{wrong} of {len(entry.files)} files are not the published ones" if wrong else "all verified"
    return {**row, "sums": sums}


@command.command("fetch")
@click.argument("names", nargs=-1, required=True, type=REGISTERED)
@quiet_option
def fetch_(names: tuple[str, ...]) -> None:
    """Download corpora and verify every file; an interrupted download resumes.

    The licence of each corpus is printed before anything of it is downloaded.
    """
    from seqkit.corpora import fetch

    for name in names:
        for path in fetch(name, on_message=warn):
            echo(str(path))
