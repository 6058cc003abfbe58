"""The command: `ringhorn` and `python -m ringhorn`."""

import sys


def main() -> int:
    """Serves until told to stop; the exit status."""
    import _ringhorn

    return _ringhorn.main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
