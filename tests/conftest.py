"""Fixtures and settings of all tests."""

import gc
import os
import signal
import sys

import pytest
from hypothesis import HealthCheck, settings

# Shared assertions explain themselves like those in tests.
pytest.register_assert_rewrite(
    "contracts",
    "exact_values",
    "replay_log",
    "round_trip",
    "runnable",
    "steps_on_engines",
    "documents",
    "history",
)

# A busy machine must not fail a property.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

pytest_plugins = ["postgres_server"]

# No test uses the keyring of the user, nor one that another test defines: defining the
# class of a keyring is enough for the package keyring to take it for the system's.
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"

# Processes in the background ignore Ctrl-C, which some tests send.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish():
    # The tests live as long as their process: no collection of garbage needs to visit them.
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    if config.getoption("dist") != "loadfile":
        return None
    from distribution import ByFileButDocuments

    return ByFileButDocuments(config, log)


ON_EVERY_DATABASE = {
    "test_acting",
    "test_aliases",
    "test_artifact_references",
    "test_annotations",
    "test_artifact_diffs",
    "test_changes",
    "test_artifact_handles",
    "test_artifacts",
    "test_artifacts_in_place",
    "test_conversions",
    "test_deployment_queries",
    "test_deployment_updates",
    "test_diffs",
    "test_exact_parameters",
    "test_external_artifacts",
    "test_given_values",
    "test_exchange",
    "test_expectations",
    "test_history",
    "test_limits",
    "test_log",
    "test_log_filters",
    "test_log_copies",
    "test_lookup",
    "test_model_versions",
    "test_models",
    "test_own_names",
    "test_model_registries",
    "test_as_of",
    "test_pruning",
    "test_reaction_workers",
    "test_reactions",
    "test_read_models",
    "test_rebuild",
    "test_reruns",
    "test_restores",
    "test_returned_outputs",
    "test_reverts",
    "test_run_diffs",
    "test_run_filters",
    "test_run_queries",
    "test_run_metrics",
    "test_run_references",
    "test_schedules",
    "test_stacks",
    "test_step_annotations",
    "test_stored_previews",
    "test_subscriptions",
    "test_undo",
}
"""The modules whose tests of a workspace are run on each database that supports logs."""


def pytest_generate_tests(metafunc):
    if "ws" in metafunc.fixturenames and metafunc.definition.path.stem in ON_EVERY_DATABASE:
        metafunc.parametrize("ws", ["in memory", "in PostgreSQL"], indirect=True)


@pytest.fixture
def ws(request):
    """A workspace after its first use, in memory or as the test is parametrized."""
    from stackfold.infrastructure.workspace import Workspace

    if getattr(request, "param", "in memory") == "in memory":
        opened = Workspace.in_memory()
    else:
        opened = request.getfixturevalue("postgres").workspace()
    with opened as workspace:
        yield workspace


@pytest.fixture(autouse=True)
def author_of_this_test():
    """A process asks for its author once; each test has its own environment."""
    from stackfold.infrastructure.system.author import author

    author.cache_clear()


@pytest.fixture(autouse=True)
def no_program_of_a_test_stays_imported(tmp_path_factory):
    """Two tests may write a program of the same name, with different pipelines."""
    yield
    folder = str(tmp_path_factory.getbasetemp())
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(folder):
            del sys.modules[name]
