"""What steps reach from processes that Kubeflow starts, `kfp.local` here."""

import pytest
from kfp_api_server import KfpApiServer
from steps_on_engines import StepsOnEngineContract


class TestStepsOnKubeflow(StepsOnEngineContract):
    @pytest.fixture
    def engine(self, kfp, tmp_path):
        with KfpApiServer(tmp_path) as server:
            yield "kubeflow", {"kubeflow_hostname": server.url, "poll_interval": 0.2}
