"""Laboratory: the claims of the course with their verdicts and figures, and experiments run again."""

from __future__ import annotations

import io
import threading
from typing import TYPE_CHECKING, Any

from seqkit.errors import SeqkitError, UsageError
from seqkit.explorer.answers import Explorer, Values, endpoint
from seqkit.explorer.background import Job, Report
from seqkit.explorer.opening import LABORATORY, Item
from seqkit.explorer.views.view import View
from seqkit.lab import (
    Results,
    all_experiments,
    draw,
    experiment_names,
    get_experiment,
    run_experiment,
)
from seqkit.plotting.fonts import fonts_for

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.routing import Route

HERE = "this session"
"""The source of results of experiments that were run from the page."""
_drawing = threading.Lock()
"""Matplotlib's settings are shared by all threads."""


class _Session:
    """The jobs of experiments that were started from the page, the last of each."""

    def __init__(self) -> None:
        self.jobs: dict[str, Job] = {}


def _session(explorer: Explorer) -> _Session:
    session: _Session = explorer.cached(("laboratory",), _Session)
    return session


def _saved(item: Item, name: str) -> Results | None:
    """Return saved results of an experiment; None if there are none."""
    path = item.path if item.path.is_file() else item.path / f"{name}.json"
    return Results.load(path) if path.stem == name and path.is_file() else None


def _sources(explorer: Explorer) -> list[Item]:
    return VIEW.applies(explorer.items.values())


def list_experiments(explorer: Explorer, values: Values) -> dict[str, Any]:
    """Return all experiments in the order of the course, with the verdict of each source of results."""
    jobs = _session(explorer).jobs
    sources = _sources(explorer)
    experiments = []
    for experiment in all_experiments():
        verdicts: dict[str, str] = {}
        for item in sources:
            try:
                saved = _saved(item, experiment.name)
            except SeqkitError:
                verdicts[item.name] = "unreadable"
            else:
                if saved is not None:
                    verdicts[item.name] = saved.verdict().outcome
        job = jobs.get(experiment.name)
        if job is not None and job.state == "done":
            verdicts[HERE] = job.result.verdict().outcome
        running = job.id if job is not None and job.state in ("waiting", "running") else None
        experiments.append({**experiment.to_dict(), "verdicts": verdicts, "running": running})
    return {"experiments": experiments}


def _results(explorer: Explorer, values: Values) -> Results:
    name = values.choice("name", experiment_names())
    sources = {item.name: item for item in _sources(explorer)}
    source = values.choice("of", [*sources, HERE])
    if source == HERE:
        job = _session(explorer).jobs.get(name)
        found = job.result if job is not None and job.state == "done" else None
    else:
        found = _saved(sources[source], name)
    if not isinstance(found, Results):
        raise UsageError(f"no results of {name} in {source}")
    return found


def results(explorer: Explorer, values: Values) -> dict[str, Any]:
    """Return findings, numbers and conditions of results."""
    found = _results(explorer, values)
    verdict = found.verdict()
    return {
        "outcome": verdict.outcome,
        "findings": [
            {
                "measure": each.measure,
                "condition": each.condition,
                "mean": each.mean,
                "error": each.error,
                "outcome": each.outcome,
                "values": each.values,
            }
            for each in verdict.findings
        ],
        "table": found.table(),
        "seeds": len(found.seeds),
        "seconds": found.seconds,
        "quick": found.quick,
        "data": found.data,
        "version": found.version,
    }


def figure(explorer: Explorer, values: Values) -> Response:
    """Return the figure of results as a PNG."""
    from starlette.responses import Response

    found = _results(explorer, values)
    target = io.BytesIO()
    with _drawing:
        drawn = draw(found)
        with fonts_for(drawn):
            drawn.savefig(target, format="png", dpi=160)
    return Response(target.getvalue(), media_type="image/png")


def start(explorer: Explorer, values: Values) -> dict[str, Any]:
    """Run an experiment in the background; one that runs already is not started twice."""
    experiment = get_experiment(values.choice("name", experiment_names()))
    quick = values.choice("size", ("quick", "full"), "quick") == "quick"
    jobs = _session(explorer).jobs
    job = jobs.get(experiment.name)
    if job is None or job.state not in ("waiting", "running"):
        job = explorer.jobs.start(run, experiment.name, quick)
        jobs[experiment.name] = job
    return job.status()


def run(report: Report, name: str, quick: bool) -> Results:
    """Run an experiment and report each seed. A job."""
    experiment = get_experiment(name)
    done = [0]

    def after_seed(text: str) -> None:
        done[0] += 1
        report(done[0] / experiment.seeds, f"seed {done[0]} of {experiment.seeds} done")

    report(None, f"seed 1 of {experiment.seeds}")
    return run_experiment(experiment, quick=quick and experiment.has_sizes, report=after_seed)


def _routes() -> list[Route]:
    return [
        endpoint("/laboratory/list", list_experiments),
        endpoint("/laboratory/results", results),
        endpoint("/laboratory/figure", figure),
        endpoint("/laboratory/start", start, method="POST"),
    ]


VIEW = View("laboratory", "Laboratory", _routes, frozenset({LABORATORY}), always=True)
