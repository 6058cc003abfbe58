"""Turn a Python source file into a C++ header with its text: embed.py x.py x_source.hpp name"""

import sys


def main(source: str, header: str, name: str) -> None:
    with open(source, encoding="utf-8") as file:
        text = file.read()
    # A string literal may not be longer than 64 KiB in every compiler: one literal per line.
    lines = "\n".join(
        '    "' + line.replace("\\", "\\\\").replace('"', '\\"') + '\\n"'
        for line in text.splitlines()
    )
    with open(header, "w", encoding="utf-8") as file:
        file.write(
            f"/// Made from {name}.py by embed.py.\n#pragma once\n\n#include <string_view>\n\n"
            f"namespace ringhorn::py {{\n\ninline constexpr std::string_view {name}_source =\n"
            f"{lines};\n\n}}  // namespace ringhorn::py\n"
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
