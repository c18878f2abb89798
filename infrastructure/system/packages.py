"""The flavors of Stackfold and of installed packages, and loading the class of any flavor."""

from collections.abc import Callable, Sequence
from functools import cache, partial
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple

from stackfold.application.stacks.flavor_catalogue import Entry, PackageProblem
from stackfold.domain.errors import InvalidFlavor, InvalidName, StackfoldError
from stackfold.domain.name import valid_name
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.system.environment import importable, version
from stackfold.infrastructure.system.flavor_folders import FlavorFolders, named_module

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from stackfold.application.stacks.component_types import ComponentTypes

ENTRY_POINTS = "stackfold.flavors"
"""The entry-point group in which packages declare flavors: `<type>.<name> = module:Class`."""

_HERE = "stackfold.infrastructure.flavors"

BUILT_IN = (
    Entry(
        "local",
        "orchestrator",
        "built-in",
        "Runs the steps in this process, one after another.",
        f"{_HERE}.local.orchestrator.LocalOrchestrator",
    ),
    Entry(
        "local",
        "artifact_store",
        "built-in",
        "Keeps artifacts in a folder.",
        f"{_HERE}.local.artifact_store.LocalArtifactStore",
    ),
    Entry(
        "s3",
        "artifact_store",
        "s3",
        "Keeps artifacts in a bucket of Amazon S3, or of anything that speaks its protocol.",
        f"{_HERE}.s3.artifact_store.S3ArtifactStore",
        requires=("stackfold[s3]",),
        modules=("obstore",),
    ),
    Entry(
        "gcs",
        "artifact_store",
        "gcs",
        "Keeps artifacts in a bucket of Google Cloud Storage.",
        f"{_HERE}.gcs.artifact_store.GcsArtifactStore",
        requires=("stackfold[gcs]",),
        modules=("obstore", "cryptography"),
    ),
    Entry(
        "azure",
        "artifact_store",
        "azure",
        "Keeps artifacts in a container of Azure Blob Storage.",
        f"{_HERE}.azure.artifact_store.AzureArtifactStore",
        requires=("stackfold[azure]",),
        modules=("obstore",),
    ),
    Entry(
        "local",
        "step_operator",
        "built-in",
        "Runs each step in a fresh Python process on this machine.",
        f"{_HERE}.local.step_operator.LocalStepOperator",
    ),
    Entry(
        "kubeflow",
        "orchestrator",
        "kubeflow",
        "Runs a pipeline on Kubeflow Pipelines, each step in a pod of its own.",
        f"{_HERE}.kubeflow.orchestrator.KubeflowOrchestrator",
        requires=("stackfold[kubeflow]",),
        modules=("kfp",),
    ),
    Entry(
        "kubernetes",
        "orchestrator",
        "kubernetes",
        "Runs each step as a Job on Kubernetes, independent ones at once.",
        f"{_HERE}.kubernetes.orchestrator.KubernetesOrchestrator",
        requires=("stackfold[kubernetes]",),
        modules=("kubernetes",),
    ),
    Entry(
        "kubernetes",
        "step_operator",
        "kubernetes",
        "Runs single steps as Jobs on Kubernetes.",
        f"{_HERE}.kubernetes.step_operator.KubernetesStepOperator",
        requires=("stackfold[kubernetes]",),
        modules=("kubernetes",),
    ),
    Entry(
        "ray",
        "orchestrator",
        "ray",
        "Runs the steps on a Ray cluster, independent ones at once.",
        f"{_HERE}.ray.orchestrator.RayOrchestrator",
        requires=("stackfold[ray]",),
        modules=("ray",),
    ),
    Entry(
        "ray",
        "step_operator",
        "ray",
        "Runs single steps on a Ray cluster.",
        f"{_HERE}.ray.step_operator.RayStepOperator",
        requires=("stackfold[ray]",),
        modules=("ray",),
    ),
    Entry(
        "mlflow",
        "experiment_tracker",
        "mlflow",
        "Tracks runs on an MLflow server.",
        f"{_HERE}.mlflow.experiment_tracker.MlflowExperimentTracker",
        requires=("stackfold[mlflow]",),
        modules=("mlflow",),
    ),
    Entry(
        "wandb",
        "experiment_tracker",
        "wandb",
        "Tracks runs with Weights & Biases, online or offline.",
        f"{_HERE}.wandb.experiment_tracker.WandbExperimentTracker",
        requires=("stackfold[wandb]",),
        modules=("wandb",),
    ),
    Entry(
        "evidently",
        "data_validator",
        "evidently",
        "Finds drift of data and models, and makes profiles, with Evidently.",
        f"{_HERE}.evidently.data_validator.EvidentlyDataValidator",
        requires=("stackfold[evidently]",),
        modules=("evidently",),
    ),
    Entry(
        "pandera",
        "data_validator",
        "pandera",
        "Checks tables against schemas of pandera, and infers schemas.",
        f"{_HERE}.pandera.data_validator.PanderaDataValidator",
        requires=("stackfold[pandera]",),
        modules=("pandera", "pandas"),
    ),
    Entry(
        "local",
        "image_builder",
        "built-in",
        "Builds images with Docker, Podman or Buildah on this machine, and pushes them.",
        f"{_HERE}.containers.local_image_builder.LocalImageBuilder",
    ),
    Entry(
        "local",
        "model_deployer",
        "built-in",
        "Serves models by a small server of its own.",
        f"{_HERE}.local.model_deployer.LocalModelDeployer",
    ),
    Entry(
        "seldon",
        "model_deployer",
        "seldon",
        "Serves models by Seldon's server, MLServer.",
        f"{_HERE}.seldon.model_deployer.SeldonModelDeployer",
        requires=("stackfold[seldon]",),
        modules=("mlserver",),
    ),
    Entry(
        "kserve",
        "model_deployer",
        "kserve",
        "Serves models by KServe's Python server.",
        f"{_HERE}.kserve.model_deployer.KServeModelDeployer",
        requires=("stackfold[kserve]",),
        modules=("kserve",),
    ),
    Entry(
        "mlflow",
        "model_deployer",
        "mlflow-serving",
        "Serves models by MLflow.",
        f"{_HERE}.mlflow.model_deployer.MlflowModelDeployer",
        requires=("stackfold[mlflow-serving]",),
        modules=("mlflow", "pandas"),
    ),
    Entry(
        "webhook",
        "alerter",
        "built-in",
        "Posts alerts to a URL, signed, or in the form of Slack, Teams or Discord.",
        f"{_HERE}.webhook.alerter.WebhookAlerter",
    ),
    Entry(
        "slack",
        "alerter",
        "built-in",
        "Posts alerts to a channel of Slack, and reads answers there.",
        f"{_HERE}.slack.alerter.SlackAlerter",
    ),
    Entry(
        "email",
        "alerter",
        "built-in",
        "Sends alerts by e-mail.",
        f"{_HERE}.email.alerter.EmailAlerter",
    ),
    Entry(
        "local",
        "model_registry",
        "built-in",
        "The log itself; there is no server.",
        f"{_HERE}.local.model_registry.LocalModelRegistry",
    ),
    Entry(
        "mlflow",
        "model_registry",
        "mlflow",
        "Shows versions of models and their aliases in the registry of an MLflow server.",
        f"{_HERE}.mlflow.model_registry.MlflowModelRegistry",
        requires=("stackfold[mlflow]",),
        modules=("mlflow",),
    ),
    Entry(
        "feast",
        "feature_store",
        "feast",
        "Reads and materializes features of a feature repository of Feast.",
        f"{_HERE}.feast.feature_store.FeastFeatureStore",
        requires=("stackfold[feast]",),
        modules=("feast",),
    ),
    Entry(
        "label_studio",
        "annotator",
        "built-in",
        "Has data labelled by people in Label Studio.",
        f"{_HERE}.label_studio.annotator.LabelStudioAnnotator",
    ),
    Entry(
        "default",
        "container_registry",
        "built-in",
        "Any container registry, by its address.",
        f"{_HERE}.containers.default_container_registry.DefaultContainerRegistry",
    ),
)


class InstalledPackages:
    """The flavors in the Python environment; loads the class of any flavor."""

    def __init__(
        self, folders: FlavorFolders, component_types: "Callable[[], ComponentTypes]"
    ) -> None:
        """Create the list.

        Args:
            folders: Further folders with classes of custom flavors.
            component_types: Returns the component types, of which flavors can be.
        """
        self._folders = folders
        self._component_types = component_types

    def entries(self) -> Sequence[Entry]:
        """Return the built-in flavors, and those of installed packages."""
        return [entry for entry in _found().entries if self._is_type(entry.type)]

    def problems(self) -> Sequence[PackageProblem]:
        """Return the problems with flavors and component types of installed packages."""
        without_type = [
            PackageProblem(
                entry.integration,
                f"{entry.type}.{entry.name}",
                f"there is no component type {entry.type!r}",
            )
            for entry in _found().entries
            if not self._is_type(entry.type)
        ]
        return [*self._component_types().problems(), *without_type, *_found().problems]

    def _is_type(self, name: str) -> bool:
        return name in ComponentType or name in self._component_types()

    def installed(self, modules: Sequence[str]) -> bool:
        """Whether all modules can be found; imports none."""
        return all(map(importable, modules))

    def finds(self, flavor: str, source: str) -> bool:
        """Whether the module of a class can be found; does not import it."""
        return self._folders.finds(flavor, source)

    def load(self, flavor: str, source: str) -> object | None:
        """Import the object at "module.Class"; return None if its module is not found.

        Raises:
            InvalidFlavor: The module cannot be imported, or has no such object.
        """
        return _member(source, partial(self._folders.module, flavor=flavor, source=source))

    def load_named(self, source: str) -> object | None:
        """Import the object at "module.Class", also from the current folder; raises like `load`."""
        return _member(source, named_module)

    def remember(self, flavor: str, source: str) -> bool:
        """Store the folder that the class of a flavor was imported from; False if it is known.

        Raises:
            InvalidFile: The file of folders cannot be written.
        """
        return self._folders.remember(flavor, source)


def _member(source: str, find: Callable[[str], ModuleType | None]) -> object | None:
    module_name, _, name = source.rpartition(".")
    if not module_name:
        raise InvalidFlavor(source, "give the class as module.Class")
    try:
        module = find(module_name)
        found = getattr(module, name, None)
    except StackfoldError:
        raise
    except (Exception, SystemExit) as error:
        # A module may raise anything on import; the user sees one line.
        line = " ".join(f"{type(error).__name__}: {error}".split())
        raise InvalidFlavor(source, f"importing {module_name} failed: {line}") from error
    if module is not None and found is None:
        raise InvalidFlavor(source, f"the module {module_name} has no {name}")
    return found


class _Found(NamedTuple):
    entries: tuple[Entry, ...]
    problems: tuple[PackageProblem, ...]


@cache
def _found() -> _Found:
    from importlib.metadata import entry_points

    current = version("stackfold")
    entries = [entry._replace(version=current, is_ours=True) for entry in BUILT_IN]
    taken = {(entry.type, entry.name): "" for entry in BUILT_IN}
    problems = []
    for point in entry_points(group=ENTRY_POINTS):
        entry = _entry(point)
        other = taken.setdefault((entry.type, entry.name), entry.integration)
        problem, usable = _problem(entry), False
        if not problem and not other:
            problem = "Stackfold has a flavor of that name, which cannot be replaced"
        elif not problem:
            usable = True
            if other != entry.integration:
                # Both remain listed: it is unknown which of them the user means.
                problem = (
                    f"the package {other} has it, too: neither can be used until one is uninstalled"
                )
        if problem:
            problems.append(PackageProblem(entry.integration, point.name, problem))
        if usable:
            entries.append(entry)
    return _Found(tuple(entries), tuple(problems))


def _entry(point: "EntryPoint") -> Entry:
    type, _, name = point.name.partition(".")
    package = point.dist.metadata.json if point.dist else {}
    distribution = str(package.get("name", "unknown"))
    return Entry(
        name=name,
        type=type,
        integration=distribution,
        summary=str(package.get("summary", "")),
        source=f"{point.module}.{point.attr or ''}",
        requires=(distribution,) if point.dist else (),
        modules=(point.module.partition(".")[0],),
        version=point.dist.version if point.dist else "",
    )


def _problem(entry: Entry) -> str:
    if not entry.name and entry.type not in ComponentType:
        return f"there is no component type {entry.type!r}"
    try:
        valid_name("flavor", entry.name)
    except InvalidName as error:
        return str(error)
    return "it names no class: write module:Class" if entry.source.endswith(".") else ""
