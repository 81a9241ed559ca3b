"""A setting that a search varies: its range or choices, and how Optuna draws from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

RANGES = {"uniform": "float", "log": "float", "integer": "int", "log-integer": "int"}
"""Types of ranges, each with the type of its settings."""
TYPES = (*RANGES, "categorical", "fixed")
STEPPED = ("uniform", "integer")
"""Types of ranges that may have a step."""


@dataclass(frozen=True)
class Parameter:
    """A setting of the space.

    Attributes:
        field: The field of the settings.
        flag: Its name on the command line, without dashes.
        type: One of :data:`TYPES`.
        low, high, step: The range; ``step`` is None for every value.
        choices: The choices, or the fixed value.
    """

    field: str
    flag: str
    type: str
    low: float = 0.0
    high: float = 0.0
    step: float | None = None
    choices: tuple[bool | int | float | str, ...] = ()

    def suggest(self, trial: Any) -> bool | int | float | str:
        """Return the value for an Optuna trial."""
        if self.type == "fixed":
            return self.choices[0]
        value: bool | int | float | str
        if self.type == "categorical":
            value = trial.suggest_categorical(self.flag, self.choices)
        elif RANGES[self.type] == "float":
            value = trial.suggest_float(
                self.flag, self.low, self.high, step=self.step, log=self.type == "log"
            )
        else:
            low, high, step = int(self.low), int(self.high), int(self.step or 1)
            value = trial.suggest_int(self.flag, low, high, step=step, log=self.type == "log-integer")
        return value

    def to_dict(self) -> dict[str, Any]:
        """Return the table of the parameter, as in a space file."""
        if self.type == "fixed":
            return {"fixed": self.choices[0]}
        if self.type == "categorical":
            return {"categorical": list(self.choices)}
        number = int if RANGES[self.type] == "int" else float
        table: dict[str, Any] = {self.type: [number(self.low), number(self.high)]}
        return table if self.step is None else {**table, "step": number(self.step)}

    def edges(self) -> tuple[bool | int | float | str, ...]:
        """Return the values at the ends of the range, or the choices."""
        if self.choices:
            return self.choices
        return (int(self.low), int(self.high)) if RANGES[self.type] == "int" else (self.low, self.high)
