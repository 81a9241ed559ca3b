"""seqkit explore."""

import os
import sys

import click

from seqkit.cli.common import echo, warn
from seqkit.platforms import has_display


@click.command("explore", short_help="Look at runs and word vectors in the browser.")
@click.argument("paths", nargs=-1, type=click.Path(), metavar="[RUN|VECTORS|DIR]...")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=None,
    help="Port to listen at.  [default: 8765, or the next free one]",
)
@click.option("--no-browser", is_flag=True, help="Do not open the page in a browser.")
def command(paths: tuple[str, ...], host: str, port: int | None, no_browser: bool) -> None:
    """Look at runs and word vectors in the browser, until Ctrl-C (needs the extra "explore").

    RUN is the folder of a training run or a checkpoint folder, VECTORS a file of word vectors, DIR a folder
    of these; without any, the folder runs. The address that is printed contains a token: who has it can use
    the page, so keep it to yourself. Nothing is written, and nothing is fetched from anywhere.
    """
    import secrets

    from seqkit.errors import UsageError
    from seqkit.explorer import create_app, open_items, serve
    from seqkit.explorer.server import bind, require_packages

    require_packages()
    if not paths and not os.path.isdir("runs"):
        raise UsageError(
            "nothing to explore: expected runs, vector files or folders of them, or a folder runs here",
            remedy="name some, such as `seqkit explore RUN`",
        )
    items = open_items(paths or ("runs",))
    for item in items:
        if item.error is not None:
            warn(f"warning: {item.name} is not shown: {item.error.for_command()}")
    listener = bind(host, port)
    token = secrets.token_urlsafe(24)
    app = create_app(items, token, host)
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{listener.getsockname()[1]}/?token={token}"
    if host not in ("127.0.0.1", "localhost", "::1"):
        warn(f"warning: other machines can reach {host}; who has the token can use the page, unencrypted")
    echo(address)
    sys.stdout.flush()
    warn("Ctrl-C ends the server")
    if not no_browser:
        _open_browser(address)
    serve(app, listener)


def _open_browser(address: str) -> None:
    """Open the address, unless there is only a browser that would take over this terminal."""
    import threading
    import webbrowser

    if not has_display():
        return
    threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
