"""seqkit explore: its errors, and its end by Ctrl-C."""

import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Seqkit
from tests.training.tiny import environment


@pytest.fixture(autouse=True)
def packages() -> None:
    for name in ("starlette", "uvicorn", "jinja2", "plotly"):
        pytest.importorskip(name)


def test_nothing_to_explore(seqkit: Seqkit) -> None:
    Path("empty").mkdir()
    Path("text.txt").write_text("")
    for arguments, said in (
        ((), "nothing to explore"),
        (("absent",), "no file or folder absent"),
        (("empty",), "got an empty folder, empty"),
    ):
        done = seqkit("explore", *arguments, "--no-browser")
        assert done.code in (1, 2)
        assert said in done.err
    assert done.out == ""


def test_a_port_in_use_and_a_wrong_host(seqkit: Seqkit, lstm: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = seqkit("explore", lstm, "--no-browser", "--port", port)
    assert done.code == 2
    assert f"cannot listen at 127.0.0.1:{port}" in done.err
    assert "choose another port" in done.err
    for host, said in (("203.0.113.7", "cannot listen at 203.0.113.7"), ("", "got an empty one")):
        done = seqkit("explore", lstm, "--no-browser", "--host", host)
        assert (done.code, said in done.err) == (2, True)


def test_a_missing_package(seqkit: Seqkit, lstm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = __import__("importlib.util").util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "uvicorn" else found(name))
    done = seqkit("explore", lstm)
    assert (done.code, "pip install 'seqkit[explore]'" in done.err) == (1, True)


EXPLORE = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background begins without it
from seqkit.cli import main
main()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_server(lstm: Path, stop: signal.Signals) -> None:
    server = subprocess.Popen(
        [sys.executable, "-c", EXPLORE, "explore", str(lstm), "--no-browser"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    with server:
        assert server.stdout is not None
        try:
            assert server.stdout.readline().startswith("http://127.0.0.1:")
            server.send_signal(stop)
            _, errors = server.communicate(timeout=60)
        finally:
            server.kill()
    assert server.returncode in (0, 130, 143, -stop)
    assert "Traceback" not in errors
