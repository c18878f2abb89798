"""Ready-made steps that validate data with the data validator of the run's stack.

They are executed in each run and never found in the cache: whether data passes also depends on the
configuration and the version of the validator.
"""

import logging
from typing import Annotated, Any, Literal

from stackfold.application.ports import DataValidator
from stackfold.application.runs.context import StepContext, get_context
from stackfold.domain.errors import ValidationFailed
from stackfold.domain.pipelines.output import Output
from stackfold.domain.pipelines.step import step
from stackfold.domain.validation.validation_report import Kind, ValidationReport

OnFailure = Literal["fail", "warn"]
"""What a step does if data does not pass."""


@step(enable_cache=False)
def validate(
    data: Any,
    expectations: Any,
    on_failure: OnFailure = "fail",
    name: str = "validation",
) -> Annotated[ValidationReport, Output("{name}")]:
    """Check data against expectations, and fail the step if it does not pass.

    The report is stored in both cases.

    Args:
        data: The table.
        expectations: What the data must be like, in the form of the data validator, such as a
            schema of pandera: an object, an artifact, or a text in the validator's format.
        on_failure: "fail" raises `ValidationFailed`; "warn" logs a warning and goes on.
        name: The artifact's name that the report gets.

    Returns:
        The report.

    Raises:
        ValidationFailed: A check failed.
        NoComponent: The stack has no data validator.
        ValidatorCannot: The validator has no checks.
        InvalidTable: The data is not a table.
        InvalidExpectations: The expectations are not of the validator.
        ValidatorFailed: The validator's tool raised an error.
    """
    context = get_context()
    validator = _validator(context, "check")
    if isinstance(expectations, str):
        expectations = validator.read_expectations(expectations)
    return result(context, validator.check(data, expectations), on_failure, name)


@step(enable_cache=False)
def compare_with_reference(
    data: Any,
    reference: Any,
    target: str = "",
    prediction: str = "",
    columns: tuple[str, ...] = (),
    on_failure: OnFailure = "fail",
    name: str = "comparison",
) -> Annotated[ValidationReport, Output("{name}")]:
    """Compare data with a reference, and fail the step if it has drifted.

    The report is stored in both cases.

    Args:
        data: The table, such as recent requests.
        reference: The table to compare it with, such as `artifact("dataset@approved")`.
        target: The column with the true values; empty for none.
        prediction: The column with a model's predictions; empty for none.
        columns: The columns to compare; empty for all.
        on_failure: "fail" raises `ValidationFailed`; "warn" logs a warning and goes on.
        name: The artifact's name that the report gets.

    Returns:
        The report.

    Raises:
        ValidationFailed: The data has drifted.
        NoComponent: The stack has no data validator.
        ValidatorCannot: The validator compares nothing.
        InvalidTable: The data or the reference is not a table, or lacks a named column.
        ValidatorFailed: The validator's tool raised an error.
    """
    context = get_context()
    report = _validator(context, "compare").compare(
        data, reference, target=target, prediction=prediction, columns=columns
    )
    return result(context, report, on_failure, name)


def _validator(context: StepContext, method: Kind) -> DataValidator:
    """The first data validator of the stack that has a method; the default one if none has."""
    validators: list[DataValidator] = [*context.components("data_validator").values()]
    return next((each for each in validators if method in each.can), context.data_validator)


def result(
    context: StepContext, report: ValidationReport, on_failure: OnFailure, name: str
) -> ValidationReport:
    """Record the numbers of a report, and return it or raise.

    Args:
        context: The context of the step.
        report: The report.
        on_failure: What to do if data does not pass.
        name: The artifact's name that the report gets if this raises.

    Raises:
        ValidationFailed: The data does not pass, and `on_failure` is "fail".
    """
    context.log_metadata({"passed": report.passed, **report.metrics})
    if report.passed:
        return report
    if on_failure == "fail":
        # What a step returns is stored only if it does not raise.
        context.save_artifact(report, name)
        raise ValidationFailed(report)
    logging.getLogger("stackfold.validation").warning("%s", report.summary)
    return report
