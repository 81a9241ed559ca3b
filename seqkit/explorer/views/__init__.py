"""The tabs of the page: one file for each, listed in :data:`VIEWS` in the order of the tabs."""

from __future__ import annotations

from seqkit.explorer.views import runs
from seqkit.explorer.views.view import View

__all__ = ["VIEWS", "View"]

VIEWS: list[View] = [runs.VIEW]
