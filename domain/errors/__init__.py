"""All errors and warnings: what went wrong, as data and as one line.

Start with `bases.py`: the kinds to catch by. Every other file has the errors of one subject.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from stackfold.domain.errors.files import NAMES

if TYPE_CHECKING:
    from stackfold.domain.errors.aggregates import InvalidAggregate, UndeclaredChange
    from stackfold.domain.errors.artifacts import (
        ArtifactDamaged,
        ArtifactInUse,
        ArtifactStoreUnavailable,
        CannotConvert,
        InvalidFolder,
        InvalidMaterializer,
        OutsideStore,
        PickleForbidden,
        UnknownClass,
    )
    from stackfold.domain.errors.bases import (
        Busy,
        Conflict,
        Damaged,
        Failed,
        Forbidden,
        Invalid,
        NotFound,
        StackfoldError,
        Unavailable,
    )
    from stackfold.domain.errors.changes import (
        ChangeElsewhere,
        ChangeTimedOut,
        ForkedInTransaction,
        OutsideChanges,
        StatementFailed,
        StatementRejected,
    )
    from stackfold.domain.errors.deployments import (
        CannotUpdate,
        DeploymentFailed,
        DeploymentStopped,
        DeploymentUnavailable,
        InvalidInputs,
        InvalidTraffic,
        NoManifest,
        PredictionRejected,
    )
    from stackfold.domain.errors.engines import (
        EngineStopped,
        EngineUnavailable,
        RemoteStepFailed,
        RunDetached,
        StepLost,
        StepNotRunnable,
    )
    from stackfold.domain.errors.flavors import (
        DuplicateFlavor,
        FlavorClassNotFound,
        InstallFailed,
        InvalidConfiguration,
        InvalidFlavor,
        NotInstalled,
        UnknownFlavor,
    )
    from stackfold.domain.errors.history import (
        AsOfOutOfRange,
        CannotUndo,
        ComponentDeleted,
        DidNotExistAt,
        IncompatibleConfiguration,
        InvalidAsOf,
        NeedsConfirmation,
        NoSuchRevision,
        NotDeleted,
        NothingToUndo,
    )
    from stackfold.domain.errors.images import (
        BuildFailed,
        PushFailed,
        RegistryForbidden,
        RegistryUnavailable,
    )
    from stackfold.domain.errors.limits import (
        TooLarge,
    )
    from stackfold.domain.errors.log import (
        ClockJumped,
        ConcurrentModification,
        ContradictoryEvents,
        InvalidFile,
        LogDiverged,
        LogExists,
        LogUnavailable,
        PermissionDenied,
        ProjectionFailed,
        ReadInterrupted,
        ReadModelDamaged,
        StalePosition,
        StaleRevision,
        UnreadableEvent,
        Unrecordable,
        WriteInterrupted,
    )
    from stackfold.domain.errors.models import (
        FromAnotherStack,
        InvalidAlias,
        ModelRegistryRejected,
        ModelRegistryUnavailable,
        PromotionRefused,
    )
    from stackfold.domain.errors.names import (
        Ambiguous,
        ImportNameTaken,
        InvalidActor,
        InvalidComponentType,
        InvalidListing,
        InvalidName,
        InvalidTag,
        MissingComponentType,
        NameTaken,
        UnknownComponentType,
    )
    from stackfold.domain.errors.policies import (
        InvalidPolicy,
        PolicyCannotWrite,
        PolicyFailed,
        PolicyTooSlow,
        PolicyUnavailable,
        PolicyViolation,
        ReasonRequired,
    )
    from stackfold.domain.errors.reactions import (
        InvalidReaction,
        ReactionDiverged,
        ReactionLoop,
        WebhookFailed,
    )
    from stackfold.domain.errors.runs import (
        InvalidOutput,
        InvalidPipeline,
        NotInStep,
        NotResumable,
        NoWorkspace,
        OutputMismatch,
        RunBusy,
        RunEnded,
        RunFailed,
        StepProcessDied,
        StepTimedOut,
    )
    from stackfold.domain.errors.secrets import (
        MissingSecret,
        SecretStoreUnavailable,
    )
    from stackfold.domain.errors.stacks import (
        ComponentsDiffer,
        IncompleteStack,
        InUse,
        InvalidStack,
        NothingToChange,
        NotInStack,
        Protected,
        StackActive,
        Violation,
    )
    from stackfold.domain.errors.trackers import (
        TrackerUnavailable,
    )
    from stackfold.domain.errors.trust import (
        UntrustedProject,
        UntrustedStore,
    )
    from stackfold.domain.errors.warnings import (
        AggregateSkipped,
        CodeChanged,
        HomeWritable,
        LogContradicts,
        StackfoldWarning,
        UnresolvedHint,
        VersionsDiffer,
        WouldNotRun,
    )


__all__ = [
    "AggregateSkipped",
    "Ambiguous",
    "ArtifactDamaged",
    "ArtifactInUse",
    "ArtifactStoreUnavailable",
    "AsOfOutOfRange",
    "BuildFailed",
    "Busy",
    "CannotConvert",
    "CannotUndo",
    "CannotUpdate",
    "ChangeElsewhere",
    "ChangeTimedOut",
    "ClockJumped",
    "CodeChanged",
    "ComponentDeleted",
    "ComponentsDiffer",
    "ConcurrentModification",
    "Conflict",
    "ContradictoryEvents",
    "Damaged",
    "DeploymentFailed",
    "DeploymentStopped",
    "DeploymentUnavailable",
    "DidNotExistAt",
    "DuplicateFlavor",
    "EngineStopped",
    "EngineUnavailable",
    "Failed",
    "FlavorClassNotFound",
    "Forbidden",
    "ForkedInTransaction",
    "FromAnotherStack",
    "HomeWritable",
    "ImportNameTaken",
    "InUse",
    "IncompatibleConfiguration",
    "IncompleteStack",
    "InstallFailed",
    "Invalid",
    "InvalidActor",
    "InvalidAggregate",
    "InvalidAlias",
    "InvalidAsOf",
    "InvalidComponentType",
    "InvalidConfiguration",
    "InvalidFile",
    "InvalidFlavor",
    "InvalidFolder",
    "InvalidInputs",
    "InvalidListing",
    "InvalidMaterializer",
    "InvalidName",
    "InvalidOutput",
    "InvalidPipeline",
    "InvalidPolicy",
    "InvalidReaction",
    "InvalidStack",
    "InvalidTag",
    "InvalidTraffic",
    "LogContradicts",
    "LogDiverged",
    "LogExists",
    "LogUnavailable",
    "MissingComponentType",
    "MissingSecret",
    "ModelRegistryRejected",
    "ModelRegistryUnavailable",
    "NameTaken",
    "NeedsConfirmation",
    "NoManifest",
    "NoSuchRevision",
    "NoWorkspace",
    "NotDeleted",
    "NotFound",
    "NotInStack",
    "NotInStep",
    "NotInstalled",
    "NotResumable",
    "NothingToChange",
    "NothingToUndo",
    "OutputMismatch",
    "OutsideChanges",
    "OutsideStore",
    "PermissionDenied",
    "PickleForbidden",
    "PolicyCannotWrite",
    "PolicyFailed",
    "PolicyTooSlow",
    "PolicyUnavailable",
    "PolicyViolation",
    "PredictionRejected",
    "ProjectionFailed",
    "PromotionRefused",
    "Protected",
    "PushFailed",
    "ReactionDiverged",
    "ReactionLoop",
    "ReadInterrupted",
    "ReadModelDamaged",
    "ReasonRequired",
    "RegistryForbidden",
    "RegistryUnavailable",
    "RemoteStepFailed",
    "RunBusy",
    "RunDetached",
    "RunEnded",
    "RunFailed",
    "SecretStoreUnavailable",
    "StackActive",
    "StackfoldError",
    "StackfoldWarning",
    "StalePosition",
    "StaleRevision",
    "StatementFailed",
    "StatementRejected",
    "StepLost",
    "StepNotRunnable",
    "StepProcessDied",
    "StepTimedOut",
    "TooLarge",
    "TrackerUnavailable",
    "Unavailable",
    "UndeclaredChange",
    "UnknownClass",
    "UnknownComponentType",
    "UnknownFlavor",
    "UnreadableEvent",
    "Unrecordable",
    "UnresolvedHint",
    "UntrustedProject",
    "UntrustedStore",
    "VersionsDiffer",
    "Violation",
    "WebhookFailed",
    "WouldNotRun",
    "WriteInterrupted",
]

_FILES = {name: file for file, names in NAMES.items() for name in names.split()}

if not TYPE_CHECKING:  # a type checker would take any name for one of this module

    def __getattr__(name: str) -> Any:
        """Load a name on first use."""
        if name not in _FILES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        globals()[name] = value = getattr(import_module(f"{__name__}.{_FILES[name]}"), name)
        return value
