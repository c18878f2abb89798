"""What manifests of model servers have in common: a container that reads the model by itself.

An artifact is one object whose name is its digest. The servers of KServe and Seldon that come ready
made want a folder with files of certain names, so that they could not read it; ours can.
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

_LONGEST = 50
"""Characters of a name, of the 63 that Kubernetes allows; clusters append some of their own."""


def cluster_name(deployer: str, name: str) -> str:
    """A deployment's name as Kubernetes allows it: a to z, digits and hyphens.

    Raises:
        NoManifest: Nothing of it is left.
    """
    found = re.sub(r"[^a-z0-9]+", "-", name.lower())[:_LONGEST].strip("-")
    if not found or not found[0].isalpha():
        problem = f"{name!r} is no name for a cluster: begin it with a letter from a to z"
        raise NoManifest(deployer, problem)
    return found


def metadata(settings: ClusterSettings, name: str, model: ModelToServe) -> dict[str, Any]:
    """Its name, and where it comes from."""
    told = {
        "stackfold/deployment": model.name,
        "stackfold/artifact": model.artifact,
        "stackfold/artifact-digest": model.digest,
        "stackfold/model-type": model.type,
        "stackfold/stack": f"{model.stack}@{model.stack_revision}",
    }
    where = {"namespace": settings.namespace} if settings.namespace else {}
    return {"name": name, **where, "annotations": told}


def container(
    deployer: str,
    settings: ClusterSettings,
    program: str,
    model: ModelToServe,
    options: Mapping[str, str | int],
) -> dict[str, Any]:
    """The container that serves a model.

    Args:
        deployer: Such as "the model deployer 'seldon'".
        settings: What is configured.
        program: The module that serves.
        model: What it serves.
        options: Further options of it.

    Raises:
        NoManifest: There is no image, or pods could not reach the artifact store.
    """
    if not settings.image:
        raise NoManifest(deployer, "it needs an image of the pods: give image")
    if not re.match(r"(?!file:)[a-z][a-z0-9+.-]*://", model.uri):
        problem = (
            "the artifact store is on this machine, where pods cannot read the model: use one "
        )
        raise NoManifest(deployer, f"{problem}that others reach, such as s3")
    given = {"model": model.uri, "digest": model.digest, "host": "0.0.0.0", **options}  # noqa: S104
    if model.versions:
        given["versions"] = canonical_json(dict(model.versions), ascii=True, spaces=True)
    found: dict[str, Any] = {
        "image": settings.image,
        "command": ["python", "-m", program],
        "args": [f"--{name}={value}" for name, value in given.items()],
    }
    if settings.image_pull_policy:
        found["imagePullPolicy"] = settings.image_pull_policy
    variables = _variables(settings, model)
    if variables:
        found["env"] = variables
    _warn_of_loopback(variables)
    resources = {"requests": settings.requests, "limits": settings.limits}
    if any(resources.values()):
        found["resources"] = {name: {**amounts} for name, amounts in resources.items() if amounts}
    return found


def pod(settings: ClusterSettings) -> dict[str, Any]:
    """What else pods have."""
    found: dict[str, Any] = {}
    if settings.service_account:
        found["serviceAccountName"] = settings.service_account
    if settings.image_pull_secrets:
        found["imagePullSecrets"] = [{"name": name} for name in settings.image_pull_secrets]
    return found


def text(manifest: Mapping[str, Any]) -> str:
    """A manifest as YAML."""
    import yaml

    return yaml.safe_dump(dict(manifest), sort_keys=False, allow_unicode=True, width=1000)


def _variables(settings: ClusterSettings, model: ModelToServe) -> list[dict[str, Any]]:
    """The container's variables: what is configured comes before what the artifact store says."""
    chosen = {**model.environment, **settings.environment}
    open_ones = [
        {"name": name, "value": value}
        for name, value in chosen.items()
        if name not in settings.secret_environment
    ]
    secret_ones = []
    for name, place in settings.secret_environment.items():
        secret, _, key = place.partition(":")
        reference = {"secretKeyRef": {"name": secret, "key": key}}
        secret_ones.append({"name": name, "valueFrom": reference})
    return [*open_ones, *secret_ones]


def _warn_of_loopback(variables: list[dict[str, Any]]) -> None:
    """Warn of addresses that mean the pod itself where a pod reads them."""
    for variable in variables:
        value = variable.get("value", "")
        found = re.match(r"[a-z][a-z0-9+.-]*://(?:[^/@]*@)?(\[[^/\]]*\]|[^/:]+)", value)
        if found and is_loopback(found[1]):
            problem = (
                f"{variable['name']} is {value}, which is another machine in a pod: give an "
                "address that pods reach, in the artifact store or by environment"
            )
            warnings.warn(WouldNotRun(problem), stacklevel=2)
