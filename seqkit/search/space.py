"""The space of a search: for each setting that it varies a range or choices, read from TOML and checked."""

from __future__ import annotations

import difflib
import math
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seqkit.errors import DataError, Remedy, UsageError
from seqkit.files.substitutes import refuse_substitute
from seqkit.search.parameter import RANGES, STEPPED, TYPES, Parameter
from seqkit.search.tasks import task_of
from seqkit.training import Settings

NEVER = {
    "corpus", "target", "objective", "init", "grow_vocabulary", "device", "workers", "log_interval",
    "checkpoint_interval", "eval_batch_size", "valid_tokens", "validation", "split_seed", "train_size",
    "test_accuracy", "train_accuracy", "examples", "max_new_tokens", "text_column", "label_column",
    "source_column", "target_column", "word_column", "tag_column", "feature_columns", "header", "paragraphs",
    "on_bad_line", "scheme", "input_scheme", "on_broken_tags", "reverse",
}  # fmt: skip
"""Fields that only fixed values may have: they do not change the model, or change what it is judged on."""
TEXT_PREDICTED = {
    "tokenizer", "target_tokenizer", "unicode_normalization", "lowercase", "target_lowercase", "vocab_size",
    "target_vocab_size", "min_count", "shared_vocabulary", "max_length",
}  # fmt: skip
"""Further ones of models that predict text: losses over different tokens cannot be compared."""


class Space:
    """The settings that a search varies.

    Args:
        tables: For each setting, by field or flag, a table: ``{"uniform": [low, high]}``, ``"log"``,
            ``"integer"`` or ``"log-integer"`` of the same form, ``{"categorical": [a, b]}`` or
            ``{"fixed": value}``. uniform and integer may have a "step".
        settings: The settings that all trials share; those given cannot be in the space.
        source: Where the tables come from, for messages.

    Raises:
        UsageError: A table is malformed, or does not fit its setting.

    Example:
        >>> from seqkit.tasks.language_modeling import LanguageModelSettings
        >>> space = Space({"lr": {"log": [1e-4, 1e-2]}}, LanguageModelSettings())
        >>> space.parameters[0].edges()
        (0.0001, 0.01)

    """

    def __init__(
        self, tables: Mapping[str, Mapping[str, Any]], settings: Settings, source: str = "the space"
    ) -> None:
        self.source, self.base = source, type(settings)
        self.given = {name: getattr(settings, name) for name in settings.given}
        self.parameters = [self._parameter(name, table) for name, table in tables.items()]
        fields = [each.field for each in self.parameters]
        for name in fields:
            if fields.count(name) > 1:
                raise UsageError(
                    f"expected one table for {self.base.shown_name(name)}, got two", where=source
                )
        if all(each.type == "fixed" for each in self.parameters):
            raise UsageError(
                "expected a setting to vary, got none",
                where=source,
                remedy="write a table for each, such as lr = { log = [0.0001, 0.01] }",
            )
        for each in self.parameters:
            self._require_possible(each)

    @classmethod
    def read(cls, path: str | Path, settings: Settings) -> Space:
        """Return the space in a TOML file.

        Raises:
            DataError: The file cannot be read, or is not TOML.
            UsageError: A table does not fit its setting.
        """
        try:
            tables = tomllib.loads(Path(path).read_text("utf-8"))
        except OSError as error:
            raise DataError(f"cannot read {path} ({error.strerror or error})") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
            refuse_substitute(Path(path))
            raise DataError(f"{path} is not valid TOML: {error}") from error
        return cls(tables, settings, str(path))

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Return the tables by flag."""
        return {each.flag: each.to_dict() for each in self.parameters}

    def suggest(self, trial: Any) -> dict[str, bool | int | float | str]:
        """Return values of an Optuna trial by field.

        Choices come first. A parameter that has no effect beside the values so far, such as the heads of an
        LSTM, is left out.
        """
        values: dict[str, Any] = {
            each.field: each.choices[0] for each in self.parameters if each.type == "fixed"
        }
        varied = [each for each in self.parameters if each.type != "fixed"]
        for each in sorted(varied, key=lambda each: each.type != "categorical"):
            if not self._is_ignored(each, values):
                values[each.field] = each.suggest(trial)
        for each in varied:  # what was drawn later may have taken the effect of a value
            others = {field: value for field, value in values.items() if field != each.field}
            if self._is_ignored(each, others):
                values = others
        return values

    def settings(self, values: Mapping[str, Any]) -> Settings:
        """Return the settings of a trial. Raise UsageError for values that cannot be combined."""
        return self.base.from_values({**self.given, **values})

    def _is_ignored(self, parameter: Parameter, values: Mapping[str, Any]) -> bool:
        """Return whether a value of the parameter would be refused as one without effect."""
        for value in parameter.edges():
            try:
                self.settings({**values, parameter.field: value})
            except UsageError as error:  # another one may be gone with a value that is chosen later
                if error.what.startswith(f"{parameter.field} has no effect"):
                    return True
        return False

    def _parameter(self, name: str, table: object) -> Parameter:
        """Return the parameter of a table. Raise UsageError if it is malformed."""
        field = self.base.field_names().get(name.replace("-", "_"))
        if field is None:
            known = {
                flag: each for each in self.base.field_names().values() for flag in self.base.flags(each)
            }
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(sorted(known))}"
            raise UsageError(f"unknown setting {name!r}", where=f"in {self.source}", remedy=hint)
        where = f"[{name}] in {self.source}"
        if not isinstance(table, Mapping):
            shown = _toml(table)
            raise UsageError(
                f"expected a table such as {name} = {{ log = [0.0001, 0.01] }}, got {shown}",
                where=where,
                remedy=f"write {name} = {{ fixed = {shown} }} for a fixed value",
            )
        types = [each for each in TYPES if each in table]
        if len(types) != 1:
            raise UsageError(
                f"expected one of {', '.join(TYPES)}, "
                f"got {' and '.join(types or map(str, table)) or 'nothing'}",
                where=where,
            )
        [method] = types
        others = sorted(set(table) - {method} - ({"step"} if method in STEPPED else set()))
        if others:
            raise UsageError(
                f"expected no {others[0]!r} beside {method}, got {_toml(table[others[0]])}", where=where
            )
        if field in self.given:
            raise UsageError(
                f"expected {self.base.shown_name(field)} as a setting or in the space, got both",
                where=where,
                remedy=Remedy(
                    f"leave {field} out of one of them",
                    command=f"leave out --{self.base.flags(field)[0]}, or its table",
                ),
            )
        flag = self.base.flags(field)[0]
        if method == "fixed":
            return Parameter(field, flag, method, choices=(self._typed(field, table[method], where),))
        self._require_searchable(field, where)
        if method == "categorical":
            choices = table[method]
            if not isinstance(choices, list | tuple) or len(choices) < 2 or len(set(choices)) < len(choices):
                raise UsageError(f"expected a list of different choices, got {_toml(choices)}", where=where)
            typed = tuple(self._typed(field, choice, where) for choice in choices)
            return Parameter(field, flag, method, choices=typed)
        low, high = self._range(field, method, table[method], where)
        return Parameter(field, flag, method, low, high, _step(method, table.get("step"), high - low, where))

    def _require_searchable(self, field: str, where: str) -> None:
        """Raise UsageError for a field whose values lead to scores that cannot be compared."""
        refused = NEVER | (TEXT_PREDICTED if task_of(self.base).predicts_text else set())
        if field in refused:
            raise UsageError(
                "expected settings whose validation scores can be compared, "
                f"got {self.base.shown_name(field)}",
                where=where,
                remedy="fix it, and search once for each of its values",
            )

    def _typed(self, field: str, value: Any, where: str) -> bool | int | float | str:
        """Return a value as the type of its field. Raise UsageError for another type."""
        types = self.base.field_types()[field] - {"None"}
        if type(value) is int and "int" not in types and "float" in types:
            value = float(value)
        if type(value).__name__ not in types:
            expected = " or ".join(sorted(types))
            raise UsageError(
                f"expected {self.base.shown_name(field)} to be {expected}, got {_toml(value)}", where=where
            )
        typed: bool | int | float | str = value
        return typed

    def _range(self, field: str, method: str, ends: Any, where: str) -> tuple[float, float]:
        """Return the ends of a range. Raise UsageError if they are none."""
        if RANGES[method] not in self.base.field_types()[field]:
            types = self.base.field_types()[field] - {"None"}
            fitting = [each for each, name in RANGES.items() if name in types] + ["categorical"]
            raise UsageError(
                f"expected {' or '.join(fitting)} for {self.base.shown_name(field)}, "
                f"which is {' or '.join(sorted(types))}, got {method}",
                where=where,
            )
        numbers = (int,) if RANGES[method] == "int" else (int, float)
        if (
            not isinstance(ends, list | tuple)
            or len(ends) != 2
            or not all(isinstance(end, numbers) and not isinstance(end, bool) for end in ends)
            or not all(map(math.isfinite, ends))
        ):
            whole = "whole " if RANGES[method] == "int" else ""
            raise UsageError(
                f"expected {method} = [low, high], two {whole}numbers, got {_toml(ends)}", where=where
            )
        low, high = ends
        if not low < high:
            raise UsageError(f"expected low below high, got {method} = [{low}, {high}]", where=where)
        if method.startswith("log") and low <= 0:
            raise UsageError(
                f"expected a logarithmic range above 0, got {method} = [{low}, {high}]", where=where
            )
        return low, high

    def _require_possible(self, parameter: Parameter) -> None:
        """Raise UsageError for a range or choice that leaves the values that its setting may have."""
        name = self.base.shown_name(parameter.field)
        for value in parameter.edges():
            try:
                self.settings({parameter.field: value})
            except UsageError as error:
                # other errors are of combinations, which the rest of the space may complete
                if error.what.startswith(f"expected {name} to be"):
                    where = f"[{parameter.flag}] in {self.source}"
                    raise UsageError(error.what, where=where, remedy=error.remedy) from None


def _step(method: str, step: Any, width: float, where: str) -> float | None:
    """Return the step of a range, None for none. Raise UsageError if it does not divide the range."""
    if step is None:
        return None
    numbers = (int,) if RANGES[method] == "int" else (int, float)
    if not isinstance(step, numbers) or isinstance(step, bool) or not 0 < step <= width:
        raise UsageError(f"expected a step above 0 and up to {width:g}, got {_toml(step)}", where=where)
    if abs(width / step - round(width / step)) > 1e-6:
        raise UsageError(f"expected a step that divides the range of {width:g}, got {step}", where=where)
    return float(step)


def _toml(value: object) -> str:
    """Return a value about as TOML writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    return repr(value)
