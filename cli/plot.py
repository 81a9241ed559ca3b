"""seqkit plot curves."""

from __future__ import annotations

import json
from pathlib import Path

import click

from seqkit.cli.common import json_option, print_json
from seqkit.cli.similar import vectors_option


@click.group("plot")
def command() -> None:
    """Draw figures of runs (needs the extra "plot")."""


@command.command("curves")
@click.argument("runs", nargs=-1, required=True, type=click.Path())
@click.option(
    "--out",
    type=click.Path(dir_okay=False),
    default="curves.png",
    show_default=True,
    help=".png, .svg or .pdf",
)
def curves(runs: tuple[str, ...], out: str) -> None:
    """Loss and perplexity against steps, of one or more RUNS."""
    from seqkit.errors import DataError
    from seqkit.plotting import plot_curves, save
    from seqkit.training import RunDirectory

    records = []
    for run in runs:
        path = RunDirectory.open(run).log.path
        try:
            lines = path.read_text("utf-8").splitlines()
            records.append([json.loads(line) for line in lines])
        except (OSError, ValueError) as error:
            raise DataError(
                f"cannot read {path} ({error})", remedy="has the run logged anything yet?"
            ) from error
    save(plot_curves(records, [Path(run).name for run in runs]), Path(out))
    click.echo(out)


@command.command("vectors")
@click.argument("words", nargs=-1)
@vectors_option
@click.option("--top", type=click.IntRange(3), default=60, show_default=True, help="Without WORDS: so many.")
@click.option(
    "--neighbours",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Also the so many words nearest to each of WORDS, in its colour.",
)
@click.option(
    "--method",
    type=click.Choice(["pca", "tsne"]),
    default="pca",
    show_default=True,
    help="tsne needs scikit-learn.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of tsne.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False),
    default="vectors.png",
    show_default=True,
    help=".png, .svg or .pdf",
)
@json_option
def vectors(
    words: tuple[str, ...],
    vectors: str | None,
    top: int,
    neighbours: int,
    method: str,
    seed: int,
    out: str,
    as_json: bool,
) -> None:
    """A map of WORDS by their vectors; without any, of the first words of the file, the most frequent."""
    from seqkit.errors import UsageError
    from seqkit.plotting import plot_word_map, project_to_plane, save
    from seqkit.tasks.embeddings import find_vectors

    table = find_vectors(vectors, lambda text: click.echo(text, err=True))
    asked = list(dict.fromkeys(words)) or [str(key) for key in table.index_to_key[:top]]
    group = {word: number for number, word in enumerate(asked)} if words else dict.fromkeys(asked, 0)
    for number, word in enumerate(asked if neighbours else ()):
        for near, _ in table.most_similar(word, topn=neighbours) if words else ():
            group.setdefault(near, number)  # a word near two is the first one's
    if len(group) < 3:
        raise UsageError(
            f"a map needs three words or more, got {len(group)}", remedy="give more, or --neighbours 10"
        )
    points = project_to_plane(table[list(group)], method, seed)
    grouped = bool(words) and neighbours > 0
    figure = plot_word_map(
        list(group), points, list(group.values()) if grouped else None, asked if grouped else None
    )
    save(figure, Path(out))
    if as_json:
        rows = [
            {"word": word, "x": float(x), "y": float(y), "group": asked[number] if words else None}
            for (word, number), (x, y) in zip(group.items(), points, strict=True)
        ]
        print_json({"file": out, "method": method, "points": rows})
        return
    click.echo(out)


@command.command("attention")
@click.argument("run", type=click.Path())
@click.argument("text")
@click.option(
    "--out",
    type=click.Path(dir_okay=False),
    default="attention.png",
    show_default=True,
    help=".png, .svg or .pdf",
)
@json_option
def attention(run: str, text: str, out: str, as_json: bool) -> None:
    """What RUN, of train-seq2seq, looks at in TEXT for each token of its answer."""
    from seqkit.errors import UsageError
    from seqkit.plotting import plot_attention, save
    from seqkit.tasks.seq2seq import load

    found = load(run).translate([text])[0][0]
    if found.attention is None:
        raise UsageError(f"{run} was trained without attention", remedy="train one with --attention general")
    save(plot_attention(found.attention, found.source_tokens, found.tokens), Path(out))
    if as_json:
        print_json(
            {
                "file": out,
                "source": found.source_tokens,
                "answer": found.tokens,
                "weights": found.attention.tolist(),
            }
        )
        return
    click.echo(out)


@command.command("filters")
@click.argument("run", type=click.Path())
@click.option(
    "--out",
    type=click.Path(dir_okay=False),
    default="filters.png",
    show_default=True,
    help=".png, .svg or .pdf",
)
def filters(run: str, out: str) -> None:
    """What the first layer of RUN, of train-images, looks for: its filters, or weights of mlp.

    Each is scaled on its own, from its smallest weight, black, to its largest, white.
    """
    from seqkit.plotting import plot_images, save
    from seqkit.tasks.image_classification import load

    save(plot_images(load(run).filters()), Path(out))
    click.echo(out)


@command.command("mistakes")
@click.argument("run", type=click.Path())
@click.option("--top", type=click.IntRange(1), default=40, show_default=True, help="At most so many.")
@click.option("--split", type=click.Choice(["train", "valid", "test"]), default="test", show_default=True)
@click.option(
    "--out",
    type=click.Path(dir_okay=False),
    default="mistakes.png",
    show_default=True,
    help=".png, .svg or .pdf",
)
@json_option
def mistakes(run: str, top: int, split: str, out: str, as_json: bool) -> None:
    """Images that RUN, of train-images, gets wrong, the surest first: "true → predicted", probability."""
    import numpy as np

    from seqkit.errors import DataError
    from seqkit.plotting import plot_images, save
    from seqkit.tasks.image_classification import load

    found = load(run).mistakes(split)
    if not found:
        raise DataError(f"nothing to draw: {run} makes no mistake on {split}", remedy="try another --split")
    shown = found[:top]
    titles = [f"{one.label} → {one.predicted}\n{one.probability:.2f}" for one in shown]
    save(plot_images(np.stack([one.image for one in shown]), titles), Path(out))
    if as_json:
        rows = [
            {"row": m.row, "label": m.label, "predicted": m.predicted, "probability": m.probability}
            for m in shown
        ]
        print_json({"file": out, "split": split, "mistakes": len(found), "shown": rows})
        return
    click.echo(f"{out}: {len(shown)} of {len(found)} mistakes")
