"""Every error and warning of Stackfold, and the kinds to catch by.

    StackfoldError         everything below; its text is one line
    ├── NotFound           nothing has the given name, id or number
    ├── Conflict           the current state does not allow the change
    ├── Invalid            an input is malformed, or does not fit what it is for
    ├── Forbidden          a permission or a rule does not allow it
    ├── Unavailable        something that is needed cannot be reached or used
    ├── Busy               another process is at work on the same thing
    ├── Failed             work was started and did not succeed
    ├── Damaged            stored data is corrupt
    └── NothingToChange    a command would change nothing; not a failure

Usage:

    try:
        workspace.stacks.activate("prod")
    except NotFound as error:
        print(error.kind, error.reference)

`docs/errors.md` lists all of them, with the data that each carries.
"""

# ruff: noqa: F405

from stackfold.domain.errors import *  # noqa: F403 the names are listed here, each once

__all__ = [
    "AggregateSkipped",
    "Ambiguous",
    "ArtifactDamaged",
    "ArtifactStoreUnavailable",
    "AsOfOutOfRange",
    "BuildFailed",
    "Busy",
    "CannotUndo",
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
    "HomeWritable",
    "ImportNameTaken",
    "InUse",
    "IncompatibleConfiguration",
    "IncompleteStack",
    "InstallFailed",
    "Invalid",
    "InvalidActor",
    "InvalidAggregate",
    "InvalidAsOf",
    "InvalidConfiguration",
    "InvalidFile",
    "InvalidFlavor",
    "InvalidInputs",
    "InvalidListing",
    "InvalidMaterializer",
    "InvalidName",
    "InvalidOutput",
    "InvalidPipeline",
    "InvalidReaction",
    "InvalidStack",
    "InvalidTag",
    "LogContradicts",
    "LogDiverged",
    "LogExists",
    "LogUnavailable",
    "MissingSecret",
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
    "PredictionRejected",
    "ProjectionFailed",
    "Protected",
    "PushFailed",
    "ReactionDiverged",
    "ReactionLoop",
    "ReadInterrupted",
    "ReadModelDamaged",
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
