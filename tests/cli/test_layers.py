import ast
from pathlib import Path

import pytest

MODULES = sorted(Path(__file__).parents[2].joinpath("cli").glob("*.py"))
VIEWS = {
    f"stackfold.application.{name}"
    for name in (
        "artifacts.artifact_views",
        "artifacts.previews",
        "deployments.deployment_views",
        "history.views",
        "listing.listing",
        "log_records",
        "notices",
        "policies.views",
        "ports.image_views",
        "reactions.views",
        "models.registry_views",
        "models.views",
        "runs.last_states",
        "runs.progress",
        "runs.run_columns",
        "runs.run_diffs",
        "runs.run_columns",
        "runs.run_views",
        "runs.where",
        "schedules.views",
        "stacks.flavor_attributes",
        "stacks.views",
    )
}
ALLOWED = VIEWS | {
    "stackfold.application.log_records",
    "stackfold.infrastructure.workspace",
    # `stackfold ui` starts the server of the pages.
    "stackfold.web.server",
    # `stackfold report` renders a page as a file.
    "stackfold.web.report",
    # What users hand over, and what they get, is read and written in one way everywhere.
    "stackfold.infrastructure.files.input_file",
    "stackfold.infrastructure.files.output_file",
    "stackfold.infrastructure.files.stack",
    "stackfold.infrastructure.files.validation",
    "stackfold.infrastructure.files.value_file",
    "stackfold.infrastructure.files.yaml",
    "stackfold.domain.errors",
    "stackfold.domain.eventsourcing.topics",
    "stackfold.domain.stacks.component_type",
    "stackfold.domain.limits",
    "stackfold.domain.rfc3339",
}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_the_command_line_knows_the_workspace_its_views_and_its_errors_only(path):
    imported = {
        f"{node.module}.{alias.name}" if node.module == "stackfold.domain" else node.module
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module.startswith("stackfold.")
        for alias in node.names
    }
    beyond = {name for name in imported if not name.startswith("stackfold.cli")} - ALLOWED
    assert not beyond
