"""Stand-ins for the tools of the stack, of a few lines each: enough to try a pipeline anywhere."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from stackfold.errors import AnnotatorRejected, InvalidExpectations, InvalidFeatures, NotFound
from stackfold.flavors import (
    Alert,
    Alerter,
    Annotator,
    Check,
    Configuration,
    Dataset,
    DataValidator,
    FeatureStore,
    FeatureView,
    LabelledItem,
    Materialized,
    ValidationReport,
)


class FileConfiguration(Configuration):
    """The configuration of each stand-in."""

    path: str
    """A file."""


class ParquetFeatures(FeatureStore[FileConfiguration]):
    """Features from one Parquet file, as a view named by the file."""

    flavor = "parquet"

    @property
    def _view(self) -> str:
        return Path(self.configuration.path).stem

    def _rows(self) -> pd.DataFrame:
        rows = pd.read_parquet(self.home / self.configuration.path)
        return rows.drop(columns="created").sort_values("event_timestamp")

    def _columns(self, features: Sequence[str] | str, rows: pd.DataFrame) -> list[str]:
        names = [each.partition(":")[2] for each in features]
        if unknown := {*names} - {*rows.columns}:
            raise InvalidFeatures(f"there is no feature {', '.join(sorted(unknown))}")
        return names

    def feature_views(self) -> Sequence[FeatureView]:
        features = {name: str(kind) for name, kind in self._rows().dtypes.items()}
        del features["customer_id"], features["event_timestamp"]
        source = self.configuration.path
        return [FeatureView(self._view, ["customer_id"], features, source, None, True, None)]

    def feature_services(self) -> Mapping[str, Sequence[str]]:
        return {}

    def definitions_version(self) -> str:
        return sha256(repr([*self.feature_views()]).encode()).hexdigest()

    def read_training_frame(self, entities: Any, features: Sequence[str] | str) -> Any:
        rows = self._rows()
        columns = ["customer_id", "event_timestamp", *self._columns(features, rows)]
        asked = entities.reset_index(names="_row").sort_values("event_timestamp")
        asked["event_timestamp"] = asked["event_timestamp"].astype(rows["event_timestamp"].dtype)
        found = pd.merge_asof(asked, rows[columns], on="event_timestamp", by="customer_id")
        return found.set_index("_row").loc[entities.index].rename_axis(entities.index.name)

    def read_online(
        self, entities: Sequence[Mapping[str, Any]], features: Sequence[str] | str
    ) -> list[dict[str, Any]]:
        rows = self._rows().groupby("customer_id").last()
        names = self._columns(features, rows)
        latest = rows.reindex([each["customer_id"] for each in entities])[names]
        values = latest.astype(object).where(latest.notna(), None).to_dict("records")
        return [{**who, **row} for who, row in zip(entities, values, strict=True)]

    def load_online(
        self, since: datetime | None, until: datetime, views: Sequence[str] | None
    ) -> Sequence[Materialized]:
        return []


class Bounds(DataValidator[Configuration]):
    """Checks the bounds of a pandera schema, and compares means."""

    flavor = "bounds"

    def check(self, data: Any, expectations: Any) -> ValidationReport:
        checks = []
        for column, rule in expectations["columns"].items():
            for name, limit in rule["checks"].items():
                values = data[column]
                over = values < limit if name.startswith("greater") else values > limit
                bad = int((over | values.isna()).sum())
                problem = f"{bad} of {len(values)} rows" if bad else ""
                checks.append(Check(name, column, bad == 0, bad, limit, problem))
        return ValidationReport.of("check", checks, metrics={"rows": len(data)}, tool="bounds")

    def compare(
        self,
        data: Any,
        reference: Any,
        *,
        target: str = "",
        prediction: str = "",
        columns: Sequence[str] = (),
    ) -> ValidationReport:
        checks = []
        for column in columns or reference.columns:
            spread = reference[column].std() or 1.0
            moved = float(abs(data[column].mean() - reference[column].mean()) / spread)
            problem = f"the mean has moved by {moved:.2f} deviations" if moved > 0.5 else ""
            checks.append(Check("mean", column, moved <= 0.5, round(moved, 3), 0.5, problem))
        share = sum(not each.passed for each in checks) / len(checks)
        return ValidationReport.of("compare", checks, metrics={"drift_share": share}, tool="bounds")

    def read_expectations(self, text: str) -> Any:
        try:
            return yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise InvalidExpectations(" ".join(str(error).split())) from error


class Lines(Alerter[FileConfiguration]):
    """Appends each alert to a file, as a line of JSON."""

    flavor = "lines"

    def send(self, alert: Alert) -> None:
        record = {"level": alert.level, "title": alert.title, "text": alert.text}
        with (self.home / self.configuration.path).open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")


class Answers(Annotator[FileConfiguration]):
    """Datasets in a JSON file, in which a person writes the labels."""

    flavor = "answers"

    @property
    def _file(self) -> Path:
        return self.home / self.configuration.path

    def _read(self) -> dict[str, Any]:
        text = self._file.read_text(encoding="utf-8") if self._file.exists() else "{}"
        read: dict[str, Any] = json.loads(text)
        return read

    def _dataset(self, name: str) -> list[dict[str, Any]]:
        if name not in (found := self._read()):
            raise NotFound("dataset", name)
        return list(found[name]["items"])

    def _write(self, name: str, record: dict[str, Any] | None) -> None:
        everything = {**self._read(), name: record}
        kept = {key: value for key, value in everything.items() if value is not None}
        self._file.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")

    def datasets(self) -> Sequence[Dataset]:
        found = {name: record["items"] for name, record in sorted(self._read().items())}
        return [
            Dataset(name, len(items), sum(each["label"] is not None for each in items), "")
            for name, items in found.items()
        ]

    def labelled(self, name: str) -> Sequence[LabelledItem]:
        at = (
            datetime.fromtimestamp(self._file.stat().st_mtime, UTC) if self._file.exists() else None
        )
        return [
            LabelledItem(str(number), each["item"], {"choice": each["label"]}, "somebody", at)
            for number, each in enumerate(self._dataset(name))
            if each["label"] is not None and at
        ]

    def delete_dataset(self, name: str) -> None:
        self._dataset(name)
        self._write(name, None)

    def url(self, name: str) -> str:
        self._dataset(name)
        return self._file.as_uri()

    def choices(self, texts: Sequence[str], items: Sequence[dict[str, Any]]) -> str:
        return " or ".join(texts)

    def create(self, name: str, labels: str, items: Sequence[dict[str, Any]]) -> Dataset:
        if name in self._read():
            raise AnnotatorRejected(self.flavor, f"there is a dataset {name!r}")
        record = {"labels": labels, "items": [{"item": each, "label": None} for each in items]}
        self._write(name, record)
        return Dataset(name, len(items), 0, self.url(name))

    def add(self, name: str, items: Sequence[dict[str, Any]]) -> int:
        before = self._dataset(name)
        known = [each["item"] for each in before]
        new = [{"item": each, "label": None} for each in items if each not in known]
        self._write(name, {**self._read()[name], "items": [*before, *new]})
        return len(new)
