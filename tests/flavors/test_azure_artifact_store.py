"""The artifact store `azure`, on Microsoft's emulator."""

import pytest
from bucket_contract import BucketContract


class TestAzureArtifactStore(BucketContract):
    @pytest.fixture
    def store(self, azure):
        return azure

    @pytest.fixture
    def client(self, azure_client):
        return azure_client
