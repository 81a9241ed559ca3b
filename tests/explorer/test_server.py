"""Who is answered, what is sent with every answer, and errors as sentences."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest

from seqkit.errors import UsageError
from seqkit.explorer.answers import Explorer, Values, _answer, as_json
from seqkit.explorer.background import Jobs
from seqkit.explorer.safety import is_own_host
from seqkit.explorer.server import bind
from tests.explorer.conftest import TOKEN


@pytest.fixture
def stranger(app: Any) -> Any:
    """A client without the token."""
    pytest.importorskip("httpx2")
    from starlette.testclient import TestClient

    return TestClient(app, base_url="http://127.0.0.1:8765", follow_redirects=False)


@pytest.mark.parametrize(
    "path", ["/", "/runs", "/runs/list", "/plotly.min.js", "/static/app.css", "/jobs/status", "/nothing"]
)
def test_nothing_is_answered_without_the_token(stranger: Any, path: str) -> None:
    for address in (path, f"{path}?token=", f"{path}?token={TOKEN}x", f"{path}?token=%FF"):
        answer = stranger.get(address)
        assert answer.status_code == 403
        assert "token" in answer.text
        assert "set-cookie" not in answer.headers


def test_the_token_becomes_a_cookie(stranger: Any) -> None:
    answer = stranger.get(f"/runs?token={TOKEN}&a=b%20c")
    assert (answer.status_code, answer.headers["location"]) == (303, "/runs?a=b+c")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert stranger.get("/runs").status_code == 200
    stranger.cookies.clear()
    elsewhere = stranger.get(f"http://127.0.0.1:8765//elsewhere?token={TOKEN}")
    assert not elsewhere.headers.get("location", "/").startswith("//")


def test_another_host_is_refused(client: Any) -> None:
    assert client.get("/runs", headers={"host": "evil.example:8765"}).status_code == 403
    assert client.get("/runs", headers={"host": "localhost:8765"}).status_code == 200


@pytest.mark.parametrize(
    ("header", "bound", "own"),
    [
        ("127.0.0.1:8765", "127.0.0.1", True),
        ("localhost", "127.0.0.1", True),
        ("LOCALHOST:1", "127.0.0.1", True),
        ("[::1]:8765", "::1", True),
        ("192.168.0.7:8765", "0.0.0.0", True),
        ("box.example:8765", "box.example", True),
        ("evil.example", "127.0.0.1", False),
        ("evil.example:8765", "0.0.0.0", False),
        ("127.0.0.1.evil.example", "127.0.0.1", False),
        ("", "127.0.0.1", False),
        ("", "", False),
        ("[::1", "127.0.0.1", False),
    ],
)
def test_own_hosts(header: str, bound: str, own: bool) -> None:
    assert is_own_host(header, bound) is own


def test_answers_are_sent_at_once() -> None:
    """asyncio sets TCP_NODELAY only on sockets whose protocol is named."""
    with bind("127.0.0.1", None) as listener:
        assert listener.proto == socket.IPPROTO_TCP


def test_every_answer_has_the_policy(client: Any) -> None:
    for path in ("/runs", "/runs/list", "/static/app.css", "/nothing"):
        policy = client.get(path).headers["content-security-policy"]
        assert policy.startswith("default-src 'self'")
        assert "http" not in policy


def test_errors_are_sentences(client: Any) -> None:
    answer = client.get("/runs/log", params={"item": "no-run"})
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("expected item to be one of")
    assert client.get("/runs/log", params={"item": "gru", "offset": "x"}).status_code == 400
    assert client.get("/runs/log", params={"item": "../gru"}).status_code == 400
    assert client.get("/nothing").json() == {"error": "nothing here", "where": None, "remedy": None}
    assert client.get("/static/../server.py").status_code == 404
    assert client.get("/jobs/status", params={"job": "none"}).json()["error"] == "no computation 'none'"


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_object_is_refused(client: Any, body: bytes) -> None:
    answer = client.post("/jobs/cancel", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("expected a JSON object")


def test_requests_are_bounded(client: Any) -> None:
    answer = client.post("/jobs/cancel", json={"job": "x" * (1 << 20)})
    assert answer.status_code == 413
    assert "at most 1,048,576 bytes" in answer.json()["error"]
    assert client.post("/jobs/cancel", json={"job": "x" * 65}).status_code == 400
    assert client.post("/jobs/cancel", data={"job": "x"}).status_code == 400  # a form, as other sites send


def test_unreadable_runs_are_listed_with_their_error(client: Any) -> None:
    text = client.get("/runs").text
    assert "damaged" in text
    assert "Traceback" not in text


HOSTILE = [None, True, [], {}, [[]], 10**400, float("nan"), -1, 1.5, "", "\ud800", "x" * 30_000, ["a", 3]]


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: f"{value!r:.12}")
def test_values_of_wrong_types_and_sizes_are_refused(value: Any) -> None:
    values = Values({"x": value}, Explorer([], Jobs()))
    refused = []
    for ask in (
        lambda: values.text("x"),
        lambda: values.texts("x", most=10),
        lambda: values.integer("x", least=0, most=9),
        lambda: values.number("x", least=0, most=1),
        lambda: values.choice("x", ["a", "b"]),
        lambda: values.item(name="x"),
    ):
        try:
            ask()
        except UsageError as error:
            refused.append(str(error))
    assert len(refused) >= 4
    assert max(map(len, refused)) < 200


def test_an_exception_becomes_a_sentence() -> None:
    def broken(explorer: Explorer, values: Values) -> None:
        raise ZeroDivisionError("a secret")

    answer = _answer(broken, Explorer([], Jobs()), {})
    assert answer.status_code == 500
    assert json.loads(answer.body)["error"] == "the server could not answer (ZeroDivisionError)"


def test_numbers_that_are_not_finite_become_null() -> None:
    assert as_json({"a": [float("nan"), 1.5], "b": float("inf")}).body == b'{"a":[null,1.5],"b":null}'


def test_what_is_cached_is_computed_once_and_errors_are_not_kept() -> None:
    explorer, calls = Explorer([], Jobs()), []

    def compute() -> str:
        calls.append(1)
        if len(calls) == 1:
            raise UsageError("not yet")
        return "value"

    with pytest.raises(UsageError):
        explorer.cached(("key",), compute)
    assert [explorer.cached(("key",), compute) for _ in range(2)] == ["value", "value"]
    assert len(calls) == 2
