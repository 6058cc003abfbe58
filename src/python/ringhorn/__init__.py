"""Ringhorn, a native ASGI server: `ringhorn main:app`, or `python -m ringhorn main:app`.

The server itself is the extension module `_ringhorn`. It is imported by the command only, so that
importing this package costs nothing and works inside the executable, which has it built in.
"""

__all__ = ["__version__"]


def __getattr__(name: str) -> str:
    # Reading the metadata of a distribution takes milliseconds: only those who ask pay for it.
    if name == "__version__":
        from importlib.metadata import version

        return version("ringhorn")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
