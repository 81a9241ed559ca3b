"""Download one file over HTTP(S) into a ``.part`` file: resumed, of bounded size, certificates verified."""

import http.client
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import IO, Protocol

from seqkit.errors import DownloadError
from seqkit.platforms import flush_file
from seqkit.progress import progress


class Response(Protocol):
    """An open answer of a server."""

    status: int
    headers: Message

    def read(self, size: int) -> bytes:
        """Return up to this many bytes, and none at the end."""

    def __enter__(self) -> object: ...
    def __exit__(self, *error: object) -> object: ...


Opener = Callable[..., Response]
"""``open(request, timeout=seconds)`` -> a response."""

_BLOCK = 1 << 16
_TIMEOUT = 60.0


class _NoDowngrade(urllib.request.HTTPRedirectHandler):
    """Follow redirects, but never from https to anything else."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> urllib.request.Request | None:
        check_redirect(req.full_url, newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]


def check_redirect(old: str, new: str) -> None:
    """Raise DownloadError for a redirect from https to an unprotected address."""
    if not new.lower().startswith(("https:", "http:")):
        raise DownloadError(
            f"the server redirects to {new[:200]!r}, expected an address of http or https", where=old
        )
    if old.lower().startswith("https:") and not new.lower().startswith("https:"):
        raise DownloadError(
            f"the server redirects from https to {new}",
            where=old,
            remedy="not followed: the file could be changed on the way",
        )


def _default_opener() -> Opener:
    return urllib.request.build_opener(_NoDowngrade).open  # verifies certificates with the system's own


@dataclass(frozen=True)
class Transfer:
    """One download.

    Args:
        url: The address.
        part: The file to write.
        size: The exact number of bytes, if it is known.
        limit: The largest number of bytes, if it is not.
        label: The file's name in progress reports.
        again: How the user tries again, for error messages.
        opener: As in ``fetch``.
    """

    url: str
    part: Path
    size: int | None
    limit: int
    label: str = ""
    again: str = "run it again"
    opener: Opener | None = None

    def run(self) -> None:
        """Complete the part from where an earlier call left it. The caller has to check the content.

        Raises:
            DownloadError: If the connection or the server fails.
            OSError: If the disk fails.
        """
        have = self._have() if self.size is not None else 0  # without a size, a part may be complete
        if self.size is not None and have == self.size:
            return
        if self.size is not None and have > self.size:
            have = 0
        response = self._open(have)
        with response:
            have = self._receive(response, have if self._continues(response, have) else 0)
        if self.size is not None and have < self.size:
            raise self._cut("")

    def _have(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def _open(self, have: int) -> Response:
        # identity: the size and the ranges are those of the file, not of a compressed copy
        headers = {"User-Agent": "seqkit", "Accept-Encoding": "identity"}
        if have:
            headers["Range"] = f"bytes={have}-"
        request = urllib.request.Request(self.url, headers=headers)
        try:
            return (self.opener or _default_opener())(request, timeout=_TIMEOUT)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 416 and have:  # the part does not fit the server's file: start again
                return self._open(0)
            answer = f"the server answers {error.code} {error.reason}"
            raise DownloadError(answer, where=self.url, remedy=self.again) from error
        except DownloadError:
            raise
        except Exception as error:  # urllib raises ValueError, UnicodeError and more for what a server sends
            raise DownloadError(
                f"no connection ({getattr(error, 'reason', None) or error!r})",
                where=f"{self.url} (for {self.part.with_name(self.part.name.removesuffix('.part'))})",
                remedy=f"check the network, or put the file there by hand; {self.again}",
            ) from error

    @staticmethod
    def _continues(response: Response, have: int) -> bool:
        """Whether the answer begins exactly where the part ends; otherwise it is the whole file."""
        match = re.match(r"bytes (\d{1,18})-", response.headers.get("Content-Range") or "")
        return response.status == 206 and match is not None and int(match[1]) == have

    def _receive(self, response: Response, have: int) -> int:
        """Append to the first ``have`` bytes of the part; return the number of bytes that it then has."""
        most = self.limit if self.size is None else self.size
        with (
            self.part.open("r+b" if have else "wb") as file,
            progress(f"fetching {self.label}", self.size, "B", done=have) as job,
        ):
            file.seek(have)
            file.truncate()
            while block := self._read(response):
                if have + len(block) > most:
                    file.truncate(0)
                    raise DownloadError(
                        f"the server sends more than the {most} bytes that the file may have",
                        where=self.url,
                        remedy=f"what was received is deleted; {self.again}",
                    )
                file.write(block)
                have += len(block)
                job.move(have)
            flush_file(file)
        return have

    def _read(self, response: Response) -> bytes:
        try:
            return response.read(_BLOCK)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise self._cut(f" ({error!r})") from error

    def _cut(self, why: str) -> DownloadError:
        total = "" if self.size is None else f" of {self.size} bytes"
        return DownloadError(
            f"the connection was cut{why}, {self._have()}{total} are here",
            where=self.url,
            remedy=f"{self.again}, and it goes on from there",
        )
