"""Print a command of README.md as it stands there: ``python3 .ci/readme_command.py one``.

The command is the ```bash block that follows ``<!-- command one -->``.
"""

import re
import sys
from pathlib import Path


def readme_command(readme: str, name: str) -> str:
    """The text of the block marked ``name``; ends the program where there is not exactly one."""
    blocks = re.findall(
        rf"<!-- command {re.escape(name)} -->\s*```bash\n(.*?)^```", readme, flags=re.DOTALL | re.MULTILINE
    )
    if len(blocks) != 1:
        sys.exit(f"README.md: {len(blocks)} bash blocks marked <!-- command {name} -->, not one")
    return blocks[0]


if __name__ == "__main__":
    print(readme_command(Path("README.md").read_text(encoding="utf-8"), sys.argv[1]), end="")
