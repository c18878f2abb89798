"""The port of data validators, which profile, check and compare tables of data."""

from collections.abc import Sequence
from typing import Any

from stackfold.application.ports.stack_component import ConfigurationT, StackComponent
from stackfold.domain.errors import ValidatorCannot
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.domain.validation.validation_report import Kind, ValidationReport


class DataValidator(StackComponent[ConfigurationT]):
    """Validates tables of data; a flavor overrides the methods that its tool can do.

    Data is a frame of pandas or polars, a table of pyarrow, a mapping of columns, or a list of
    rows as mappings. A method returns a report whether or not the data passes, and raises only if
    it cannot find out.
    """

    component_type = ComponentType.DATA_VALIDATOR

    @property
    def can(self) -> tuple[Kind, ...]:
        """The methods that this flavor has, of "profile", "check" and "compare"."""
        return tuple(
            name
            for name in ("profile", "check", "compare")
            if getattr(type(self), name) is not getattr(DataValidator, name)
        )

    @property
    def tool_version(self) -> str:
        """The version of the tool that is installed here; empty if it has none."""
        return ""

    def profile(self, data: Any) -> ValidationReport:
        """Describe data: its columns, their types and statistics.

        Args:
            data: The table.

        Raises:
            ValidatorCannot: The tool makes no profiles.
            InvalidTable: The data is not a table.
            ValidatorFailed: The tool raised an error.
        """
        raise ValidatorCannot(self.flavor, "profile", self.can)

    def check(self, data: Any, expectations: Any) -> ValidationReport:
        """Check data against expectations: all of them, not only up to the first that fails.

        Args:
            data: The table.
            expectations: What the data must be like, in the form of the tool, such as a schema.

        Raises:
            ValidatorCannot: The tool has no expectations.
            InvalidTable: The data is not a table.
            InvalidExpectations: The expectations are not of the tool.
            ValidatorFailed: The tool raised an error.
        """
        raise ValidatorCannot(self.flavor, "check", self.can)

    def compare(
        self,
        data: Any,
        reference: Any,
        *,
        target: str = "",
        prediction: str = "",
        columns: Sequence[str] = (),
    ) -> ValidationReport:
        """Compare data with a reference: whether its distribution has drifted.

        With a column of predictions, the drift of the model is checked too: that of its
        predictions, and, where both tables have the true values, that of its quality.

        Args:
            data: The table, such as recent requests.
            reference: The table to compare it with, such as the data that a model was trained on.
            target: The column with the true values; empty for none.
            prediction: The column with a model's predictions; empty for none.
            columns: The columns to compare; empty for all that both tables have.

        Raises:
            ValidatorCannot: The tool compares nothing.
            InvalidTable: The data or the reference is not a table, or lacks a named column.
            ValidatorFailed: The tool raised an error.
        """
        raise ValidatorCannot(self.flavor, "compare", self.can)

    def read_expectations(self, text: str) -> Any:
        """Read expectations from a text, such as a file of the tool's own format.

        Must not execute code that the text contains.

        Args:
            text: What a user wrote, or a profile suggested.

        Returns:
            What `check` takes.

        Raises:
            ValidatorCannot: The tool has no such format.
            InvalidExpectations: The text is not in that format.
        """
        problem = "it has no format of files: name an object of a module, as module:object"
        raise ValidatorCannot(self.flavor, "read expectations", self.can, problem)
