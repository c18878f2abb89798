"""The OpenAPI document: made of the declared operations and of the types that they return."""

from collections.abc import Sequence
from typing import Any, Literal, get_args, get_origin

from stackfold.web.api.operations import Operation, Parameter, Text
from stackfold.web.api.problems import MEDIA_TYPE, Problem
from stackfold.web.api.schemas import Schemas

VERSION = "1.0"
"""The version of the interface: the second number grows with additions."""

_INTRODUCTION = (
    "What the log of a Stackfold workspace knows, read-only. Errors are problem details (RFC "
    "9457). "
    "A list is an object with `items` and with `next`, the address of its next part. `as_of` asks "
    "for the state at a point in the past."
)
_ERRORS = {
    "400": "A parameter is invalid.",
    "401": "The key is missing.",
    "404": "What is asked for does not exist.",
    "409": "The state does not allow it.",
    "500": "Stored data is damaged, or Stackfold has a bug.",
    "503": "Something that is needed cannot be reached.",
}


def document(operations: Sequence[Operation]) -> dict[str, Any]:
    """The OpenAPI document of some operations.

    Args:
        operations: The operations.
    """
    schemas = Schemas()
    problem = schemas.of(Problem)
    paths: dict[str, Any] = {}
    for each in operations:
        paths[each.path] = {"get": _operation(each, schemas)}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Stackfold",
            "version": VERSION,
            "description": _INTRODUCTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/api/v1"}],
        "security": [{"bearer": []}, {"cookie": []}],
        "tags": [{"name": tag} for tag in dict.fromkeys(each.tag for each in operations)],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.named.items())),
            "responses": {
                f"Error{status}": {
                    "description": sentence,
                    "content": {MEDIA_TYPE: {"schema": problem}},
                }
                for status, sentence in _ERRORS.items()
            },
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The key that `stackfold ui` prints.",
                },
                "cookie": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": "stackfold_key_PORT",
                    "description": "What browsers have after the printed address was opened.",
                },
            },
        },
    }


def _operation(operation: Operation, schemas: Schemas) -> dict[str, Any]:
    return {
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        **({"description": operation.description} if operation.description else {}),
        "parameters": [_parameter(each, schemas) for each in operation.parameters],
        "responses": {
            "200": {"description": "What was asked for.", "content": _content(operation, schemas)},
            **{status: {"$ref": f"#/components/responses/Error{status}"} for status in _ERRORS},
        },
    }


def _content(operation: Operation, schemas: Schemas) -> dict[str, Any]:
    if operation.returns is Text:
        return {"text/plain": {"schema": {"type": "string"}}}
    return {"application/json": {"schema": schemas.of(operation.returns)}}


def _parameter(parameter: Parameter, schemas: Schemas) -> dict[str, Any]:
    schema = schemas.of(parameter.hint)
    if parameter.bounds:
        schema |= {"minimum": parameter.bounds[0], "maximum": parameter.bounds[1]}
    if get_origin(parameter.hint) is Literal:
        schema["enum"] = [*get_args(parameter.hint)]
    if parameter.several:
        schema = {"type": "array", "items": schema}
    elif not parameter.is_required and parameter.default is not None:
        schema["default"] = parameter.default
    return {
        "name": parameter.name,
        "in": parameter.where,
        "required": parameter.is_required,
        "description": parameter.description,
        "schema": schema,
    }
