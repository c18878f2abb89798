"""What steps reach from a node of a real Ray cluster: components, artifacts, their own record."""

import pytest
from ray_stacks import SUPPORT
from steps_on_engines import StepsOnEngineContract


class TestStepsOnRay(StepsOnEngineContract):
    @pytest.fixture
    def engine(self, two_nodes):
        # The pipelines of the tests are found below this folder.
        return "ray", {"address": two_nodes.address, "working_dir": str(SUPPORT)}
