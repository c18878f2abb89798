"""Compiles a run to a pipeline of Kubeflow: KFP's intermediate representation, in YAML."""

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
"""The only parameter of the pipeline: the id of the run that its steps belong to."""


def document(job: Job, settings: KubeflowSettings, environment: Mapping[str, str]) -> str:
    """Compile the pipeline of a run.

    Each step of the run is a task that executes it by `kubeflow.step`. Kubeflow knows the order of
    the steps, but not their inputs and outputs.

    Args:
        job: The run; its id becomes a parameter.
        settings: The settings of pods.
        environment: The environment variables of pods.
    """
    from kfp import compiler, dsl

    image, source = _image(settings, job), settings.source or _source(settings, job)

    def component(function: Any) -> Any:
        # Nothing is installed when a pod starts: the image contains everything.
        return dsl.component(function, base_image=image, install_kfp_package=False)

    execute, settle = map(component, (components.step, components.settle))

    def pipeline(run: str) -> None:
        last = settle(run=run, source=source, awaited=settings.synchronous)
        configure(last, settings, environment).set_display_name("settle")
        with dsl.ExitHandler(last, name="steps"):
            tasks: dict[str, Any] = {}
            for step in job.steps:
                task = execute(run=run, step=step.name, source=source)
                configure(task, settings, environment).set_display_name(step.name)
                _set_resources(task, step, settings)
                tasks[step.name] = task.after(*(tasks[above] for above in step.upstream))

    made = dsl.pipeline(name=_name(job.pipeline), description=f"{job.pipeline}, by Stackfold")(
        pipeline
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "pipeline.yaml")
        compiler.Compiler().compile(made, str(path))
        return path.read_text(encoding="utf-8")


def _name(pipeline: str) -> str:
    """Convert a pipeline's name to one that Kubeflow allows: a to z, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", pipeline.lower()).strip("-") or "pipeline"


def _image(settings: KubeflowSettings, job: Job) -> str:
    built = job.image.name if job.image else ""
    # On this machine no container is created, and any name will do.
    return settings.image or built or f"python:{sys.version_info.major}.{sys.version_info.minor}"


def _source(settings: KubeflowSettings, job: Job) -> str:
    # On this machine, steps have the working folder of the process that executes them.
    return job.image.source if job.image and not settings.on_this_machine else job.source


def configure(task: Any, settings: KubeflowSettings, environment: Mapping[str, str]) -> Any:
    """Apply the settings of all steps to a task, and return it."""
    # Stackfold decides whether a cached result is used.
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


def _set_resources(task: Any, step: JobStep, settings: KubeflowSettings) -> None:
    """Set the resources of a task to those that its step requests, as request and limit."""
    resources = step.resources
    if resources.num_cpus is not None:
        task.set_cpu_request(f"{resources.num_cpus:g}").set_cpu_limit(f"{resources.num_cpus:g}")
    if resources.memory is not None:
        amount = str(bytes_of(resources.memory))
        task.set_memory_request(amount).set_memory_limit(amount)
    if resources.num_gpus:
        # Kubernetes allocates whole GPUs.
        task.set_accelerator_type(settings.gpu_type).set_accelerator_limit(int(resources.num_gpus))
