"""The file of every error, so that each is loaded on first use: a command needs few of them."""

NAMES = {
    "aggregates": "InvalidAggregate UndeclaredChange",
    "alerters": "AlertRejected AlertUnanswered AlerterCannotAsk AlerterUnavailable",
    "annotators": "AnnotatorRejected AnnotatorUnavailable",
    "artifacts": (
        "ArtifactDamaged ArtifactInUse ArtifactStoreUnavailable CannotConvert InvalidFolder "
        "InvalidMaterializer OutsideStore PickleForbidden UnknownClass"
    ),
    "bases": "Busy Conflict Damaged Failed Forbidden Invalid NotFound StackfoldError Unavailable",
    "changes": "ChangeElsewhere ChangeTimedOut ForkedInTransaction OutsideChanges StatementFailed "
    "StatementRejected",
    "deployments": (
        "CannotRecord CannotUpdate DeploymentFailed DeploymentStopped DeploymentUnavailable "
        "InvalidInputs InvalidRecording InvalidTraffic NoManifest PredictionRejected"
    ),
    "engines": (
        "EngineStopped EngineUnavailable RemoteStepFailed RunDetached StepKilled StepLost "
        "StepNotRunnable"
    ),
    "features": "FeatureStoreUnavailable InvalidFeatures",
    "flavors": (
        "DuplicateFlavor FlavorClassNotFound InstallFailed InvalidConfiguration InvalidFlavor "
        "NotInstalled UnknownFlavor"
    ),
    "history": (
        "AsOfOutOfRange CannotUndo ComponentDeleted DidNotExistAt IncompatibleConfiguration "
        "InvalidAsOf NeedsConfirmation NoSuchRevision NotDeleted NothingToUndo"
    ),
    "images": "BuildFailed PushFailed RegistryForbidden RegistryUnavailable",
    "limits": "TooLarge",
    "log": (
        "ClockJumped ConcurrentModification ContradictoryEvents InvalidFile LogDiverged "
        "LogExists LogUnavailable PermissionDenied ProjectionFailed ReadInterrupted "
        "ReadModelDamaged StalePosition StaleRevision UnreadableEvent Unrecordable "
        "WriteInterrupted"
    ),
    "models": (
        "FromAnotherStack InvalidAlias ModelRegistryRejected ModelRegistryUnavailable "
        "PromotionRefused"
    ),
    "names": (
        "Ambiguous ImportNameTaken InvalidActor InvalidComponentType InvalidListing InvalidName "
        "InvalidTag MissingComponentType NameTaken UnknownComponentType"
    ),
    "policies": (
        "InvalidPolicy PolicyCannotWrite PolicyFailed PolicyTooSlow PolicyUnavailable "
        "PolicyViolation ReasonRequired"
    ),
    "reactions": "InvalidReaction ReactionDiverged ReactionLoop WebhookFailed",
    "runs": (
        "InvalidOutput InvalidPipeline NotInStep NotResumable NoWorkspace OutputMismatch "
        "RunBusy RunEnded RunFailed StepProcessDied StepTimedOut"
    ),
    "schedules": "AlreadyStarted InvalidSchedule",
    "secrets": "MissingSecret SecretStoreUnavailable",
    "stacks": (
        "ComponentUnusable ComponentsDiffer IncompleteStack InUse InvalidStack NoComponent "
        "NothingToChange NotInStack Protected StackActive Violation"
    ),
    "trackers": "TrackerUnavailable",
    "trust": "UntrustedProject UntrustedStore",
    "validation": "InvalidExpectations InvalidTable ValidationFailed ValidatorCannot "
    "ValidatorFailed",
    "warnings": (
        "AggregateSkipped CodeChanged HomeWritable LogContradicts StackfoldWarning "
        "UnresolvedHint VersionsDiffer WouldNotRun"
    ),
}
"""File → the names of the errors in it."""
