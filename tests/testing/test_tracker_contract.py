"""The contract of experiment trackers, on a tracker that writes files."""

import pytest
from file_tracker import Files

from stackfold import ComponentType
from stackfold.testing import ExperimentTrackerContract

pytestmark = pytest.mark.slow


class TestFileTracker(ExperimentTrackerContract):
    def prepare(self, workspace):
        workspace.flavors.register(ComponentType.EXPERIMENT_TRACKER, "file_tracker.FileTracker")

    @pytest.fixture
    def tool(self, tmp_path):
        return Files(tmp_path / "files")
