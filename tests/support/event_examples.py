"""One example of every event: what a log may hold."""

from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

from artifact_event_examples import ARTIFACT_FACTS
from policy_event_examples import POLICY_FACTS
from schedule_event_examples import SCHEDULE_FACTS

from stackfold.application.aggregates import STACKFOLD_AGGREGATES
from stackfold.domain.artifacts.external_artifact import ExternalArtifact
from stackfold.domain.deployments.deployment import Deployment
from stackfold.domain.deployments.recording import Recording
from stackfold.domain.deployments.release import FollowedAlias, Release, ServedVersion, Server
from stackfold.domain.eventsourcing.event import DomainEvent
from stackfold.domain.eventsourcing.metadata import EventMetadata
from stackfold.domain.models.model import Model
from stackfold.domain.models.model_version import ModelVersion
from stackfold.domain.models.target import Target
from stackfold.domain.models.verdict import Verdict
from stackfold.domain.runs.artifact import Artifact, OwnName
from stackfold.domain.runs.environment import Environment
from stackfold.domain.runs.failure_mode import FailureMode
from stackfold.domain.runs.pin import Pin, PinnedArtifact, PinnedComponent
from stackfold.domain.runs.returned import Returned, ReturnedOutput
from stackfold.domain.runs.run import Run, StepDefinition, StepLog
from stackfold.domain.runs.start_facts import Occurrence
from stackfold.domain.stacks.activation import Activation
from stackfold.domain.stacks.component import Component
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.domain.stacks.flavor import Flavor
from stackfold.domain.stacks.origin import Origin
from stackfold.domain.stacks.stack import Stack
from stackfold.testing import event, stamped

A, B, C = UUID(int=10), UUID(int=11), UUID(int=12)
COMPOSITION = {
    ComponentType.STEP_OPERATOR: (B, A),
    ComponentType.ORCHESTRATOR: (C,),
}
CONFIGURATION = {
    "zeta": 1.0,
    "alpha": [True, None, {"größe": "xl", "n": 10**15}],
    "text": 'quotes " and \\ and \u2028 and \x7f',
    "negative": -0.0,
    "tiny": 5e-324,
    "least": -(2**63),
    "most": 2**64 - 1,
}
COMPONENT_STATE = {"name": "größe", "configuration": CONFIGURATION, "labels": {"b": "", "a": "x"}}
STACK_STATE = {
    "name": "prod",
    "components": COMPOSITION,
    "description": "two\nlines",
    "labels": {"team": "vision"},
}
FLAVOR = {
    "type": ComponentType.ALERTER,
    "name": "pager",
    "source": "acme.Pager",
    "summary": "",
    "configuration_schema": {"properties": {"to": {"type": "string", "default": None}}},
}
PIN = Pin(
    stack_id=A,
    stack="prod",
    revision=3,
    components={
        ComponentType.ORCHESTRATOR: (
            PinnedComponent(
                id=C,
                type=ComponentType.ORCHESTRATOR,
                name="default",
                flavor="local",
                revision=1,
                configuration=CONFIGURATION,
                flavor_version="0.1.0",
                source="acme.Orchestrator",
            ),
        )
    },
)
NOON = datetime(2026, 3, 4, 12, 0, 0, 123456, tzinfo=UTC)
LATER = NOON.replace(second=1)
ARTIFACT = Artifact(
    id=B,
    name="model",
    type="builtins.dict",
    materializer="json",
    uri="file:///store/ab",
    digest="0" * 64,
    size=12,
    versions={"python": "3.12.1", "sklearn": "1.5.0"},
    metadata={"loss": 0.1},
    tags=("best",),
)
ENVIRONMENT = Environment(
    python="3.12.1",
    implementation="cpython",
    platform="Linux-6.1.0-x86_64",
    packages={"numpy": "2.1.0", "scikit-learn": "1.5.0"},
)
LOG = StepLog(uri="file:///store/cd", digest="1" * 64, size=3)

STORE = PinnedComponent(
    id=A,
    type=ComponentType.ARTIFACT_STORE,
    name="shared",
    flavor="local",
    revision=2,
    configuration={"path": "artifacts"},
    flavor_version="0.1.0",
    source="acme.Store",
)
DEPLOYER = PinnedComponent(
    id=C,
    type=ComponentType.MODEL_DEPLOYER,
    name="größe",
    flavor="pager",
    revision=1,
    configuration=CONFIGURATION,
    source="acme.Deployer",
)
SERVED_VERSION = ServedVersion(model=C, name="größe", number=7)
SERVER = Server(
    reference={"pid": 4711, "began": 1.5}, url="http://127.0.0.1:8001/v2/models/churn/infer"
)
RELEASES = (
    Release(
        server=A,
        model="training/train/model@3",
        artifact=ARTIFACT,
        store=STORE,
        version=SERVED_VERSION,
        share=90,
    ),
    Release(
        server=B,
        model="training/train/model@4",
        artifact=ARTIFACT.model_copy(update={"id": A}),
        store=STORE,
        share=10,
    ),
)

VERDICT = Verdict(
    rule="auc >= 0.9 and auc > production.auc",
    passed=False,
    findings=("auc >= 0.9: 0.91 >= 0.9 is true",),
    failures=("auc > production.auc: 0.91 > 0.92 is false",),
    compared={"production": 2},
)
EXTERNAL = {
    "name": "größe",
    "label": "spring",
    "artifact": ARTIFACT,
    "pin": PIN,
    "source": "/data/größe.csv",
}
MODEL_STATE = {
    "name": "größe",
    "description": "two\nlines",
    "tags": ("team:risk",),
    "aliases": {"production": Target(version=B, number=2, previous=(1,))},
    "gates": {"production": VERDICT.rule},
    "card": {"license": "MIT", "ethics": "größe"},
}
VERSION = {
    "name": "größe@2",
    "model": A,
    "number": 2,
    "run": C,
    "stack_id": A,
    "stack": "prod",
    "stack_revision": 3,
    "label": "spring",
}
VERSION_STATE = {"description": "", "tags": ("best",), "metadata": {"loss": 0.1}}

FACTS: list[partial[Any]] = [
    event(
        Model.Registered,
        name="größe",
        description="two\nlines",
        tags=("team:risk",),
        card={"license": "MIT"},
    ),
    event(Model.Updated, description=None, tags=(), card={"audience": "banks"}),
    event(Model.Promoted, alias="production", version=B, number=2, replaces=1, verdict=VERDICT),
    event(Model.RolledBack, alias="production", version=A, number=1, replaces=2),
    event(Model.PromotionRefused, alias="production", version=B, number=3, verdict=VERDICT),
    event(Model.AliasRemoved, alias="champion", number=2),
    event(Model.GateSet, alias="production", rule=VERDICT.rule),
    event(Model.Renamed, name="数据"),
    event(Model.Deleted),
    event(Model.Reverted, to_revision=1, **MODEL_STATE),
    event(Model.Restored, to_revision=2, **MODEL_STATE),
    event(ModelVersion.Opened, **VERSION, tags=("eu",)),
    event(ModelVersion.Completed),
    event(ModelVersion.Abandoned, reason="run 'training' was deleted"),
    event(ModelVersion.Annotated, **VERSION_STATE),
    event(ModelVersion.Archived),
    event(ModelVersion.Unarchived),
    event(
        ModelVersion.Published,
        registry=B,
        registry_name="größe",
        reference={"name": "fraud", "version": "3", "more": [None, 1.5]},
    ),
    event(ModelVersion.Withdrawn, registry=B, registry_name="größe"),
    event(ModelVersion.Deleted),
    event(ModelVersion.Reverted, to_revision=2, status="completed", **VERSION_STATE),
    event(ModelVersion.Restored, to_revision=3, status="archived", **VERSION, **VERSION_STATE),
    event(Activation.Registered, name="global", stack=A),
    event(Activation.Activated, stack=B),
    event(Activation.Deleted),
    event(Component.Registered, type=ComponentType.ALERTER, flavor="f", **COMPONENT_STATE),
    event(Component.Updated, configuration=CONFIGURATION, labels={"a": None, "b": "x"}),
    event(Component.AttributesRemoved, attributes=("zeta", "alpha")),
    event(Component.Renamed, name="数据"),
    event(Component.Deleted),
    event(Component.Reverted, to_revision=1, **COMPONENT_STATE),
    event(
        Component.Restored,
        to_revision=2,
        type=ComponentType.ALERTER,
        flavor="f",
        **COMPONENT_STATE,
    ),
    event(
        Deployment.Registered,
        name="churn",
        model="training/train/model@3",
        artifact=ARTIFACT,
        store=STORE,
        stack_id=A,
        stack="prod",
        stack_revision=3,
        deployer=DEPLOYER,
        version=SERVED_VERSION,
    ),
    event(Deployment.StartRequested),
    event(
        Deployment.Started,
        reference={"pid": 4711, "began": 1.5, "more": [None, "größe"]},
        url="http://127.0.0.1:8000/v2/models/churn/infer",
        servers={str(A): SERVER},
        gateway={"host": "größe", "address": "127.0.0.1", "port": 8000},
    ),
    event(Deployment.UpdateRequested, releases=RELEASES, previous=(4, 2), because=17),
    event(Deployment.Switched, servers={str(A): SERVER, str(B): SERVER}),
    event(Deployment.UpdateFailed, error="model deployer 'größe' cannot serve 'churn': it ended"),
    event(
        Deployment.Followed,
        follows=FollowedAlias(model=C, name="fraud", alias="production"),
        because=17,
    ),
    event(Deployment.Unfollowed),
    event(
        Deployment.RecordingChanged,
        recording=Recording(rate=0.1, leave_out=("größe",), keep_days=7, store=STORE),
    ),
    event(Deployment.Failed, error="model deployer 'größe' cannot serve 'churn': it ended"),
    event(Deployment.Stopped),
    event(Deployment.Deleted),
    event(Flavor.Registered, **FLAVOR),
    event(Flavor.Deleted),
    event(Flavor.Restored, **FLAVOR),
    *SCHEDULE_FACTS,
    *POLICY_FACTS,
    event(ExternalArtifact.Registered, **EXTERNAL),
    event(ExternalArtifact.Deleted),
    event(ExternalArtifact.Restored, **EXTERNAL),
    *ARTIFACT_FACTS,
    event(
        Run.Started,
        name="training-1",
        pipeline="training",
        source="training.py:training",
        parameters={"rate": 0.1, "pair": {"$tuple": [1, 2]}},
        parameter_form="exact",
        steps=(
            StepDefinition(name="load"),
            StepDefinition(
                name="train",
                upstream=("load",),
                step_operator="batch",
                code="c" * 64,
                outputs="model: dict",
                materializers="d" * 16,
                cache=True,
            ),
        ),
        pin=PIN,
        fingerprint=PIN.fingerprint,
        mode=FailureMode.CONTINUE_ON_FAILURE,
        environment=ENVIRONMENT,
        rerun_of=A,
        tags=("nightly",),
        metadata={"team": "vision"},
        code_form=2,
        opaque={"train": ("log (logging.Logger)",)},
        model_version=B,
        references={
            "dataset": PinnedArtifact(
                artifact=ARTIFACT,
                reference="dataset@3",
                store=PIN.components[ComponentType.ORCHESTRATOR][0],
            )
        },
        returns=Returned(
            kind="dict", outputs=(ReturnedOutput(key="best", step="train", output="model"),)
        ),
        occurrence=Occurrence(schedule=A, time="2026-01-01T05:00:00.000000Z"),
    ),
    event(
        Run.StepCompleted,
        step="train",
        started=NOON,
        parameters={"rate": 0.1, "pair": {"$tuple": [1, 2]}},
        parameter_form="exact",
        inputs={"rows": A},
        outputs=(ARTIFACT,),
        retried=("ValueError: not yet",),
        log=LOG,
        key="f" * 64,
        cached_from=B,
        metadata={"accuracy": 0.5},
        tags=("costly",),
        ended=LATER,
        names={"model": OwnName(name="churn-model", label="spring")},
        model={"name": "churn", "label": "spring-{date}"},
    ),
    event(
        Run.ArtifactSaved,
        step="train",
        artifact=ARTIFACT,
        own=OwnName(name="checkpoint", label="epoch-3"),
    ),
    event(Run.ArtifactsLinked, step="train", used={"dataset@approved": A}, saved=(B,)),
    event(Run.ModelLinked, step="train", model_version=B),
    event(
        Run.StepFailed,
        step="train",
        started=NOON,
        error="ValueError: no",
        traceback="…",
        retried=("ValueError: not yet",),
        log=LOG,
        metadata={"rows": 3},
        tags=("costly",),
        ended=LATER,
    ),
    event(
        Run.StepCancelled,
        step="train",
        started=NOON,
        reason="KeyboardInterrupt",
        log=LOG,
        ended=LATER,
    ),
    event(Run.StepsSkipped, steps=("test", "deploy"), reason="step 'train' failed"),
    event(Run.Cancelled, reason="KeyboardInterrupt"),
    event(Run.Resumed, redone=("train",)),
    event(Run.Submitted, orchestrator="kubeflow", reference="4f1c", url="https://kf/runs/4f1c"),
    event(Run.Completed),
    event(Run.Failed, error="ValueError: no"),
    event(Run.Annotated, tags=("nightly", "good"), metadata={"team": "vision"}),
    event(
        Run.StepAnnotated,
        step="train",
        tags=("costly", "reviewed"),
        metadata={"accuracy": 0.5, "by": "ada"},
        later_tags={"reviewed": True, "draft": False},
        later_metadata=("by",),
    ),
    event(Run.Deleted),
    event(Stack.Registered, copied_from=Origin(id=A, revision=3), **STACK_STATE),
    event(Stack.Updated, components=COMPOSITION, description=None, labels={"a": None}),
    event(Stack.ComponentsRemoved, components=COMPOSITION),
    event(Stack.DefaultSet, type=ComponentType.STEP_OPERATOR, component=A),
    event(Stack.Renamed, name="b"),
    event(Stack.Deleted),
    event(Stack.Reverted, to_revision=1, **STACK_STATE),
    event(Stack.Restored, to_revision=1, **STACK_STATE),
]
EXAMPLES: list[Any] = [stamped(fact)[0] for fact in FACTS]
for each in EXAMPLES:
    each.stamp(EventMetadata("somebody", "so", undoes=7))

EVERY_CLASS: list[type[DomainEvent]] = [
    event_class
    for aggregate in STACKFOLD_AGGREGATES.types()
    for event_class in aggregate.events.values()
]
