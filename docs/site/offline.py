"""The check that a built site requests nothing from another host."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

FETCHED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src", "audio": "src"}
CSS = re.compile(r"url\(\s*[\"']?(https?:|//)|@import\s+[\"'](https?:|//)")


class _Requests(HTMLParser):
    """The addresses that a page fetches when it opens; links that a reader may follow are none."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the address of a script, picture, frame or style sheet on another host."""
        values = dict(attrs)
        address = values.get(FETCHED.get(tag, ""))
        if tag == "link" and values.get("rel") not in ("canonical", "prev", "next"):
            address = values.get("href")
        if address and re.match(r"(?:\w+:)?//", address):
            self.found.append(address)


def requests_of(site: Path) -> list[str]:
    """Return "file: address" for all that pages and style sheets under ``site`` fetch from elsewhere."""
    return list(_requests(site))


def _requests(site: Path) -> Iterator[str]:
    for path in sorted(site.rglob("*.html")):
        parser = _Requests()
        parser.feed(path.read_text("utf-8"))
        yield from (f"{path.relative_to(site)}: {address}" for address in parser.found)
    for path in sorted(site.rglob("*.css")):
        yield from (
            f"{path.relative_to(site)}: {match.group()}" for match in CSS.finditer(path.read_text("utf-8"))
        )
