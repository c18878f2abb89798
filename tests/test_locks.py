"""What CI installs is locked: exact versions with hashes, valid on any machine."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
LOCKS = sorted((ROOT / ".ci" / "locks").glob("*.txt"))
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
GROUPS = PYPROJECT["dependency-groups"]
WITHOUT_THE_PROJECT = {
    "browser", "build", "docs", "flavors", "lock", "mlflow-server", "pip", "postgres",
}  # fmt: skip
# They are only parts of other groups.
PARTS = {"test", "example"}

each_lock = pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)


def locked(lock: Path) -> list[tuple[str, list[str]]]:
    """Each requirement of a lock, such as `numpy==2.4.6 ; …`, with its hashes."""
    text = lock.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [
        (re.split(r"\s--", line)[0].strip(), re.findall(r"--hash=(\S+)", line)) for line in lines
    ]


def required(group: str) -> list[Requirement]:
    found: list[Requirement] = []
    for each in GROUPS[group]:
        found += [Requirement(each)] if isinstance(each, str) else required(each["include-group"])
    return found


def asked_of(lock: Path) -> list[Requirement]:
    """What pyproject.toml requires in the environment of a lock."""
    name = "dev" if lock.stem == "lowest" else lock.stem
    asked = required(name if name in GROUPS else f"flavors-{name}")
    if lock.stem not in WITHOUT_THE_PROJECT:
        asked += [Requirement(each) for each in PYPROJECT["project"]["dependencies"]]
    return asked


def test_each_environment_has_a_lock():
    groups = {name.removeprefix("flavors-") for name in GROUPS} - PARTS
    assert {lock.stem for lock in LOCKS} == groups | {"lowest"}


@each_lock
def test_a_lock_gives_exact_versions_with_hashes(lock):
    for requirement, hashes in locked(lock):
        assert re.match(r"[\w.\[\]-]+==[\w.!+]+( ;|$)", requirement), requirement
        assert hashes, requirement
        assert all(re.fullmatch("sha256:[0-9a-f]{64}", each) for each in hashes), requirement


@each_lock
def test_a_lock_contains_nothing_of_the_machine_that_wrote_it(lock):
    text = lock.read_text(encoding="utf-8")
    assert "://" not in text
    assert not re.search(r"^\s*--?(?!-?hash=)", text, re.MULTILINE), "an option of pip"
    assert not re.search(r"(^|\s)/", text, re.MULTILINE), "a path"


@each_lock
def test_a_lock_fulfils_pyproject(lock):
    versions: dict[str, list[Version]] = {}
    for requirement, _ in locked(lock):
        name, _, version = requirement.partition(" ")[0].partition("==")
        versions.setdefault(canonicalize_name(name.partition("[")[0]), []).append(Version(version))
    for asked in asked_of(lock):
        found = versions.get(canonicalize_name(asked.name), [])
        assert found, f"{asked} is not locked: make lock"
        assert all(version in asked.specifier for version in found), f"{asked}: make lock"


def test_the_lowest_lock_has_the_lower_bounds_themselves():
    lowest = dict(
        requirement.partition(" ")[0].split("==")
        for requirement, _ in locked(ROOT / ".ci" / "locks" / "lowest.txt")
    )
    asked = [Requirement(each) for each in PYPROJECT["project"]["dependencies"]]
    for each in asked:
        bound = next(part for part in each.specifier if part.operator == ">=")
        assert Version(lowest[canonicalize_name(each.name)]) == Version(bound.version), each.name
