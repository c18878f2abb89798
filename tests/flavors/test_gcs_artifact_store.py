"""The artifact store `gcs`, on a server in the tests with Cloud Storage's XML API."""

import pytest
from bucket_contract import BucketContract


class TestGcsArtifactStore(BucketContract):
    @pytest.fixture
    def store(self, gcs):
        return gcs

    @pytest.fixture
    def client(self, gcs_client):
        return gcs_client
