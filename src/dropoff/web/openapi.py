"""The OpenAPI document, drawn from what each handler says of itself with `doc(…)`.

Handlers take the bare request and answer ready bytes (see docs/decisions/0002), so the framework's own generator has
nothing to look at; msgspec makes the JSON schemas from the same structs that decode and encode.
"""

import re
from collections.abc import Iterable
from typing import Any

import msgspec
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler

from dropoff.kernel.errors import PROBLEMS
from dropoff.web.problems import Document
from dropoff.web.schema import KeyUse

REF = "#/components/schemas/{name}"
_PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")


class Doc(msgspec.Struct, frozen=True, kw_only=True):
    summary: str
    body: Any = None
    query: Any = None
    answer: Any = None
    status: int = 200
    media_type: str = "application/json"
    problems: tuple[str, ...] = ()
    key: KeyUse = "none"
    tag: str = ""
    body_types: tuple[str, ...] = ("application/json",)
    also: tuple[tuple[int, Any], ...] = ()
    """Other good answers: status and struct."""


def doc(summary: str, **kwargs: Any) -> dict[str, Any]:
    """For a handler's `opt=`; see `Doc` for the fields."""
    return {"doc": Doc(summary=summary, **kwargs)}


def document(app: Litestar, version: str, base_url: str) -> dict[str, Any]:
    operations = list(_operations(app))
    named = [kind for _, _, _, item in operations for kind in (item.body, item.answer)]
    named += [kind for _, _, _, item in operations for _, kind in item.also]
    kinds = [Document, *(kind for kind in named if kind is not None and kind is not bytes)]
    queries = [d.query for _, _, _, d in operations if d.query is not None]
    schemas, components = msgspec.json.schema_components(kinds, ref_template=REF)
    by_kind = dict(zip(map(repr, kinds), schemas, strict=True))
    references, query_components = msgspec.json.schema_components(queries, ref_template=REF)
    # By reference, not by class name: two rooms may call their query the same.
    by_query = {
        repr(kind): query_components[reference["$ref"].rpartition("/")[2]]
        for kind, reference in zip(queries, references, strict=True)
    }
    paths: dict[str, dict[str, Any]] = {}
    for path, method, handler, item in operations:
        operation = _operation(path, handler, item, by_kind, by_query)
        paths.setdefault(_PARAMETER.sub(r"{\1}", path), {})[method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "dropoff", "version": version},
        "servers": [{"url": base_url}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operations(app: Litestar) -> Iterable[tuple[str, str, HTTPRouteHandler, Doc]]:
    seen = set()
    for route in app.routes:
        for handler in getattr(route, "route_handlers", []):
            item = handler.opt.get("doc")
            if item is None:
                continue
            for method in sorted(m for m in handler.http_methods if m not in ("OPTIONS", "HEAD")):
                if (route.path_format, method) not in seen:
                    seen.add((route.path_format, method))
                    yield route.path_format, method, handler, item


def _operation(
    path: str, handler: HTTPRouteHandler, item: Doc, by_kind: dict[str, Any], queries: dict[str, Any]
) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PARAMETER.findall(path)
    ]
    if item.query is not None:
        schema = queries[repr(item.query)]
        parameters += [
            {"name": name, "in": "query", "required": name in schema.get("required", ()), "schema": field}
            for name, field in schema["properties"].items()
        ]
    if item.key != "none":
        header = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!#-~]{1,255}$"}
        required = item.key == "required"
        parameters.append({"name": "Idempotency-Key", "in": "header", "required": required, "schema": header})
    protected = bool(handler.guards)
    operation: dict[str, Any] = {
        "operationId": handler.handler_name,
        "summary": item.summary,
        "tags": [item.tag or path.split("/")[2] if path.startswith("/v1/") else "pages"],
        "parameters": parameters,
        "responses": _responses(item, protected, by_kind),
    }
    if item.body is not None:
        schema = {"type": "string", "format": "binary"} if item.body is bytes else by_kind[repr(item.body)]
        operation["requestBody"] = {"required": True, "content": {t: {"schema": schema} for t in item.body_types}}
    if protected:
        operation["security"] = [{"bearer": []}]
    return operation


def _responses(item: Doc, protected: bool, by_kind: dict[str, Any]) -> dict[str, Any]:
    good: dict[str, Any] = {"description": item.summary}
    if item.answer is not None:
        schema = {"type": "string", "format": "binary"} if item.answer is bytes else by_kind[repr(item.answer)]
        good["content"] = {item.media_type: {"schema": schema}}
    codes = list(item.problems)
    if protected:
        codes += ["unauthenticated", "forbidden"]
    if item.body is not None:
        codes += ["invalid-request", "body-too-large", "unsupported-media-type"]
    elif item.query is not None:
        codes.append("invalid-request")
    if item.key != "none":
        codes += ["idempotency-key-invalid", "idempotency-key-reused", "idempotency-key-in-use"]
    if item.key == "required":
        codes.append("idempotency-key-missing")
    codes += ["overloaded", "not-saved"]
    by_status: dict[int, list[str]] = {}
    for code in dict.fromkeys(codes):
        by_status.setdefault(PROBLEMS[code].status, []).append(code)
    others = {
        str(status): {
            "description": item.summary,
            "content": {item.media_type: {"schema": by_kind[repr(kind)]}},
        }
        for status, kind in item.also
    }
    problem = {"application/problem+json": {"schema": by_kind[repr(Document)]}}
    return {
        str(item.status): good,
        **others,
        **{str(s): {"description": ", ".join(c), "content": problem} for s, c in sorted(by_status.items())},
    }
