"""Damaged contents of files: other bytes, and other types in JSON that still parses."""

from __future__ import annotations

import json
import random
import struct
from collections.abc import Iterator
from typing import Any

VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 7, 2**31, 2**63, 10**30, -(10**30), 0.5, -0.0, 1e-320, 1e308, float("nan"),
    float("inf"), "", "x", "0", "\0", "../x", "x" * 5000, "\ud800", "\x1b]0;x\x07", "[UNK]", [], [None],
    ["x"], [[]], [1, 2, 3], [{}], {}, {"x": 1}, {"content": 3}, {"content": "[PAD]"}, {"0": {"content": "x"}},
)  # fmt: skip


def nodes(content: Any) -> Iterator[tuple[Any, Any]]:
    """Yield (container, key) of every value."""
    if isinstance(content, dict | list):
        for key, value in content.items() if isinstance(content, dict) else enumerate(content):
            yield content, key
            yield from nodes(value)


def with_other_types(content: Any, chance: random.Random) -> Any:
    """Return a JSON document in which one value, or a key, is another; it may change ``content``."""
    if chance.random() < 0.1 or not content:
        return chance.choice(VALUES)
    container, key = chance.choice(list(nodes(content)))
    action = chance.random()
    if isinstance(container, dict) and action < 0.15:
        container[str(chance.choice(VALUES))] = container.pop(key)
    elif action < 0.25:
        container.pop(key)
    else:
        container[key] = chance.choice(VALUES)
    return content


def with_other_bytes(data: bytes, chance: random.Random) -> bytes:
    """Return bytes that are cut, replaced, doubled, or begin with too many brackets."""
    at, size = chance.randrange(len(data) + 1), chance.randint(1, 40)
    return chance.choice(
        [
            data[:at],
            data[at:],
            data[:at] + bytes(chance.randrange(256) for _ in range(size)) + data[at + size :],
            data[:at] + bytes(size) + data[at:],
            data[:at] + data,
            b"[" * 20_000 + data,
            b'{"a":' * 20_000,
            data[: len(data) // 2] + bytes([chance.randrange(256)]) + data[len(data) // 2 + 1 :],
        ]
    )


def mutated(name: str, data: bytes, chance: random.Random) -> bytes:
    """Return the content of a file with other types, where it holds JSON, or other bytes."""
    if chance.random() < 0.3:
        return with_other_bytes(data, chance)
    if name.endswith(".json"):
        return json.dumps(with_other_types(json.loads(data), chance)).encode()
    if name.endswith(".safetensors"):
        length = struct.unpack("<Q", data[:8])[0]
        header = json.dumps(with_other_types(json.loads(data[8 : 8 + length]), chance)).encode()
        return struct.pack("<Q", len(header)) + header + data[8 + length :]
    return with_other_bytes(data, chance)
