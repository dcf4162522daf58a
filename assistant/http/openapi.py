"""The OpenAPI document of the REST API; parts that all routes share are described once."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from assistant.http.problems import Problem

DESCRIPTION = """Answers questions with passages of your notes, word for word, each with a link to
its section, or says that the notes do not cover it. Nothing is generated.

Every error is a problem as RFC 9457 describes it, `application/problem+json`; its `type` is a page
that says what to do. Every response carries `X-Request-ID`, the one that was sent or a new one.
Where calls are limited, `RateLimit-Limit`, `RateLimit-Remaining` and `RateLimit-Reset` say how far;
each question of a batch counts as one."""
TAGS = [
    {"name": "questions", "description": "For pages and bots: ask, and search while typing"},
    {"name": "notes", "description": "What is indexed"},
    {"name": "authors", "description": "What people thought of answers, and what the notes lack"},
    {"name": "operations", "description": "For probes and Prometheus"},
]
_RATE = {
    "RateLimit-Limit": "Most that is allowed; the RateLimit fields come where calls are limited",
    "RateLimit-Remaining": "What is left of it",
    "RateLimit-Reset": "Seconds until some of it is given back",
}
_FIELDS: dict[str, Any] = {
    "X-Request-ID": {
        "description": "The id that was sent, else a new one; the server's log has it too",
        "required": True,
        "schema": {"type": "string"},
    },
    "Retry-After": {
        "description": "Seconds after which to try again",
        "schema": {"type": "integer"},
    },
} | {name: {"description": said, "schema": {"type": "integer"}} for name, said in _RATE.items()}


def document(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document, with one schema for all errors, and response fields and keys."""
    if not app.openapi_schema:
        document = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            routes=app.routes,
            tags=app.openapi_tags,
        )
        components = document.setdefault("components", {})
        schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        components["schemas"] |= schema.pop("$defs") | {"Problem": schema}
        for name in ("HTTPValidationError", "ValidationError"):
            components["schemas"].pop(name, None)
        components["headers"] = _FIELDS
        for path in document["paths"].values():
            for operation in path.values():
                operation["responses"] = dict(sorted(operation["responses"].items()))
                _describe_fields(operation["responses"])
        components["securitySchemes"] = {
            "bearer": {"type": "http", "scheme": "bearer"},
            "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        }
        # An empty one says that a key is needed only where the operator demands it.
        document["security"] = [{}, {"bearer": []}, {"apiKey": []}]
        app.openapi_schema = document
    return app.openapi_schema


def _describe_fields(responses: dict[str, Any]) -> None:
    limited = "429" in responses
    for status, response in responses.items():
        counted = limited and (status < "400" or status == "429")
        names = ["X-Request-ID", *(_RATE if counted else ())]
        if status in ("429", "503"):
            names.append("Retry-After")
        found = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
        response["headers"] = response.get("headers", {}) | found
