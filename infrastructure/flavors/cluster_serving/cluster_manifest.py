"""The common parts of the manifests of model servers.

An artifact is one object whose name is its digest. The ready-made servers of KServe and Seldon
expect a folder with certain file names, so the container runs `stackfold.serve` instead.
"""

import re
import warnings
from collections.abc import Mapping
from typing import Any

from stackfold.application.ports.model_deployer import ModelToServe
from stackfold.domain.canonical_json import canonical_json
from stackfold.domain.errors import NoManifest, WouldNotRun
from stackfold.infrastructure.flavors.model_serving.server_settings import ClusterSettings
from stackfold.infrastructure.system.loopback import is_loopback

DEPLOYMENT_ID = "stackfold/deployment-id"
"""The label of a resource with the id of its deployment."""
MANAGED_BY = {"app.kubernetes.io/managed-by": "stackfold"}
_MAX_NAME = 50
"""Characters of a name: Kubernetes allows 63, and controllers append suffixes."""


def cluster_name(deployer: str, name: str) -> str:
    """Convert a deployment's name to one that Kubernetes allows: a to z, digits and hyphens.

    Raises:
        NoManifest: It would not begin with a letter.
    """
    result = re.sub(r"[^a-z0-9]+", "-", name.lower())[:_MAX_NAME].strip("-")
    if not result[:1].isalpha():
        problem = f"{name!r} is no name for a cluster: begin it with a letter from a to z"
        raise NoManifest(deployer, problem)
    return result


def metadata(settings: ClusterSettings, name: str, model: ModelToServe) -> dict[str, Any]:
    """The metadata of a manifest: name, namespace, and the origin of the model."""
    annotations = {
        "stackfold/deployment": model.name,
        "stackfold/artifact": model.artifact,
        "stackfold/artifact-digest": model.digest,
        "stackfold/model-type": model.type,
        "stackfold/stack": f"{model.stack}@{model.stack_revision}",
    }
    namespace = {"namespace": settings.namespace} if settings.namespace else {}
    return {"name": name, **namespace, "annotations": annotations}


def container(
    deployer: str,
    settings: ClusterSettings,
    flavor: str,
    model: ModelToServe,
    options: Mapping[str, str | int],
) -> dict[str, Any]:
    """The container that serves a model.

    Args:
        deployer: The deployer for errors, such as "the model deployer 'seldon'".
        settings: The deployer's configuration.
        flavor: The flavor whose server to run.
        model: The model to serve.
        options: Further options of `stackfold.serve`.

    Raises:
        NoManifest: The model is a folder, no image is configured, or pods cannot reach the
            artifact store.
    """
    if model.files is not None:
        problem = "the model is a folder, and pods read one object: deploy it on this machine"
        raise NoManifest(deployer, problem)
    if not settings.image:
        raise NoManifest(deployer, "it needs an image of the pods: give image")
    if not re.match(r"(?!file:)[a-z][a-z0-9+.-]*://", model.uri):
        problem = "the artifact store is on this machine, where pods cannot read the model"
        raise NoManifest(deployer, f"{problem}: use one that others reach, such as s3")
    arguments = {"model": model.uri, "digest": model.digest, "host": "0.0.0.0", **options}  # noqa: S104
    if model.versions:
        arguments["versions"] = canonical_json(dict(model.versions), ascii=True, spaces=True)
    result: dict[str, Any] = {
        "image": settings.image,
        "command": ["python", "-m", "stackfold.serve", flavor],
        "args": [f"--{name}={value}" for name, value in arguments.items()],
    }
    if settings.image_pull_policy:
        result["imagePullPolicy"] = settings.image_pull_policy
    variables = _variables(settings, model)
    if variables:
        result["env"] = variables
    _warn_of_loopback(variables)
    resources = {"requests": settings.requests, "limits": settings.limits}
    if any(resources.values()):
        result["resources"] = {name: {**amounts} for name, amounts in resources.items() if amounts}
    return result


def pod(settings: ClusterSettings) -> dict[str, Any]:
    """The fields of a pod beside its containers."""
    result: dict[str, Any] = {}
    if settings.service_account:
        result["serviceAccountName"] = settings.service_account
    if settings.image_pull_secrets:
        result["imagePullSecrets"] = [{"name": name} for name in settings.image_pull_secrets]
    return result


def owned(manifest: Mapping[str, Any], id: str) -> dict[str, Any]:
    """Add the labels by which a resource that was applied is found again.

    Args:
        manifest: The manifest.
        id: The id of the deployment's server.
    """
    labels = {**MANAGED_BY, DEPLOYMENT_ID: id}
    return {**manifest, "metadata": {**manifest["metadata"], "labels": labels}}


def to_yaml(manifest: Mapping[str, Any]) -> str:
    """Convert a manifest to YAML."""
    import yaml

    return yaml.safe_dump(dict(manifest), sort_keys=False, allow_unicode=True, width=1000)


def _variables(settings: ClusterSettings, model: ModelToServe) -> list[dict[str, Any]]:
    """The container's variables: the configuration overrides those of the artifact store."""
    values = {**model.environment, **settings.environment}
    variables: list[dict[str, Any]] = [
        {"name": name, "value": value}
        for name, value in values.items()
        if name not in settings.secret_environment
    ]
    for name, reference in settings.secret_environment.items():
        secret, _, key = reference.partition(":")
        source = {"secretKeyRef": {"name": secret, "key": key}}
        variables.append({"name": name, "valueFrom": source})
    return variables


def _warn_of_loopback(variables: list[dict[str, Any]]) -> None:
    """Warn of URLs on loopback: in a pod they point to the pod itself."""
    for variable in variables:
        value = variable.get("value", "")
        url = re.match(r"[a-z][a-z0-9+.-]*://(?:[^/@]*@)?(\[[^/\]]*\]|[^/:]+)", value)
        if url and is_loopback(url[1]):
            problem = (
                f"{variable['name']} is {value}, which is another machine in a pod: give an "
                "address that pods reach, in the artifact store or by environment"
            )
            warnings.warn(WouldNotRun(problem), stacklevel=2)
