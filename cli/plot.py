"""seqkit plot curves|vectors|attention|filters|mistakes|search."""

from pathlib import Path

import click

from seqkit.cli.common import (
    TEXT,
    echo,
    escape,
    figure_option,
    json_option,
    print_json,
    refuse_unused,
    split_option,
    warn,
)
from seqkit.cli.parameter_types import RUN
from seqkit.cli.progress import quiet_option
from seqkit.cli.search import storage_option
from seqkit.cli.similar import vectors_option


@click.group("plot")
def command() -> None:
    """Plot training curves, word vectors, attention and images (needs the extra "plot")."""


@command.command("curves")
@click.argument("runs", nargs=-1, required=True, type=RUN)
@click.option(
    "--by",
    type=click.Choice(["step", "epoch", "minutes"]),
    default="step",
    show_default=True,
    help="Horizontal axis.",
)
@figure_option("curves.png")
@quiet_option
def curves(runs: tuple[str, ...], by: str, out: str) -> None:
    """Plot loss, perplexity and validation score of one or more RUNS."""
    from seqkit.plotting import plot_curves, save
    from seqkit.training import RunDirectory

    records = [RunDirectory.open(run).log.records() for run in runs]
    names = [Path(run).name for run in runs]
    names = names if len(set(names)) == len(names) else list(runs)
    save(plot_curves(records, [escape(name) for name in names], by=by), Path(out), on_message=warn)
    echo(out)


@command.command("vectors", short_help="Plot a map of words by their vectors.")
@click.argument("words", nargs=-1, type=TEXT)
@vectors_option
@click.option(
    "--top",
    type=click.IntRange(3),
    default=60,
    show_default=True,
    help="Number of words if no WORDS are given.",
)
@click.option(
    "--neighbours",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Number of nearest words to add for each of WORDS, in its colour.",
)
@click.option(
    "--method",
    type=click.Choice(["pca", "tsne"]),
    default="pca",
    show_default=True,
    help="Projection; tsne needs scikit-learn.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Random seed for t-SNE.")
@figure_option("vectors.png")
@quiet_option
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
    """Plot a map of WORDS by their vectors, by default of the most frequent words."""
    from seqkit.errors import UsageError
    from seqkit.plotting import check_projection, plot_word_map, project_to_plane, save
    from seqkit.tasks.embeddings import find_vectors, known_spelling

    if words:
        refuse_unused("top", "plots without WORDS")
    else:
        refuse_unused("neighbours", "plots of WORDS")
    if method == "pca":
        refuse_unused("seed", "the method tsne")
    check_projection(method)
    table = find_vectors(vectors, warn)
    words = tuple(known_spelling(table, word, warn) for word in words)
    centres = list(dict.fromkeys(words)) or [str(key) for key in table.index_to_key[:top]]
    group_of = {word: number for number, word in enumerate(centres)} if words else dict.fromkeys(centres, 0)
    if words and neighbours:
        for number, word in enumerate(centres):
            for neighbour, _ in table.most_similar(word, topn=neighbours):
                group_of.setdefault(neighbour, number)  # a neighbour of two words belongs to the first
    if len(group_of) < 3:
        raise UsageError(
            f"expected three words or more, got {len(group_of)}",
            remedy="give more, or --neighbours 10" if words else None,
        )
    points = project_to_plane(table[list(group_of)], method, seed)
    grouped = bool(words) and neighbours > 0
    figure = plot_word_map(
        list(group_of), points, list(group_of.values()) if grouped else None, centres if grouped else None
    )
    save(figure, Path(out), on_message=warn)
    if as_json:
        rows = [
            {"word": word, "x": float(x), "y": float(y), "group": centres[number] if words else None}
            for (word, number), (x, y) in zip(group_of.items(), points, strict=True)
        ]
        print_json({"file": out, "method": method, "points": rows})
        return
    echo(out)


@command.command("attention", short_help="Plot the attention weights of a translation.")
@click.argument("run", type=RUN)
@click.argument("text", type=TEXT)
@figure_option("attention.png")
@quiet_option
@json_option
def attention(run: str, text: str, out: str, as_json: bool) -> None:
    """Plot the attention weights of RUN, a run of train-seq2seq, while it translates TEXT."""
    from seqkit.errors import UsageError
    from seqkit.plotting import plot_attention, save
    from seqkit.tasks.seq2seq import load

    translation = load(run).translate([text])[0][0]
    weights = translation.attention
    if weights is None:
        remedy = "train one with `seqkit train-seq2seq --attention general`"
        raise UsageError(f"{run} was trained without attention", remedy=remedy)
    save(plot_attention(weights, translation.source_tokens, translation.tokens), Path(out), on_message=warn)
    if as_json:
        print_json(
            {
                "file": out,
                "source": translation.source_tokens,
                "answer": translation.tokens,
                "weights": weights.tolist(),
            }
        )
        return
    echo(out)


@command.command("filters", short_help="Plot the filters of an image classifier.")
@click.argument("run", type=RUN)
@figure_option("filters.png")
@quiet_option
def filters(run: str, out: str) -> None:
    """Plot the filters of the first layer of RUN, a run of train-images, or its weights for an MLP.

    Each filter is scaled separately, from its smallest weight in black to its largest in white.
    """
    from seqkit.plotting import plot_images, save
    from seqkit.tasks.image_classification import load

    save(plot_images(load(run).filters()), Path(out), on_message=warn)
    echo(out)


@command.command("mistakes", short_help="Plot misclassified images.")
@click.argument("run", type=RUN)
@click.option(
    "--top", type=click.IntRange(1), default=40, show_default=True, help="Maximum number of images."
)
@split_option
@figure_option("mistakes.png")
@quiet_option
@json_option
def mistakes(run: str, top: int, split: str | None, out: str, as_json: bool) -> None:
    """Plot the images that RUN, a run of train-images, misclassifies with the highest probability."""
    import numpy as np

    from seqkit.errors import DataError
    from seqkit.plotting import plot_images, save
    from seqkit.tasks.image_classification import load

    all_mistakes = load(run).mistakes(split)
    if not all_mistakes:
        raise DataError(
            f"nothing to draw: {run} makes no mistake on {split or 'its test images'}",
            remedy="try another --split",
        )
    shown = all_mistakes[:top]
    titles = [f"{each.label} → {each.predicted}\n{each.probability:.2f}" for each in shown]
    save(plot_images(np.stack([each.image for each in shown]), titles), Path(out), on_message=warn)
    if as_json:
        keys = ("row", "label", "predicted", "probability")
        rows = [{key: getattr(each, key) for key in keys} for each in shown]
        print_json({"file": out, "split": shown[0].split, "mistakes": len(all_mistakes), "shown": rows})
        return
    echo(f"{out}: {len(shown)} of {len(all_mistakes)} mistakes")


@command.command("search", short_help="Plot the trials of a search.")
@click.argument("folder", type=click.Path(file_okay=False))
@storage_option
@figure_option("search.png")
@quiet_option
def search(folder: str, storage: str | None, out: str) -> None:
    """Plot the trials of the search in FOLDER: their scores, and what each setting is worth."""
    from seqkit.plotting import plot_search, save
    from seqkit.search import open_search

    found = open_search(folder, storage=storage)
    space = found.definition.space
    varied = [name for name, table in space.items() if "fixed" not in table]
    rows = [
        {**vars(each), "params": {name: each.params[name] for name in varied if name in each.params}}
        for each in found.trials
    ]
    figure = plot_search(
        rows,
        score=f"valid {found.score_name}",
        maximize=found.maximize,
        importance=found.importance,
        logarithmic=[name for name, table in space.items() if {"log", "log-integer"} & set(table)],
    )
    save(figure, Path(out), on_message=warn)
    echo(out)
