"""Operations: artifacts."""

from stackfold.application.artifacts.artifact_views import (
    ArtifactAlias,
    ArtifactDescription,
    Lineage,
    NamedArtifact,
)
from stackfold.application.history.views import HistoryEntry
from stackfold.web.api.listings import listing
from stackfold.web.api.operations import Call, Limit, Operations, Page, PageNumber, Past

ARTIFACTS = Operations("artifacts")


@ARTIFACTS.get("/artifacts")
def list_artifacts(
    call: Call,
    *,
    pipeline: str | None = None,
    step: str | None = None,
    output: str | None = None,
    run: str | None = None,
    digest: str | None = None,
    tag: tuple[str, ...] = (),
    latest: bool = False,
    sort: str = "-position",
    as_of: Past = None,
    page: PageNumber = 1,
    limit: Limit = 100,
) -> Page[NamedArtifact]:
    """List artifacts, newest first.

    Args:
        pipeline: Only artifacts of this pipeline.
        step: Only those of steps of this name.
        output: Only those of outputs of this name.
        run: Only those of the run with this id.
        digest: Only those whose stored bytes have this sha256, in hexadecimal.
        tag: Only those with this tag; with all, if several are given.
        latest: Only the latest version of each name.
        sort: The field to sort by, after `-` for descending order.
        as_of: Only artifacts that were recorded up to this point.
    """
    return call.page(
        as_of,
        page,
        limit,
        lambda at, number, size: call.workspace.artifacts.list(
            listing(
                sort,
                number,
                size,
                tags=tag,
                until=at,
                pipeline=pipeline,
                step=step,
                output=output,
                run=run,
                digest=digest,
            ),
            latest,
        ),
    )


@ARTIFACTS.get("/artifacts/{name}")
def get_named_artifact(call: Call, *, name: str, version: str | None = None) -> ArtifactDescription:
    """Get an artifact that has a name of its own, with its origin and location.

    Args:
        name: Its name.
        version: The number or label of the version, or a run that produced it; the latest by
            default.
    """
    return call.workspace.artifacts.describe(_named(name, version))


@ARTIFACTS.get("/artifacts/{name}/versions")
def list_named_versions(
    call: Call, *, name: str, as_of: Past = None, page: PageNumber = 1, limit: Limit = 100
) -> Page[NamedArtifact]:
    """List the versions of an artifact that has a name of its own, newest first.

    Args:
        name: Its name.
        as_of: Only versions that were recorded up to this point.
    """
    return call.page(
        as_of,
        page,
        limit,
        lambda at, number, size: call.workspace.artifacts.list(
            listing("-position", number, size, until=at, name=name)
        ),
    )


@ARTIFACTS.get("/artifacts/{name}/aliases")
def list_named_aliases(call: Call, *, name: str, as_of: Past = None) -> list[ArtifactAlias]:
    """List the aliases of an artifact that has a name of its own, and what each stands for.

    Args:
        name: Its name.
    """
    return [*call.workspace.artifacts.aliases(name, until=call.position(as_of))]


@ARTIFACTS.get("/artifacts/{name}/history")
def get_named_history(
    call: Call, *, name: str, as_of: Past = None, limit: Limit = 100
) -> list[HistoryEntry]:
    """Get the changes of the aliases of an artifact that has a name of its own, newest first.

    Args:
        name: Its name.
        as_of: Only changes up to this point.
        limit: The most entries.
    """
    return [*call.workspace.artifacts.history(name, limit, until=call.position(as_of))]


@ARTIFACTS.get("/artifacts/{name}/lineage")
def get_named_lineage(
    call: Call,
    *,
    name: str,
    version: str | None = None,
    upstream: bool = True,
    downstream: bool = True,
) -> Lineage:
    """Get what an artifact with a name of its own was derived from, and what was derived from it.

    Args:
        name: Its name.
        version: The number or label of the version, or a run that produced it; the latest by
            default.
        upstream: Whether to return the steps that it was made by.
        downstream: Whether to return the steps that it was used by.
    """
    reference = _named(name, version)
    return call.workspace.artifacts.lineage(reference, upstream=upstream, downstream=downstream)


@ARTIFACTS.get("/artifacts/{pipeline}/{step}/{output}")
def get_artifact(
    call: Call, *, pipeline: str, step: str, output: str, version: str | None = None
) -> ArtifactDescription:
    """Get an artifact with its origin and location.

    Args:
        pipeline: The pipeline.
        step: The step.
        output: The output of the step.
        version: The number of the version, or a run that produced it; the latest by default.
    """
    return call.workspace.artifacts.describe(_reference(pipeline, step, output, version))


@ARTIFACTS.get("/artifacts/{pipeline}/{step}/{output}/versions")
def list_versions(
    call: Call,
    *,
    pipeline: str,
    step: str,
    output: str,
    as_of: Past = None,
    page: PageNumber = 1,
    limit: Limit = 100,
) -> Page[NamedArtifact]:
    """List the versions of an artifact, newest first.

    Args:
        pipeline: The pipeline.
        step: The step.
        output: The output of the step.
        as_of: Only versions that were recorded up to this point.
    """
    return list_artifacts(
        call,
        pipeline=pipeline,
        step=step,
        output=output,
        # The order is that of the versions, and has an index.
        sort="-position",
        as_of=as_of,
        page=page,
        limit=limit,
    )


@ARTIFACTS.get("/artifacts/{pipeline}/{step}/{output}/aliases")
def list_aliases(
    call: Call, *, pipeline: str, step: str, output: str, as_of: Past = None
) -> list[ArtifactAlias]:
    """List the aliases of an artifact, and what each stands for.

    Args:
        pipeline: The pipeline.
        step: The step.
        output: The output of the step.
    """
    name = _reference(pipeline, step, output, None)
    return [*call.workspace.artifacts.aliases(name, until=call.position(as_of))]


@ARTIFACTS.get("/artifacts/{pipeline}/{step}/{output}/history")
def get_artifact_history(
    call: Call, *, pipeline: str, step: str, output: str, as_of: Past = None, limit: Limit = 100
) -> list[HistoryEntry]:
    """Get the changes of the aliases of an artifact, newest first.

    Args:
        pipeline: The pipeline.
        step: The step.
        output: The output of the step.
        as_of: Only changes up to this point.
        limit: The most entries.
    """
    name = _reference(pipeline, step, output, None)
    return [*call.workspace.artifacts.history(name, limit, until=call.position(as_of))]


@ARTIFACTS.get("/artifacts/{pipeline}/{step}/{output}/lineage")
def get_lineage(
    call: Call,
    *,
    pipeline: str,
    step: str,
    output: str,
    version: str | None = None,
    upstream: bool = True,
    downstream: bool = True,
) -> Lineage:
    """Get the steps that an artifact was made by, and those that it was used by.

    Args:
        pipeline: The pipeline.
        step: The step.
        output: The output of the step.
        version: The number of the version, or a run that produced it; the latest by default.
        upstream: Whether to return the steps that it was made by.
        downstream: Whether to return the steps that it was used by.
    """
    reference = _reference(pipeline, step, output, version)
    return call.workspace.artifacts.lineage(reference, upstream=upstream, downstream=downstream)


def _named(name: str, version: str | None) -> str:
    return f"{name}@{version}" if version else name


def _reference(pipeline: str, step: str, output: str, version: str | None) -> str:
    return f"{pipeline}/{step}/{output}" + (f"@{version}" if version else "")
