"""The tabs of the page: one file for each, listed in :data:`VIEWS` in the order of the tabs."""

from __future__ import annotations

from seqkit.explorer.views import images, labels, laboratory, language_model, runs, tagger, translation, words
from seqkit.explorer.views.view import View

__all__ = ["VIEWS", "View"]

VIEWS: list[View] = [
    words.VIEW,
    language_model.VIEW,
    translation.VIEW,
    labels.VIEW,
    images.VIEW,
    tagger.VIEW,
    runs.VIEW,
    laboratory.VIEW,
]
