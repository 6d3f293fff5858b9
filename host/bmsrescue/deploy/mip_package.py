"""package.json for `mpremote mip install`, made of the agent's sources: `python -m bmsrescue.deploy.mip_package FILE`.

mip brings source files and overwrites what is there. board.json is left out, so that an update by mip does not cost a
helper its calibration. See docs/deploy.md.
"""

import json
import os
import sys
from pathlib import Path

from bmsrescue import __version__
from bmsrescue.card.storage import write_atomically
from bmsrescue.deploy.release import source_files


def render(folder: Path) -> str:
    """The document for `folder`, the repository's root: its URLs are relative to that."""
    urls = [[place, Path(os.path.relpath(path, folder)).as_posix()] for place, path in sorted(source_files().items())]
    lines = ",\n    ".join(json.dumps(url) for url in urls)
    return f'{{\n  "version": {json.dumps(__version__)},\n  "urls": [\n    {lines}\n  ],\n  "deps": []\n}}\n'


def main(path: Path) -> None:
    """Make `path` anew."""
    write_atomically(path, render(path.resolve().parent).encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
