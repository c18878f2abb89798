"""Finds models by references, and describes them as releases of a deployment."""

from uuid import uuid4

from stackfold.application.artifacts.artifact_views import ArtifactQueries
from stackfold.application.deployments.deployment_views import DeploymentQueries
from stackfold.domain.deployments.release import WHOLE, Release, ServedVersion
from stackfold.domain.errors import NotFound
from stackfold.domain.runs.artifact import Artifact
from stackfold.domain.runs.pin import Pin
from stackfold.domain.stacks.component_type import ComponentType


def release_of(
    artifacts: ArtifactQueries, deployments: DeploymentQueries, reference: str, share: int = WHOLE
) -> Release:
    """A release of an artifact or of a version of a model, with a new id for its server.

    Args:
        artifacts: Finds the artifact.
        deployments: Finds the version of a model that it belongs to.
        reference: The artifact or version.
        share: Its share of the requests, in percent.

    Raises:
        NotFound: There is no such artifact or version.
    """
    named = artifacts.artifact(reference)
    view, recorded = artifacts.recorded(named.id)
    artifact = Artifact.model_validate(
        {field: getattr(view, field) for field in Artifact.model_fields}
    )
    store = Pin.model_validate(recorded).component(ComponentType.ARTIFACT_STORE)
    if store is None:
        raise NotFound("artifact", reference, "its run has no artifact store")
    version = deployments.version_of(named.id, view.run, reference)
    return Release(
        server=uuid4(),
        model=named.reference,
        artifact=artifact,
        store=store,
        version=ServedVersion.model_validate(version._asdict()) if version else None,
        share=share,
    )
