"""What the service accepts and answers, as JSON."""

from pydantic import BaseModel, ConfigDict


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
    """Is created from the attributes of a view of Stackfold."""

    model_config = ConfigDict(from_attributes=True)


class StackState(Answer):
    """A stack at a revision, which is also its ETag."""

    id: str
    name: str
    revision: int
    description: str
    labels: dict[str, str]
    components: dict[str, list[str]]
    by: str


class ChangeRecord(Answer):
    """A recorded change of a stack."""

    position: int
    revision: int
    action: str
    by: str
    why: str
    correlation_id: str | None
