"""The manifests of Jobs and of their secrets."""

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from stackfold.domain.pipelines.resources import Resources, bytes_of
from stackfold.infrastructure.flavors.kubernetes.api import Manifest
from stackfold.infrastructure.flavors.kubernetes.pod import FOLDER
from stackfold.infrastructure.flavors.kubernetes.settings import (
    KubernetesPodSettings,
    KubernetesSettings,
)
from stackfold.infrastructure.flavors.pod_settings import Toleration

CONTAINER = "step"
RUN, STEP, PIPELINE, ROLE = (f"stackfold/{name}" for name in ("run", "step", "pipeline", "role"))
"""The labels of Jobs and pods. Values that Kubernetes does not allow are shortened, with a hash;
the annotations of these names are exact."""
MANAGED_BY = {"app.kubernetes.io/managed-by": "stackfold"}
_COMMAND = ("python", "-m", "stackfold.infrastructure.flavors.kubernetes.pod")
_LABEL = re.compile(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?")


class Purpose(NamedTuple):
    """What a Job is for."""

    role: str
    """"step" or "coordinator"."""
    run: str
    """The run's id; of a call that belongs to none, any unique text."""
    pipeline: str = ""
    step: str = ""

    @property
    def labels(self) -> dict[str, str]:
        """The labels by which the Job and its pods are found."""
        return {key: label_value(text) for key, text in self._facts.items()} | MANAGED_BY

    @property
    def annotations(self) -> dict[str, str]:
        """The exact values of labels."""
        return self._facts

    @property
    def _facts(self) -> dict[str, str]:
        facts = {ROLE: self.role, RUN: self.run, PIPELINE: self.pipeline, STEP: self.step}
        return {key: text for key, text in facts.items() if text}

    def job_name(self, unique: str) -> str:
        """Return a valid name for the Job, with at most 63 characters as its pods add more.

        Args:
            unique: Distinguishes Jobs of the same purpose.
        """
        digest = hashlib.sha256("\0".join([*self, unique]).encode()).hexdigest()[:10]
        words = [slug(self.pipeline)[:20], slug(self.step or self.role)[:20], digest]
        return "-".join(word.strip("-") for word in words if word.strip("-"))


def label_value(text: str) -> str:
    """Convert a text to a value of a label: unchanged if it is valid, else with a hash."""
    if _LABEL.fullmatch(text):
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:10]
    return "-".join(filter(None, [slug(text)[:50].strip("-"), digest]))


def selector(purpose: Purpose) -> str:
    """Return the label selector of all Jobs of a purpose."""
    return ",".join(f"{key}={value}" for key, value in purpose.labels.items())


def job(
    name: str,
    purpose: Purpose,
    settings: KubernetesSettings,
    pods: KubernetesPodSettings,
    arguments: list[str],
    *,
    image: str,
    resources: Resources,
    environment: Mapping[str, str],
    service_account: str | None,
    with_token: bool,
    restarts: int = 0,
    owner: Manifest | None = None,
    command: Sequence[str] = _COMMAND,
    with_secret: bool = True,
) -> Manifest:
    """Return the manifest of a Job whose pod executes a program, by default that of `pod.py`.

    Args:
        name: The name of the Job, and of the secret that its pods mount.
        purpose: What it is for.
        settings: The cluster.
        pods: The settings of its pods.
        arguments: The arguments of the program.
        image: The image of the container.
        resources: The resources of the container.
        environment: Environment variables beside those of `settings`.
        service_account: The service account of the pod; None for the default.
        with_token: Whether the token of the service account is mounted.
        restarts: How often Kubernetes replaces a failed pod.
        owner: The owner reference; the Job is deleted with its owner.
        command: The command of the container.
        with_secret: Whether the pods mount a secret of the name of the Job.
    """
    labels = {**pods.labels, **purpose.labels}
    annotations = {**pods.annotations, **purpose.annotations}
    container: Manifest = {
        "name": CONTAINER,
        "image": image,
        "command": [*command],
        "args": arguments,
        "env": _environment(settings, environment),
        "resources": _resources(resources, settings),
        "volumeMounts": [
            *([{"name": "stackfold", "mountPath": FOLDER, "readOnly": True}]
              if with_secret else []),
            *({"name": f"volume-{number}", "mountPath": each.path}
              | ({"subPath": each.sub_path} if each.sub_path else {})
              for number, each in enumerate(pods.volumes)),
        ],
        "imagePullPolicy": pods.image_pull_policy,
        "securityContext": pods.security_context,
    }  # fmt: skip
    spec: Manifest = {
        "restartPolicy": "Never",
        "enableServiceLinks": False,
        "automountServiceAccountToken": with_token,
        "serviceAccountName": service_account,
        "terminationGracePeriodSeconds": pods.termination_grace_period,
        "containers": [_without_empty(container)],
        "volumes": [
            *([{"name": "stackfold", "secret": {"secretName": name, "defaultMode": 0o444}}]
              if with_secret else []),
            *({"name": f"volume-{number}", "persistentVolumeClaim": {"claimName": each.claim}}
              for number, each in enumerate(pods.volumes)),
        ],
        "nodeSelector": pods.node_selectors,
        "tolerations": [_toleration(each) for each in pods.tolerations],
        "imagePullSecrets": [{"name": each} for each in pods.image_pull_secrets],
        "securityContext": pods.pod_security_context,
        "affinity": pods.affinity,
        "priorityClassName": pods.priority_class_name,
        "runtimeClassName": pods.runtime_class_name,
    }  # fmt: skip
    metadata: Manifest = {
        "name": name,
        "namespace": settings.namespace,
        "labels": labels,
        "annotations": annotations,
        "ownerReferences": [owner] if owner else [],
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": _without_empty(metadata),
        "spec": {
            "backoffLimit": restarts,
            "ttlSecondsAfterFinished": settings.ttl_seconds,
            "template": {
                "metadata": {"labels": labels, "annotations": annotations},
                "spec": _without_empty(spec),
            },
        },
    }


def secret(
    name: str, purpose: Purpose, namespace: str, files: Mapping[str, bytes], owner: Manifest
) -> Manifest:
    """Return the manifest of the secret that the pods of a Job mount.

    Args:
        name: Its name.
        purpose: What the Job is for.
        namespace: Its namespace.
        files: File name → content.
        owner: The owner reference to the Job.
    """
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": purpose.labels,
            "ownerReferences": [owner],
        },
        "type": "Opaque",
        "data": {key: base64.b64encode(content).decode() for key, content in files.items()},
    }


def owner_reference(name: str, uid: str) -> Manifest:
    """Return the reference to a Job that owns another object."""
    return {"apiVersion": "batch/v1", "kind": "Job", "name": name, "uid": uid}


def _environment(settings: KubernetesSettings, more: Mapping[str, str]) -> list[Manifest]:
    variables: list[Manifest] = [
        {"name": name, "value": value} for name, value in {**settings.environment, **more}.items()
    ]
    for variable, reference in settings.secret_environment.items():
        name, _, key = reference.partition(":")
        source = {"secretKeyRef": {"name": name, "key": key}}
        variables.append({"name": variable, "valueFrom": source})
    return variables


def _resources(requested: Resources, settings: KubernetesSettings) -> Manifest:
    """The resources, as both request and limit."""
    amounts: dict[str, str] = {}
    cpus = settings.num_cpus if requested.num_cpus is None else requested.num_cpus
    memory = requested.memory or settings.memory
    if cpus:
        amounts["cpu"] = f"{cpus:g}"
    if memory:
        amounts["memory"] = str(bytes_of(memory))
    if requested.num_gpus:
        # Kubernetes allocates whole GPUs.
        amounts[settings.gpu_type] = str(int(-(-requested.num_gpus // 1)))
    for name, amount in requested.custom.items():
        amounts[name] = f"{amount:g}"
    return {"requests": amounts, "limits": amounts} if amounts else {}


def _toleration(toleration: Toleration) -> Manifest:
    fields = toleration.model_dump(exclude_none=True)
    seconds = fields.pop("toleration_seconds", None)
    return fields if seconds is None else {**fields, "tolerationSeconds": seconds}


def slug(text: str) -> str:
    """Convert a text to lower-case letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _without_empty(fields: Manifest) -> Manifest:
    return {key: value for key, value in fields.items() if value not in (None, {}, [], "")}
