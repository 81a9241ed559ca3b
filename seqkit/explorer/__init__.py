"""The explorer: a local web page over trained runs and word vectors.

``opening`` finds what was given and loads models on use, ``server`` serves the pages, ``answers`` turns
functions into JSON addresses, ``background`` runs long computations, and ``views`` has a file for each tab of
the page. Only this package imports Starlette, uvicorn, Jinja and Plotly (extra ``explore``), and only on use.
"""

from seqkit.explorer.opening import Item, open_items
from seqkit.explorer.server import create_app, serve

__all__ = ["Item", "create_app", "open_items", "serve"]
