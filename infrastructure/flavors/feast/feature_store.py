"""The feature store `feast`."""

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import Field

from stackfold.application import ports
from stackfold.application.ports import FeatureStore
from stackfold.application.ports.feature_store import (
    DataFrame,
    Features,
    FeatureView,
    Materialized,
)
from stackfold.domain.errors import FeatureStoreUnavailable, InvalidFeatures, StackfoldError
from stackfold.infrastructure.flavors.feast.definitions import Definitions, Projection
from stackfold.infrastructure.flavors.feast.opening import open_repository, quiet
from stackfold.infrastructure.flavors.feast.repository import Repository, read_repository
from stackfold.infrastructure.flavors.feast.training import historical_features

_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


class FeastFeatureStore(FeatureStore):
    """Reads and materializes the features of a feature repository of Feast."""

    flavor = "feast"

    class Configuration(ports.Configuration):
        """The feature repository."""

        path: str = Field(
            min_length=1,
            description="The folder with Feast's feature_store.yaml: absolute, relative to "
            "Stackfold's home, or beginning with `~`.",
        )
        project: str | None = Field(
            None, min_length=1, description="Feast's project; by default that of the file."
        )
        full_feature_names: bool = Field(
            False, description="Whether features are named view__feature instead of feature."
        )
        allow_code: bool = Field(
            False,
            description="Whether Feast may execute functions in its registry (on-demand views) and "
            "import classes that the file names.",
        )

    configuration: Configuration

    def __init__(self, configuration: Any, home: Path) -> None:
        """Create the component; reads nothing yet."""
        super().__init__(configuration, home)
        self._lock = threading.RLock()
        self._known: _Opened | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_lock": None, "_known": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _lock=threading.RLock())

    def feature_views(self) -> Sequence[FeatureView]:
        definitions = self._opened().definitions
        return [
            FeatureView(
                each.name,
                each.keys,
                each.features,
                each.source,
                each.ttl,
                each.online,
                each.materialized,
            )
            for each in definitions.views.values()
        ]

    def feature_services(self) -> Mapping[str, Sequence[str]]:
        services = self._opened().definitions.services
        return {
            name: [f"{each.name}:{feature}" for each in projections for feature in each.features]
            for name, projections in sorted(services.items())
        }

    def definitions_version(self) -> str:
        return self._opened().definitions.version

    def check_connection(self) -> None:
        """Read the definitions, and create Feast's online and offline store."""
        with self._using() as opened:
            opened.store.provider  # noqa: B018  # created on first use

    def read_training_frame(self, entities: DataFrame, features: Features) -> DataFrame:
        with self._using() as opened:
            wanted = self._projections(opened.definitions, features)
            names = self._names(wanted, [str(each) for each in entities.columns])
            service = features if isinstance(features, str) else None
            return historical_features(opened.store, entities, wanted, names, service)

    def read_online(
        self, entities: Sequence[Mapping[str, Any]], features: Features
    ) -> list[dict[str, Any]]:
        with self._using() as opened:
            wanted = self._projections(opened.definitions, features)
            names = self._names(wanted, list(entities[0]))
            _must_identify(wanted, list(entities[0]))
            asked = (
                opened.store.get_feature_service(features)
                if isinstance(features, str)
                else list(features)
            )
            answer = opened.store.get_online_features(asked, [*entities], full_feature_names=True)
            return _rows(answer.proto, answer.to_dict(), entities, wanted, names)

    def load_online(
        self, since: datetime | None, until: datetime, views: Sequence[str] | None
    ) -> Sequence[Materialized]:
        known = self._opened().definitions.views
        can = [name for name, view in known.items() if view.online]
        for name in views or ():
            if name not in can:
                raise InvalidFeatures(
                    f"there is no feature view {name!r:.100} to materialize: choose one of "
                    f"{', '.join(can) or 'none'}"
                )
        done = []
        for name in can if views is None else dict.fromkeys(views):
            # One after another: what was loaded stays if a later one fails or is interrupted.
            with self._using() as opened, quiet():
                view = opened.definitions.views[name]
                oldest = until - timedelta(seconds=view.ttl) if view.ttl else _BEGINNING
                start = since or view.materialized or oldest
                if start < until:
                    opened.store.materialize(start, until, [name])
                    done.append(Materialized(name, start, until))
        return done

    # -- private

    @property
    def _folder(self) -> Path:
        return self.home / Path(self.configuration.path).expanduser()

    def _opened(self) -> "_Opened":
        """Feast's store, with the current definitions.

        Raises:
            FeatureStoreUnavailable: It cannot be used.
        """
        with self._lock, self._one_line():
            repository = read_repository(self._folder, self.configuration.project, self.home)
            stamp = _stamp(repository)
            if self._known is None or stamp is None or self._known.stamp != stamp:
                self._known = None
                store, definitions = open_repository(
                    repository, self.home, self.configuration.allow_code
                )
                self._known = _Opened(stamp, store, definitions)
            return self._known

    @contextmanager
    def _using(self) -> Iterator["_Opened"]:
        opened = self._opened()
        with self._one_line():
            yield opened

    @contextmanager
    def _one_line(self) -> Iterator[None]:
        """Raise whatever Feast, pandas or a database raises as an error in one line."""
        try:
            yield
        except StackfoldError:
            raise
        except Exception as error:
            line = " ".join(str(error).split())
            problem = f"{type(error).__name__}: {line}" if line else type(error).__name__
            raise FeatureStoreUnavailable(str(self._folder), f"{problem:.500}") from error

    def _projections(self, definitions: Definitions, features: Features) -> list[Projection]:
        """What is wanted of each view.

        Raises:
            InvalidFeatures: A feature or a service does not exist.
        """
        if isinstance(features, str):
            found = definitions.services.get(features)
            if found is None:
                known = ", ".join(definitions.services) or "there are none"
                raise InvalidFeatures(
                    f"there is no feature service {features!r:.100}: {known}; write a feature as "
                    "view:feature, in a list"
                )
            return [*found]
        wanted: dict[str, list[str]] = {}
        for each in features:
            name, _, feature = each.partition(":")
            view = definitions.views.get(name)
            if view is None:
                known = ", ".join(definitions.views) or "there are none"
                raise InvalidFeatures(f"there is no feature view {name!r:.100}: {known}")
            if feature not in view.features:
                known = ", ".join(view.features)
                raise InvalidFeatures(f"view {name!r} has no feature {feature!r:.100}: {known}")
            wanted.setdefault(name, []).append(feature)
        return [Projection(definitions.views[name], name, each) for name, each in wanted.items()]

    def _names(self, wanted: Sequence[Projection], taken: list[str]) -> dict[tuple[str, str], str]:
        """(View, feature) → the name that it gets.

        Raises:
            InvalidFeatures: Two would have the same.
        """
        names: dict[tuple[str, str], str] = {}
        for each in wanted:
            for feature in each.features:
                full = f"{each.name}__{feature}"
                name = full if self.configuration.full_feature_names else feature
                if name in taken:
                    raise InvalidFeatures(
                        f"the name {name!r} is taken, as the entities or two views have it: set "
                        "full_feature_names, or rename it"
                    )
                taken.append(name)
                names[each.name, feature] = name
        return names


class _Opened(NamedTuple):
    stamp: object
    store: Any
    definitions: Definitions


def _stamp(repository: Repository) -> object:
    """Differs after a change of the settings or the definitions; None if that cannot be seen."""
    if repository.registry is None:
        return None
    try:
        status = os.stat(repository.registry)
    except OSError:
        return None
    return repr(repository.settings), status.st_mtime_ns, status.st_size, status.st_ino


def _must_identify(wanted: Sequence[Projection], given: Sequence[str]) -> None:
    for each in wanted:
        for key in each.keys:
            if key not in given:
                raise InvalidFeatures(f"view {each.name!r} identifies entities by {key!r}: give it")


def _rows(
    answer: Any,
    values: Mapping[str, Sequence[Any]],
    entities: Sequence[Mapping[str, Any]],
    wanted: Sequence[Projection],
    names: Mapping[tuple[str, str], str],
) -> list[dict[str, Any]]:
    """The values by row; None for what is not known, or no longer."""
    now = datetime.now(UTC).timestamp()
    times = dict(zip(answer.metadata.feature_names.val, answer.results, strict=True))
    rows = [dict(each) for each in entities]
    for each in wanted:
        for feature in each.features:
            full = f"{each.name}__{feature}"
            for number, row in enumerate(rows):
                value = values[full][number]
                if each.view.ttl:
                    written = times[full].event_timestamps[number].seconds
                    value = value if now - written <= each.view.ttl else None
                row[names[each.name, feature]] = value
    return rows
