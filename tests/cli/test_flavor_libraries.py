"""No command loads the library of a flavor, however many are installed; only runs do."""

import pytest
from command_line import in_a_process

from stackfold.infrastructure.system.integrations import MODULES
from stackfold.infrastructure.system.packages import BUILT_IN

LIBRARIES = {module for modules in MODULES.values() for module in modules}
LIBRARIES |= {module for entry in BUILT_IN for module in entry.modules}
TELL = "import atexit; atexit.register(lambda: print(*sys.modules, file=sys.stderr))"

COMPONENTS = [
    ("artifact-store", "s3", {"path": "s3://bucket"}),
    ("artifact-store", "gcs", {"path": "gs://bucket"}),
    ("artifact-store", "azure", {"path": "az://container", "account_name": "account"}),
    ("experiment-tracker", "mlflow", {"tracking_uri": "sqlite:///runs.db"}),
    ("experiment-tracker", "wandb", {"project": "p", "mode": "offline"}),
    ("model-registry", "mlflow", {"tracking_uri": "https://mlflow.example.com"}),
    ("model-deployer", "kserve", {}),
    ("orchestrator", "ray", {"address": "head.example.com:6379"}),
    ("step-operator", "ray", {"address": "head.example.com:6379"}),
    ("data-validator", "pandera", {}),
]


@pytest.fixture
def installed(tmp_path):
    """An environment in which every library of a flavor can be imported, and shows if it is."""
    folder = tmp_path / "libraries"
    folder.mkdir()
    for name in LIBRARIES:
        (folder / f"{name}.py").write_text("")
    return {"PYTHONPATH": str(folder)}


def loaded_by(*words, installed):
    answer = in_a_process(*words, before=TELL, environment=installed)
    return answer.code, set(answer.err.split()) & LIBRARIES


def registrations():
    """The commands that register components of many flavors, and a stack with some of them."""
    for command, flavor, configuration in COMPONENTS:
        values = [f"--{name.replace('_', '-')}={value}" for name, value in configuration.items()]
        yield [command, "register", f"{command}-{flavor}", "--flavor", flavor, *values]
    options = ["-o", "default", "-a", "artifact-store-azure"]
    options += ["--experiment-tracker", "experiment-tracker-mlflow"]
    yield ["stack", "register", "mine", *options, "--set"]


@pytest.fixture
def stack(cli):
    for words in registrations():
        cli.ok(*words)


@pytest.mark.slow
def test_registering_loads_no_library(cli, installed):
    cli.ok("stack", "list")
    for words in registrations():
        assert loaded_by(*words, installed=installed) == (0, set()), words


@pytest.mark.parametrize(
    "words",
    [
        ["stack", "list"],
        ["stack", "describe", "mine"],
        ["stack", "export-requirements"],
        ["artifact-store", "list"],
        ["artifact-store", "flavor", "list"],
        ["artifact-store", "flavor", "describe", "azure"],
        ["flavor", "list"],
        ["integration", "list"],
        ["status"],
        ["run", "list"],
        ["--help"],
    ],
    ids=" ".join,
)
def test_reading_loads_no_library(stack, installed, words):
    assert loaded_by(*words, installed=installed) == (0, set())


def test_checking_a_stack_loads_no_library(stack, installed):
    _, loaded = loaded_by("stack", "check", "mine", installed=installed)
    assert loaded == set()


def test_a_library_that_is_loaded_is_noticed(installed):
    program = f"{TELL}\nimport obstore"
    answer = in_a_process("version", before=program, environment=installed)
    assert "obstore" in answer.err.split()
