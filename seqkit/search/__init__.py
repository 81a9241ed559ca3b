"""Searches for good settings, by Optuna: trials are run directories, and workers share a database."""

from seqkit.search.parameter import Parameter
from seqkit.search.results import SearchResult, Trial
from seqkit.search.space import Space
from seqkit.search.tasks import TASKS, SearchedTask, task_of
from seqkit.search.worker import PRUNERS, open_search, search

__all__ = [
    "PRUNERS",
    "TASKS",
    "Parameter",
    "SearchResult",
    "SearchedTask",
    "Space",
    "Trial",
    "open_search",
    "search",
    "task_of",
]
