"""The seedance-tv answers whose shape the document leaves open, each in the shapes that a knob chooses from."""

from collections.abc import Iterable
from decimal import Decimal
from http import HTTPStatus
from typing import Any

from aiohttp import web

from playground.providers.base import dump_json
from playground.providers.tv_fields import Problem
from playground.providers.tv_rules import MESSAGES
from playground.providers.tv_tasks import BalanceShape, ErrorShape, StylesShape


def json_answer(body: Any, status: int = 200) -> web.Response:
    """A JSON answer with decimals as numbers."""
    return web.json_response(body, status=status, dumps=dump_json)


def error_answer(shape: ErrorShape, status: int, message: str, problems: Iterable[Problem] = ()) -> web.Response:
    """An error with the document's message for its status; 422 has details."""
    message = message or MESSAGES.get(status) or HTTPStatus(status).phrase
    details = [{"field": problem.field, "message": problem.message} for problem in problems]
    added: dict[str, Any] = {"details": details} if details else {}
    match shape:
        case "object":
            return json_answer({"error": {"code": status, "message": message, **added}}, status)
        case "errors":
            by_field: dict[str, list[str]] = {}
            for detail in details:
                by_field.setdefault(detail["field"], []).append(detail["message"])
            return json_answer({"message": message, **({"errors": by_field} if by_field else {})}, status)
        case "detail":
            located = [{"loc": ["body", *one.where], "msg": one.message, "type": "value_error"} for one in problems]
            return json_answer({"detail": located or message}, status)
        case "text":
            return web.Response(status=status, text=message)
    return json_answer({"error": message, **added}, status)


def styles_body(shape: StylesShape, styles: tuple[str, ...]) -> Any:
    """The answer to GET /styles. `style` takes the id, not the name."""
    objects = [{"id": style, "name": style.replace("-", " ").capitalize()} for style in styles]
    match shape:
        case "objects":
            return {"styles": objects}
        case "array":
            return list(styles)
        case "data":
            return {"data": objects}
    return {"styles": list(styles)}


def balance_body(shape: BalanceShape, remain: Decimal) -> dict[str, Any]:
    """The answer to GET /account/balance."""
    match shape:
        case "credits":
            return {"credits": remain}
        case "nested":
            return {"balance": {"credits": remain}}
        case "text":
            return {"balance": f"{remain:.2f}"}
    return {"balance": remain}
