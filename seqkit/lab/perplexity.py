"""Perplexity: the reciprocal of the geometric mean of the probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from seqkit.lab.harness.drawing import label_axes, stack
from seqkit.lab.harness.experiment import Criterion, Experiment, Numbers, Setup
from seqkit.lab.harness.training import encode_pydocs
from seqkit.metrics import perplexity
from seqkit.models import NGramConfig, Unigram, fit_kneser_ney

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MODELS = ("uniform", "unigram", "Kneser-Ney, order 2", "Kneser-Ney, order 4")


def run(setup: Setup) -> Numbers:
    """Compare exp(mean loss) and 1 / geometric mean of p for four models, on text chosen by the seed."""
    encoded = encode_pydocs(vocab_size=5000)
    V = len(encoded.vocabulary)
    eos = encoded.vocabulary.eos_id
    assert eos is not None
    train = np.asarray(encoded.splits["train"])[: setup.scale(quick=100_000, full=None)]
    test = np.asarray(encoded.splits["test"])
    first = int(setup.generator("stretch").integers(0, len(test) // 2, 1)[0])
    text = test[first : first + len(test) // 2]
    models: dict[str, Any] = {
        "unigram": Unigram.fit(train, V),
        **{
            f"Kneser-Ney, order {n}": fit_kneser_ney(train, NGramConfig(V, order=n, eos_id=eos))
            for n in (2, 4)
        },
    }
    log_p = {"uniform": np.full(len(text), -np.log(V))}
    log_p |= {name: model.log_probs(text) for name, model in models.items()}
    by_loss = {name: perplexity(-float(each.sum()), len(each)) for name, each in log_p.items()}
    mean_p = {name: _geometric_mean(np.exp(each)) for name, each in log_p.items()}
    differences = [abs(by_loss[name] * mean_p[name] - 1) for name in MODELS]
    return {
        "perplexity": by_loss,
        "geometric mean of the probabilities": mean_p,
        "largest relative difference from 1 / geometric mean": max(differences),
        "perplexity of the uniform model ÷ vocabulary": by_loss["uniform"] / V,
    }


def _geometric_mean(p: np.ndarray) -> float:
    """Return (Π p)^(1/N) as a product of N-th roots, which needs no logarithm and cannot underflow."""
    return float(np.prod(p.astype(np.longdouble) ** (1 / len(p))))


def draw(figure: Figure, numbers: Sequence[Numbers]) -> None:
    """Plot the perplexity by the geometric mean of p: all models lie on the curve 1/p."""
    axes = figure.subplots()
    p = np.logspace(-4, -1, 50)
    axes.plot(p, 1 / p, color="0.6", label="1 / p")
    for i, name in enumerate(MODELS):
        x = stack(numbers, "geometric mean of the probabilities", name)
        y = stack(numbers, "perplexity", name)
        axes.plot(x, y, "o", color=f"C{i}", label=f"{name}: {y.mean():,.0f}")
    axes.set_xscale("log")
    axes.set_yscale("log")
    label_axes(axes, "geometric mean of the probabilities", "perplexity, exp(mean loss)")
    axes.legend(loc="upper right")


EXPERIMENT = Experiment(
    module=__name__,
    chapter="2.5",
    place=1,
    claim="Perplexity, the exponential of the mean loss, is the reciprocal of the geometric mean of the "
    "probabilities given to the true words.",
    criteria=(
        Criterion(
            "largest relative difference between the two",
            lambda n: n["largest relative difference from 1 / geometric mean"],
            below=1e-9,
        ),
        Criterion(
            "perplexity of the uniform model ÷ vocabulary size, distance from 1",
            lambda n: abs(n["perplexity of the uniform model ÷ vocabulary"] - 1),
            below=1e-9,
        ),
    ),
    run=run,
    draw=draw,
    note="A perplexity of 90 is the uncertainty between 90 equally likely words; the mean of the "
    "probabilities is the geometric one, not the arithmetic.",
    source="Jelinek et al. 1977",
)
