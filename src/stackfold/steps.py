"""Ready-made steps for pipelines, which use the components of the run's stack.

    from stackfold.steps import validate

    @pipeline
    def training() -> None:
        rows = load()
        checked = validate(rows, SCHEMA)
        train.after(checked)(rows)

They are described in `docs/data-validation.md`, `docs/features.md`, `docs/labels.md` and
`docs/monitoring.md`.
"""

from stackfold.application.annotation.steps import labelled_items, send_to_annotator
from stackfold.application.features.steps import training_frame
from stackfold.application.validation.steps import compare_with_reference, validate
from stackfold.infrastructure.drift_step import check_drift

__all__ = [
    "check_drift",
    "compare_with_reference",
    "labelled_items",
    "send_to_annotator",
    "training_frame",
    "validate",
]
