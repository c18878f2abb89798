"""The flavors of Acme's stacks."""

import shutil
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
from pydantic import Field, HttpUrl

from stackfold import flavors
from stackfold.errors import AlerterUnavailable, ArtifactStoreUnavailable
from stackfold.flavors import Alert, Alerter, ArtifactWriter, LocalArtifactStore, Secret


class AcmeArtifactStore(LocalArtifactStore):
    """Stores artifacts in a folder of a disk that is never filled up."""

    flavor = "acme"

    class Configuration(LocalArtifactStore.Configuration):
        """Checked when a component is registered or updated."""

        free: int = Field(default=2**30, ge=0, description="Bytes of the disk that stay free.")

    configuration: Configuration

    def create(self) -> AbstractContextManager[ArtifactWriter]:
        folder = Path(self.configuration.path)
        nearest = next(each for each in (folder, *folder.parents) if each.exists())
        if shutil.disk_usage(nearest).free < self.configuration.free:
            raise ArtifactStoreUnavailable(str(folder), "the disk is nearly full: prune artifacts")
        return super().create()


class AcmeAlerter(Alerter):
    """Posts messages to a channel of Acme's chat."""

    flavor = "acme"

    class Configuration(flavors.Configuration):
        """Checked when a component is registered or updated."""

        server: HttpUrl = Field(description="The address of the chat.")
        channel: str = Field(min_length=1, description="The channel for messages.")
        token: Secret = Field(description="The token of the bot, as a reference.")

    configuration: Configuration

    def send(self, alert: Alert) -> None:
        """Post a message; `post` calls it, and steps and hooks call `post`."""
        self._request("POST", {"text": alert.plain})

    def check_connection(self) -> None:
        self._request("HEAD")

    def _request(self, method: str, content: object = None) -> None:
        # The value of the secret is looked up when it is needed; the log never contains it.
        headers = {"Authorization": f"Bearer {self.secret(self.configuration.token)}"}
        address = f"{self.configuration.server}channels/{self.configuration.channel}"
        try:
            httpx.request(
                method, address, headers=headers, json=content, timeout=10
            ).raise_for_status()
        except httpx.HTTPError as error:
            raise AlerterUnavailable(address, str(error)) from error
