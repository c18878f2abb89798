"""Where classes of custom flavors are searched: never in the current folder."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from stackfold.domain.errors import FlavorClassNotFound
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.system.environment import importable
from stackfold.infrastructure.workspace import Workspace

STORE = ComponentType.ARTIFACT_STORE

DATED = '''
from stackfold.infrastructure.flavors.local.artifact_store import LocalArtifactStore
from {neighbour} import LOUD

class DatedStore(LocalArtifactStore):
    """Keeps artifacts by date."""

    flavor = "dated"

    def create(self):
        import {neighbour}  # late, as many modules do
        return super().create()
'''

FLOW = """
from stackfold import pipeline, step

@step
def one() -> int:
    return 1

@pipeline
def flow():
    one()
"""


@pytest.fixture
def module(tmp_path):
    """The name of a module of the user's own, in the folder `code`; no other test has it."""
    name = f"dated_{tmp_path.name}"
    write_class(tmp_path / "code", name)
    yield name
    forget(name)


def write_class(folder: Path, name: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / f"{name}_helpers.py").write_text("LOUD = False\n")
    (folder / f"{name}.py").write_text(DATED.format(neighbour=f"{name}_helpers"))


def forget(name: str) -> None:
    """Let the next command be as in a new process."""
    for each in (name, f"{name}_helpers"):
        sys.modules.pop(each, None)
    sys.path[:] = [each for each in sys.path if "pytest-" not in each]


@pytest.fixture
def registered(cli, module, tmp_path, monkeypatch):
    """The class, registered as a flavor in the folder `code`; the command line is elsewhere now."""
    monkeypatch.chdir(tmp_path / "code")
    cli.ok("artifact-store", "flavor", "register", f"{module}.DatedStore")
    cli.ok("artifact-store", "register", "archive", "--flavor", "dated")
    cli.ok("stack", "register", "mine", "-o", "default", "-a", "archive", "--set")
    monkeypatch.chdir(tmp_path / "here")
    forget(module)
    return f"{module}.DatedStore"


def test_a_class_is_found_in_the_folder_it_was_registered_from(cli, registered, tmp_path):
    assert cli.ok("stack", "check") == "stack 'mine' is ready, revision 1\n"
    (flavor,) = cli.json("artifact-store", "flavor", "list", "--name", "dated")
    assert flavor["installed"] is True
    # The log is a team's, and says nothing of that folder.
    with Workspace.open() as ws:
        assert not any(str(tmp_path / "code") in repr(event) for event in ws.log.events())


def test_a_file_of_that_name_in_the_current_folder_is_not_executed(cli, registered, tmp_path):
    trap, executed = tmp_path / "here" / f"{registered.partition('.')[0]}.py", tmp_path / "executed"
    trap.write_text(f"open({str(executed)!r}, 'w')\n{DATED}")
    for command in (
        "stack check",
        "stack describe",
        "artifact-store update archive --path=elsewhere",
        "artifact-store flavor describe dated",
        "artifact-store flavor list",
        "stack export-requirements",
    ):
        cli.ok(*command.split())
    assert not executed.exists()
    # Nor where the class is found nowhere else.
    (tmp_path / "home" / "flavor_folders.json").unlink()
    forget(registered.partition(".")[0])
    assert "not found here" in cli.fails("artifact-store", "flavor", "describe", "dated")
    assert not executed.exists()


def test_a_class_unknown_to_the_home_can_be_registered_again(
    cli, registered, tmp_path, monkeypatch
):
    """As for a colleague on the same log, and for a home that an older version wrote."""
    (tmp_path / "home" / "flavor_folders.json").unlink()
    command = f"stackfold artifact-store flavor register {registered}"
    for asked in (
        ["artifact-store", "flavor", "describe", "dated"],
        ["artifact-store", "update", "archive", "--path=b"],
        ["stack", "check"],
    ):
        answer = cli(*asked)
        told = answer.out + answer.err
        assert f"the class '{registered}' is not found here" in told
        assert command in told
    (flavor,) = cli.json("artifact-store", "flavor", "list", "--name", "dated")
    assert flavor["installed"] is False
    head = cli.ok("log", "head")
    monkeypatch.chdir(tmp_path / "code")
    assert cli.ok(*command.split()[1:]) == (
        "artifact store flavor 'dated' is already registered; its location is updated\n"
    )
    assert cli.ok("log", "head") == head
    monkeypatch.chdir(tmp_path / "here")
    forget(registered.partition(".")[0])
    assert cli.ok("stack", "check") == "stack 'mine' is ready, revision 1\n"


def test_a_class_in_a_moved_folder_can_be_registered_again(cli, registered, tmp_path, monkeypatch):
    (tmp_path / "code").rename(tmp_path / "moved")
    assert "flavor register" in cli("stack", "check").out
    monkeypatch.chdir(tmp_path / "moved")
    cli.ok("artifact-store", "flavor", "register", registered)
    monkeypatch.chdir(tmp_path / "here")
    forget(registered.partition(".")[0])
    assert cli.ok("stack", "check") == "stack 'mine' is ready, revision 1\n"


def test_registering_a_class_twice_is_an_error(cli, registered, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path / "code")
    told = cli.fails("artifact-store", "flavor", "register", registered)
    assert "exists already" in told


def test_two_classes_of_one_name_are_found_in_their_own_folders(
    cli, registered, module, tmp_path, monkeypatch
):
    write_class(tmp_path / "other", module)
    other = tmp_path / "other" / f"{module}.py"
    other.write_text(other.read_text().replace('"dated"', '"other"'))
    monkeypatch.chdir(tmp_path / "other")
    forget(module)
    cli.ok("artifact-store", "flavor", "register", registered)
    monkeypatch.chdir(tmp_path / "here")
    folders = json.loads((tmp_path / "home" / "flavor_folders.json").read_text())
    assert folders == {
        "artifact_store.dated": {registered: str(tmp_path / "code")},
        "artifact_store.other": {registered: str(tmp_path / "other")},
    }
    for flavor, folder in (("dated", "code"), ("other", "other")):
        forget(module)
        cli.ok("artifact-store", "flavor", "describe", flavor)
        assert sys.modules[module].__file__ == str(tmp_path / folder / f"{module}.py")


def test_a_class_is_found_in_the_project_folder(cli, registered, tmp_path, monkeypatch):
    """So a clone of the code that holds the flavors works as it is."""
    (tmp_path / "home" / "flavor_folders.json").unlink()
    (tmp_path / "code" / "deep").mkdir()
    cli.ok("init", str(tmp_path / "code"))
    monkeypatch.chdir(tmp_path / "code" / "deep")
    assert "is ready" in cli.ok("stack", "check", "mine")
    forget(registered.partition(".")[0])
    # Not where others may have put it there.
    (tmp_path / "code").chmod(0o777)
    assert "not found here" in cli("stack", "check", "mine").out
    cli.ok("trust")
    assert "is ready" in cli.ok("stack", "check", "mine")


def test_a_class_is_found_in_the_folder_of_the_script(cli, registered, module, tmp_path):
    (tmp_path / "home" / "flavor_folders.json").unlink()
    (tmp_path / "code" / "flow.py").write_text(FLOW)
    assert "completed" in cli.ok("pipeline", "run", "--quiet", str(tmp_path / "code" / "flow.py"))


def test_a_named_module_may_be_in_the_current_folder(cli, registered, tmp_path, monkeypatch):
    name = f"flow_{tmp_path.name}"
    (tmp_path / "here" / f"{name}.py").write_text(FLOW)
    assert "completed" in cli.ok("pipeline", "run", "--quiet", f"{name}:flow")


def test_a_shared_log_has_no_folders_and_each_home_has_its_own(
    postgres, module, tmp_path, monkeypatch
):
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.chdir(tmp_path / "code")
    with postgres.lent() as url:
        monkeypatch.setenv("STACKFOLD_HOME", str(tmp_path / "adas"))
        with Workspace.open(store=url) as ws:
            ws.flavors.register(STORE, f"{module}.DatedStore")
            assert not any(str(tmp_path / "code") in repr(event) for event in ws.log.events())
        forget(module)
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("STACKFOLD_HOME", str(tmp_path / "bobs"))
        with Workspace.open(store=url) as ws:
            with pytest.raises(FlavorClassNotFound, match="register it again"):
                ws.flavors.implementation(STORE, "dated")
            monkeypatch.chdir(tmp_path / "code")
            assert ws.flavors.register(STORE, f"{module}.DatedStore").installed
            assert ws.flavors.implementation(STORE, "dated").flavor == "dated"


@pytest.mark.slow
def test_steps_in_other_processes_find_the_class(cli, registered, module, tmp_path):
    """A component travels there as a reference to its class."""
    main = "\nif __name__ == '__main__':\n    print(flow().load('one'))\n"
    (tmp_path / "here" / "flow.py").write_text(FLOW + main)
    cli.ok("orchestrator", "register", "apart", "--flavor", "local", "--isolation=process")
    cli.ok("stack", "update", "mine", "-o", "apart")
    (tmp_path / "elsewhere").mkdir()
    done = subprocess.run(
        [sys.executable, str(tmp_path / "here" / "flow.py")],
        cwd=tmp_path / "elsewhere",
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("1\n", 0), done.stderr


# -- what is in the current folder is neither imported nor taken for installed


@pytest.mark.slow
def test_modules_in_the_current_folder_do_not_shadow_libraries(cli, tmp_path):
    for module in ("typer", "orjson", "pydantic", "eventsourcing", "platformdirs"):
        (tmp_path / "here" / f"{module}.py").write_text("raise SystemExit('a trap')")
    done = subprocess.run(
        [sys.executable, "-m", "stackfold", "stack", "copy", "default", "mine"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "stack 'default' copied to 'mine', revision 1\n", done.stderr


def test_a_pip_folder_in_the_current_folder_is_not_executed():
    with Workspace.in_memory() as ws:
        command = ws.integrations.command(["s3"])
    assert command[:4] == [sys.executable, "-P", "-m", "pip"] or command[1:3] == ["pip", "install"]


def test_a_folder_with_the_name_of_a_package_is_not_that_package(tmp_path, monkeypatch):
    """W&B writes its runs to a folder `wandb` beside the script."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "of_that_name").mkdir()
    assert not importable("of_that_name")
    (tmp_path / "of_that_name" / "__init__.py").touch()
    assert importable("of_that_name")


def test_an_installed_namespace_is_a_package(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(
        "stackfold.infrastructure.system.environment._installed", lambda: frozenset([str(tmp_path)])
    )
    (tmp_path / "of_many_parts").mkdir()
    assert importable("of_many_parts")
