"""What the model deployers `kserve` and `seldon` read in the status of a resource."""

import pytest

from stackfold.infrastructure.flavors.kserve.model_deployer import KServeModelDeployer
from stackfold.infrastructure.flavors.seldon.model_deployer import SeldonModelDeployer

UNMET = {"type": "PredictorReady", "status": "False", "reason": "NoReplica", "message": "a\nb"}


def state(deployer, status):
    return deployer.kind.state({"metadata": {"name": "churn"}, "status": status})


@pytest.mark.parametrize("deployer", [KServeModelDeployer, SeldonModelDeployer])
def test_a_resource_without_a_status_is_neither_ready_nor_failed(deployer):
    assert deployer.kind.state({"metadata": {"name": "churn"}}) == (False, "", "", False)


@pytest.mark.parametrize("url", ["http://churn.example.com", "http://churn.example.com/"])
def test_kserve_is_ready_by_a_condition_and_the_path_of_predictions_is_added(url):
    ready = {"url": url, "conditions": [{"type": "Ready", "status": "True"}]}
    found = state(KServeModelDeployer, ready)
    assert found == (True, "http://churn.example.com/v2/models/churn/infer", "", False)


def test_kserve_names_the_condition_that_is_not_met():
    conditions = [{"type": "Ready", "status": "False", "reason": "NoReplica"}, UNMET]
    found = state(KServeModelDeployer, {"conditions": conditions})
    assert found == (False, "", "PredictorReady: NoReplica: a b", False)


@pytest.mark.parametrize("reported", ["BlockedByFailedLoad", "InvalidSpec"])
def test_kserve_reports_a_model_that_it_cannot_load(reported):
    failure = {"reason": "ModelLoadFailed", "message": "no such\nfile"}
    model = {"transitionStatus": reported, "lastFailureInfo": failure}
    found = state(KServeModelDeployer, {"modelStatus": model, "conditions": [UNMET]})
    assert found == (False, "", "no such file", True)


def test_seldon_is_ready_when_available_and_gives_the_address_of_predictions():
    url = "http://churn-default.models.svc.cluster.local:8000/v2/models/churn/infer"
    available = {"state": "Available", "address": {"url": url}}
    assert state(SeldonModelDeployer, available) == (True, url, "", False)


def test_seldon_describes_why_it_failed():
    found = state(SeldonModelDeployer, {"state": "Failed", "description": "no\nmodel"})
    assert found == (False, "", "no model", True)
    creating = state(SeldonModelDeployer, {"state": "Creating", "conditions": [UNMET]})
    assert creating == (False, "", "PredictorReady: NoReplica: a b", False)
