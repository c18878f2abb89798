"""From a run to a pipeline as Kubeflow reads it: KFP's intermediate representation, in YAML."""

import re
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stackfold.application.ports.submitting_orchestrator import Job, JobStep
from stackfold.domain.pipelines.resources import bytes_of
from stackfold.infrastructure.flavors.kubeflow import components
from stackfold.infrastructure.flavors.kubeflow.settings import KubeflowSettings

RUN = "run"
"""The pipeline's one parameter: the id of the run that its steps belong to."""


def document(job: Job, settings: KubeflowSettings, environment: Mapping[str, str]) -> str:
    """The pipeline of a run.

    Each step of the run is a task that executes it by `kubeflow.step`. What flows from step to
    step does not flow through Kubeflow, which only knows what comes after what.

    Args:
        job: The run; its id is left out, as a parameter.
        settings: What the pods are like.
        environment: Variables that they have.
    """
    from kfp import compiler, dsl

    image, source = _image(settings, job), settings.source or _source(settings, job)

    def component(function: Any) -> Any:
        # Nothing is installed when a pod starts: its image has all.
        return dsl.component(function, base_image=image, install_kfp_package=False)

    execute, settle = map(component, (components.step, components.settle))

    def pipeline(run: str) -> None:
        last = settle(run=run, source=source, awaited=settings.synchronous)
        _equip(last, settings, environment).set_display_name("settle")
        with dsl.ExitHandler(last, name="steps"):
            tasks: dict[str, Any] = {}
            for step in job.steps:
                task = execute(run=run, step=step.name, source=source)
                _equip(task, settings, environment).set_display_name(step.name)
                _allot(task, step, settings)
                tasks[step.name] = task.after(*(tasks[above] for above in step.upstream))

    made = dsl.pipeline(name=_name(job.pipeline), description=f"{job.pipeline}, by Stackfold")(
        pipeline
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "pipeline.yaml")
        compiler.Compiler().compile(made, str(path))
        return path.read_text(encoding="utf-8")


def _name(pipeline: str) -> str:
    """A pipeline's name as Kubeflow allows it: small letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", pipeline.lower()).strip("-") or "pipeline"


def _image(settings: KubeflowSettings, job: Job) -> str:
    built = job.image.name if job.image else ""
    # On this machine no container is made; the name says what would be in it.
    return settings.image or built or f"python:{sys.version_info.major}.{sys.version_info.minor}"


def _source(settings: KubeflowSettings, job: Job) -> str:
    # On this machine, what executes it has no other working folder than its own.
    return job.image.source if job.image and not settings.on_this_machine else job.source


def _equip(task: Any, settings: KubeflowSettings, environment: Mapping[str, str]) -> Any:
    """Give a task what those of all steps have, and return it."""
    # Whether something is executed at all is for Stackfold to say, which knows what it depends on.
    task.set_caching_options(False)
    for name, value in environment.items():
        task.set_env_variable(name, value)
    pods = settings.pod_settings
    if pods == type(pods)() and not settings.secret_environment:
        return task
    from kfp import kubernetes

    for variable, secret in settings.secret_environment.items():
        name, _, key = secret.partition(":")
        kubernetes.use_secret_as_env(task, name, {key: variable})
    for key, value in pods.node_selectors.items():
        kubernetes.add_node_selector(task, key, value)
    for each in pods.tolerations:
        kubernetes.add_toleration(task, **each.model_dump(exclude_none=True))
    for key, value in pods.labels.items():
        kubernetes.add_pod_label(task, key, value)
    for key, value in pods.annotations.items():
        kubernetes.add_pod_annotation(task, key, value)
    for volume in pods.volumes:
        kubernetes.mount_pvc(task, volume.claim, volume.path, volume.sub_path)
    if pods.image_pull_secrets:
        kubernetes.set_image_pull_secrets(task, pods.image_pull_secrets)
    if pods.image_pull_policy:
        kubernetes.set_image_pull_policy(task, pods.image_pull_policy)
    return task


def _allot(task: Any, step: JobStep, settings: KubeflowSettings) -> None:
    """Give a task the resources that its step asks for, no less and no more."""
    asked = step.resources
    if asked.num_cpus is not None:
        task.set_cpu_request(f"{asked.num_cpus:g}").set_cpu_limit(f"{asked.num_cpus:g}")
    if asked.memory is not None:
        amount = str(bytes_of(asked.memory))
        task.set_memory_request(amount).set_memory_limit(amount)
    if asked.num_gpus:
        # Kubernetes hands out whole ones.
        task.set_accelerator_type(settings.gpu_type).set_accelerator_limit(int(asked.num_gpus))
