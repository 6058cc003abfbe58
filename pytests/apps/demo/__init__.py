"""The demo application: a small real one, `demo:app`.

`packaging/serve` serves it, a newcomer reads it, and the black-box tests ask it. Starlette does
the site (site.py), FastAPI the interface below /api (api.py).
"""

from demo.site import app

__all__ = ["app"]
