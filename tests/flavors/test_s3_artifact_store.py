"""The artifact store `s3`, on a real server."""

import pytest
from bucket_contract import BucketContract


class TestS3ArtifactStore(BucketContract):
    @pytest.fixture
    def store(self, s3):
        return s3

    @pytest.fixture
    def client(self, s3_client):
        return s3_client
