"""Operations: models and their versions."""

from stackfold.application.history.views import Change, HistoryEntry
from stackfold.application.models.views import (
    ModelDescription,
    ModelVersionDescription,
    ModelVersionView,
    ModelView,
    VerdictView,
    VersionComparison,
)
from stackfold.domain.errors import Invalid
from stackfold.web.api.listings import listing
from stackfold.web.api.operations import Call, Limit, Number, Operations, Page, PageNumber, Past

MODELS = Operations("models")


@MODELS.get("/models")
def list_models(
    call: Call,
    *,
    name: str | None = None,
    tag: tuple[str, ...] = (),
    sort: str = "name",
    as_of: Past = None,
    page: PageNumber = 1,
    limit: Limit = 100,
) -> Page[ModelView]:
    """List models with the versions that their aliases stand for.

    Args:
        name: Only the model of this name.
        tag: Only models with this tag; with all, if several are given.
        sort: The field to sort by, after `-` for descending order.
    """
    return call.page(
        as_of,
        page,
        limit,
        lambda at, number, size: call.workspace.models.list(
            listing(sort, number, size, tags=tag, name=name), at
        ),
    )


@MODELS.get("/models/{model}")
def get_model(call: Call, *, model: str, as_of: Past = None) -> ModelDescription:
    """Get a model: which versions were promoted, by whom, when and why.

    Args:
        model: The name, the id, or a unique prefix of either.
    """
    return call.workspace.models.describe(model, as_of)


@MODELS.get("/models/{model}/history")
def get_model_history(
    call: Call, *, model: str, alias: str | None = None, as_of: Past = None, limit: Limit = 100
) -> list[HistoryEntry]:
    """Get the changes of a model, newest first.

    Args:
        model: The name or id; it may have been deleted.
        alias: Only changes of the version that this alias stands for.
        as_of: Only changes up to this point.
        limit: The most entries.
    """
    return [*call.workspace.models.history(model, limit, alias=alias, as_of=as_of)]


@MODELS.get("/models/{model}/diff")
def diff_model(
    call: Call,
    *,
    model: str,
    revision: Number | None = None,
    other_revision: Number | None = None,
    as_of: Past = None,
    other_as_of: Past = None,
) -> list[Change]:
    """Compare two states of a model, field by field.

    Without a query, compares the states before and after the last change.

    Args:
        model: The name or id; it may have been deleted.
        revision: A revision of the model, as the first state.
        other_revision: The revision as the second state; the latest if it is not given.
        as_of: A point in the past, as the first state.
        other_as_of: A point in the past, as the second state.
    """
    if revision is None and other_revision is not None:
        raise Invalid("other_revision is given without revision: give both")
    return [
        *call.workspace.models.diff(
            model,
            revisions=None if revision is None else (revision, other_revision),
            as_of=(as_of, other_as_of),
        )
    ]


@MODELS.get("/models/{model}/verdicts")
def list_verdicts(
    call: Call, *, model: str, version: str | None = None, as_of: Past = None
) -> list[VerdictView]:
    """List what gates found about versions that were to be promoted, newest first.

    Args:
        model: The name, the id, or a unique prefix of either.
        version: Only about this version: a number, an alias or `latest`.
        as_of: Only what was recorded up to this point.
    """
    return [*call.workspace.models.verdicts(model, version, as_of=as_of)]


@MODELS.get("/models/{model}/versions")
def list_model_versions(
    call: Call,
    *,
    model: str,
    all: bool = False,
    below: Number | None = None,
    as_of: Past = None,
    limit: Limit = 100,
) -> Page[ModelVersionView]:
    """List the versions of a model, newest first.

    Args:
        model: The name, the id, or a unique prefix of either.
        all: Whether to include versions that are open or abandoned.
        below: Only versions with a smaller number.
        limit: The most items of a page.
    """
    position = call.position(as_of)
    found = call.workspace.models.versions(
        model, all=all, as_of=f"#{position}", below=below, limit=limit + 1
    )
    last = found[limit - 1].number if len(found) > limit else None
    return call.following([*found], limit, position, below=last, as_of=position)


@MODELS.get("/models/{model}/versions/{version}")
def get_model_version(
    call: Call, *, model: str, version: str, as_of: Past = None
) -> ModelVersionDescription:
    """Get a version of a model with its metrics, artifacts, inputs and deployments.

    Args:
        model: The name, the id, or a unique prefix of either.
        version: A number, an alias or `latest`.
    """
    return call.workspace.models.describe_version(model, version, as_of)


@MODELS.get("/models/{model}/comparison")
def compare_versions(
    call: Call, *, model: str, version: tuple[str, ...] = (), as_of: Past = None
) -> list[VersionComparison]:
    """Compare versions of a model: their metrics, and what they were made of.

    Args:
        model: The name, the id, or a unique prefix of either.
        version: Two to twelve versions: each a number, an alias or `latest`.
    """
    return [*call.workspace.models.compare(model, [*version], as_of=as_of)]
