"""The check of an op's arrays: what passes, and what its errors say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from seqkit.errors import ShapeError
from seqkit.ops.arguments import arguments

check = arguments("op", x="B, …, I", W="4*O, I", b="4*O or None", state="B, O", ids="integer …")


def given(**changed: Any) -> list[Any]:
    arrays: dict[str, Any] = {
        "x": np.zeros((2, 3, 5, 7), np.float32),
        "W": np.zeros((44, 7), np.float32),
        "b": np.zeros(44, np.float32),
        "state": np.zeros((2, 11), np.float32),
        "ids": np.zeros((3, 5), int),
    }
    return list((arrays | changed).values())


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"b": None},
        {"ids": np.zeros((3, 5), np.uint8)},
        {"x": np.zeros((2, 7), np.float32), "ids": np.zeros((), int)},
        {"x": np.zeros((0, 3, 5, 7), np.float32), "state": np.zeros((0, 11), np.float32)},
        {"x": np.zeros((2, 3, 5, 7), np.dtype("f4").newbyteorder("="))},
    ],
)
def test_what_fits_passes(changed: dict[str, Any]) -> None:
    check(*given(**changed))


@pytest.mark.parametrize("dtype", [np.float64, np.float16])
def test_one_dtype_of_any_precision(dtype: Any) -> None:
    check(*(x if x.dtype.kind == "i" else x.astype(dtype) for x in given()))


SHAPES = "op: expected x (B, …, I), W (4*O, I), b (4*O,), state (B, O), ids (…), got "
WRONG = [
    ({"x": np.zeros(7, np.float32)}, SHAPES + "(7,), (44, 7), (44,), (2, 11), (3, 5)"),
    ({"x": np.zeros((2, 3, 5, 1), np.float32)}, SHAPES + "(2, 3, 5, 1), (44, 7), (44,), (2, 11), (3, 5)"),
    ({"W": np.zeros((43, 7), np.float32)}, SHAPES + "(2, 3, 5, 7), (43, 7), (44,), (2, 11), (3, 5)"),
    ({"b": np.zeros(1, np.float32)}, SHAPES + "(2, 3, 5, 7), (44, 7), (1,), (2, 11), (3, 5)"),
    ({"state": np.zeros((1, 11), np.float32)}, SHAPES + "(2, 3, 5, 7), (44, 7), (44,), (1, 11), (3, 5)"),
    ({"ids": np.zeros((3, 6), int)}, SHAPES + "(2, 3, 5, 7), (44, 7), (44,), (2, 11), (3, 6)"),
    ({"state": None}, SHAPES + "(2, 3, 5, 7), (44, 7), (44,), None, (3, 5)"),
    ({"W": 2.5}, SHAPES + "(2, 3, 5, 7), 2.5, (44,), (2, 11), (3, 5)"),
    ({"x": np.zeros((2, 3, 5, 7), int)}, "op: expected floating-point x, got int64"),
    ({"ids": np.zeros((3, 5))}, "op: expected integer ids, got float64"),
    (
        {"state": np.zeros((2, 11))},
        "op: expected x, W, b, state of one dtype, got float32, float32, float32, float64; convert by astype",
    ),
    (
        {"b": None, "W": np.zeros((44, 7), ">f4")},
        "op: expected x, W, state of one dtype, got float32, >f4, float32; convert by astype",
    ),
]


@pytest.mark.parametrize(("changed", "message"), WRONG)
def test_what_does_not_fit_is_named(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ShapeError) as caught:
        check(*given(**changed))
    assert str(caught.value) == message


def test_masks_are_booleans_or_numbers() -> None:
    mask = arguments("op", x="B, T", mask="mask B, T or None")
    for dtype in (bool, int, np.uint8, np.float32):
        mask(np.zeros((2, 3)), np.ones((2, 3), dtype))
    with pytest.raises(ShapeError, match="expected boolean mask, got complex"):
        mask(np.zeros((2, 3)), np.ones((2, 3), complex))
