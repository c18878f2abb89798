"""What the service accepts and answers, as JSON."""

from typing import Self

from fastapi import Response
from pydantic import AliasChoices, BaseModel, ConfigDict, Field


class NewStack(BaseModel):
    """A stack to register; its components exist already."""

    name: str
    description: str = ""
    labels: dict[str, str] = {}
    orchestrator: str = "default"
    artifact_store: str = "default"


class StackChanges(BaseModel):
    """The changes of a stack; what is not given stays as it is."""

    description: str | None = None
    labels: dict[str, str | None] | None = None
    """Label → text, or null to remove it."""


class Answer(BaseModel):
    """Is created from the attributes of a view or an aggregate of Stackfold."""

    model_config = ConfigDict(from_attributes=True)

    revision: int = Field(validation_alias=AliasChoices("revision", "version"))

    @classmethod
    def of(cls, source: object, response: Response) -> Self:
        """The answer about one thing, with its revision as the ETag of the response."""
        answer = cls.model_validate(source)
        response.headers["ETag"] = f'"{answer.revision}"'
        return answer


class StackState(Answer):
    """A stack at a revision."""

    id: str
    name: str
    description: str
    labels: dict[str, str]
    components: dict[str, list[str]]
    by: str


class ApprovalState(Answer):
    """An approval at a revision."""

    name: str
    stack: str
    stack_revision: int
    requested_by: str
    granted_by: str


class ChangeRecord(Answer):
    """A recorded change of a stack."""

    position: int
    action: str
    by: str
    why: str
    correlation_id: str | None
