"""The ready-made step that compares the recorded requests of a deployment with a data set."""

from contextlib import ExitStack
from typing import Annotated

from stackfold.application.deployments.drift import Drift, comparing
from stackfold.application.runs.context import get_context
from stackfold.application.validation.steps import OnFailure, result
from stackfold.domain.errors import CannotRecord
from stackfold.domain.pipelines.output import Output
from stackfold.domain.pipelines.step import step
from stackfold.domain.validation.validation_report import ValidationReport


@step(enable_cache=False)
def check_drift(
    deployment: str,
    reference: str,
    since: str = "",
    target: str = "",
    columns: tuple[str, ...] = (),
    on_failure: OnFailure = "warn",
    name: str = "drift",
) -> Annotated[ValidationReport, Output("{name}")]:
    """Compare the recorded requests of a deployment with a data set, and post an alert of a drift.

    The data validator of the run's stack compares, and its alerter, if it has one, posts. The step
    must be executed on the machine of the deployment.

    Args:
        deployment: The name of the deployment.
        reference: The artifact to compare with, such as "dataset@approved".
        since: The time of the oldest request, such as "1d"; empty for all that are kept.
        target: The column of the data set with the true values; empty for none.
        columns: The columns to compare; empty for all that both have.
        on_failure: "warn" logs a warning of a drift and goes on; "fail" raises `ValidationFailed`.
        name: The artifact's name that the report gets.

    Returns:
        The report.

    Raises:
        ValidationFailed: The requests have drifted, and `on_failure` is "fail".
        CannotRecord: No request was recorded in that time.
        NotFound: No deployment or no artifact matches.
        NoComponent: The stack has no data validator.
        ValidatorCannot: The validator compares nothing.
        ValidatorFailed: The validator's tool raised an error.
    """
    from stackfold.infrastructure.current_workspace import current_workspace
    from stackfold.infrastructure.workspace import Workspace

    context = get_context()
    validators = [*context.components("data_validator").values()] or [context.data_validator]
    alerters = [*context.components("alerter").values()]
    with ExitStack() as opened:
        workspace = current_workspace(Workspace._is_default)
        if workspace is None:
            workspace = opened.enter_context(Workspace.open())
        rows = workspace.deployments.request_rows(deployment, since or None)
    if not rows:
        raise CannotRecord(deployment, "none was recorded in that time: record them first")
    data = context.load_artifact(reference)
    drift = Drift(comparing(validators), alerters[0] if alerters else None)
    found = drift.find(deployment, rows, reference, data, target, columns)
    context.log_metadata({"rows": found.rows, "alerted": found.alerted})
    return result(context, found.report, on_failure, name)
