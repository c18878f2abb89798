"""Drift: compares recorded requests with a data set, and posts an alert."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self, cast

from stackfold.application.deployments.request_views import DriftView
from stackfold.application.ports.alerter import Alerter
from stackfold.application.ports.data_validator import DataValidator
from stackfold.domain.errors import NoComponent
from stackfold.domain.runs.pin import Pin, PinnedComponent
from stackfold.domain.stacks.component_type import ComponentType

PREDICTION = "prediction"
"""The column of recorded predictions."""
_OWN = ("at", "model")
"""Columns of recorded rows that are no inputs."""
_UNNAMED = "input_"


class Drift:
    """Compares by a data validator, and posts by an alerter."""

    def __init__(self, validator: DataValidator, alerter: Alerter | None) -> None:
        """Create the service.

        Args:
            validator: Compares tables.
            alerter: Posts a drift; None to post nothing.
        """
        self._validator, self._alerter = validator, alerter

    @classmethod
    def of_stack(cls, pin: Pin, built: Callable[[PinnedComponent], object]) -> Self:
        """Create the service with the components of a stack.

        Args:
            pin: The stack.
            built: Builds its components.

        Raises:
            NoComponent: The stack has no data validator.
        """
        validators = [
            cast(DataValidator, built(each))
            for each in pin.components.get(ComponentType.DATA_VALIDATOR, ())
        ]
        if not validators:
            raise NoComponent(pin.stack, ComponentType.DATA_VALIDATOR)
        alerter = pin.component(ComponentType.ALERTER)
        return cls(comparing(validators), cast(Alerter, built(alerter)) if alerter else None)

    def find(
        self,
        deployment: str,
        rows: Sequence[Mapping[str, Any]],
        baseline: str,
        data: Any,
        target: str = "",
        columns: Sequence[str] = (),
    ) -> DriftView:
        """Compare rows with a data set; see `Deployments.drift`.

        Args:
            deployment: The name of the deployment.
            rows: Its recorded rows.
            baseline: The name of the data set.
            data: The data set.
            target: Its column with the true values; empty for none.
            columns: The columns to compare; empty for all that both have.
        """
        names = column_names(data)
        table = named_alike(rows, [each for each in names if each not in (target, PREDICTION)])
        report = self._validator.compare(
            columns_of(table),
            data,
            target=target if target and target in table[0] else "",
            prediction=PREDICTION if PREDICTION in names else "",
            columns=columns,
        )
        view = DriftView(
            deployment, baseline, len(rows), not report.passed, report.summary, report, False
        )
        return view._replace(alerted=view.drifted and self._post(view))

    def _post(self, view: DriftView) -> bool:
        if self._alerter is None:
            return False
        return self._alerter.post(
            view.summary,
            title=f"the requests of deployment {view.deployment!r} have drifted",
            level="warning",
            facts={"reference": view.baseline, "rows": view.rows},
        )


def comparing(validators: Sequence[DataValidator]) -> DataValidator:
    """The first validator that compares; the first one if none does, which says so."""
    return next((each for each in validators if "compare" in each.can), validators[0])


def column_names(data: Any) -> list[str]:
    """The names of the columns of a table; none if it has no names."""
    found = getattr(data, "columns", None)
    if found is None:
        found = getattr(data, "column_names", None)  # of pyarrow
    if found is None and isinstance(data, Mapping):
        found = data.keys()
    if found is None and isinstance(data, list | tuple) and data and isinstance(data[0], Mapping):
        found = data[0].keys()
    return [str(each) for each in found] if found is not None else []


def named_alike(
    rows: Sequence[Mapping[str, Any]], names: Sequence[str]
) -> Sequence[Mapping[str, Any]]:
    """Rows without time and model; unnamed columns get the names of another table, by their order.

    Args:
        rows: Recorded rows.
        names: The columns of the other table.
    """
    given = [each for each in rows[0] if each not in _OWN]
    unnamed = [each for each in given if each.startswith(_UNNAMED)]
    named = dict(zip(unnamed, names, strict=True)) if len(unnamed) == len(names) else {}
    if {*given} & {*names}:
        named = {}  # the requests have names
    return [{named.get(each, each): row[each] for each in given} for row in rows]


def columns_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Rows with the same keys as columns."""
    return {name: [row[name] for row in rows] for name in rows[0]}
