"""What every model deployer must do whose servers are processes of this machine."""

import math
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path
from uuid import uuid4

import pytest
from model_servers import LOOPBACK, listening, members
from models_to_serve import (
    FLOWERS,
    Broken,
    Sleeping,
    Versatile,
    made,
    making,
)

import stackfold
from stackfold.application.ports.model_deployer import Deployed, Health
from stackfold.application.ports.tensors import Tensor, tensors_of
from stackfold.domain.errors import (
    ArtifactDamaged,
    DeploymentFailed,
    DeploymentUnavailable,
    PredictionRejected,
)
from stackfold.infrastructure.system import server_process

SECRET = "not-for-servers"
ROOT = Path(__file__).parents[2]
PLACES = [str(ROOT / each) for each in ("src", "tests", "tests/support")]


class LocalModelServersContract:
    """Derive, and provide the fixture `flavor`."""

    @pytest.fixture(scope="class")
    @classmethod
    def flavor(cls):
        """The class of the flavor."""
        raise NotImplementedError

    @pytest.fixture(scope="class")
    @classmethod
    def home(cls, tmp_path_factory):
        return tmp_path_factory.mktemp("home")

    @pytest.fixture(scope="class")
    @classmethod
    def deployer(cls, flavor, home):
        """Makes deployers; ends what they have left running."""
        made = []

        def configured(**configuration):
            made.append(flavor(flavor.Configuration(**configuration), home))
            return made[-1]

        yield configured
        for folder in (home / "deployments").glob("*"):
            flavor(flavor.Configuration(), home).delete(Deployed(folder.name, "any", None))

    @pytest.fixture(scope="class")
    @classmethod
    def model(cls, home):
        """One of scikit-learn's, that a pipeline has made."""
        return made(home)

    @pytest.fixture(scope="class")
    @classmethod
    def served(cls, deployer, model):
        """The model, deployed: for tests that only send requests."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("STACKFOLD_SECRET_ANY_KEY", SECRET)
            came = deployer().deploy(model)
        return Deployed(model.id, model.name, came.reference), came.url

    @pytest.fixture(scope="class")
    @classmethod
    def versatile(cls, deployer, home):
        """A deployment whose model behaves as its inputs say."""
        model = made(home, making(Versatile), name="Versatile_2.ä")
        came = deployer().deploy(model)
        return Deployed(model.id, model.name, came.reference)

    # -- predictions

    def test_it_predicts_what_the_model_predicts(self, deployer, model, served):
        deployed, _ = served
        (answer,) = deployer().predict(deployed, tensors_of(FLOWERS))
        assert answer.data == model.load().predict(FLOWERS).tolist() == [0, 1, 2]
        assert (answer.name, answer.datatype, [*answer.shape]) == ("predict", "INT64", [3])

    def test_invalid_inputs_are_explained(self, deployer, served):
        deployed, _ = served
        with pytest.raises(PredictionRejected, match="X has 3 features, but Log") as caught:
            deployer().predict(deployed, tensors_of([[5.1, 3.5, 1.4]]))
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize(
        "inputs",
        [
            pytest.param([], id="none"),
            pytest.param([Tensor("x", "FP64", [2, 4], [1.0] * 4)], id="of another shape"),
            pytest.param([Tensor("x", "FP64", [1, 4], ["a"] * 4)], id="of another type"),
            pytest.param([Tensor("x", "BYTES", [1, 4], ["a"] * 4)], id="texts"),
            pytest.param([Tensor("x", "FP64", [1, 4], [math.inf] * 4)], id="infinite"),
            pytest.param(
                [Tensor("x", "FP64", [2], [1.0] * 2), Tensor("y", "FP64", [1], [1.0])],
                id="columns of several lengths",
            ),
        ],
    )
    def test_inputs_that_it_cannot_predict_from_are_rejected(self, deployer, served, inputs):
        deployed, _ = served
        with pytest.raises(PredictionRejected) as caught:
            deployer().predict(deployed, inputs)
        assert "\n" not in str(caught.value)
        assert deployer().health(deployed) == Health.READY

    def test_a_user_defined_model_may_have_several_outputs(self, deployer, versatile):
        answers = deployer().predict(versatile, tensors_of([[1.5, 2.0], [3.0, 4.0]]))
        assert {each.name: (each.datatype, [*each.shape], [*each.data]) for each in answers} == {
            "twice": ("FP64", [2, 2], [3.0, 4.0, 6.0, 8.0]),
            "first": ("BYTES", [2], ["1.5", "3"]),
        }

    def test_several_inputs_are_the_columns_of_a_data_frame(self, deployer, versatile):
        (answer,) = deployer().predict(
            versatile,
            [
                Tensor("name", "BYTES", [2, 1], ["pear", "fig"]),
                Tensor("price", "FP64", [2, 1], [0.5, 2.0]),
                Tensor("amount", "INT64", [2, 1], [10, 3]),
            ],
        )
        assert answer.data == [9.0, 9.0]

    def test_an_error_of_the_model_is_one_line(self, deployer, versatile):
        with pytest.raises(PredictionRejected, match="the model is out of order"):
            deployer().predict(versatile, tensors_of([[0.0]]))

    def test_nan_is_returned_and_infinity_is_rejected(self, deployer, versatile):
        (answer,) = deployer().predict(versatile, tensors_of([[1.0]]))
        assert answer.data[0] == 1.0
        assert math.isnan(answer.data[1])
        with pytest.raises(PredictionRejected, match="infinity"):
            deployer().predict(versatile, tensors_of([[2.0]]))

    def test_a_prediction_that_takes_too_long_is_waited_for_no_longer(self, deployer, versatile):
        with pytest.raises(DeploymentUnavailable, match=r"did not answer in 0\.5 seconds"):
            deployer(timeout=0.5).predict(versatile, tensors_of([[3.0]]))

    # -- how it is

    def test_it_is_ready_for_whoever_looks(self, deployer, served):
        deployed, url = served
        assert deployer().health(deployed) == Health.READY
        assert deployer().health(deployed._replace(reference=None)) == Health.READY
        assert url.startswith(f"http://127.0.0.1:{deployed.reference['port']}/")

    def test_it_listens_on_loopback_only(self, served):
        deployed, _ = served
        places = listening(members(deployed))
        assert places
        assert {place.rpartition(":")[0] for place in places} <= {*LOOPBACK}
        assert f"{deployed.reference['port']:04X}" in {p.rpartition(":")[2] for p in places}

    def test_one_that_another_machine_serves_is_elsewhere(self, deployer, served):
        deployed, _ = served
        there = deployed._replace(reference={**deployed.reference, "host": "another.example.com"})
        assert deployer().health(there) == Health.ELSEWHERE
        for verb in (
            lambda: deployer().predict(there, tensors_of(FLOWERS)),
            lambda: [*deployer().logs(there)],
            lambda: deployer().stop(there),
            lambda: deployer().delete(there),
        ):
            with pytest.raises(DeploymentUnavailable, match=r"'another\.example\.com'"):
                verb()
        assert deployer().health(deployed) == Health.READY

    def test_it_has_logs(self, deployer, served):
        deployed, _ = served
        assert str(deployed.reference["port"]) in "".join(deployer().logs(deployed))

    def test_one_that_is_not_known_has_none(self, deployer):
        assert [*deployer().logs(Deployed(str(uuid4()), "any", None))] == []

    def test_its_files_are_private_and_contain_no_secret(self, home, served):
        deployed, _ = served
        folder = home / "deployments" / deployed.id
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        for path in folder.rglob("*"):
            if path.is_file() and not path.is_symlink():
                assert SECRET.encode() not in path.read_bytes()
        for pid in members(deployed):
            assert SECRET.encode() not in Path(f"/proc/{pid}/environ").read_bytes()

    # -- beginning and ending

    def test_several_are_served_side_by_side_and_end_one_by_one(self, deployer, model, served):
        first, _ = served
        again = model._replace(id=str(uuid4()), name="again")
        second = Deployed(again.id, again.name, deployer().deploy(again).reference)
        for deployed in (first, second):
            (answer,) = deployer().predict(deployed, tensors_of(FLOWERS))
            assert answer.data == [0, 1, 2]

        deployer().stop(second)
        assert members(second) == set()
        with socket.socket() as free:
            free.bind(("127.0.0.1", second.reference["port"]))
        assert deployer().health(second) == Health.DOWN
        assert deployer().health(first) == Health.READY
        with pytest.raises(DeploymentUnavailable, match="nothing answers"):
            deployer().predict(second, tensors_of(FLOWERS))
        deployer().stop(second)
        assert "".join(deployer().logs(second))

        third = second._replace(reference=deployer().deploy(again).reference)
        assert deployer().health(second) == Health.DOWN
        assert deployer().health(third) == Health.READY

        deployer().delete(third)
        assert members(third) == set()
        assert [*deployer().logs(third)] == []
        deployer().delete(third)
        assert Path(stackfold.__file__).exists()

    def test_it_outlives_whoever_deployed_it_and_is_seen_to_be_down_when_it_is_killed(
        self, deployer, flavor, home, model
    ):
        program = """
import sys
sys.path[:0] = sys.argv[1:]
from contracts.local_model_servers import in_another_process
in_another_process(*sys.stdin.read().split())
"""
        done = subprocess.run(
            [sys.executable, "-c", program, *PLACES],
            input=f"{flavor.__module__}.{flavor.__name__} {home}",
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        id, name = done.stdout.split()
        # It was told to that process only: what it has noted must do.
        unknown = Deployed(id, name, None)
        assert deployer().health(unknown) == Health.READY
        found = deployer()._noted_server(id)
        (answer,) = deployer().predict(unknown, tensors_of(FLOWERS))
        assert answer.data == [0, 1, 2]

        deployed = unknown._replace(reference=found.reference())
        os.killpg(found.process.pid, signal.SIGKILL)
        while members(deployed):
            time.sleep(0.01)
        assert deployer().health(deployed) == Health.DOWN
        told = (
            f"its process {found.process.pid} ended by itself or was killed. The last line of its"
        )
        assert deployer().why_down(deployed).startswith(told)
        with pytest.raises(DeploymentUnavailable, match="nothing answers"):
            deployer().predict(deployed, tensors_of(FLOWERS))
        deployer().delete(deployed)

    def test_it_listens_at_its_host_and_is_down_when_it_hangs(self, deployer, model, monkeypatch):
        elsewhere = model._replace(id=str(uuid4()), name="elsewhere")
        there = deployer(host="127.0.0.2")
        came = there.deploy(elsewhere)
        deployed = Deployed(elsewhere.id, elsewhere.name, came.reference)
        assert came.url.startswith(f"http://127.0.0.2:{came.reference['port']}/")
        places = {place.rpartition(":")[0][-8:] for place in listening(members(deployed))}
        assert places == {"0200007F"}
        (answer,) = there.predict(deployed, tensors_of(FLOWERS))
        assert answer.data == [0, 1, 2]

        for pid in members(deployed):
            os.kill(pid, signal.SIGSTOP)
        assert there.health(deployed) == Health.DOWN
        assert "is alive, but does not say that it is ready" in there.why_down(deployed)
        monkeypatch.setattr(server_process.end, "__defaults__", (0.2,))
        there.delete(deployed)
        assert members(deployed) == set()

    # -- what does not come to be served

    def test_a_model_that_cannot_be_loaded_fails_with_one_line(self, deployer, home):
        model = made(home, making(Broken), name="broken")
        with pytest.raises(DeploymentFailed) as caught:
            deployer().deploy(model)
        said = "the model cannot be loaded: ValueError: invalid literal for int() with base 10: "
        assert said in str(caught.value)
        assert "\n" not in str(caught.value)
        self._left_nothing_but_logs(deployer, home, model, said)

    def test_one_that_cannot_predict_fails_with_one_line(self, deployer, home):
        model = made(home, making(dict), name="dictionary")
        with pytest.raises(DeploymentFailed, match="is a dict, which has no method predict"):
            deployer().deploy(model)
        self._left_nothing_but_logs(deployer, home, model, "has no method predict")

    def test_one_that_never_becomes_ready_fails_in_time(self, deployer, home):
        model = made(home, making(Sleeping), name="sleeping")
        began = time.monotonic()
        with pytest.raises(DeploymentFailed, match="not ready in 3 seconds") as caught:
            deployer(ready_timeout=3).deploy(model)
        assert time.monotonic() - began >= 3
        assert "\n" not in str(caught.value)
        self._left_nothing_but_logs(deployer, home, model, "")

    def _left_nothing_but_logs(self, deployer, home, model, said):
        deployed = Deployed(model.id, model.name, None)
        noted = deployer()._noted_server(model.id)
        assert members(deployed._replace(reference=noted.reference())) == set()
        assert deployer().health(deployed) == Health.DOWN
        assert said in "".join(deployer().logs(deployed))
        deployer().delete(deployed)
        assert not (home / "deployments" / model.id).exists()

    def test_a_damaged_artifact_is_not_served(self, deployer, model, monkeypatch):
        def copy(path):
            raise ArtifactDamaged(model.uri, "is damaged")

        damaged = model._replace(id=str(uuid4()), copy=copy)
        with pytest.raises(ArtifactDamaged):
            deployer().deploy(damaged)
        assert deployer().health(Deployed(damaged.id, damaged.name, None)) == Health.DOWN

    def test_a_port_in_use_is_reported_before_anything_is_started(self, deployer, model):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            with pytest.raises(DeploymentFailed, match=f"127.0.0.1:{port} cannot be listened on"):
                deployer(port=port).deploy(model._replace(id=str(uuid4())))

    def test_a_port_that_is_taken_in_between_is_given_up_for_another(self, flavor, home, model):
        deployer = flavor(flavor.Configuration(), home)
        choose, given = deployer._ports, []
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()

            def ports(model):
                given.append(choose(model))
                if len(given) == 1:
                    given[0][0] = given[0][0]._replace(port=taken.getsockname()[1])
                return given[-1]

            deployer._ports = ports
            found = model._replace(id=str(uuid4()), name="moving")
            came = deployer.deploy(found)
        assert len(given) == 2
        deployed = Deployed(found.id, found.name, came.reference)
        (answer,) = deployer.predict(deployed, tensors_of(FLOWERS))
        assert answer.data == [0, 1, 2]
        deployer.delete(deployed)

    def test_an_interpreter_without_the_server_is_reported(self, deployer, model, tmp_path):
        bare = tmp_path / "bare"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(bare)], check=True)
        elsewhere = deployer(python=str(bare / "bin" / "python"))
        assert elsewhere.has_own_environment
        assert not deployer().has_own_environment
        with pytest.raises(DeploymentFailed, match=r"bare/bin/python cannot import \w+: No module"):
            elsewhere.deploy(model._replace(id=str(uuid4())))
        with pytest.raises(DeploymentFailed, match="there is no program nosuch: correct python"):
            deployer(python="nosuch").deploy(model._replace(id=str(uuid4())))


def in_another_process(flavor, home):
    """Deploy a model, and leave."""
    from importlib import import_module

    module, _, name = flavor.rpartition(".")
    found = getattr(import_module(module), name)
    model = made(Path(home), name="orphan")
    found(found.Configuration(), Path(home)).deploy(model)
    print(model.id, model.name)
