"""Hooks of mkdocs: what the site shows that does not lie in docs/, and the links to it.

README.md is the first page. Files of examples/ are linked as they are.
"""

import re
from pathlib import Path
from posixpath import dirname, join, normpath, relpath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

_ROOT = Path(__file__).parents[1]
_PAGES = {
    "README.md": "index.md",
    "CHANGELOG.md": "CHANGELOG.md",
    "CONTRIBUTING.md": "CONTRIBUTING.md",
    "benchmarks/README.md": "benchmarks.md",
    "examples/README.md": "examples/index.md",
    "examples/plugin/README.md": "examples/plugin/index.md",
    "examples/service/README.md": "examples/service/index.md",
}
"""A page of the repository outside of docs/ → where the site has it."""
_LOADING = re.compile(
    r"<(?:script|img|iframe|source|video|audio)\b[^>]*>|<link\b(?![^>]*rel=.?(?:canonical|edit))[^>]*>"
    r"|<[^>]*class=.?mermaid[^>]*>"
)
"""Tags with which a page loads something; the theme loads a script for diagrams of Mermaid."""
_ELSEWHERE = re.compile(r"(?:src|href)=.?(?:https?:)?//|mermaid")
_LINK = re.compile(r"(?<=\]\()(?!\w+:|#)(?P<path>[^)#\s]+)(?P<anchor>#[^)\s]*)?(?=\))")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Let a folder in the navigation stand for all of its pages."""
    config.nav = _expanded(config.nav)
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the files that do not lie in docs/, and those that are not pages."""
    for source, page in _PAGES.items():
        files.append(File.generated(config, page, content=(_ROOT / source).read_text()))
    linked = [_ROOT / "LICENSE", *(_ROOT / "examples").rglob("*")]
    for path in sorted(linked):
        source = path.relative_to(_ROOT).as_posix()
        made = any(part.startswith((".", "__pycache__")) for part in Path(source).parts)
        if path.is_file() and source not in _PAGES and not made:
            files.append(File.generated(config, source, abs_src_path=str(path)))
    schemas = sorted((_ROOT / "docs" / "schemas").iterdir())
    links = "".join(f"- [{path.name}]({path.name})\n" for path in schemas)
    files.append(File.generated(config, "schemas/index.md", content=f"# Event schemas\n\n{links}"))
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Make links of the repository links of the site."""
    uri = page.file.src_uri
    if uri == "schemas/index.md":
        return markdown
    source = next((each for each, place in _PAGES.items() if place == uri), f"docs/{uri}")
    return _LINK.sub(lambda match: _link(source, uri, match), markdown)


def on_post_build(config: MkDocsConfig) -> None:
    """Check that no page loads anything from elsewhere, so that the site works offline.

    Raises:
        PluginError: A page does.
    """
    for page in sorted(Path(config.site_dir).rglob("*.html")):
        loaded = [tag for tag in _LOADING.findall(page.read_text()) if _ELSEWHERE.search(tag)]
        if loaded:
            raise PluginError(f"{page} loads from elsewhere: {loaded[0]:.200}")


def _link(source: str, uri: str, match: re.Match[str]) -> str:
    target = normpath(join(dirname(source), match["path"]))
    if target == "docs/schemas":
        target += "/index.md"
    elif (_ROOT / target).is_dir():
        target += "/README.md"
    place = _PAGES.get(target) or target.removeprefix("docs/")
    return relpath(place, dirname(uri) or ".") + (match["anchor"] or "")


def _expanded(item: object) -> object:
    match item:
        case list():
            return [_expanded(each) for each in item]
        case dict():
            return {title: _expanded(each) for title, each in item.items()}
        case str() if (folder := _ROOT / "docs" / item).is_dir():
            pages = sorted((p.name for p in folder.glob("*.md")), key=_readme_first)
            return [f"{item}/{name}" for name in pages]
    return item


def _readme_first(name: str) -> tuple[bool, str]:
    return name != "README.md", name
