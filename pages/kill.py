"""The kill switch by plain HTTP: it works while the live socket is dead."""

import json
from asyncio import to_thread
from typing import Any
from urllib.parse import parse_qsl

from fastapi import Request
from fastapi import Response
from fastapi.responses import JSONResponse
from nicegui import app as nicegui_app
from nicegui import background_tasks

from algomirror.app import App
from algomirror.engine import messages as m
from algomirror.errors import InvalidInput
from pages import data_kill
from pages.data import accounts
from pages.guards import user_of

TRUE = ("1", "on", "true", "yes")


def register_kill(app: App) -> None:
    """POST /kill pulls it (JSON or form: account, strategy, with_foreign); GET says how it goes."""

    @nicegui_app.post("/kill")
    async def kill(request: Request) -> Response:
        user = await to_thread(user_of, app, request)
        if user is None:
            return Response(status_code=403)
        try:
            message = asked(app, await request.body(), by=user.username)
        except InvalidInput as wrong:
            return JSONResponse({"error": f"{wrong.message} Nothing was sent."}, 422)
        app.post(message)
        address = request.client.host if request.client else ""
        background_tasks.create(to_thread(_record, app, message, address))
        return JSONResponse({"status": "accepted"}, 202)

    @nicegui_app.get("/kill")
    async def standing(request: Request) -> Response:
        if await to_thread(user_of, app, request) is None:
            return Response(status_code=403)
        return JSONResponse(data_kill.panel(app))


def asked(app: App, body: bytes, *, by: str) -> m.RequestKill:
    """The message of a body; an empty one means everything ours. InvalidInput with a sentence."""
    fields = _fields(body)
    account = _number(fields.get("account"), "account")
    strategy = _number(fields.get("strategy"), "strategy")
    foreign = fields.get("with_foreign")
    with_foreign = foreign is True or str(foreign).lower() in TRUE
    known = {a.id: a.name for a in accounts(app.view)}
    if account is not None and account not in known:
        names = ", ".join(f"{name} ({i})" for i, name in known.items())
        raise InvalidInput("account", f"There is no account {account}: {names or 'none exists'}.")
    if strategy is not None:
        if strategy not in data_kill.strategies(app.view):
            raise InvalidInput("strategy", f"Strategy {strategy} has no open run.")
        if with_foreign or account is not None:
            raise InvalidInput("strategy", "A strategy is a scope of its own.")
    return m.RequestKill(by=by, account_id=account, strategy_id=strategy, with_foreign=with_foreign)


def _fields(body: bytes) -> dict[str, Any]:
    if not body.strip():
        return {}
    try:
        plain = body.decode("utf-8")
        if not plain.lstrip().startswith("{"):
            return dict(parse_qsl(plain, strict_parsing=True))
        found: dict[str, Any] = json.loads(plain)
    except (ValueError, RecursionError):
        raise InvalidInput("body", "The request is neither a form nor JSON.") from None
    return found


def _number(value: Any, field: str) -> int | None:
    if value is None or value == "":
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 12:
        return int(value)
    raise InvalidInput(field, f"The {field} is named by its number.")


def _record(app: App, message: m.RequestKill, address: str) -> None:
    scope = "everything"
    if message.account_id is not None:
        known = {a.id: a.name for a in accounts(app.view)}
        scope = f"account {known.get(message.account_id, message.account_id)}"
    elif message.strategy_id is not None:
        names = data_kill.strategies(app.view)
        scope = f"strategy {names.get(message.strategy_id, message.strategy_id)}"
    app.activity.record(
        message.by,
        "kill_switch",
        object_text=scope,
        account_id=message.account_id,
        strategy_id=message.strategy_id,
        details={"with_foreign": message.with_foreign},
        address=address,
    )
