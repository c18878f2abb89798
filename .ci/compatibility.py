"""Writes docs/compatibility.md: what resolves beside Stackfold, and in which versions.

Usage: python .ci/compatibility.py UV [PACKAGE...]

Nothing is installed: uv resolves each package alone, and beside Stackfold, for Linux and one
version of Python. A package is compatible if it keeps the version that it has alone.
"""

import re
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

_ROOT = Path(__file__).parents[1]
_PAGE = _ROOT / "docs" / "compatibility.md"
_PYTHON = "3.12"
_PACKAGES = ("fastapi[standard]", "safety", "typer")
"""The packages that are resolved unless others are given."""
_SHOWN = ("typer", "pydantic", "eventsourcing", "rich")
_SECONDS = 600


class Resolved(NamedTuple):
    """The versions of a resolution, or why there is none."""

    versions: dict[str, str]
    problem: str = ""


def main(uv: str, *given: str) -> None:
    """Resolve the given packages and the extras, and write the page."""
    packages = given or _PACKAGES
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text())["project"]
    extras = [name for name in project["optional-dependencies"] if name != "all"]
    stackfold = f"stackfold @ {_ROOT.as_uri()}"
    with ThreadPoolExecutor(2) as pool:
        alone = pool.map(lambda each: _resolve(uv, each), packages)
        beside = pool.map(lambda each: _resolve(uv, stackfold, each), packages)
        pairs = [*zip(packages, alone, beside, strict=True)]
        reasons = pool.map(lambda pair: _why_older(uv, stackfold, *pair), pairs)
        own = pool.map(
            lambda each: _resolve(uv, f"stackfold[{each}] @ {_ROOT.as_uri()}"), [*extras, "all"]
        )
        rows = [_row(*pair, why) for pair, why in zip(pairs, reasons, strict=True)]
        extra_rows = [
            _line([f"`{name}`", *_versions(each), each.problem])
            for name, each in zip([*extras, "all"], own, strict=True)
        ]
    requirements = "\n".join(f"- `{each}`" for each in project["dependencies"])
    _PAGE.write_text(_TEXT.format(
        date=f"{datetime.now(UTC):%Y-%m-%d}",
        python=_PYTHON,
        requirements=requirements,
        shown=" | ".join(_SHOWN),
        rules=" | ".join("---" for _ in _SHOWN),
        packages="\n".join(rows),
        extras="\n".join(extra_rows),
    ))  # fmt: skip


def _resolve(uv: str, *requirements: str) -> Resolved:
    command = [
        uv, "pip", "compile", "--quiet", "--no-config", "--no-header", "--no-annotate",
        "--python-version", _PYTHON, "--python-platform", "linux", "-",
    ]  # fmt: skip
    try:
        answer = subprocess.run(  # noqa: S603
            command, input="\n".join(requirements), capture_output=True, text=True,
            timeout=_SECONDS, check=False, cwd=_ROOT,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return Resolved({}, f"no answer of the resolver in {_SECONDS} s")
    if answer.returncode:
        return Resolved({}, _reason(answer.stderr))
    return Resolved(dict(re.findall(r"^([\w.-]+)==(\S+)", answer.stdout, re.MULTILINE)))


def _reason(errors: str) -> str:
    """The first sentence of what the resolver says, in one line."""
    text = " ".join(re.sub(r"[^ -~]", " ", errors).split())
    text = re.sub(r"file://\S+", "", text).replace("|", "\\|")
    because = text.partition("Because ")[2].partition(", we can conclude")[0] or text
    return because[:300].rpartition(" ")[0] if len(because) > 300 else because


def _why_older(uv: str, stackfold: str, requirement: str, alone: Resolved, beside: Resolved) -> str:
    """Why a package is older beside Stackfold; empty if it is not."""
    name = requirement.partition("[")[0]
    newest = alone.versions.get(name, "")
    if not newest or beside.versions.get(name, newest) == newest:
        return ""
    return _resolve(uv, stackfold, f"{requirement}=={newest}").problem


def _row(requirement: str, alone: Resolved, beside: Resolved, why: str) -> str:
    name = requirement.partition("[")[0]
    before, after = alone.versions.get(name, ""), beside.versions.get(name, "")
    problem = beside.problem
    if alone.problem:
        problem = f"resolves not even alone: {alone.problem}"
    elif after and after != before:
        problem = f"alone {before}: {why}"
    elif after:
        moved = [
            f"{each} {alone.versions[each]}"
            for each in _SHOWN
            if each in alone.versions and alone.versions[each] != beside.versions[each]
        ]
        problem = f"alone with {', '.join(moved)}" if moved else ""
    return _line([f"`{requirement}`", after, *_versions(beside), problem])


def _versions(resolved: Resolved) -> list[str]:
    return [resolved.versions.get(each, "") for each in _SHOWN]


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


_TEXT = """\
# Compatibility

What resolves beside Stackfold, on {date} with Python {python} on Linux. Written by \
`make compatibility`, which installs nothing; do not edit. `make compatibility \
PACKAGES="NAME..."` resolves others.

Stackfold requires:

{requirements}

An empty note means that the package has the version beside Stackfold that it has alone, and that \
so have the packages shown.

| Package | version | {shown} | Note |
| --- | --- | {rules} | --- |
{packages}

## Extras

Each extra alone:

| Extra | {shown} | Note |
| --- | {rules} | --- |
{extras}
"""

if __name__ == "__main__":
    main(*sys.argv[1:])
