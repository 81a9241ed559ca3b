"""A training step of the textbook's two convolutional networks: loss, backward, SGD. Peer: PyTorch, eager.

First both models get the same weights and must give the same loss to 1e-5 without dropout, and the same
gradient of the first filters to 1e-2: rounding moves some maxima to other pixels, which changes it by 2e-3 in
PyTorch's deep network (measured against float64). Then steps are timed in turn on the same batches of 100
images of 28 by 28 pixels. PyTorch runs in its default memory layout and in ``channels_last``, which is faster
but not the default.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.measure import paired, row
from seqkit.backend.random import Generator
from seqkit.models import ImageClassifier, image_config, make_image_model
from seqkit.optim import SGD
from seqkit.threads import thread_count

BATCH, SIDE, CLASSES, LR = 100, 28, 10, 0.01
CASES = {"simple-cnn": "simple CNN (conv 30 of 5x5)", "deep-cnn": "deep CNN (6 conv of 3x3)"}


def batches(count: int = 8) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return random images and labels, the same for both sides."""
    random = np.random.default_rng(0)
    return [
        (random.random((BATCH, SIDE, SIDE, 1), np.float32), random.integers(0, CLASSES, BATCH))
        for _ in range(count)
    ]


def our_model(name: str) -> Any:
    """Return our model from seed 0."""
    return make_image_model(image_config(name), generator=Generator(0, "init"))


def our_step(model: ImageClassifier) -> Callable[[], float]:
    """Return a function that takes one training step on the next batch and returns its loss."""
    optimizer = SGD(model.named_parameters(), lr=LR)
    generator, data, turn = Generator(0, "dropout"), batches(), 0

    def step() -> float:
        nonlocal turn
        images, labels = data[turn % len(data)]
        turn += 1
        optimizer.zero_grad()
        loss = model.loss(images, labels, generator=generator)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def torch_model(name: str, ours: Any, channels_last: bool = False) -> Any:
    """Return PyTorch's model with the weights of ours."""
    import torch
    from torch import nn

    torch.set_num_threads(thread_count())
    convs = [ours.conv] if name == "simple-cnn" else ours.convs
    layers: list[Any] = []
    for index, conv in enumerate(convs):
        F, KH, _, C = conv.weight.shape
        torch_conv = nn.Conv2d(C, F, KH, padding=conv.padding)
        with torch.no_grad():
            torch_conv.weight.copy_(torch.from_numpy(conv.weight.data.transpose(0, 3, 1, 2).copy()))
            torch_conv.bias.copy_(torch.from_numpy(conv.bias.data.copy()))
        layers += [torch_conv, nn.ReLU()]
        if name == "simple-cnn" or index % 2:
            layers.append(nn.MaxPool2d(2))
    F = convs[-1].weight.shape[0]
    side = int((ours.hidden.weight.shape[1] // F) ** 0.5)
    hidden, output = (
        nn.Linear(F * side * side, len(ours.hidden.weight)),
        nn.Linear(len(ours.hidden.weight), CLASSES),
    )
    with torch.no_grad():  # PyTorch flattens channels first, seqkit channels last
        W = (
            ours.hidden.weight.data.reshape(-1, side, side, F)
            .transpose(0, 3, 1, 2)
            .reshape(hidden.weight.shape)
        )
        hidden.weight.copy_(torch.from_numpy(W.copy()))
        hidden.bias.copy_(torch.from_numpy(ours.hidden.bias.data.copy()))
        output.weight.copy_(torch.from_numpy(ours.output.weight.data.copy()))
        output.bias.copy_(torch.from_numpy(ours.output.bias.data.copy()))
    dropout = [nn.Dropout(ours.config.dropout)] if name == "deep-cnn" else []
    model = nn.Sequential(*layers, nn.Flatten(), hidden, nn.ReLU(), *dropout, output)
    return model.to(memory_format=torch.channels_last) if channels_last else model


def torch_batches(channels_last: bool) -> list[tuple[Any, Any]]:
    """Return the same batches as tensors, channels first."""
    import torch

    layout = torch.channels_last if channels_last else torch.contiguous_format
    return [
        (torch.from_numpy(x).permute(0, 3, 1, 2).contiguous(memory_format=layout), torch.from_numpy(t))
        for x, t in batches()
    ]


def torch_step(model: Any, channels_last: bool = False) -> Callable[[], float]:
    """Return the same step in PyTorch."""
    import torch

    optimizer = torch.optim.SGD(model.parameters(), lr=LR)
    data, turn = torch_batches(channels_last), 0

    def step() -> float:
        nonlocal turn
        images, labels = data[turn % len(data)]
        turn += 1
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        return float(loss.item())

    return step


def same_step(name: str) -> float:
    """Compare both models on equal weights without dropout, and return the relative difference of the losses.

    Raises:
        AssertionError: The losses differ by more than 1e-5, or the gradients of the first filters, to which
            all other gradients contribute, by more than 1e-2.
    """
    import torch

    ours = our_model(name).eval()
    theirs = torch_model(name, ours).eval()
    (images, labels), (their_images, their_labels) = batches(1)[0], torch_batches(False)[0]
    loss = ours.loss(images, labels)
    loss.backward()
    their_loss = torch.nn.functional.cross_entropy(theirs(their_images), their_labels)
    their_loss.backward()
    our_value, their_value = loss.item(), float(their_loss.item())
    difference = abs(our_value - their_value) / their_value
    if not difference < 1e-5:
        raise AssertionError(f"the losses differ: ours {our_value!r}, PyTorch {their_value!r}")
    first = ours.conv if name == "simple-cnn" else ours.convs[0]
    gradient = theirs[0].weight.grad.permute(0, 2, 3, 1).numpy()
    gradient_difference = float(np.linalg.norm(first.weight.grad - gradient) / np.linalg.norm(gradient))
    if not gradient_difference < 1e-2:
        raise AssertionError(f"the gradients of the first filters differ by {gradient_difference:.1e}")
    return difference


def run(peer: str, runs: int) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Return the step times of both networks and of the peer in its two layouts."""
    import torch

    rows = []
    for name, title in CASES.items():
        difference = same_step(name)
        times = paired(
            {
                "ours": our_step(our_model(name)),
                "peer": torch_step(torch_model(name, our_model(name))),
                "channels_last": torch_step(torch_model(name, our_model(name), True), True),
            },
            runs,
        )
        result = row(f"{title}, batch {BATCH}", times["ours"], times["peer"])
        result["loss_difference"] = difference
        rows.append(result)
        name = "  vs PyTorch in channels_last"
        rows.append(row(name, times["ours"], times["channels_last"], against="channels_last"))
    return rows, {"torch": torch.__version__}
