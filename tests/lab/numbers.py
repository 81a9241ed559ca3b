"""Numbers that each claim holds with, and for each criterion a change that makes it fail."""

from __future__ import annotations

import copy
from typing import Any

Path = tuple[Any, ...]
Change = tuple[Path, Any]

LOSSES = {"sgd": 0.5, "momentum": 0.3, "adagrad": 0.25, "rmsprop": 0.22, "adam": 0.2}
TEXTBOOK = {"sgd": 2.0, "momentum": 0.5, "adagrad": 0.25, "rmsprop": 1.0, "adam": 0.3}
LASTS = {
    "tanh": -30.0,
    "ReLU, large weights": 15.0,
    "ReLU, large weights, clipped": 0.69,
    "LSTM, forget bias 1": -8.0,
    "LSTM, forget bias 5": 0.0,
}
OF_TANH = "log10 of the norm after 100 steps"
KEPT = "log10 of deviation, last layer ÷ first"

GOOD: dict[str, dict[str, Any]] = {
    "activations": {"log10 of gradient lost": {"sigmoid": 7.0, "relu": -0.2}},
    "backpropagation": {"largest difference of the gradients": 1e-10, "ratios": [10.0, 20.0, 80.0, 900.0]},
    "batch-norm": {"scales of 16 that reach 0.8": {"with BatchNorm": 11, "without": 2}},
    "batch-norm-modes": {
        "accuracy in batches of 2": {"running statistics": 0.95, "the batch's own": 0.5},
        "running statistics, spread over batch sizes": 0.0,
    },
    "batch-speed": {"batch of 100 ÷ one by one": 20.0},
    "batches-and-epochs": {"seen after one epoch": {"shuffled": 1.0, "drawn": 0.632}},
    "clipping": {
        "loss at the end": {"clipped to 0.25": 2.4, "not clipped": 9.0},
        "loss of blind guessing": 4.6,
    },
    "convolution-shapes": {"cases where shape or count differ from the formula": 0},
    "cross-entropy-of-a-batch": {
        "one-hot against index labels": 1e-16,
        "fused op against the formula": 1e-16,
        "gradient against (p - t)/B": 1e-17,
        "safe loss against the truth, relative": 1e-8,
        "share of score sizes with a finite plain loss": 0.6,
    },
    "dropout": {
        "gap at the end": {"without": 0.2, "dropout 0.3": 0.02},
        "test accuracy at the end": {"without": 0.77, "dropout 0.3": 0.85},
    },
    "dropout-as-ensemble": {"accuracy": {"one thinned network": 0.7, "mean of 50": 0.9, "scaled": 0.9}},
    "gates": {
        "mean loss while training": {
            "LSTM": 0.5,
            "plain RNN": 1.3,
            "without f": 0.77,
            "without i": 0.7,
            "without o": 0.55,
        },
        "accuracy over the last 50 steps": {"LSTM": 1.0, "without f": 0.98},
    },
    "generalisation-gap": {
        "gap at the end": {"clean labels": 0.08},
        "training accuracy at the end": {"a fifth of the labels wrong": 1.0},
        "test accuracy, best ten epochs less the last ten": {"a fifth of the labels wrong": 0.05},
    },
    "gradients-over-time": {OF_TANH: LASTS},
    "hyper-parameter-search": {
        "accuracy on the split chosen on": 0.94,
        "accuracy of the same on fresh images": 0.92,
        "accuracy, best of all trials": 0.93,
        "accuracy, median of all trials": 0.6,
    },
    "inference-without-softmax": {"share of equal answers": 1.0, "ratios": [1.1, 1.1, 1.2, 1.3, 1.4, 1.5]},
    "initialisation": {
        KEPT: {
            "tanh, Xavier": -0.3,
            "ReLU, He": 0.0,
            "ReLU, Xavier": -0.6,
            "tanh, std 0.01": -4.0,
            "ReLU, std 0.01": -4.6,
        },
        "share of saturated tanh in the last layer, std 1": 0.85,
    },
    "layer-norm": {
        "layered network, batches of 1": {"BatchNorm": None, "LayerNorm": 0.9},
        "layered network, batches of 2": {"BatchNorm": 0.6, "LayerNorm": 0.9},
        "layered network, batches of 32": {"BatchNorm": 0.9, "LayerNorm": 0.9},
        "recurrent network, batches of 4": {"none": 0.7, "BatchNorm": 0.7, "LayerNorm": 0.9},
        "recurrent network, batches of 32": {"none": 0.7, "BatchNorm": 0.9, "LayerNorm": 0.9},
    },
    "long-dependencies": {
        "accuracy at the nearest": {"Transformer encoder": 1.0, "LSTM": 1.0},
        "accuracy at the furthest": {"Transformer encoder": 1.0, "LSTM": 0.25},
    },
    "optimizer-paths": {
        "way up and down ÷ height at the start": {"sgd": 18.0, "momentum": 4.5, "adagrad": 1.0, "adam": 1.8}
    },
    "optimizers-on-images": {
        "mean loss while training, textbook's lr": TEXTBOOK,
        "mean loss while training, own lr": LOSSES,
    },
    "perceptrons": {"functions of 16 learned": {"one layer": 14, "two layers": 16}},
    "perplexity": {
        "largest relative difference from 1 / geometric mean": 1e-15,
        "perplexity of the uniform model ÷ vocabulary": 1.0,
    },
    "pooling": {
        "change by a shift of 1, pooled 2×2 ÷ not": 0.8,
        "weights of an affine layer of 100 behind it": {"pool 1": 400, "pool 2": 100},
        "parameters of a pooling layer": 0,
    },
    "preprocessing": {"best accuracy": {"raw 0-255": 0.87, "0-1": 0.95, "standardised": 0.97}},
    "seq2seq-variants": {
        "mean loss while training": {
            "plain": 1.8,
            "reversed": 1.4,
            "reversed, peeky": 1.0,
            "reversed, cell passed": 1.0,
            "reversed, attention": 0.6,
        }
    },
    "unbalanced-metrics": {
        "always no": {"accuracy": 0.977, "F1": 0.0},
        "trained": {"accuracy": 0.985, "F1": 0.6},
    },
    "weight-decay": {
        "gap at the end": {"none": 0.2, "L2": 0.02, "L1": 0.01},
        "test accuracy at the end": {"none": 0.77, "L2": 0.82, "L1": 0.81},
        "share of weights below 0.001": {"none": 0.0, "L2": 0.01, "L1": 0.45},
    },
    "word2vec-sampling": {
        "time of a step, softmax ÷ negative sampling": {"500 words": 1.1, "8000 words": 9.0},
        "share of neighbours in common": 0.24,
        "the same by chance": 0.005,
    },
    "zero-weights": {
        "final training accuracy": {"zero": 0.15, "Xavier": 0.97},
        "largest difference between two hidden units from zero": 0.0,
        "gradient of the first layer from zero, most": 0.05,
    },
}

BAD: dict[str, list[Change]] = {
    "activations": [
        (("log10 of gradient lost", "sigmoid"), 2.0),
        (("log10 of gradient lost", "relu"), -4.0),
    ],
    "backpropagation": [(("largest difference of the gradients",), 1e-3), (("ratios", 3), 2.0)],
    "batch-norm": [(("scales of 16 that reach 0.8", "with BatchNorm"), 4)],
    "batch-norm-modes": [
        (("accuracy in batches of 2", "the batch's own"), 0.95),
        (("running statistics, spread over batch sizes",), 0.1),
    ],
    "batch-speed": [(("batch of 100 ÷ one by one",), 1.1)],
    "batches-and-epochs": [
        (("seen after one epoch", "shuffled"), 0.99),
        (("seen after one epoch", "drawn"), 0.8),
    ],
    "clipping": [
        (("loss at the end", "not clipped"), 2.3),
        (("loss at the end", "clipped to 0.25"), 4.5),
    ],
    "convolution-shapes": [(("cases where shape or count differ from the formula",), 3)],
    "cross-entropy-of-a-batch": [
        (("one-hot against index labels",), 0.1),
        (("fused op against the formula",), 0.1),
        (("gradient against (p - t)/B",), 0.1),
        (("safe loss against the truth, relative",), 0.1),
        (("share of score sizes with a finite plain loss",), 1.0),
    ],
    "dropout": [
        (("gap at the end", "dropout 0.3"), 0.2),
        (("test accuracy at the end", "dropout 0.3"), 0.7),
    ],
    "dropout-as-ensemble": [
        (("accuracy", "mean of 50"), 0.95),
        (("accuracy", "one thinned network"), 0.9),
    ],
    "gates": [
        (("mean loss while training", "plain RNN"), 0.6),
        (("mean loss while training", "without f"), 0.6),
        (("mean loss while training", "without o"), 0.75),
        (("accuracy over the last 50 steps", "without f"), 1.0),
    ],
    "generalisation-gap": [
        (("gap at the end", "clean labels"), 0.01),
        (("training accuracy at the end", "a fifth of the labels wrong"), 0.9),
        (("test accuracy, best ten epochs less the last ten", "a fifth of the labels wrong"), 0.0),
    ],
    "gradients-over-time": [
        ((OF_TANH, "tanh"), -1.0),
        ((OF_TANH, "ReLU, large weights"), 1.0),
        ((OF_TANH, "ReLU, large weights, clipped"), 9.0),
        ((OF_TANH, "LSTM, forget bias 1"), -29.0),
        ((OF_TANH, "LSTM, forget bias 1"), -0.1),
        ((OF_TANH, "LSTM, forget bias 5"), -7.0),
    ],
    "hyper-parameter-search": [
        (("accuracy of the same on fresh images",), 0.94),
        (("accuracy, median of all trials",), 0.93),
    ],
    "inference-without-softmax": [(("share of equal answers",), 0.9), (("ratios", 4), 1.0)],
    "initialisation": [
        ((KEPT, "tanh, Xavier"), -2.0),
        ((KEPT, "ReLU, He"), -1.0),
        ((KEPT, "ReLU, Xavier"), 0.0),
        ((KEPT, "tanh, std 0.01"), 0.0),
        ((KEPT, "ReLU, std 0.01"), 0.0),
        (("share of saturated tanh in the last layer, std 1",), 0.1),
    ],
    "layer-norm": [
        (("layered network, batches of 2", "LayerNorm"), 0.6),
        (("layered network, batches of 1", "LayerNorm"), 0.5),
        (("layered network, batches of 32", "BatchNorm"), 0.6),
        (("recurrent network, batches of 4", "LayerNorm"), 0.7),
    ],
    "long-dependencies": [
        (("accuracy at the furthest", "LSTM"), 1.0),
        (("accuracy at the furthest", "Transformer encoder"), 0.8),
        (("accuracy at the nearest", "LSTM"), 0.5),
    ],
    "optimizer-paths": [(("way up and down ÷ height at the start", "adam"), 17.0)],
    "optimizers-on-images": [
        (("mean loss while training, own lr", "sgd"), 9.0),
        (("mean loss while training, own lr", "adagrad"), 0.1),
        (("mean loss while training, own lr", "adam"), 0.4),
    ],
    "perceptrons": [
        (("functions of 16 learned", "one layer"), 16),
        (("functions of 16 learned", "two layers"), 14),
    ],
    "perplexity": [
        (("largest relative difference from 1 / geometric mean",), 0.5),
        (("perplexity of the uniform model ÷ vocabulary",), 2.0),
    ],
    "pooling": [
        (("change by a shift of 1, pooled 2×2 ÷ not",), 1.1),
        (("weights of an affine layer of 100 behind it", "pool 2"), 400),
        (("parameters of a pooling layer",), 9),
    ],
    "preprocessing": [(("best accuracy", "0-1"), 0.87), (("best accuracy", "standardised"), 0.8)],
    "seq2seq-variants": [
        (("mean loss while training", "plain"), 1.2),
        (("mean loss while training", "reversed, peeky"), 1.35),
        (("mean loss while training", "reversed, cell passed"), 1.35),
        (("mean loss while training", "reversed, attention"), 0.98),
    ],
    "unbalanced-metrics": [
        (("always no", "accuracy"), 0.94),
        (("trained", "accuracy"), 1.1),
        (("trained", "F1"), 0.1),
    ],
    "weight-decay": [
        (("gap at the end", "L2"), 0.2),
        (("gap at the end", "L1"), 0.2),
        (("test accuracy at the end", "L2"), 0.7),
        (("share of weights below 0.001", "L1"), 0.02),
    ],
    "word2vec-sampling": [
        (("time of a step, softmax ÷ negative sampling", "8000 words"), 1.0),
        (("time of a step, softmax ÷ negative sampling", "500 words"), 9.0),
        (("share of neighbours in common",), 0.01),
    ],
    "zero-weights": [
        (("final training accuracy", "zero"), 0.9),
        (("largest difference between two hidden units from zero",), 0.3),
        (("gradient of the first layer from zero, most",), 1e-9),
    ],
}


def changed(numbers: dict[str, Any], change: Change) -> dict[str, Any]:
    """The same numbers but for one."""
    (*parents, last), value = change
    found = copy.deepcopy(numbers)
    inner: Any = found
    for key in parents:
        inner = inner[key]
    assert inner[last] != value
    inner[last] = value
    return found
