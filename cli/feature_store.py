"""`stackfold feature-store views`, `features`, `online`, `materialize` and `training-frame`."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from stackfold.cli import completion
from stackfold.cli.options import Columns, Message, Output, parse_columns
from stackfold.cli.render import Format, Shape, echo, note, show_rows
from stackfold.cli.typer_ext import Noun, WrongUsage
from stackfold.domain.rfc3339 import to_rfc3339
from stackfold.infrastructure.workspace import Workspace

_VIEWS = Shape(
    ("name", "entities", "features", "source", "ttl", "online", "materialized"),
    ("name", "entities", "features", "ttl", "materialized"),
)
_FEATURES = Shape(
    ("feature", "type", "entities", "services"),
    ("feature", "type", "entities", "services"),
    ("feature",),
)
_DONE = Shape(("view", "since", "until"), ("view", "since", "until"), ("view",))
_ROWS = 20
"""The rows of a frame that a table shows."""

Stack = Annotated[
    str | None,
    typer.Option(
        "--stack",
        "-s",
        metavar="NAME",
        show_default=False,
        help="The stack whose feature store is used; by default the active one.",
        autocompletion=completion.stacks,
    ),
]
Feature = Annotated[
    list[str] | None,
    typer.Option(
        "--feature",
        metavar="VIEW:FEATURE",
        show_default=False,
        help="A feature to read; repeatable.",
    ),
]
Service = Annotated[
    str | None,
    typer.Option(
        "--service",
        metavar="NAME",
        show_default=False,
        help="The feature service whose features are read.",
    ),
]
_WHEN = "as 2026-11-26 or 2026-11-26T12:00:00Z; without a time zone in UTC"


def declare(noun: Noun) -> None:
    """Add the commands that read and materialize features to the group of feature stores.

    Args:
        noun: The group.
    """
    _declare_lists(noun)
    _declare_reads(noun)

    @noun.command("materialize")
    def materialize(
        view: Annotated[
            list[str] | None,
            typer.Argument(
                metavar="[VIEW]...",
                show_default=False,
                help="The feature views; by default all that can be materialized.",
            ),
        ] = None,
        until: Annotated[
            str | None,
            typer.Option(
                "--until",
                metavar="TIME",
                show_default=False,
                help=f"The newest time of values, {_WHEN}; by default now.",
            ),
        ] = None,
        since: Annotated[
            str | None,
            typer.Option(
                "--since",
                metavar="TIME",
                show_default=False,
                help=f"The oldest time of values, {_WHEN}; by default where each view was "
                "materialized last.",
            ),
        ] = None,
        stack: Stack = None,
        columns: Columns = None,
        output: Output = Format.TABLE,
    ) -> None:
        """Load feature values into the online store; may be repeated."""
        times = _time("--until", until), _time("--since", since)
        with Workspace.open() as workspace:
            done = _store(workspace, stack).materialize(*times, view or None)
        rows = [
            {"view": each.view, "since": to_rfc3339(each.since), "until": to_rfc3339(each.until)}
            for each in done
        ]
        show_rows(rows, _DONE, output, parse_columns(columns))
        if not done:
            note("there was nothing new")


def _declare_lists(noun: Noun) -> None:
    @noun.command("views")
    def views(stack: Stack = None, columns: Columns = None, output: Output = Format.TABLE) -> None:
        """List the feature views, and up to which time each is in the online store."""
        with Workspace.open() as workspace:
            found = _store(workspace, stack).feature_views()
        rows = [
            {
                **each._asdict(),
                "entities": list(each.entities),
                "features": list(each.features),
                "materialized": each.materialized and to_rfc3339(each.materialized),
            }
            for each in found
        ]
        show_rows(rows, _VIEWS, output, parse_columns(columns))

    @noun.command("features")
    def features(
        view: Annotated[
            str | None,
            typer.Argument(
                metavar="[VIEW]", show_default=False, help="The feature view; by default all."
            ),
        ] = None,
        stack: Stack = None,
        columns: Columns = None,
        output: Output = Format.TABLE,
    ) -> None:
        """List the features, as they are named where they are read, and their services."""
        with Workspace.open() as workspace:
            store = _store(workspace, stack)
            found, services = store.feature_views(), store.feature_services()
        rows = []
        for each in found:
            for name, type in each.features.items() if view in {None, each.name} else ():
                full = f"{each.name}:{name}"
                using = [service for service, names in services.items() if full in names]
                row = {"feature": full, "type": type, "entities": list(each.entities)}
                rows.append({**row, "services": using})
        show_rows(rows, _FEATURES, output, parse_columns(columns))

    @noun.command("version")
    def version(stack: Stack = None) -> None:
        """Print the version of the definitions, which steps that read features record."""
        with Workspace.open() as workspace:
            echo(_store(workspace, stack).definitions_version())


def _declare_reads(noun: Noun) -> None:
    @noun.command("online")
    def online(
        context: typer.Context,
        entity: Annotated[
            list[str],
            typer.Option(
                "--entity",
                metavar="KEY=VALUE[,KEY=VALUE...]",
                show_default=False,
                help="What identifies an entity, or a JSON object; repeatable for further ones.",
            ),
        ],
        feature: Feature = None,
        service: Service = None,
        stack: Stack = None,
        columns: Columns = None,
        output: Output = Format.TABLE,
    ) -> None:
        """Print the latest materialized features of entities."""
        wanted = _wanted(context, feature, service)
        entities = [_entity(context, each) for each in entity]
        with Workspace.open() as workspace:
            rows = _store(workspace, stack).online_features(entities, wanted)
        _show(rows, list(rows[0]), output, columns)

    @noun.command("training-frame")
    def training_frame(
        context: typer.Context,
        entities: Annotated[
            str,
            typer.Argument(
                metavar="ENTITIES",
                help="The artifact with the frame of entities, such as customers@2; its column "
                "event_timestamp holds the time of each row.",
            ),
        ],
        feature: Feature = None,
        service: Service = None,
        save: Annotated[
            str | None,
            typer.Option(
                "--save",
                metavar="NAME",
                show_default=False,
                help="Save the frame as a new version of an artifact, and do not print it.",
            ),
        ] = None,
        stack: Stack = None,
        columns: Columns = None,
        output: Output = Format.TABLE,
        message: Message = "",
    ) -> None:
        """Print or save features as they were known at the time of each row of a frame."""
        wanted = _wanted(context, feature, service)
        with Workspace.open() as workspace:
            store, artifact = _store(workspace, stack), workspace.artifacts.get(entities)
            version = store.definitions_version()
            frame = store.training_frame(artifact.load(no_pickle=True), wanted)
            if save is not None:
                facts = {
                    "feature_definitions": version,  # as steps record it
                    "features": wanted,
                    "entities": artifact.view.reference,
                }
                view = workspace.artifacts.save(
                    frame, save, metadata=facts, stack=stack, why=message
                )
                echo(f"artifact {view.reference!r} saved: {len(frame):,} rows")
                return
        shown = frame if output != Format.TABLE else frame.head(_ROWS)
        rows = json.loads(shown.to_json(orient="records", date_format="iso"))
        _show(rows, [str(name) for name in frame.columns], output, columns)
        if len(rows) < len(frame):
            note(
                f"{len(frame) - len(rows):,} more rows: --output json prints all, --save keeps all"
            )


def _show(
    rows: Sequence[Mapping[str, Any]], names: Sequence[str], output: Format, columns: str | None
) -> None:
    chosen = None if columns is None else [each.strip() for each in columns.split(",")]
    show_rows(rows, Shape((*names,), (*names,), (names[0],)), output, chosen)


def _store(workspace: Workspace, stack: str | None) -> Any:
    """The feature store of a stack: an `application.ports.FeatureStore`."""
    return workspace.component("feature_store", stack=stack)


def _wanted(
    context: typer.Context, features: Sequence[str] | None, service: str | None
) -> list[str] | str:
    if service is not None and not features:
        return service
    if service is None and features:
        return list(features)
    raise WrongUsage("give --feature, once or several times, or --service", context)


def _entity(context: typer.Context, text: str) -> dict[str, Any]:
    """What identifies an entity."""
    if text.startswith("{"):
        try:
            found = json.loads(text)
        except ValueError:
            raise WrongUsage(f"--entity {text!r:.100} is no JSON", context) from None
        return dict(found)
    pairs = [each.partition("=") for each in text.split(",")]
    if not all(name.strip() and equals for name, equals, _ in pairs):
        raise WrongUsage(f"--entity {text!r:.100}: write it as KEY=VALUE", context)
    return {name.strip(): _value(value) for name, _, value in pairs}


def _value(text: str) -> Any:
    """A number or a truth value, if it is written as in JSON; else the text."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return text if isinstance(value, dict | list) else value


def _time(option: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise WrongUsage(f"{option} {text!r:.60}: write it {_WHEN}") from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)
