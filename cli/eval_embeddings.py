"""seqkit eval-embeddings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from seqkit.cli.common import echo, json_option, print_json


def _registered(name: str, file: str) -> str:
    from seqkit.corpora import corpus_status
    from seqkit.errors import CorpusNotFoundError

    status = corpus_status(name)
    if not status.present:
        raise CorpusNotFoundError(
            f"no {file}",
            where=f"looked in {status.folder}",
            remedy=f"fetch it with: seqkit corpora fetch {name}, or name a file",
        )
    return str(Path(status.folder) / file)


@click.command("eval-embeddings")
@click.argument("vectors", type=click.Path())
@click.option(
    "--analogies",
    type=click.Path(),
    default=None,
    help="File of analogy questions.  [default: questions-words]",
)
@click.option(
    "--pairs",
    type=click.Path(),
    default=None,
    help="File of word pairs with scores.  [default: wordsim353]",
)
@json_option
def command(vectors: str, analogies: str | None, pairs: str | None, as_json: bool) -> None:
    """Evaluate the vectors in a file: accuracy on analogies, rank correlation with human similarity."""
    from seqkit.errors import DataError
    from seqkit.tasks.embeddings import open_vectors

    if analogies is None and pairs is None:
        analogies = _registered("questions-words", "questions-words.txt")
        pairs = _registered("wordsim353", "wordsim353.tsv")
    for file in (analogies, pairs):
        if file is not None and not Path(file).is_file():
            raise DataError("no such file", where=file, remedy="name another file")
    table = open_vectors(vectors)
    result: dict[str, Any] = {"vectors": vectors, "words": len(table), "dimensions": table.vector_size}
    if analogies is not None:
        accuracy, sections = table.evaluate_word_analogies(analogies)
        asked = sum(len(section["correct"]) + len(section["incorrect"]) for section in sections[:-1])
        result["analogies"] = {"accuracy": float(accuracy), "questions": asked}
        result["analogies"]["sections"] = {
            section["section"]: {"correct": len(section["correct"]), "incorrect": len(section["incorrect"])}
            for section in sections
        }
    if pairs is not None:
        pearson, spearman, missing = table.evaluate_word_pairs(pairs)
        result["pairs"] = {
            "spearman": float(spearman[0]),
            "pearson": float(pearson[0]),
            "missing_percent": missing,
        }
    if as_json:
        print_json(result)
        return
    if "analogies" in result:
        for name, section in result["analogies"]["sections"].items():
            total = section["correct"] + section["incorrect"]
            if total:
                echo(f"{section['correct'] / total:7.2%} of {total:>6,}  {name}")
    if "pairs" in result:
        found = result["pairs"]
        echo(
            f"Spearman {found['spearman']:.4f}, Pearson {found['pearson']:.4f}, "
            f"{found['missing_percent']:.1f}% of the pairs not in the vocabulary"
        )
