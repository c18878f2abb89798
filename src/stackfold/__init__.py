"""Stackfold: MLOps stacks as a fold over events.

Importing this package imports nothing else: each public name is loaded when it is first used.
"""

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stackfold.application.artifacts.artifact_handle import ArtifactHandle
    from stackfold.application.artifacts.own_materializers import materializer
    from stackfold.application.runs.alert_hooks import alert_on_failure, alert_on_success
    from stackfold.application.runs.context import StepContext, get_context
    from stackfold.application.runs.progress import ProgressListener, StepEnd
    from stackfold.artifacts import register_artifact, save_artifact
    from stackfold.domain.pipelines.declared_model import Model
    from stackfold.domain.pipelines.earlier_inputs import artifact, model
    from stackfold.domain.pipelines.output import Output
    from stackfold.domain.pipelines.pipeline import Step, step
    from stackfold.domain.pipelines.run_configuration import RunConfiguration
    from stackfold.domain.stacks.component_type import ComponentType
    from stackfold.infrastructure.materializers.directory import Directory
    from stackfold.infrastructure.workspace import Workspace
    from stackfold.pipelines import FinishedRun, Pipeline, pipeline

    __version__: str

__all__ = [
    "ArtifactHandle",
    "ComponentType",
    "Directory",
    "FinishedRun",
    "Model",
    "Output",
    "Pipeline",
    "ProgressListener",
    "RunConfiguration",
    "Step",
    "StepContext",
    "StepEnd",
    "Workspace",
    "__version__",
    "alert_on_failure",
    "alert_on_success",
    "artifact",
    "get_context",
    "materializer",
    "model",
    "pipeline",
    "register_artifact",
    "save_artifact",
    "step",
]

_MODULES = {
    "ArtifactHandle": "stackfold.application.artifacts.artifact_handle",
    "ComponentType": "stackfold.domain.stacks.component_type",
    "Directory": "stackfold.infrastructure.materializers.directory",
    "FinishedRun": "stackfold.pipelines",
    "Model": "stackfold.domain.pipelines.declared_model",
    "Output": "stackfold.domain.pipelines.output",
    "Pipeline": "stackfold.pipelines",
    "ProgressListener": "stackfold.application.runs.progress",
    "RunConfiguration": "stackfold.domain.pipelines.run_configuration",
    "Step": "stackfold.domain.pipelines.pipeline",
    "StepContext": "stackfold.application.runs.context",
    "StepEnd": "stackfold.application.runs.progress",
    "Workspace": "stackfold.infrastructure.workspace",
    "alert_on_failure": "stackfold.application.runs.alert_hooks",
    "alert_on_success": "stackfold.application.runs.alert_hooks",
    "artifact": "stackfold.domain.pipelines.earlier_inputs",
    "get_context": "stackfold.application.runs.context",
    "materializer": "stackfold.application.artifacts.own_materializers",
    "model": "stackfold.domain.pipelines.earlier_inputs",
    "pipeline": "stackfold.pipelines",
    "register_artifact": "stackfold.artifacts",
    "save_artifact": "stackfold.artifacts",
    "step": "stackfold.domain.pipelines.pipeline",
}
"""Public name → the module that it is loaded from."""


def __getattr__(name: str) -> Any:
    """Load a public name on first use; `__version__` is the installed distribution's."""
    if name in _MODULES:
        from importlib import import_module

        value = getattr(import_module(_MODULES[name]), name)
        if isinstance(value, type):
            value.__module__ = __name__  # what `repr` shows
        if "IPython" in sys.modules:
            _show_in_notebooks()
    elif name == "__version__":
        from importlib.metadata import version

        value = version("stackfold")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def _show_in_notebooks() -> None:
    """Let notebooks show runs, stacks and other views as HTML."""
    from stackfold.web.notebook import enable

    enable()


def __dir__() -> list[str]:
    """The public names."""
    return sorted(__all__)
