"""Whether any installed package may have entry points of a group."""

import os
import sys
from functools import cache


@cache
def mentioned(group: str) -> bool:
    """Whether the metadata of a package on the path mentions a group of entry points.

    Commands ask for this often, and loading `importlib.metadata` takes many times as long.
    """
    wanted = group.encode()
    for folder in sys.path:
        try:
            with os.scandir(folder or os.curdir) as entries:
                metadata = [each.path for each in entries if each.name.endswith("-info")]
        except NotADirectoryError:
            return True  # an archive: leave it to `importlib.metadata`
        except OSError:
            continue
        for each in metadata:
            try:
                with open(os.path.join(each, "entry_points.txt"), "rb") as file:
                    if wanted in file.read():
                        return True
            except OSError:
                continue
    return False
