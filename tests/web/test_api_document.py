"""The OpenAPI document: it is valid, and every answer of every operation is as it says."""

import copy
import json
import re
from pathlib import Path
from urllib.parse import quote

import pytest
from browsing import app_of, get
from full_log import MODEL, end, fill
from jsonschema import Draft202012Validator
from policies import reasons
from vector_stores import VectorStore

from stackfold import Workspace
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.web.api.application import OPERATIONS
from stackfold.web.api.openapi import document

# As the OpenAPI Initiative publishes it, under Apache-2.0:
# https://spec.openapis.org/oas/3.1/schema/2022-10-07
META = Path(__file__).with_name("openapi-3.1.schema.json")

NAME = MODEL.partition("@")[0]
REQUESTS = {
    "get_status": ["/status", "/status?as_of=1"],
    "get_actor": ["/whoami"],
    "list_stacks": [
        "/stacks",
        "/stacks?limit=1",
        "/stacks?label=tier=c",
        "/stacks?sort=-name&as_of=%233",
    ],
    "get_active_stack": ["/active-stack"],
    "get_stack": ["/stacks/prod"],
    "get_composition": ["/stacks/prod/components"],
    "get_stack_history": ["/stacks/trial/history", "/stacks/prod/history?limit=2"],
    "diff_stacks": ["/stacks/prod/diff", "/stacks/prod/diff?other=default"],
    "check_stack": ["/stacks/prod/violations", "/stacks/gone/violations"],
    "get_requirements": ["/stacks/prod/requirements"],
    "export_stack": ["/stacks/prod/document"],
    "list_component_types": ["/component-types"],
    "list_components": ["/components", "/components?type=artifact_store&limit=1"],
    "get_component": ["/components/artifact_store/lake"],
    "get_component_history": ["/components/artifact_store/lake/history"],
    "list_flavors": ["/flavors", "/flavors?type=model_deployer"],
    "get_flavor": ["/flavors/model_deployer/plain", "/flavors/artifact_store/s3"],
    "list_runs": ["/runs", "/runs?limit=1", "/runs?status=failed&tag=best"],
    "list_pipelines": ["/pipelines?limit=1"],
    "get_run": [
        "/runs/failed",
        "/runs/training",
        "/runs/training~1",
        "/runs/training~3",
        "/runs/retrying",
        "/runs/isolating",
        "/runs/reusing",
    ],
    "get_run_logs": ["/runs/training~3/logs", "/runs/training~3/logs?step=load"],
    "diff_runs": ["/runs/training~3/diff?other=failed"],
    "get_run_metrics": ["/runs/training~3/metrics"],
    "get_run_artifacts": [
        "/runs/training~3/artifacts",
        "/runs/retrying/artifacts",
    ],
    "explain_cache": ["/runs/training~2/cache", "/runs/failed/cache"],
    "get_previous_run": ["/runs/training/previous?status=completed"],
    "get_course": ["/metrics/auc", "/metrics/auc?pipeline=training&stack=prod"],
    "list_artifacts": ["/artifacts", "/artifacts?latest=true", "/artifacts?limit=1"],
    "get_artifact": [
        f"/artifacts/{NAME}?version=1",
        "/artifacts/retrying/retry/output",
        "/artifacts/isolating/isolate/output",
    ],
    "list_versions": [f"/artifacts/{NAME}/versions?limit=1"],
    "get_named_artifact": ["/artifacts/weights?version=1", "/artifacts/program"],
    "list_named_versions": ["/artifacts/weights/versions"],
    "get_named_lineage": ["/artifacts/weights/lineage"],
    "get_lineage": [f"/artifacts/{NAME}/lineage?version=1"],
    "list_named_aliases": ["/artifacts/weights/aliases"],
    "get_named_history": ["/artifacts/weights/history"],
    "list_aliases": [f"/artifacts/{NAME}/aliases"],
    "get_artifact_history": [f"/artifacts/{NAME}/history"],
    "list_models": ["/models", "/models?limit=1", "/models?tag=team:risk"],
    "get_model": ["/models/fraud"],
    "get_model_history": ["/models/fraud/history", "/models/fraud/history?alias=production"],
    "diff_model": ["/models/fraud/diff", "/models/fraud/diff?revision=1"],
    "list_verdicts": ["/models/fraud/verdicts", "/models/fraud/verdicts?version=1"],
    "list_model_versions": ["/models/fraud/versions?limit=1", "/models/fraud/versions?all=true"],
    "get_model_version": ["/models/fraud/versions/production", "/models/fraud/versions/1"],
    "compare_versions": ["/models/fraud/comparison?version=1&version=2"],
    "list_schedules": ["/schedules", "/schedules?limit=1", "/schedules?as_of=%233"],
    "get_schedule": [
        *("/schedules/nightly", "/schedules/often", "/schedules/once", "/schedules/promoted"),
    ],
    "get_schedule_history": ["/schedules/nightly/history"],
    "list_deployments": ["/deployments", "/deployments?limit=1"],
    "get_deployment": [
        "/deployments/churn",
        "/deployments/churn?contact=true",
        "/deployments/lost",
        "/deployments/fraud-api",
    ],
    "get_deployment_history": ["/deployments/churn/history"],
    "get_deployment_logs": ["/deployments/churn/logs"],
    "get_head": ["/log/head"],
    "list_entries": ["/log?limit=2", "/log?limit=500", "/log?kind=run&grep=script"],
    "list_events": ["/log/events?limit=2", "/log/events?after=3"],
    "list_policies": ["/policies"],
    "get_policy": ["/policies/reasons"],
    "get_policy_history": ["/policies/reasons/history"],
    "list_reactions": ["/reactions"],
    "list_failures": ["/reactions/announce/failures"],
}
"""Operation → the addresses that are asked for."""

EMPTY = {
    # They need an installed package, a project, or an engine.
    "ComponentTypeView.package",
    "HistoryEntry.package",
    "PolicyView.package",
    "PolicyView.version",
    "Promotion.deployments",
    "RunDescription.submitted",
    "StatusView.project",
}
"""The fields that have no value in this log."""

DOCUMENT = document(OPERATIONS)


@pytest.fixture(scope="module", params=["SQLite", "PostgreSQL"])
def ws(request, tmp_path_factory):
    home = str(tmp_path_factory.mktemp("home"))
    options = {
        "actor": "eve@example.com",
        "policies": [reasons],
        "component_types": [
            ComponentType("vector_store", port=VectorStore, description="Finds similar texts.")
        ],
    }
    if request.param == "SQLite":
        with Workspace.open(home, **options) as workspace:
            yield fill(workspace)
            end(workspace)
        return
    with (
        request.getfixturevalue("postgres").lent() as url,
        Workspace.open(home, url, **options) as workspace,
    ):
        yield fill(workspace)
        end(workspace)


def strict(described):
    """The document, with objects that have no other fields than those it names."""
    described = copy.deepcopy(described)
    for schema in described["components"]["schemas"].values():
        schema["additionalProperties"] = False
    return described


def validator(schema):
    return Draft202012Validator({**strict(DOCUMENT), **schema})


def test_the_document_is_a_valid_openapi_document():
    schema = json.loads(META.read_text())
    Draft202012Validator(schema).validate(json.loads(json.dumps(DOCUMENT)))


def test_every_schema_is_a_valid_json_schema():
    for schema in DOCUMENT["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    references = re.findall(r'"#/components/schemas/(\w+)"', json.dumps(DOCUMENT))
    assert {*references} == {*DOCUMENT["components"]["schemas"]}


def test_everything_is_described():
    for each in OPERATIONS:
        assert each.summary
        assert all(parameter.description for parameter in each.parameters)
    ids = [each.id for each in OPERATIONS]
    assert len({*ids}) == len(ids)


@pytest.mark.slow
def test_every_answer_is_as_the_document_says_and_every_field_has_a_value(ws):
    app = app_of(ws)
    assert {*REQUESTS} == {each.id for each in OPERATIONS}
    seen = set()
    for each in OPERATIONS:
        described = DOCUMENT["paths"][each.path]["get"]["responses"]["200"]["content"]
        for url in REQUESTS[each.id]:
            answer = get(app, f"/api/v1{url}")
            assert answer.status_code == 200, (url, answer.text)
            media_type, _, _ = answer.headers["content-type"].partition(";")
            schema = described[media_type]["schema"]
            content = answer.json() if media_type == "application/json" else answer.text
            validator(schema).validate(content)
            seen |= {*filled(schema, content)}
    declared = {
        (name, field)
        for name, schema in DOCUMENT["components"]["schemas"].items()
        for field in schema["properties"]
        if name != "Problem"
    }
    empty = {f"{name}.{field}" for name, field in declared - seen}
    of_servers = set() if ws.store else {"HistoryEntry.database_role", "StatusView.store"}
    assert empty == EMPTY | of_servers


def filled(schema, content):
    """The fields of views that have a value other than null or an empty one."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        schema = DOCUMENT["components"]["schemas"][name]
        for field, value in content.items():
            if value not in (None, "", [], {}):
                yield name, field
            yield from filled(schema["properties"][field], value)
    elif "anyOf" in schema and content is not None:
        for each in schema["anyOf"]:
            if "$ref" in each:
                yield from filled(each, content)
    elif isinstance(content, list) and "items" in schema:
        for each in content:
            yield from filled(schema["items"], each)


@pytest.mark.parametrize(
    "url", ["/stacks/nothing", "/stacks?limit=0", "/log?as_of=999999", "/nothing", "/runs/a/b/c"]
)
def test_every_error_is_as_the_document_says(ws, url):
    answer = get(app_of(ws), f"/api/v1{quote(url, safe='/?=&')}")
    assert str(answer.status_code) in DOCUMENT["paths"]["/stacks"]["get"]["responses"]
    validator({"$ref": "#/components/schemas/Problem"}).validate(answer.json())
