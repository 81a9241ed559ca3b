"""Initial weights have the moments that their formulas give."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from seqkit.backend.random import Generator
from seqkit.errors import ShapeError
from seqkit.nn import initializers

SHAPE = (300, 200)  # 60,000 numbers: the deviation of the mean is 0.4 % of the numbers' own
IN, OUT = 200, 300

UNIFORM = {
    "uniform": (lambda g: initializers.uniform(SHAPE, g, 0.7), 0.7),
    "xavier": (lambda g: initializers.xavier_uniform(SHAPE, g), math.sqrt(6 / (IN + OUT))),
    "he": (lambda g: initializers.he_uniform(SHAPE, g), math.sqrt(6 / IN)),
}
NORMAL = {
    "normal": (lambda g: initializers.normal(SHAPE, g, 0.3), 0.3),
    "xavier": (lambda g: initializers.xavier_normal(SHAPE, g), math.sqrt(2 / (IN + OUT))),
    "he": (lambda g: initializers.he_normal(SHAPE, g), math.sqrt(2 / IN)),
}
Draw = Callable[[Generator], np.ndarray]


@pytest.mark.parametrize(("draw", "bound"), UNIFORM.values(), ids=UNIFORM)
def test_uniform(draw: Draw, bound: float) -> None:
    W = draw(Generator(1))
    assert (W.shape, W.dtype) == (SHAPE, np.float32)
    assert np.abs(W).max() <= bound
    assert np.abs(W).max() > 0.999 * bound
    assert abs(W.mean()) < 0.02 * bound
    assert W.std() == pytest.approx(bound / math.sqrt(3), rel=0.02)


@pytest.mark.parametrize(("draw", "std"), NORMAL.values(), ids=NORMAL)
def test_normal(draw: Draw, std: float) -> None:
    W = draw(Generator(1))
    assert (W.shape, W.dtype) == (SHAPE, np.float32)
    assert abs(W.mean()) < 0.02 * std
    assert W.std() == pytest.approx(std, rel=0.02)
    assert (np.abs(W) < std).mean() == pytest.approx(0.6827, abs=0.01)
    assert (np.abs(W) < 2 * std).mean() == pytest.approx(0.9545, abs=0.005)


@pytest.mark.parametrize("shape", [(5, 5), (7, 3), (3, 7), (4, 3, 5), (11, 2, 3), (1, 1)])
@pytest.mark.parametrize("gain", [1.0, 1.5])
def test_orthogonal(shape: tuple[int, ...], gain: float) -> None:
    W = initializers.orthogonal(shape, Generator(2), gain).reshape(shape[0], -1).astype(np.float64)
    fewer = W @ W.T if W.shape[0] <= W.shape[1] else W.T @ W
    np.testing.assert_allclose(fewer, gain**2 * np.eye(len(fewer)), atol=1e-6)


def test_orthogonal_matrices_show_no_preferred_sign() -> None:
    """Without the signs of R the first entry of Q would be of one sign in every draw."""
    generator = Generator(3)
    first = [initializers.orthogonal((4, 4), generator)[0, 0] for _ in range(200)]
    assert 60 < sum(x > 0 for x in first) < 140


def test_fans_of_a_convolution() -> None:
    """(outputs, inputs, height, width): the field multiplies both fans."""
    W = initializers.he_normal((50, 20, 5, 5), Generator(4))
    assert W.std() == pytest.approx(math.sqrt(2 / 500), rel=0.02)


def test_vectors_have_no_fans() -> None:
    for make in (initializers.xavier_uniform, initializers.he_normal, initializers.orthogonal):
        with pytest.raises(ShapeError, match="expected a shape of at least two axes, got"):
            make((5,), Generator(0))


def test_constants_and_seeds() -> None:
    assert (initializers.zeros((3,)) == 0).all()
    assert (initializers.ones((3,)) == 1).all()
    one, same = (initializers.normal((9,), Generator(7), 1.0) for _ in range(2))
    np.testing.assert_array_equal(one, same)
    generator = Generator(7)
    assert not np.array_equal(
        initializers.normal((9,), generator, 1.0), initializers.normal((9,), generator, 1.0)
    )
