"""Deployments, now and at any position, on every database."""

import pytest
from history.homes import SERVED, append, deployment, summaries
from replay import assert_consistent
from workspaces import names

from stackfold.application.listing.listing import Condition, Listing
from stackfold.domain.deployments.deployment import Deployment
from stackfold.domain.errors import Ambiguous, InvalidListing, NameTaken, NotFound


@pytest.fixture
def queries(ws):
    """Of a deployment that failed at first, and was started then; positions 6 to 9."""
    append(ws, *deployment())
    return ws._services.deployment_queries


def command(ws, *commands):
    for each in commands:
        ws._services.repository.change(Deployment, SERVED, each)


def another(ws, **changed):
    """A second deployment that is being started."""
    ws._services.repository.attempt(lambda: [Deployment.register(**{**facts(), **changed})])


def facts():
    registered = deployment()[0]
    fields = ("name", "model", "artifact", "store", "stack_id", "stack", "stack_revision",
              "deployer")  # fmt: skip
    return {field: getattr(registered, field) for field in fields}


def test_a_deployment_is_described(ws, queries):
    (view,) = queries.deployments()
    assert view == queries.deployment("churn") == queries.deployment(str(SERVED)[:30])
    assert (view.name, view.status, view.revision) == ("churn", "started", 4)
    assert (view.model, view.stack, view.stack_revision) == ("training/train/model@3", "prod", 3)
    assert (view.deployer, view.flavor) == ("größe", "pager")
    assert view.url.startswith("http://127.0.0.1:8000/")
    assert_consistent(ws)


def test_a_deployment_has_the_reference_of_its_server(queries):
    whole = queries.describe_deployment("churn")
    assert whole.reference == {"pid": 4711, "began": 1.5, "more": [None, "größe"]}
    assert (whole.type, whole.size, whole.digest) == ("builtins.dict", 12, "0" * 64)
    assert (whole.store, whole.deployer_revision) == ("shared", 1)
    assert whole.configuration["text"] == 'quotes " and \\ and \u2028 and \x7f'
    assert whole.problem == ""


def test_a_deployment_is_described_as_of_a_position(ws, queries):
    command(ws, Deployment.stop, Deployment.delete)
    end = ws.log.head().position
    began = end - 5
    statuses = [queries.deployment("churn", began + n).status for n in range(5)]
    assert statuses == ["unfinished", "failed", "unfinished", "started", "stopped"]
    assert "it ended" in queries.describe_deployment("churn", began + 1).problem
    assert queries.describe_deployment("churn", began + 2).problem == ""
    assert names(queries.deployments(as_of=began - 1)) == []
    assert names(queries.deployments()) == []
    with pytest.raises(NotFound, match="there is no deployment 'churn': none is registered yet"):
        queries.deployment("churn")
    assert_consistent(ws)


def test_the_name_of_a_deleted_deployment_is_free(ws, queries):
    with pytest.raises(NameTaken, match="a deployment named 'churn' exists already"):
        another(ws)
    command(ws, Deployment.delete)
    another(ws)
    assert queries.deployment("churn").status == "unfinished"
    assert_consistent(ws)


def test_deployments_are_filtered_and_sorted(ws, queries):
    another(ws, name="zeta", stack_revision=12)
    another(ws, name="alpha", stack="test")

    def listed(column, operator, value, **order):
        where = (Condition(column, operator, value),)
        return names(queries.deployments(Listing(where=where, **order)))

    assert names(queries.deployments()) == ["alpha", "churn", "zeta"]
    assert listed("stack", "equals", "prod") == ["churn", "zeta"]
    assert listed("stack_revision", "equals", "12") == ["zeta"]
    assert listed("status", "oneof", "unfinished,failed", descending=True) == ["zeta", "alpha"]
    assert listed("model", "contains", "train/model", size=1, page=2) == ["churn"]
    with pytest.raises(InvalidListing):
        listed("colour", "equals", "red")


def test_an_ambiguous_prefix_is_rejected(ws, queries):
    another(ws, name="churn-2")
    assert queries.find_deployment("churn").id == str(SERVED)
    with pytest.raises(Ambiguous, match="'chur' fits more than one deployment: churn, churn-2"):
        queries.find_deployment("chur")


def test_existing_and_deleted_deployments_have_a_history(ws, queries):
    command(ws, Deployment.stop, Deployment.delete)
    assert summaries(ws.deployments.history("churn", 3)) == [
        "deployment churn deleted",
        "deployment churn stopped",
        "deployment churn started",
    ]
    with pytest.raises(NotFound, match="there never was one"):
        ws.deployments.history("never")


def test_the_read_models_are_rebuilt(ws, queries):
    command(ws, Deployment.stop)
    before = queries.describe_deployment("churn")
    assert ws.log.rebuild() == ws.log.head().position
    assert queries.describe_deployment("churn") == before
    assert ws.log.verify().intact
