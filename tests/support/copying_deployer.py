"""A model deployer that copies models into the home, and starts no server."""

from pathlib import Path

from plain_deployer import PlainDeployer

from stackfold.application.ports.model_deployer import Health, Served


class CopyingDeployer(PlainDeployer):
    """Its models are in the folder `copied`, each under the name of its deployment."""

    flavor = "copying"

    def deploy(self, model):
        folder = Path(self.home) / "copied"
        folder.mkdir(exist_ok=True)
        model.copy(folder / model.name)
        (folder / f"{model.name}.files").write_text(str(model.files))
        return Served({"address": "nowhere"}, "http://127.0.0.1:1")

    def health(self, deployed):
        return Health.READY

    def stop(self, deployed):
        """Do nothing: there is no server."""

    delete = stop
