"""Print how to embed this interpreter: its static library (or an empty line), and what it needs."""

import os
import sysconfig


def main() -> None:
    variables = sysconfig.get_config_vars()
    version = variables["LDVERSION"]
    path = os.path.join(variables["LIBPL"], f"libpython{version}.a")
    print(path if os.path.exists(path) else "")
    print(*(variables.get(name) or "" for name in ("LIBS", "SYSLIBS", "MODLIBS")), "-lm")


main()
