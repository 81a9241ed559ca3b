"""Servers and archives that send anything: DownloadError or DataError, and nothing outside the folder."""

import gc
import hashlib
import io
import random
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from seqkit.corpora import CorpusEntry, RemoteFile, fetch, open_corpus
from seqkit.errors import DownloadError, SeqkitError
from tests.exhaustive import EXHAUSTIVE

DATA = b"some text of a corpus \xc3\xa9\n" * 400


class Handler(BaseHTTPRequestHandler):
    """Answers with ``server.answer``: status, headers, body."""

    def do_GET(self) -> None:
        self.server.requests += 1
        status, headers, body = self.server.answer
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as made:
        made.daemon_threads, made.requests = True, 0
        made.url = f"http://127.0.0.1:{made.server_port}/"
        thread = Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def entry(url: str, **changes: Any) -> CorpusEntry:
    values = {"size": len(DATA), "sha256": hashlib.sha256(DATA).hexdigest(), **changes}
    return CorpusEntry("sample", "test", "a sample", "none", (RemoteFile("a.txt", url, **values),))


def archive_of(data: bytes, method: int, name: str = "dir/é.txt") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as box:
        box.writestr(name, data)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_a_damaged_archive_is_refused_deleted_and_fetched_again(server, tmp_path: Path, method: int) -> None:
    whole, draw = archive_of(DATA, method), random.Random(method)
    for _ in range(120 if EXHAUSTIVE else 12):
        damaged = bytearray(whole)
        for _ in range(draw.choice((1, 1, 4))):
            damaged[draw.randrange(len(whole))] = draw.randrange(256)
        folder = tmp_path / "sample"
        packed = entry(server.url, member="dir/é.txt", archive_size=len(whole))
        server.answer = (200, {"Content-Length": str(len(whole))}, bytes(damaged))
        try:
            fetch(packed, data_dir=tmp_path)
        except DownloadError:
            assert list(folder.iterdir()) == []
        else:
            assert (folder / "a.txt").read_bytes() == DATA  # the damage is in what nobody reads
            (folder / "a.txt").unlink()
        before = server.requests
        server.answer = (200, {"Content-Length": str(len(whole))}, whole)
        assert fetch(packed, data_dir=tmp_path)[0].read_bytes() == DATA
        assert server.requests == before + 1
        (folder / "a.txt").unlink()


def test_a_full_damaged_part_of_an_earlier_version_is_fetched_again(server, tmp_path: Path) -> None:
    whole = archive_of(DATA, zipfile.ZIP_DEFLATED)
    part = tmp_path / "sample" / "a.txt.zip.part"
    part.parent.mkdir()
    part.write_bytes(whole[:60] + bytes([whole[60] ^ 255]) + whole[61:])
    server.answer = (200, {"Content-Length": str(len(whole))}, whole)
    packed = entry(server.url, member="dir/é.txt", archive_size=len(whole))
    with pytest.raises(DownloadError, match="run it again"):
        fetch(packed, data_dir=tmp_path)
    assert fetch(packed, data_dir=tmp_path)[0].read_bytes() == DATA


@pytest.mark.parametrize(
    "location",
    [
        "http://[::1", "http://host:port/", "http://\x00/", "ht!tp://x", "http://127.0.0.1:99999/", "//",
        "http://",
        "http://" + "a" * 300 + "/", "http://é..x/", "file:///etc/passwd", "ftp://x/y", "http://a b/",
        "data:,x", "?",
    ],
)  # fmt: skip
def test_redirects_to_anything(server, tmp_path: Path, location: str) -> None:
    encoded = location.encode().decode("latin1").replace("\x00", "%00")
    server.answer = (302, {"Location": encoded, "Content-Length": "0"}, b"")
    with pytest.raises(DownloadError):
        fetch(entry(server.url), data_dir=tmp_path)


@pytest.mark.parametrize(
    "value", ["bytes " + "9" * 5000 + "-", "bytes -1-", "bytes 1e9-2/3", "", "items 5-", "bytes 5-"]
)
def test_absurd_ranges(server, tmp_path: Path, value: str) -> None:
    part = tmp_path / "sample" / "a.txt.part"
    part.parent.mkdir()
    part.write_bytes(DATA[:9])
    server.answer = (206, {"Content-Range": value, "Content-Length": str(len(DATA))}, DATA)
    assert fetch(entry(server.url), data_dir=tmp_path)[0].read_bytes() == DATA


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Length": "-5"},
        {"Content-Length": "9" * 5000},
        {"Transfer-Encoding": "chunked"},
        {"Content-Length": "x", "Content-Encoding": "gzip"},
    ],
)
def test_absurd_headers(server, tmp_path: Path, headers: dict[str, str]) -> None:
    server.answer = (200, headers, b"zz\r\n" + b"f" * 5000)
    with pytest.raises(DownloadError):
        fetch(entry(server.url), data_dir=tmp_path)


def test_a_page_in_place_of_the_file_is_named(server, tmp_path: Path) -> None:
    server.answer = (200, {}, b"<!DOCTYPE html><title>Log in</title>")
    with pytest.raises(DownloadError, match="an HTML page"):
        fetch(entry(server.url, size=None), data_dir=tmp_path)


def test_a_file_of_the_users_own_is_kept(server, tmp_path: Path) -> None:
    folder = tmp_path / "sample"
    folder.mkdir()
    server.answer = (200, {}, DATA)
    told: list[str] = []
    for number, text in enumerate(("mine", "mine too")):
        (folder / "a.txt").write_text(text)
        fetch(entry(server.url), data_dir=tmp_path, on_message=told.append)
        assert (folder / "a.txt").read_bytes() == DATA
        assert (folder / f"a.txt.old{2 if number else ''}").read_text() == text
    kept = [text for text in told if "kept as a.txt.old" in text]
    assert len(kept) == 2
    (folder / "a.txt").unlink()
    (folder / "a.txt").mkdir()
    with pytest.raises(DownloadError, match="got a folder"):
        fetch(entry(server.url), data_dir=tmp_path)


def test_links_are_not_written_through(server, tmp_path: Path) -> None:
    folder, outside = tmp_path / "sample", tmp_path / "outside"
    folder.mkdir()
    outside.write_text("mine")
    for name in ("a.txt", "a.txt.part", "a.txt.zip.part"):
        (folder / name).symlink_to(outside)
    server.answer = (200, {}, DATA)
    fetch(entry(server.url), data_dir=tmp_path)
    assert outside.read_text() == "mine"
    assert not (folder / "a.txt").is_symlink()


def nltk_zip(folder: Path, name: str, texts: dict[str, bytes]) -> Path:
    path = folder / "nltk_data" / "corpora" / f"{name}.zip"
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as box:
        for file, data in texts.items():
            box.writestr(file, data)
    return path


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_damaged_archives_of_nltk_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = pytest.importorskip("nltk.corpus")
    from nltk.corpus.reader import TaggedCorpusReader
    from nltk.corpus.util import LazyCorpusLoader

    texts = {f"fuzz/{n}.pos": f"the/dt cat/nn {n}/cd\na/dt dog/nn\n".encode() * 30 for n in range(5)}
    draw = random.Random(0)
    outcomes = []
    for number in range(150):
        data = tmp_path / str(number)
        path = nltk_zip(data, "fuzz", {**texts, "../evil.pos": b"x/y\n", "/evil.pos": b"x/y\n"})
        whole = path.read_bytes()
        damaged = bytearray(whole)
        if number == 0:
            pass
        elif number < 4:
            damaged = bytearray([b"", b"<!DOCTYPE html>", whole[: len(whole) // 2]][number - 1])
        else:
            for _ in range(draw.choice((1, 8))):
                damaged[draw.randrange(len(whole))] = draw.randrange(256)
        path.write_bytes(damaged)
        monkeypatch.setenv("SEQKIT_DATA", str(data))
        loader = LazyCorpusLoader("fuzz", TaggedCorpusReader, r"\d\.pos", encoding="utf8")
        monkeypatch.setattr(corpus, "fuzz", loader, raising=False)
        try:
            opened = open_corpus("nltk:fuzz")
            opened.content_key()
            outcomes.append(sum(1 for split in opened.splits for _ in opened.lines(split)))
        except SeqkitError:
            outcomes.append(0)
        assert sorted(p.name for p in data.rglob("*") if p.is_file()) == ["fuzz.zip"]
    assert outcomes[0] == 300
    assert outcomes[1:4] == [0, 0, 0]
    assert 0 in outcomes[4:]
    gc.collect()  # NLTK before 3.10 closes some of its archives twice
