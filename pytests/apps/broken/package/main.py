"""An application inside a package."""

from good import app  # noqa: F401
