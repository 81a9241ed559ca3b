"""The table of verdicts: for each experiment numbers that hold, and one change per criterion that fails."""

import copy
from dataclasses import dataclass
from typing import Any

Change = tuple[tuple[str | int, ...], Any]
"""Keys of a nested number, and its changed value."""


@dataclass(frozen=True)
class Row:
    """Numbers for which an experiment's claim holds; the i-th change makes the i-th criterion fail."""

    name: str
    holds: dict[str, Any]
    fails: tuple[Change, ...]

    def changed(self, criterion: int) -> dict[str, Any]:
        """Return the numbers that hold, with one changed so that a criterion fails."""
        (*parents, last), value = self.fails[criterion]
        numbers = copy.deepcopy(self.holds)
        inner: Any = numbers
        for key in parents:
            inner = inner[key]
        assert inner[last] != value
        inner[last] = value
        return numbers


LOSSES = {"sgd": 0.5, "momentum": 0.3, "adagrad": 0.25, "rmsprop": 0.22, "adam": 0.2}
TEXTBOOK = {"sgd": 2.0, "momentum": 0.5, "adagrad": 0.25, "rmsprop": 1.0, "adam": 0.3}
LASTS = {
    "tanh": -30.0,
    "ReLU, large weights": 15.0,
    "ReLU, large weights, clipped": 0.69,
    "LSTM, forget bias 1": -8.0,
    "LSTM, forget bias 5": 0.0,
}
LOG_NORM = "log10 of the norm after 100 steps"
LOG_RATIO = "log10 of deviation, last layer ÷ first"

TABLE = (
    Row(
        "activations",
        {"log10 of gradient decay": {"sigmoid": 7.0, "relu": -0.2}},
        (
            (("log10 of gradient decay", "sigmoid"), 2.0),
            (("log10 of gradient decay", "relu"), -4.0),
        ),
    ),
    Row(
        "backpropagation",
        {"largest difference between the gradients": 1e-10, "ratios": [10.0, 20.0, 80.0, 900.0]},
        (
            (("largest difference between the gradients",), 1e-3),
            (("ratios", 3), 2.0),
        ),
    ),
    Row(
        "batch-norm",
        {"scales of 16 that reach 0.8": {"with BatchNorm": 11, "without": 2}},
        ((("scales of 16 that reach 0.8", "with BatchNorm"), 4),),
    ),
    Row(
        "batch-norm-modes",
        {
            "accuracy in batches of 2": {"running statistics": 0.95, "statistics of the batch": 0.5},
            "running statistics, spread over batch sizes": 0.0,
        },
        (
            (("accuracy in batches of 2", "statistics of the batch"), 0.95),
            (("running statistics, spread over batch sizes",), 0.1),
        ),
    ),
    Row(
        "batch-speed",
        {"batch of 100 ÷ one by one": 20.0},
        ((("batch of 100 ÷ one by one",), 1.1),),
    ),
    Row(
        "batches-and-epochs",
        {"seen after one epoch": {"shuffled": 1.0, "drawn": 0.632}},
        (
            (("seen after one epoch", "shuffled"), 0.99),
            (("seen after one epoch", "drawn"), 0.8),
        ),
    ),
    Row(
        "clipping",
        {
            "loss at the end": {"clipped to 0.25": 2.4, "not clipped": 9.0},
            "loss of uniform guessing": 4.6,
        },
        (
            (("loss at the end", "not clipped"), 2.3),
            (("loss at the end", "clipped to 0.25"), 4.5),
        ),
    ),
    Row(
        "convolution-shapes",
        {"cases where shape or count differ from the formula": 0},
        ((("cases where shape or count differ from the formula",), 3),),
    ),
    Row(
        "crf-and-letters",
        {"F1": {"words, softmax": 0.3, "words, CRF": 0.4, "letters, softmax": 0.4, "letters, CRF": 0.5}},
        (
            (("F1", "words, CRF"), 0.49),
            (("F1", "letters, softmax"), 0.49),
        ),
    ),
    Row(
        "cross-entropy-of-a-batch",
        {
            "differences": {
                "one-hot and index labels": 1e-16,
                "fused op and formula": 1e-16,
                "gradient and (p - t)/B": 1e-17,
            },
            "relative error of the stable loss": 1e-8,
            "fraction of score sizes with a finite naive loss": 0.6,
        },
        (
            (("differences", "one-hot and index labels"), 0.1),
            (("differences", "fused op and formula"), 0.1),
            (("differences", "gradient and (p - t)/B"), 0.1),
            (("relative error of the stable loss",), 0.1),
            (("fraction of score sizes with a finite naive loss",), 1.0),
        ),
    ),
    Row(
        "dropout",
        {
            "gap at the end": {"without": 0.2, "dropout 0.3": 0.02},
            "test accuracy at the end": {"without": 0.77, "dropout 0.3": 0.85},
        },
        (
            (("gap at the end", "dropout 0.3"), 0.2),
            (("test accuracy at the end", "dropout 0.3"), 0.7),
        ),
    ),
    Row(
        "dropout-as-ensemble",
        {"accuracy": {"one thinned network": 0.7, "mean of 50": 0.9, "scaled": 0.9}},
        (
            (("accuracy", "mean of 50"), 0.95),
            (("accuracy", "one thinned network"), 0.9),
        ),
    ),
    Row(
        "gates",
        {
            "mean loss in training": {
                "LSTM": 0.5,
                "plain RNN": 1.3,
                "without f": 0.77,
                "without i": 0.7,
                "without o": 0.55,
            },
            "accuracy over the last 50 steps": {"LSTM": 1.0, "without f": 0.98},
        },
        (
            (("mean loss in training", "plain RNN"), 0.6),
            (("mean loss in training", "without f"), 0.6),
            (("mean loss in training", "without o"), 0.75),
            (("accuracy over the last 50 steps", "without f"), 1.0),
        ),
    ),
    Row(
        "generalisation-gap",
        {
            "gap at the end": {"clean labels": 0.08},
            "training accuracy at the end": {"a fifth of the labels wrong": 1.0},
            "test accuracy, best ten epochs minus the last ten": {"a fifth of the labels wrong": 0.05},
        },
        (
            (("gap at the end", "clean labels"), 0.01),
            (("training accuracy at the end", "a fifth of the labels wrong"), 0.9),
            (("test accuracy, best ten epochs minus the last ten", "a fifth of the labels wrong"), 0.0),
        ),
    ),
    Row(
        "gradients-over-time",
        {LOG_NORM: LASTS},
        (
            ((LOG_NORM, "tanh"), -1.0),
            ((LOG_NORM, "ReLU, large weights"), 1.0),
            ((LOG_NORM, "ReLU, large weights, clipped"), 9.0),
            ((LOG_NORM, "LSTM, forget bias 1"), -29.0),
            ((LOG_NORM, "LSTM, forget bias 1"), -0.1),
            ((LOG_NORM, "LSTM, forget bias 5"), -7.0),
        ),
    ),
    Row(
        "hyper-parameter-search",
        {
            "accuracy on the split chosen on": 0.94,
            "accuracy of the same on fresh images": 0.92,
            "accuracy, best of all trials": 0.93,
            "accuracy, median of all trials": 0.6,
        },
        (
            (("accuracy of the same on fresh images",), 0.94),
            (("accuracy, median of all trials",), 0.93),
        ),
    ),
    Row(
        "inference-without-softmax",
        {"fraction of equal predictions": 1.0, "ratios": [1.1, 1.1, 1.2, 1.3, 1.4, 1.5]},
        (
            (("fraction of equal predictions",), 0.9),
            (("ratios", 4), 1.0),
        ),
    ),
    Row(
        "initialisation",
        {
            LOG_RATIO: {
                "tanh, Xavier": -0.3,
                "ReLU, He": 0.0,
                "ReLU, Xavier": -0.6,
                "tanh, std 0.01": -4.0,
                "ReLU, std 0.01": -4.6,
            },
            "fraction of saturated tanh in the last layer, std 1": 0.85,
        },
        (
            ((LOG_RATIO, "tanh, Xavier"), -2.0),
            ((LOG_RATIO, "ReLU, He"), -1.0),
            ((LOG_RATIO, "ReLU, Xavier"), 0.0),
            ((LOG_RATIO, "tanh, std 0.01"), 0.0),
            ((LOG_RATIO, "ReLU, std 0.01"), 0.0),
            (("fraction of saturated tanh in the last layer, std 1",), 0.1),
        ),
    ),
    Row(
        "layer-norm",
        {
            "layered network, batches of 1": {"BatchNorm": None, "LayerNorm": 0.9},
            "layered network, batches of 2": {"BatchNorm": 0.6, "LayerNorm": 0.9},
            "layered network, batches of 32": {"BatchNorm": 0.9, "LayerNorm": 0.9},
            "recurrent network, batches of 4": {"none": 0.7, "BatchNorm": 0.7, "LayerNorm": 0.9},
            "recurrent network, batches of 32": {"none": 0.7, "BatchNorm": 0.9, "LayerNorm": 0.9},
        },
        (
            (("layered network, batches of 2", "LayerNorm"), 0.6),
            (("layered network, batches of 1", "LayerNorm"), 0.5),
            (("layered network, batches of 32", "BatchNorm"), 0.6),
            (("recurrent network, batches of 4", "LayerNorm"), 0.7),
        ),
    ),
    Row(
        "long-dependencies",
        {
            "accuracy at the nearest": {"Transformer encoder": 1.0, "LSTM": 1.0},
            "accuracy at the furthest": {"Transformer encoder": 1.0, "LSTM": 0.25},
        },
        (
            (("accuracy at the furthest", "LSTM"), 1.0),
            (("accuracy at the furthest", "Transformer encoder"), 0.8),
            (("accuracy at the nearest", "LSTM"), 0.5),
        ),
    ),
    Row(
        "optimizer-paths",
        {"vertical travel ÷ initial y": {"sgd": 18.0, "momentum": 4.5, "adagrad": 1.0, "adam": 1.8}},
        ((("vertical travel ÷ initial y", "adam"), 17.0),),
    ),
    Row(
        "optimizers-on-images",
        {
            "mean loss in training, textbook's lr": TEXTBOOK,
            "mean loss in training, best lr": LOSSES,
        },
        (
            (("mean loss in training, best lr", "sgd"), 9.0),
            (("mean loss in training, best lr", "adagrad"), 0.1),
            (("mean loss in training, best lr", "adam"), 0.4),
        ),
    ),
    Row(
        "perceptrons",
        {"functions of 16 learned": {"one layer": 14, "two layers": 16}},
        (
            (("functions of 16 learned", "one layer"), 16),
            (("functions of 16 learned", "two layers"), 14),
        ),
    ),
    Row(
        "perplexity",
        {
            "largest relative difference from 1 / geometric mean": 1e-15,
            "perplexity of the uniform model ÷ vocabulary": 1.0,
        },
        (
            (("largest relative difference from 1 / geometric mean",), 0.5),
            (("perplexity of the uniform model ÷ vocabulary",), 2.0),
        ),
    ),
    Row(
        "pooling",
        {
            "change by a shift of 1, pooled 2×2 ÷ not": 0.8,
            "weights of a following linear layer of 100": {"pool 1": 400, "pool 2": 100},
            "parameters of a pooling layer": 0,
        },
        (
            (("change by a shift of 1, pooled 2×2 ÷ not",), 1.1),
            (("weights of a following linear layer of 100", "pool 2"), 400),
            (("parameters of a pooling layer",), 9),
        ),
    ),
    Row(
        "preprocessing",
        {"best accuracy": {"raw 0-255": 0.87, "0-1": 0.95, "standardised": 0.97}},
        (
            (("best accuracy", "0-1"), 0.87),
            (("best accuracy", "standardised"), 0.8),
        ),
    ),
    Row(
        "seq2seq-variants",
        {
            "mean loss in training": {
                "plain": 1.8,
                "reversed": 1.4,
                "reversed, peeky": 1.0,
                "reversed, cell passed": 1.0,
                "reversed, attention": 0.6,
            }
        },
        (
            (("mean loss in training", "plain"), 1.2),
            (("mean loss in training", "reversed, peeky"), 1.35),
            (("mean loss in training", "reversed, cell passed"), 1.35),
            (("mean loss in training", "reversed, attention"), 0.98),
        ),
    ),
    Row(
        "unbalanced-metrics",
        {
            "always no": {"accuracy": 0.977, "F1": 0.0},
            "trained": {"accuracy": 0.985, "F1": 0.6},
        },
        (
            (("always no", "accuracy"), 0.94),
            (("trained", "accuracy"), 1.1),
            (("trained", "F1"), 0.1),
        ),
    ),
    Row(
        "weight-decay",
        {
            "gap at the end": {"none": 0.2, "L2": 0.02, "L1": 0.01},
            "test accuracy at the end": {"none": 0.77, "L2": 0.82, "L1": 0.81},
            "fraction of weights below 0.001": {"none": 0.0, "L2": 0.01, "L1": 0.45},
        },
        (
            (("gap at the end", "L2"), 0.2),
            (("gap at the end", "L1"), 0.2),
            (("test accuracy at the end", "L2"), 0.7),
            (("fraction of weights below 0.001", "L1"), 0.02),
        ),
    ),
    Row(
        "word2vec-sampling",
        {
            "time of a step, softmax ÷ negative sampling": {"500 words": 1.1, "8000 words": 9.0},
            "fraction of neighbours in common": 0.24,
            "fraction expected by chance": 0.005,
        },
        (
            (("time of a step, softmax ÷ negative sampling", "8000 words"), 1.0),
            (("time of a step, softmax ÷ negative sampling", "500 words"), 9.0),
            (("fraction of neighbours in common",), 0.01),
        ),
    ),
    Row(
        "zero-weights",
        {
            "final training accuracy": {"zero": 0.15, "Xavier": 0.97},
            "largest difference between two hidden units from zero": 0.0,
            "largest gradient norm of the first layer from zero": 0.05,
        },
        (
            (("final training accuracy", "zero"), 0.9),
            (("largest difference between two hidden units from zero",), 0.3),
            (("largest gradient norm of the first layer from zero",), 1e-9),
        ),
    ),
)
