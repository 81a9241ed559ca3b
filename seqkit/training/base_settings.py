"""Base class of settings: read from flags and files, checked, resolved, and refused where without effect."""

from __future__ import annotations

import dataclasses
import difflib
import inspect
import math
import os
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

from seqkit.errors import Remedy, UsageError, require_choice
from seqkit.files.archives import split_member

R = TypeVar("R", bound="Settings")

_LARGEST, _LARGEST_FLOAT = (1 << 64) - 1, 3.4e38


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Base class of settings. Fields, types and defaults are those of the command's flags.

    A field is None if its default depends on the corpus, the model or the machine. A task's ``resolve``
    fills those fields in and returns its class of *resolved* settings, in which they cannot be None.
    """

    MAY_CHANGE: ClassVar[tuple[str, ...]] = ()
    """Fields that may be changed when a run is resumed."""

    MAY_MOVE: ClassVar[tuple[str, ...]] = ("corpus",)
    """Fields of files that may have another place, with the same content, when a run is resumed."""

    RESOLVED: ClassVar[bool] = False
    """Whether nothing is left open in settings of this class."""

    LIMITS: ClassVar[dict[str, int]] = {
        "embedding_size": 1 << 16,
        "hidden_size": 1 << 16,
        "vector_size": 1 << 16,
        "num_layers": 1 << 8,
        "num_heads": 1 << 10,
        "vocab_size": 10**8,
        "context_length": 1 << 20,
        "bptt": 1 << 20,
        "max_length": 1 << 20,
        "max_new_tokens": 1 << 20,
        "batch_size": 1 << 20,
        "batch_tokens": 1 << 20,
        "eval_batch_size": 1 << 20,
        "accumulate": 1 << 20,
        "order": 32,
        "window": 10**4,
        "negative": 10**4,
        "workers": 1 << 10,
        "epochs": 10**7,
    }
    """The largest values of fields that could ask for more than any machine has; others take 64 bits."""

    OF_THE_RUN: ClassVar[tuple[str, ...]] = ()
    """Fields that a run decides for a training that starts from it (``init``): no other value is accepted."""

    FROM_THE_RUN: ClassVar[tuple[str, ...]] = ()
    """Fields that such a training takes from the run unless they are given."""

    UNBOUNDED: ClassVar[tuple[str, ...]] = ("clip", "max_time")
    """Fields that may be infinite."""

    FLAGS: ClassVar[dict[str, tuple[str, ...]]] = {
        "embedding_size": ("emsize",),
        "hidden_size": ("nhid",),
        "num_layers": ("nlayers",),
        "num_heads": ("nhead",),
        "context_length": ("context-length", "block-size"),
        "text_column": ("text-column", "text-field"),
        "label_column": ("label-column", "label-field"),
        "source_column": ("source-column", "source-field"),
        "target_column": ("target-column", "target-field"),
    }
    """Flags of the fields whose flag has another name, mostly that of PyTorch's language model example."""

    def __new__(cls, *arguments: Any, **values: Any) -> Self:
        """Create settings that know which of their fields were given."""
        settings = super().__new__(cls)
        object.__setattr__(settings, "_given", frozenset(values))
        return settings

    @property
    def given(self) -> frozenset[str]:
        """The names of the fields that were given; of a full list of fields those that are no default."""
        given: frozenset[str] = vars(self)["_given"]
        fields = dataclasses.fields(self)
        everything = given >= {field.name for field in fields}  # as ``dataclasses.replace`` gives them
        default = {field.name for field in fields if getattr(self, field.name) == field.default}
        return given - default if everything else given

    def with_run(self, run: Settings, source: str, *, free: Collection[str] = ()) -> Self:
        """Return these settings with those that the run in ``source``, where they start, decides.

        Args:
            run: The settings of the run.
            source: The run, for messages.
            free: Fields of :data:`OF_THE_RUN` that it does not decide.

        Raises:
            UsageError: A field was given that contradicts the run.
        """
        ignored = run.ignored()
        values: dict[str, Any] = {}
        for name in (*self.OF_THE_RUN, *self.FROM_THE_RUN):
            own, theirs = getattr(self, name), getattr(run, name)
            given = name in self.given and own is not None
            if name in free or (given and name in self.FROM_THE_RUN):
                continue
            if given and own != theirs:
                raise UsageError(
                    f"expected {self.shown_name(name)} to be {theirs}, as in the run {source}, got {own}",
                    remedy="leave it out",
                )
            if name not in ignored:
                values[name] = theirs
        complete = dataclasses.replace(self, **values)
        if not self.RESOLVED:
            complete.require_effect(self.given, complete=True)
        return complete

    @classmethod
    def flags(cls, field: str) -> tuple[str, ...]:
        """Return the names of a field on the command line and in settings files, without leading dashes."""
        return cls.FLAGS.get(field, (field.replace("_", "-"),))

    @classmethod
    def shown_name(cls, field: str) -> str:
        """Return a field for messages, with its flag if that differs: "hidden_size (--nhid)"."""
        flag = cls.flags(field)[0]
        return field if flag == field.replace("_", "-") else f"{field} (--{flag})"

    @classmethod
    def field_names(cls) -> dict[str, str]:
        """Return the field of each name by which a setting may be given, flags spelt with underscores."""
        names = {field.name: field.name for field in dataclasses.fields(cls)}
        return names | {flag.replace("-", "_"): name for name in names for flag in cls.flags(name)}

    @classmethod
    def field_types(cls) -> dict[str, set[str]]:
        """Return the types of each field by name, such as {"int", "None"}."""
        texts: dict[str, str] = {}
        for base in reversed(cls.__mro__):
            texts |= inspect.get_annotations(base)
        fields = [field.name for field in dataclasses.fields(cls)]
        return {name: {part.strip() for part in texts[name].split("|")} for name in fields}

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as JSON values, by field."""
        return dataclasses.asdict(self)

    @classmethod
    def from_values(cls, values: Mapping[str, Any], *, source: str = "settings") -> Self:
        """Return settings with the given values, and the defaults of all others.

        Args:
            values: Settings by field or flag; dashes may stand for underscores.
            source: Where the values come from, for error messages.

        Raises:
            UsageError: A setting is unknown (the message suggests the nearest), or has another type.
        """
        types = cls.field_types()
        names = cls.field_names()
        checked: dict[str, Any] = {}
        for key, value in values.items():
            name = names.get(key.replace("-", "_"), "")
            if not name:
                close = difflib.get_close_matches(key.replace("-", "_"), names, n=1)
                known = [cls.flags(field)[0] for field in types]
                hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}"
                raise UsageError(f"unknown setting {key!r} in {source}", remedy=hint)
            if "float" in types[name] and type(value) is int:
                value = float(value)
            if (type(value).__name__ if value is not None else "None") not in types[name]:
                expected = " or ".join(sorted(types[name] - {"None"}))
                raise UsageError(f"expected {key} to be {expected}, got {value!r}", where=f"in {source}")
            checked[name] = value
        return cls(**checked)

    @classmethod
    def to_resume(
        cls, saved: Mapping[str, Any], given: Mapping[str, Any], *, source: str = "settings"
    ) -> Self:
        """Return the settings of a resumed run: the ``saved`` ones, changed by those ``given``.

        Raises:
            UsageError: A setting differs that may not change.
        """
        resumed = cls.from_values({**saved, **cls.by_field(given)}, source=source)
        kept = {}
        for name in cls.by_field(given):
            before, after = saved[name], getattr(resumed, name)
            is_path = isinstance(before, str) and isinstance(after, str) and Path(before).is_absolute()
            if is_path and before == str(Path(after).expanduser().resolve()):  # which may be gone
                kept[name] = before  # the same path, written differently
            elif is_path and name in cls.MAY_MOVE:
                kept[name] = absolute_path(after)
            elif name not in cls.MAY_CHANGE and before != after:
                raise UsageError(
                    f"a resumed run cannot change {cls.shown_name(name)} from {before!r} to {after!r}",
                    remedy=f"leave it out, or start a new run; {', '.join(cls.MAY_CHANGE)} may change",
                )
        resumed.require_effect(name for name in cls.by_field(given) if saved[name] != getattr(resumed, name))
        return dataclasses.replace(resumed, **kept)

    @classmethod
    def by_field(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return ``values`` by field instead of flag; unknown names stay as they are."""
        names = cls.field_names()
        return {names.get(key.replace("-", "_"), key): value for key, value in values.items()}

    def resolve_to(self, resolved: type[R], **values: Any) -> R:
        """Return settings of the class ``resolved``: these, with ``values`` in place of theirs.

        Raises:
            UsageError: A field is None that must not be.
        """
        return resolved.from_values({**dataclasses.asdict(self), **values})

    def ignored(self) -> dict[str, str]:
        """Return the fields that have no effect beside the others, each with what it is for."""
        return {}

    @property
    def from_run(self) -> bool:
        """Whether a run decides some of the settings, such as the model."""
        return False

    def require_effect(self, given: Iterable[str], *, complete: bool = False) -> None:
        """Raise UsageError for a field among ``given`` that has no effect beside the others.

        Args:
            given: Names of fields.
            complete: Whether the settings are complete, although a run decides some of them.
        """
        if self.from_run and not (self.RESOLVED or complete):
            return
        ignored = self.ignored()
        for name in given:
            if name in ignored:
                raise self.without_effect(name, ignored[name])

    def refuse_given(self, names: str, purpose: str) -> None:
        """Raise UsageError for fields that have another value than their default, and no effect.

        Args:
            names: The fields that have none, as the data show.
            purpose: What they are for.

        """
        for field in dataclasses.fields(self):
            if field.name in names.split() and getattr(self, field.name) != field.default:
                raise self.without_effect(field.name, purpose)

    def without_effect(self, name: str, purpose: str) -> UsageError:
        """Return the error for a field that has no effect beside the others: it is for ``purpose``."""
        flag = self.flags(name)[0]
        return UsageError(
            f"{name} has no effect here: it is for {purpose}",
            remedy=Remedy(f"leave {name} out", command=f"leave out --{flag}"),
        )

    def __post_init__(self) -> None:
        """Raise UsageError for values out of range and for values without effect."""
        if self.RESOLVED:
            for name, types in self.field_types().items():
                if getattr(self, name) is None and "None" not in types:
                    raise UsageError(f"{name}: expected {' or '.join(sorted(types))}, got none")
        self._check_types()
        self._check_numbers()
        self._check()
        if not self.RESOLVED:
            fields = dataclasses.fields(self)
            self.require_effect(f.name for f in fields if getattr(self, f.name) != f.default)

    def _check(self) -> None:
        """Raise UsageError for values out of range; tasks add their own checks."""

    def _check_types(self) -> None:
        """Raise UsageError for values of another type; numbers of NumPy and paths become Python's."""
        for name, types in self.field_types().items():
            value = getattr(self, name)
            try:
                typed = _typed(value, types)
            except TypeError:
                expected = " or ".join(sorted(types))
                message = f"expected {self.shown_name(name)} to be {expected}, got {value!r}"
                raise UsageError(message) from None
            object.__setattr__(self, name, typed)

    def _check_numbers(self) -> None:
        """Raise UsageError for values that are not finite or too large for any machine."""
        for field in dataclasses.fields(self):
            name, value = field.name, getattr(self, field.name)
            if isinstance(value, float) and not abs(value) <= _LARGEST_FLOAT:
                if name not in self.UNBOUNDED or not value > 0:
                    finite = "a finite number" if not math.isfinite(value) else "a number of 32 bits"
                    raise UsageError(f"expected {self.shown_name(name)} to be {finite}, got {value}")
            elif isinstance(value, int) and value > (most := self.LIMITS.get(name, _LARGEST)):
                raise UsageError(f"expected {self.shown_name(name)} to be at most {most:,}, got {value:,}")

    # Checks for _check

    def _require_choice(self, name: str, choices: Collection[str]) -> None:
        require_choice(self.shown_name(name), getattr(self, name), choices)

    def _require(self, names: str, allowed: Callable[[Any], bool], rule: str) -> None:
        for name in names.split():
            value = getattr(self, name)
            if value is not None and not allowed(value):
                raise UsageError(f"expected {self.shown_name(name)} to be {rule}, got {value}")

    def _require_positive(self, names: str) -> None:
        self._require(names, lambda value: value > 0, "above 0")

    def _require_at_least_zero(self, names: str) -> None:
        self._require(names, lambda value: value >= 0, "at least 0")

    def _require_fraction(self, names: str) -> None:
        self._require(names, lambda value: 0 <= value < 1, "at least 0 and below 1")


def _typed(value: Any, types: Collection[str]) -> Any:
    """Return a value as one of the types of its field. Raise TypeError if it is none of them."""
    if value is None and "None" in types:
        return None
    if isinstance(value, bool):
        if "bool" in types:
            return value
    elif isinstance(value, Integral):
        if {"int", "float"} & set(types):
            return int(value)
    elif isinstance(value, Real):
        if "float" in types:
            return float(value)
    elif isinstance(value, str | os.PathLike) and "str" in types:
        return os.fspath(value)
    raise TypeError(value)


def absolute_path(text: str, names: Iterable[str] = ()) -> str:
    """Return ``text`` as an absolute path if it exists and is not one of ``names``; else unchanged."""
    path = Path(text).expanduser()
    archive, member = split_member(path)
    if text in names or not archive.exists():
        return text
    return str(archive.resolve()) if member is None else f"{archive.resolve()}:{member}"
