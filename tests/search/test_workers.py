"""Several workers of one search: killed ones, silent ones, at the same time, over PostgreSQL."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from seqkit.search import SearchResult, open_search, storage
from seqkit.search.results import WORKER
from seqkit.search.worker import _take_up
from tests.exhaustive import exhaustive
from tests.search.conftest import Messages, Searching
from tests.training.tiny import environment

pytest.importorskip("optuna")
pytestmark = pytest.mark.slow

WORKING = """
import sys
from seqkit.search import search
from seqkit.tasks.language_modeling import LanguageModelSettings
from tests.exhaustive import exhaustive
from tests.search.conftest import SPACE, Messages
from tests.training.tiny import TINY

corpus, out, trials, epochs, url = sys.argv[1:]
settings = LanguageModelSettings(
    **{**TINY, "corpus": corpus, "vocab_size": 10, "epochs": int(epochs), "checkpoint_interval": 0.0}
)
messages = Messages()
search(settings, SPACE, out, trials=int(trials), storage=url or None, callbacks=messages)
print(*messages.lines, sep="\\n")
"""


def worker(corpus: Path, out: Path, trials: int, epochs: int = 2, url: str = "") -> subprocess.Popen[str]:
    arguments = [sys.executable, "-c", WORKING, str(corpus), str(out), str(trials), str(epochs), url]
    return subprocess.Popen(arguments, env=environment(), stdout=subprocess.PIPE, text=True)


def results(found: SearchResult) -> list[tuple[int, str, float | None]]:
    return sorted((trial.number, trial.state, trial.score) for trial in found.trials)


def test_the_trial_of_a_killed_worker_is_taken_up(searching: Searching, corpus: Path, tmp_path: Path) -> None:
    """From its checkpoint, with the same bits, by a worker that does not wait for it to be silent."""
    out, long = tmp_path / "search", {"epochs": 9}
    process = worker(corpus, out, 1, epochs=9)
    checkpoint = out / "trial-0000" / "last.safetensors"
    deadline = time.monotonic() + 100
    while not checkpoint.exists() or len(open_search(out).trials[0].scores) < 2:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.kill()
    process.communicate()
    messages = Messages()
    found = searching(trials=1, settings=long, callbacks=messages)
    assert messages.lines[0].startswith("trial 0 goes on: ")
    assert results(found) == results(searching(trials=1, out="whole", settings=long))
    assert len(found.trials[0].scores) == 9


@exhaustive
@pytest.mark.filterwarnings("ignore:Heartbeat of storage")
def test_the_trial_of_a_silent_worker_is_taken_up(searching: Searching, tmp_path: Path) -> None:
    """One of another host, of which only the signs of life tell."""
    optuna = pytest.importorskip("optuna")
    before = searching(trials=1)
    url = storage.storage_url(None, tmp_path / "search")
    with storage.quiet_optuna():
        database = storage.open_storage(url, 1, _take_up)
        study = optuna.load_study(study_name=before.definition.study, storage=database)
        trial = study.ask()
        trial.set_user_attr(WORKER, {"host": "elsewhere", "pid": os.getpid()})
        database.record_heartbeat(trial._trial_id)
        database.remove_session()
        database.engine.dispose()
    messages = Messages()
    found = searching(trials=2, heartbeat=1, callbacks=messages)
    assert messages.lines[0] == "waiting for other workers, which train trial 1"
    assert [state for _, state, _ in results(found)] == ["complete", "complete"]


def both(searching: Searching, corpus: Path, tmp_path: Path, url: str = "") -> SearchResult:
    """Search with two workers at once, a process and this one, which both work and tell the same."""
    out = tmp_path / "search"
    other = worker(corpus, out, 4, url=url)
    messages = Messages()
    options = {"storage": url} if url else {}
    found = searching(trials=4, callbacks=messages, settings={"checkpoint_interval": 0.0}, **options)
    lines = other.communicate(timeout=100)[0].splitlines()
    assert other.returncode == 0
    ended = [line for line in (*messages.lines, *lines) if " after " in line]
    assert sorted(int(line.split()[1].rstrip(":")) for line in ended) == list(range(4))
    assert sorted(trial.number for trial in found.trials) == list(range(4))
    assert sorted(path.name for path in out.glob("trial-*")) == [f"trial-{n:04d}" for n in range(4)]
    assert len({trial.params["lr"] for trial in found.trials}) == 4
    return found


@exhaustive
def test_two_workers_share_the_trials(searching: Searching, corpus: Path, tmp_path: Path) -> None:
    found = both(searching, corpus, tmp_path)
    assert {trial.state for trial in found.trials} <= {"complete", "pruned"}


@pytest.fixture
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a PostgreSQL server on a UNIX socket, started for the test."""
    pytest.importorskip("psycopg", exc_type=ImportError)
    places = os.pathsep.join(["", *map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin")))])
    programs = {name: shutil.which(name, path=os.environ["PATH"] + places) for name in ("initdb", "pg_ctl")}
    if not all(programs.values()):
        pytest.skip("PostgreSQL is not installed")
    before: list[str] = []
    if os.geteuid() == 0:  # PostgreSQL refuses root
        before = ["unshare", "--user", "--map-user=65534", "--map-group=65534"]
        if shutil.which("unshare") is None or subprocess.run([*before, "true"], check=False).returncode:
            pytest.skip("PostgreSQL does not run as root, and there are no user namespaces here")
    folder = tmp_path_factory.mktemp("pg")  # the path of a socket has at most 107 bytes
    options = {"check": True, "stdout": subprocess.DEVNULL, "cwd": folder, "timeout": 100}
    data = ["-D", str(folder / "data")]
    made = [*before, str(programs["initdb"]), *data, "-A", "trust", "-U", "me", "--no-sync", "-E", "UTF8"]
    subprocess.run(made, **options)  # type: ignore[call-overload]
    server = [*before, str(programs["pg_ctl"]), *data, "-w", "-l", str(folder / "log")]
    subprocess.run(
        [*server, "-o", f"-k {folder} -F -c listen_addresses=''", "start"],
        **options,  # type: ignore[call-overload]
    )
    yield f"postgresql://me@/postgres?host={folder}"
    subprocess.run([*server, "-m", "immediate", "stop"], **options)  # type: ignore[call-overload]


@exhaustive
def test_two_workers_share_a_postgresql_server(
    searching: Searching, corpus: Path, tmp_path: Path, postgres: str
) -> None:
    found = both(searching, corpus, tmp_path, postgres)
    assert not (tmp_path / "search" / "study.db").exists()
    assert results(open_search(tmp_path / "search")) == results(found)
    assert found.definition.storage == postgres.replace("postgresql:", "postgresql+psycopg:")
