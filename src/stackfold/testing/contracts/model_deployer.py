"""What every model deployer must do, wherever its servers run."""

import json
import pickle
from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import uuid4

import pytest

from stackfold.application.deployments.gateways import Listen, Route
from stackfold.application.ports.model_deployer import (
    Deployed,
    Health,
    ModelDeployer,
    ModelToServe,
)
from stackfold.application.ports.tensors import Tensor, tensors_of
from stackfold.domain.errors import DeploymentFailed, DeploymentUnavailable, PredictionRejected
from stackfold.infrastructure.gateway.gateways import ProcessGateways


class WeightedSum:
    """A model in pure Python: the sum of the columns of each row, times 1, 2, 3 and so on."""

    def predict(self, rows: Sequence[Sequence[float]]) -> list[float]:
        """Predict a number per row; rows must not be empty."""
        if not all(len(row) for row in rows):
            raise ValueError("a row is empty")
        return [sum(n * value for n, value in enumerate(row, 1)) for row in rows]


class Unloadable:
    """What cannot be loaded: a ValueError is raised."""

    def __reduce__(self) -> tuple[object, ...]:
        return int, ("this is no number",)


def model_to_serve(model: object, name: str = "sums") -> ModelToServe:
    """Describe a model as a deployer gets it; its artifact is a pickle.

    Args:
        model: The model.
        name: The name of the deployment.
    """
    data = pickle.dumps(model)

    def copy(path: Path) -> None:
        path.write_bytes(data)

    return ModelToServe(
        id=str(uuid4()),
        name=name,
        artifact="training/train/output@1",
        type=f"{type(model).__module__}.{type(model).__qualname__}",
        uri="file:///nowhere/model",
        digest="0" * 64,
        versions={},
        stack="default",
        stack_revision=1,
        load=lambda: pickle.loads(data),
        copy=copy,
    )


class ModelDeployerContract:
    """Derive a class whose name begins with `Test`, and override its fixtures.

    `deployer` is needed. By default a model in pure Python is served; a deployer that serves no
    such models overrides `model`, `inputs`, `expected` and `unloadable`. Tests for which
    `unloadable` is None are skipped.
    """

    @pytest.fixture
    def deployer(self) -> ModelDeployer:
        """A deployer that is ready."""
        raise NotImplementedError("override the fixture 'deployer'")

    @pytest.fixture
    def model(self) -> ModelToServe:
        """A model that the deployer can serve."""
        return model_to_serve(WeightedSum())

    @pytest.fixture
    def inputs(self) -> Sequence[Tensor]:
        """Inputs for the model."""
        return tensors_of([[1.0, 2.0], [3.0, 4.0]])

    @pytest.fixture
    def expected(self) -> Sequence[float]:
        """The data of the first output for these inputs."""
        return [5.0, 11.0]

    @pytest.fixture
    def invalid_inputs(self) -> Sequence[Tensor]:
        """Inputs from which the model cannot predict."""
        return [Tensor("input-0", "BYTES", [1, 2], ["a", "b"])]

    @pytest.fixture
    def unloadable(self) -> ModelToServe | None:
        """A model that cannot be loaded; None if there is none."""
        return model_to_serve(Unloadable(), "unloadable")

    @pytest.fixture
    def deployed(self, deployer: ModelDeployer, model: ModelToServe) -> Iterator[Deployed]:
        """The model, deployed; deleted after the test."""
        served = deployer.deploy(model)
        found = Deployed(model.id, model.name, served.reference)
        yield found
        deployer.delete(found)

    def test_it_predicts(
        self,
        deployer: ModelDeployer,
        deployed: Deployed,
        inputs: Sequence[Tensor],
        expected: Sequence[float],
    ) -> None:
        assert deployer.health(deployed) == Health.READY
        first, *_ = deployer.predict(deployed, inputs)
        assert [*first.data] == pytest.approx([*expected])

    def test_a_deployer_in_another_process_finds_the_server(
        self,
        deployer: ModelDeployer,
        deployed: Deployed,
        inputs: Sequence[Tensor],
        expected: Sequence[float],
    ) -> None:
        recorded = json.loads(json.dumps(dict(deployed.reference or {})))
        other = pickle.loads(pickle.dumps(deployer))
        first, *_ = other.predict(deployed._replace(reference=recorded), inputs)
        assert [*first.data] == pytest.approx([*expected])

    def test_a_server_whose_reference_was_not_recorded_is_found(
        self, deployer: ModelDeployer, deployed: Deployed
    ) -> None:
        """The command that deployed it was killed before it recorded the reference."""
        assert deployer.health(deployed._replace(reference=None)) == Health.READY
        deployer.delete(deployed._replace(reference=None))
        assert deployer.health(deployed) == Health.DOWN

    def test_its_address_is_one_of_http(self, deployer: ModelDeployer, model: ModelToServe) -> None:
        served = deployer.deploy(model)
        deployer.delete(Deployed(model.id, model.name, served.reference))
        assert served.url.startswith(("http://", "https://"))

    def test_inputs_that_it_cannot_predict_from_are_rejected(
        self, deployer: ModelDeployer, deployed: Deployed, invalid_inputs: Sequence[Tensor]
    ) -> None:
        with pytest.raises(PredictionRejected) as caught:
            deployer.predict(deployed, invalid_inputs)
        assert "\n" not in str(caught.value)
        assert deployer.health(deployed) == Health.READY

    def test_it_has_logs(self, deployer: ModelDeployer, deployed: Deployed) -> None:
        assert all(isinstance(part, str) for part in deployer.logs(deployed))

    def test_an_unknown_deployment_is_down_and_has_no_logs(self, deployer: ModelDeployer) -> None:
        unknown = Deployed(str(uuid4()), "unknown", None)
        assert deployer.health(unknown) == Health.DOWN
        assert [*deployer.logs(unknown)] == []
        deployer.stop(unknown)
        deployer.delete(unknown)

    def test_a_stopped_one_is_down_and_keeps_its_logs(
        self, deployer: ModelDeployer, deployed: Deployed, inputs: Sequence[Tensor]
    ) -> None:
        before = "".join(deployer.logs(deployed))
        for _ in range(2):
            deployer.stop(deployed)
            assert deployer.health(deployed) == Health.DOWN
        with pytest.raises(DeploymentUnavailable) as caught:
            deployer.predict(deployed, inputs)
        assert "\n" not in str(caught.value)
        if not deployer.on_cluster:  # which deletes the logs with the pods
            assert "".join(deployer.logs(deployed)).startswith(before)

    def test_a_deleted_one_leaves_nothing(
        self, deployer: ModelDeployer, deployed: Deployed
    ) -> None:
        for _ in range(2):
            deployer.delete(deployed)
            assert deployer.health(deployed) == Health.DOWN
            assert [*deployer.logs(deployed)] == []

    def test_a_stopped_one_is_started_again(
        self,
        deployer: ModelDeployer,
        deployed: Deployed,
        model: ModelToServe,
        inputs: Sequence[Tensor],
        expected: Sequence[float],
    ) -> None:
        deployer.stop(deployed)
        again = deployed._replace(reference=deployer.deploy(model).reference)
        first, *_ = deployer.predict(again, inputs)
        assert [*first.data] == pytest.approx([*expected])
        deployer.delete(again)

    def test_several_are_served_side_by_side(
        self,
        deployer: ModelDeployer,
        deployed: Deployed,
        model: ModelToServe,
        inputs: Sequence[Tensor],
    ) -> None:
        other = model._replace(id=str(uuid4()), name="others")
        served = deployer.deploy(other)
        beside = Deployed(other.id, other.name, served.reference)
        assert deployer.predict(beside, inputs)
        deployer.delete(beside)
        assert deployer.health(beside) == Health.DOWN
        assert deployer.health(deployed) == Health.READY

    def test_an_update_is_a_second_server_of_the_same_name(
        self,
        deployer: ModelDeployer,
        deployed: Deployed,
        model: ModelToServe,
        inputs: Sequence[Tensor],
        expected: Sequence[float],
    ) -> None:
        """While a deployment is updated, both servers answer; then the former one is deleted."""
        if deployer.on_cluster:
            pytest.skip("on a cluster, an update changes the model of the same server")
        new = model._replace(id=str(uuid4()), behind_gateway=True)
        beside = Deployed(new.id, new.name, deployer.deploy(new).reference)
        for each in (deployed, beside):
            first, *_ = deployer.predict(each, inputs)
            assert [*first.data] == pytest.approx([*expected])
        deployer.delete(deployed)
        assert deployer.health(deployed) == Health.DOWN
        assert deployer.health(beside) == Health.READY
        deployer.delete(beside)

    def test_an_update_on_a_cluster_changes_the_model_of_the_same_server(
        self,
        deployer: ModelDeployer,
        deployed: Deployed,
        model: ModelToServe,
        inputs: Sequence[Tensor],
        expected: Sequence[float],
    ) -> None:
        if not deployer.on_cluster:
            pytest.skip("not on a cluster, an update is a second server")
        updated = deployed._replace(reference=deployer.update(deployed, model, model).reference)
        first, *_ = deployer.predict(updated, inputs)
        assert [*first.data] == pytest.approx([*expected])
        assert deployer.health(updated) == Health.READY

    def test_predictions_pass_through_a_gateway(
        self,
        deployer: ModelDeployer,
        model: ModelToServe,
        inputs: Sequence[Tensor],
        expected: Sequence[float],
        tmp_path: Path,
    ) -> None:
        """For servers on this machine: the gateway answers as the server itself does."""
        if deployer.on_cluster:
            pytest.skip("no gateway passes requests on to a cluster")
        behind = model._replace(id=str(uuid4()), behind_gateway=True)
        served = deployer.deploy(behind)
        gateways = ProcessGateways(tmp_path)
        found = Deployed(behind.id, behind.name, served.reference)
        try:
            if not gateways.can_route(served.url):
                pytest.skip("its address is not one of HTTP on this machine, so it has no gateway")
            route = Route(behind.id, served.url, 100, "sums@1")
            gateway = gateways.open(behind.id, Listen(), None, [route])
            through = found._replace(gateway=gateways.address(gateway))
            first, *_ = deployer.predict(through, inputs)
            assert [*first.data] == pytest.approx([*expected])
            gateways.route(behind.id, [])
            with pytest.raises((DeploymentUnavailable, PredictionRejected)):
                deployer.predict(through, inputs)
        finally:
            gateways.close(behind.id)
            deployer.delete(found)

    def test_a_model_that_cannot_be_loaded_is_not_served(
        self, deployer: ModelDeployer, unloadable: ModelToServe | None
    ) -> None:
        if unloadable is None:
            pytest.skip("override the fixture 'unloadable' to test models that cannot be loaded")
        # Where `deploy` itself loads the model, the error may be that of the model.
        with pytest.raises((DeploymentFailed, ValueError)) as caught:
            deployer.deploy(unloadable)
        assert "\n" not in str(caught.value)
        left = Deployed(unloadable.id, unloadable.name, None)
        assert deployer.health(left) == Health.DOWN
        deployer.delete(left)
