"""A page that tells an API, out of its OpenAPI document: no script, nothing from elsewhere; a bench may be offline."""

from __future__ import annotations

from html import escape
from typing import Any

from fastapi import FastAPI
from fastapi.responses import HTMLResponse, RedirectResponse

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
_STYLE = "body{font:16px/1.4 sans-serif;margin:2rem;max-width:70rem}dt{font-family:monospace;margin-top:1rem}"
_METHODS = ("get", "post", "put", "patch", "delete")


def add_docs(app: FastAPI, path: str) -> None:
    """Serve the page at `path`."""

    @app.get(path, include_in_schema=False, response_class=HTMLResponse)
    def docs() -> HTMLResponse:
        return HTMLResponse(_page(app.openapi(), app.openapi_url or ""), headers={"Content-Security-Policy": _POLICY})


def add_start(app: FastAPI, path: str) -> None:
    """The address that `bmsrescue serve` prints opens `path`."""

    @app.get("/", include_in_schema=False)
    def start() -> RedirectResponse:
        return RedirectResponse(path)


def _page(document: dict[str, Any], where: str) -> str:
    title = escape(document["info"]["title"])
    told = [
        _operation(method, path, operations[method])
        for path, operations in document["paths"].items()
        for method in _METHODS
        if method in operations
    ]
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
        f"</head><body><h1>{title}</h1><p>All of it, with every field, is in the OpenAPI document at "
        f'<a href="{escape(where)}">{escape(where)}</a>.</p><dl>{"".join(told)}</dl></body></html>'
    )


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    takes = [f"{one['name']}: {one.get('description', one['in'])}" for one in operation.get("parameters", ())]
    bodies = operation.get("requestBody", {}).get("content", {})
    takes += [f"body: {kind} {_named(body.get('schema', {}))}" for kind, body in bodies.items()]
    items = "".join(f"<li>{escape(one)}</li>" for one in takes)
    return (
        f"<dt>{method.upper()} {escape(path)}</dt>"
        f"<dd>{escape(operation.get('description', operation.get('summary', '')))}<ul>{items}</ul></dd>"
    )


def _named(schema: dict[str, Any]) -> str:
    return str(schema.get("$ref", "")).rpartition("/")[2]
