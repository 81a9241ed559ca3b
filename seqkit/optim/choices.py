"""Tables of constructors, and errors that say what stands in them."""

from __future__ import annotations

import inspect
from typing import Any

from seqkit.errors import UsageError


def chosen(table: dict[str, Any], what: str, name: str, settings: dict[str, Any], skip: int = 0) -> Any:
    """``table[name]``, or UsageError where there is none or its signature does not take ``settings``.

    The first ``skip`` parameters of a signature are not settings.
    """
    if name not in table:
        raise UsageError(f"no {what} {name!r}", remedy=f"choose one of {', '.join(table)}")
    accepted = dict(list(inspect.signature(table[name]).parameters.items())[skip:])
    unknown = sorted(settings.keys() - accepted.keys())
    if unknown:
        raise UsageError(
            f"{what} {name!r} has no setting {', '.join(unknown)}", remedy=f"it takes {', '.join(accepted)}"
        )
    absent = [
        key for key, p in accepted.items() if p.default is inspect.Parameter.empty and key not in settings
    ]
    if absent:
        raise UsageError(f"{what} {name!r} needs {', '.join(absent)}")
    return table[name]
