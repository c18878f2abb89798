"""Takes pictures of the pages of a demo log, light and dark: `pictures.py FOLDER [PATH ...]`.

Without paths, of one page of each shape, wide and narrow.
"""

import re
import sys
import tempfile
from pathlib import Path

from chromium import SCHEMES, SIZES, chromium
from demo_pages import Demo, served, shape
from demo_store import demo, end


def main(folder: Path, paths: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="stackfold-pictures-") as made, chromium() as browser:
        home = Path(made, "home")
        ws = demo(home)
        try:
            with served(home) as site:
                take(browser, site, folder, paths or one_of_each_shape(site))
        finally:
            end(ws)


def one_of_each_shape(site: Demo) -> list[str]:
    return [*{shape(path): path for path in reversed(site.pages())}.values()]


def take(browser, site: Demo, folder: Path, paths: list[str]) -> None:
    for path in paths:
        for size, (width, height) in SIZES.items():
            for scheme in SCHEMES:
                with browser.new_context(
                    viewport={"width": width, "height": height}, color_scheme=scheme
                ) as context:
                    page = context.new_page()
                    page.goto(site.address)
                    page.goto(site.origin + path)
                    page.wait_for_timeout(200)  # frames and pictures inside of the page
                    file = folder / f"{name_of(path)}-{size}-{scheme}.png"
                    page.screenshot(path=file, full_page=True)
                    print(file)


def name_of(path: str) -> str:
    return re.sub(r"[^a-z0-9.]+", "-", path.lower()).strip("-")[:60] or "overview"


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
