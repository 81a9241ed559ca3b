import errno
import hashlib
import io
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from seqkit.corpora import CorpusEntry, RemoteFile, corpus_status, fetch, transfer
from seqkit.corpora.download import part_path
from seqkit.errors import DownloadError, UsageError
from seqkit.progress import Job, Reporter

DATA = bytes(range(256)) * 1500


class Handler(BaseHTTPRequestHandler):
    """Serves ``server.files``; ``/cut/N/NAME`` stops after N bytes, ``/to/...`` redirects."""

    def do_GET(self) -> None:
        self.server.requests.append((self.path, self.headers.get("Range")))
        parts = self.path.strip("/").split("/")
        if parts[0] == "to":
            self.send_response(302)
            self.send_header("Location", "/" + "/".join(parts[1:]))
            self.end_headers()
            return
        if parts[-1] not in self.server.files:
            self.send_error(404)
            return
        data = self.server.files[parts[-1]]
        start = 0
        wanted = self.headers.get("Range")
        if wanted and parts[0] != "norange":
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if start >= len(data):
                self.send_error(416)
                return
            self.send_response(206)
            shown = start + 1 if parts[0] == "shifted" else start
            self.send_header("Content-Range", f"bytes {shown}-{len(data) - 1}/{len(data)}")
        else:
            self.send_response(200)
        if parts[0] != "endless":
            self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        body = data[start:]
        if parts[0] == "cut":
            body = body[: int(parts[1])]
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as made:
        made.daemon_threads = True
        made.files, made.requests = {"a.bin": DATA}, []
        made.url = f"http://127.0.0.1:{made.server_port}"
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def entry(url: str, **changes: object) -> CorpusEntry:
    values = {"size": len(DATA), "sha256": hashlib.sha256(DATA).hexdigest(), **changes}
    return CorpusEntry("sample", "test", "a sample", "none", (RemoteFile("a.bin", url, **values),))


def test_a_file_arrives_whole(server, tmp_path) -> None:
    made = fetch(entry(server.url + "/a.bin"), data_dir=tmp_path)
    assert made == [tmp_path / "sample" / "a.bin"]
    assert made[0].read_bytes() == DATA
    assert [p.name for p in made[0].parent.iterdir()] == ["a.bin"]


def test_a_download_is_a_job_in_bytes(server, tmp_path) -> None:
    class Seen(Reporter):
        def start(self, job: Job) -> None:
            super().start(job)
            seen.append(job)

    seen: list[Job] = []
    with Seen():
        fetch(entry(server.url + "/a.bin"), data_dir=tmp_path)
    assert [(job.description, job.total, job.unit, job.done) for job in seen] == [
        ("fetching a.bin", len(DATA), "B", len(DATA))
    ]


def test_the_licence_is_told_before_anything_is_requested(server, tmp_path) -> None:
    told = []
    sample = entry(server.url + "/a.bin")
    fetch(sample, data_dir=tmp_path, on_message=lambda text: told.append((text, len(server.requests))))
    assert told == [("sample (384.0 kB), licence: none", 0)]
    fetch(sample, data_dir=tmp_path, on_message=told.append)
    assert len(told) == 1, "nothing was fetched"


def test_a_file_that_is_there_is_not_fetched_again(server, tmp_path) -> None:
    fetch(entry(server.url + "/a.bin"), data_dir=tmp_path)
    fetch(entry(server.url + "/a.bin"), data_dir=tmp_path)
    assert len(server.requests) == 1
    (tmp_path / "sample" / "a.bin").write_bytes(b"x" * len(DATA))  # damaged: the hash tells
    fetch(entry(server.url + "/a.bin"), data_dir=tmp_path)
    assert (tmp_path / "sample" / "a.bin").read_bytes() == DATA


def test_a_cut_connection_keeps_the_part_and_the_next_call_goes_on(server, tmp_path) -> None:
    with pytest.raises(DownloadError, match=f"connection was cut.*of {len(DATA)} bytes.*goes on from there"):
        fetch(entry(server.url + "/cut/200000/a.bin"), data_dir=tmp_path)
    part = tmp_path / "sample" / "a.bin.part"
    have = part.stat().st_size
    assert part.read_bytes() == DATA[:have]
    assert 0 < have <= 200_000
    fetch(entry(server.url + "/a.bin"), data_dir=tmp_path)
    assert server.requests[-1] == ("/a.bin", f"bytes={have}-")
    assert (tmp_path / "sample" / "a.bin").read_bytes() == DATA
    assert not part.exists()


@pytest.mark.parametrize("way", ["/norange/a.bin", "/shifted/a.bin"])
def test_a_server_that_does_not_go_on_where_asked(server, tmp_path, way) -> None:
    """An answer from another place than asked for must never be appended: whole or refused."""
    part = tmp_path / "sample" / "a.bin.part"
    part.parent.mkdir()
    part.write_bytes(DATA[:1000])
    if way.startswith("/norange"):
        fetch(entry(server.url + way), data_dir=tmp_path)
        assert (tmp_path / "sample" / "a.bin").read_bytes() == DATA
    else:
        with pytest.raises(DownloadError):
            fetch(entry(server.url + way), data_dir=tmp_path)
        assert not (tmp_path / "sample" / "a.bin").exists()


def test_a_part_of_full_length_or_more(server, tmp_path) -> None:
    part = tmp_path / "sample" / "a.bin.part"
    part.parent.mkdir()
    part.write_bytes(DATA)
    fetch(entry(server.url + "/a.bin"), data_dir=tmp_path)
    assert server.requests == []
    (tmp_path / "sample" / "a.bin").unlink()
    part.write_bytes(DATA + b"more")
    fetch(entry(server.url + "/a.bin"), data_dir=tmp_path)
    assert (tmp_path / "sample" / "a.bin").read_bytes() == DATA


def test_a_part_longer_than_the_servers_file_begins_anew(server, tmp_path) -> None:
    server.files["a.bin"] = DATA[:100]
    part = tmp_path / "sample" / "a.bin.part"
    part.parent.mkdir()
    part.write_bytes(DATA[:1000])
    with pytest.raises(DownloadError, match="was cut, 100 of"):  # 416, then the short file from its start
        fetch(entry(server.url + "/a.bin"), data_dir=tmp_path)


def test_a_wrong_hash_is_refused_and_deleted(server, tmp_path) -> None:
    server.files["a.bin"] = DATA[:-1] + b"!"
    with pytest.raises(DownloadError, match=r"not the published one \(expected sha256 .*, got"):
        fetch(entry(server.url + "/a.bin"), data_dir=tmp_path)
    assert list((tmp_path / "sample").iterdir()) == []


def test_never_more_than_the_stated_size(server, tmp_path) -> None:
    server.files["a.bin"] = DATA + b"x" * 100_000
    for way in ("/a.bin", "/endless/a.bin"):
        with pytest.raises(DownloadError, match=f"more than the {len(DATA)} bytes"):
            fetch(entry(server.url + way), data_dir=tmp_path)
        assert part_path(tmp_path / "sample" / "a.bin").stat().st_size == 0


def test_without_a_size_the_md5_decides(server, tmp_path) -> None:
    md5 = hashlib.md5(DATA, usedforsecurity=False).hexdigest()
    fetch(entry(server.url + "/a.bin", size=None, sha256=None, md5=md5), data_dir=tmp_path)
    (tmp_path / "sample" / "a.bin").unlink()
    with pytest.raises(DownloadError, match="md5"):
        fetch(entry(server.url + "/a.bin", size=None, sha256=None, md5="0" * 32), data_dir=tmp_path)


def test_redirects_are_followed_but_not_out_of_https(server, tmp_path) -> None:
    fetch(entry(server.url + "/to/a.bin"), data_dir=tmp_path)
    assert [path for path, _ in server.requests] == ["/to/a.bin", "/a.bin"]
    transfer.check_redirect("https://a.org/x", "https://b.org/x")
    transfer.check_redirect("http://a.org/x", "http://b.org/x")
    with pytest.raises(DownloadError, match="redirects from https to http://b"):
        transfer.check_redirect("https://a.org/x", "http://b.org/x")


def test_the_default_opener_verifies_certificates() -> None:
    import ssl
    import urllib.request

    opener = transfer._default_opener().__self__
    (https,) = [h for h in opener.handlers if isinstance(h, urllib.request.HTTPSHandler)]
    context = https._context
    assert context is None or context.verify_mode == ssl.CERT_REQUIRED
    assert any(isinstance(h, transfer._NoDowngrade) for h in opener.handlers)


def test_an_absent_file(server, tmp_path) -> None:
    with pytest.raises(
        DownloadError, match=r"answers 404 .*none\.bin; run it again: seqkit corpora fetch sample"
    ):
        fetch(entry(server.url + "/none.bin"), data_dir=tmp_path)


def test_offline_names_address_file_and_command(tmp_path) -> None:
    def offline(request, timeout):
        raise OSError(errno.ENETUNREACH, "Network is unreachable")

    with pytest.raises(DownloadError) as caught:
        fetch(entry("https://example.org/a.bin"), data_dir=tmp_path, opener=offline)
    for part in (
        "unreachable",
        "https://example.org/a.bin",
        str(tmp_path / "sample" / "a.bin"),
        "corpora fetch sample",
    ):
        assert part in str(caught.value)


class FullDisk(io.BytesIO):
    def write(self, data) -> int:
        raise OSError(errno.ENOSPC, "No space left on device", "a.bin.part")


def test_a_full_disk(server, tmp_path, monkeypatch) -> None:
    opened = Path.open

    def full(path, mode="r", *args, **kwargs):
        return FullDisk() if path.name.endswith(".part") else opened(path, mode, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", full)
        with pytest.raises(DownloadError, match=r"cannot write sample \(No space left.*free some space"):
            fetch(entry(server.url + "/a.bin"), data_dir=tmp_path)
    assert not (tmp_path / "sample" / "a.bin").exists()
    fetch(entry(server.url + "/a.bin"), data_dir=tmp_path)
    assert (tmp_path / "sample" / "a.bin").read_bytes() == DATA


def zipped(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as box:
        for name, data in members.items():
            box.writestr(name, data)
    return buffer.getvalue()


def test_one_member_of_a_zip(server, tmp_path) -> None:
    server.files["a.zip"] = archive = zipped({"../evil.txt": b"no", "a.bin": DATA, "other": b"no"})
    packed = entry(server.url + "/a.zip", member="a.bin", archive_size=len(archive))
    (made,) = fetch(packed, data_dir=tmp_path)
    assert made.read_bytes() == DATA
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == ["a.bin"]


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"other": b"x"}, "does not hold the expected file"),
        ({"a.bin": DATA + b"more"}, "larger than"),
        ({"a.bin": DATA[:-1]}, f"expected {len(DATA)} bytes, got {len(DATA) - 1}"),
        (None, "does not hold the expected file"),
    ],
)
def test_a_zip_that_does_not_hold_the_member(server, tmp_path, members, message) -> None:
    server.files["a.zip"] = archive = b"not a zip" if members is None else zipped(members)
    packed = entry(server.url + "/a.zip", member="a.bin", archive_size=len(archive))
    with pytest.raises(DownloadError, match=message):
        fetch(packed, data_dir=tmp_path)
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


def test_status(tmp_path) -> None:
    status = corpus_status("tinyshakespeare", data_dir=tmp_path)
    assert not status.present
    (file,) = status.files
    assert (file.state, file.bytes, file.expected) == ("absent", 0, 1_115_394)
    file.path.parent.mkdir()
    part_path(file.path).write_bytes(b"abc")
    assert corpus_status("tinyshakespeare", data_dir=tmp_path).files[0].state == "partial"
    file.path.write_bytes(b"abc")
    assert corpus_status("tinyshakespeare", data_dir=tmp_path).files[0].state == "wrong size"
    with file.path.open("wb") as stream:
        stream.truncate(1_115_394)
    assert corpus_status("tinyshakespeare", data_dir=tmp_path).present


def test_an_unregistered_name_lists_the_registered() -> None:
    with pytest.raises(UsageError, match="no registered corpus 'nope'; use pydocs, ptb"):
        fetch("nope")
