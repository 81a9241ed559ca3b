"""The same gradients through PyTorch's optimisers: parameters agree to float64 rounding after 20 steps."""

import numpy as np
import pytest

from seqkit.autograd import RowGradient
from seqkit.optim import Adam, clip_grad_norm, clip_grad_value, make_optimizer

torch = pytest.importorskip("torch")

PEERS = {
    "sgd": ({"lr": 0.1}, "SGD", {}),
    "momentum": ({"lr": 0.1}, "SGD", {"momentum": 0.9}),
    "nesterov": ({"lr": 0.1}, "SGD", {"momentum": 0.9, "nesterov": True}),
    "adagrad": ({}, "Adagrad", {}),
    "rmsprop": ({}, "RMSprop", {}),
    "rmsprop-momentum": ({"momentum": 0.8}, "RMSprop", {"momentum": 0.8}),
    "rmsprop-centered": ({"centered": True}, "RMSprop", {"centered": True}),
    "rmsprop-full": ({"momentum": 0.8, "centered": True}, "RMSprop", {"momentum": 0.8, "centered": True}),
    "adam": ({"betas": (0.8, 0.99)}, "Adam", {"betas": (0.8, 0.99)}),
    "adamw": ({}, "AdamW", {}),
}
SHAPES = [(3, 5), (7,), ()]


def pairs(leaf, seed=0):
    generator = np.random.default_rng(seed)
    ours = [leaf(generator.standard_normal(shape)) for shape in SHAPES]
    return generator, ours, [torch.tensor(p.data, requires_grad=True) for p in ours]


@pytest.mark.parametrize(
    ("form", "decay"),
    [
        (form, decay)
        for form in PEERS
        for decay in ("none", "l2", "decoupled")
        if (form, decay) != ("adamw", "l2")  # AdamW is Adam decoupled
    ],
)
def test_twenty_steps_agree(form, decay, leaf):
    settings, peer, peer_settings = PEERS[form]
    name = form.partition("-")[0]
    strength = 0.0 if decay == "none" else 0.03
    extra = {"weight_decay": strength}
    if decay == "decoupled" and name != "adamw":
        extra["decoupled"] = True
    generator, ours, theirs = pairs(leaf)
    optimizer = make_optimizer(name, ours, **settings, **extra)
    by_hand = decay == "decoupled" and name != "adamw"  # PyTorch has it for AdamW alone
    reference = getattr(torch.optim, peer)(
        theirs, lr=optimizer.lr, weight_decay=0.0 if by_hand else strength, **peer_settings
    )
    for step in range(20):
        if step == 10:
            optimizer.lr *= 0.5
            reference.param_groups[0]["lr"] *= 0.5
        for i, (p, q) in enumerate(zip(ours, theirs, strict=True)):
            g = generator.standard_normal(p.shape)
            p.grad, q.grad = np.array(g), torch.tensor(g)
            if i == 1 and step in (0, 4, 5):  # no gradient: no step, no count
                p.grad = q.grad = None
            elif by_hand:
                with torch.no_grad():
                    q.mul_(1 - optimizer.lr * strength)
        optimizer.step()
        reference.step()
    for p, q in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(p.data, q.detach().numpy(), rtol=1e-12, atol=1e-14)


def test_lazy_adam_is_sparse_adam(leaf, row_gradient):
    """With eps → 0: SparseAdam adds it before the bias correction, Adam after."""
    generator = np.random.default_rng(0)
    p = leaf(generator.standard_normal((7, 3)))
    q = torch.tensor(p.data, requires_grad=True)
    optimizer = Adam([p], rows="lazy", eps=1e-30)
    reference = torch.optim.SparseAdam([q], eps=1e-30)
    for _ in range(20):
        g = p.grad = row_gradient(generator, p.shape)
        assert isinstance(g, RowGradient)
        q.grad = torch.sparse_coo_tensor(g.rows[None], g.values, p.shape, check_invariants=True)
        optimizer.step()
        reference.step()
    np.testing.assert_allclose(p.data, q.detach().numpy(), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("max_norm", [0.5, 100.0])
def test_clipping_by_norm_agrees(leaf, max_norm):
    generator, ours, theirs = pairs(leaf)
    for p, q in zip(ours, theirs, strict=True):
        g = generator.standard_normal(p.shape)
        p.grad, q.grad = np.array(g), torch.tensor(g)
    norm = clip_grad_norm(ours, max_norm)
    expected = torch.nn.utils.clip_grad_norm_(theirs, max_norm)
    assert float(norm) == pytest.approx(expected.item(), rel=1e-14)
    for p, q in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(p.grad, q.grad.numpy(), rtol=1e-13)


def test_clipping_by_value_agrees(leaf):
    generator, ours, theirs = pairs(leaf)
    for p, q in zip(ours, theirs, strict=True):
        g = generator.standard_normal(p.shape)
        p.grad, q.grad = np.array(g), torch.tensor(g)
    clip_grad_value(ours, 0.5)
    torch.nn.utils.clip_grad_value_(theirs, 0.5)
    for p, q in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(p.grad, q.grad.numpy())
