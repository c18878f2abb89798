"""Writes the tables of fields in `docs/flavors/`.

Run `python -m stackfold.cli.flavor_guides docs/flavors`. Guides are written by hand, except for the
part between two marker comments.
"""

import re
import sys
from pathlib import Path

from stackfold.application.stacks.flavor_attributes import attributes
from stackfold.application.stacks.views import FlavorDescription
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.workspace import Workspace

BEGIN = "<!-- fields: made by `make reference` -->"
END = "<!-- end of fields -->"
_FIELDS = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)


def guides() -> dict[str, FlavorDescription]:
    """File name of every expected guide → its flavor."""
    found = {}
    with Workspace.in_memory() as workspace:
        for type in ComponentType:
            for view in workspace.flavors.list(type):
                described = workspace.flavors.describe(type, view.name)
                if described.source.startswith("stackfold."):
                    found[file_name(type, view.name)] = described
    return found


def file_name(type: ComponentType, flavor: str) -> str:
    """The file name of a flavor's guide, such as `artifact-store-s3.md`."""
    return f"{type.command}-{flavor}.md"


def with_fields(guide: str, described: FlavorDescription) -> str:
    """Replace the table of a guide with the flavor's current fields."""
    return _FIELDS.sub(lambda _: f"{BEGIN}\n\n{fields(described)}\n{END}", guide)


def fields(described: FlavorDescription) -> str:
    """Format the attributes of a flavor as a Markdown table."""
    rows = [
        (
            f"`{each.attribute}`",
            each.type,
            "required" if each.required else _code(each.default),
            each.description or "",
        )
        for each in attributes(described.schema)
    ]
    if not rows:
        return "It has no attributes.\n"
    lines = [("Attribute", "Type", "Default", "What it is"), ("---",) * 4, *rows]
    return "".join(f"| {' | '.join(map(_cell, line))} |\n" for line in lines)


def _code(default: object) -> str:
    return "none" if default is None else f"`{default}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    for name, described in guides().items():
        path = folder / name
        path.write_text(with_fields(path.read_text(encoding="utf-8"), described), encoding="utf-8")
