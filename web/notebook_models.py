"""Shows models and their versions in notebooks as HTML."""

from collections.abc import Sequence

from stackfold.application.models.views import (
    ModelDescription,
    ModelVersionDescription,
    ModelVersionView,
    ModelView,
)
from stackfold.web.notebook_parts import heading, page, paragraph, table


def model_html(model: ModelView | ModelDescription) -> str:
    """Return a model with the versions that its aliases stand for, and their gates."""
    if isinstance(model, ModelDescription):
        rows = [
            (each.alias, f"@{each.number}", each.when, each.by, each.why)
            for each in model.promotions
        ]
    else:
        rows = [(alias, f"@{number}", "", "", "") for alias, number in model.aliases.items()]
    latest = f"latest @{model.latest}" if model.latest else "no version"
    return page(
        heading(f"Model {model.name}", f"revision {model.revision} · {latest}"),
        paragraph(model.description),
        table(("alias", "version", "since", "by", "why"), rows),
        table(("gate", "rule"), [*model.gates.items()]),
    )


def model_version_html(version: ModelVersionView | ModelVersionDescription) -> str:
    """Return a version of a model with its metrics, and what is linked to it."""
    aliases = " · ".join([version.status, *version.aliases])
    made = f" · by run {version.run} on {version.stack} revision {version.stack_revision}"
    linked: list[tuple[str, str]] = []
    if isinstance(version, ModelVersionDescription):
        linked = [("output", each) for each in version.artifacts]
        linked += [
            ("made of", pinned if given == pinned else f"{pinned}, given as {given}")
            for given, pinned in version.inputs.items()
        ]
        linked += [("deployment", each) for each in version.deployments]
    return page(
        heading(f"Model version {version.model}@{version.number}", aliases + made),
        paragraph(version.description),
        table(("metric", "value"), [*version.metrics.items()]),
        table(("", ""), linked),
    )


def models_html(models: Sequence[ModelView]) -> str:
    """Return models, one row each."""
    rows = [
        (
            each.name,
            ", ".join(f"{alias} @{number}" for alias, number in each.aliases.items()),
            f"@{each.latest}" if each.latest else "",
            each.updated,
            each.by,
        )
        for each in models
    ]
    return page(table(("model", "promoted", "latest", "updated", "by"), rows))


def model_versions_html(versions: Sequence[ModelVersionView]) -> str:
    """Return versions of models, one row each."""
    rows = [
        (
            f"{each.model}@{each.number}",
            ", ".join(each.aliases),
            each.status,
            ", ".join(f"{name} {value:.6g}" for name, value in each.metrics.items()),
            each.run,
            each.created,
        )
        for each in versions
    ]
    return page(table(("version", "aliases", "status", "metrics", "run", "made"), rows))
