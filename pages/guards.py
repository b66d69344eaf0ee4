"""Who is this: the login cookie, and where one may go after signing in."""

from fastapi import Request
from nicegui import ui

from algomirror.app import App
from algomirror.services.users import User

COOKIE = "am_login"


def user_of(app: App, request: Request) -> User | None:
    return app.users.user_of(request.cookies.get(COOKIE, ""))


def safe_next(path: str | None) -> str:
    """Only paths of our own: one leading slash, no second, no backslash."""
    if not path or not path.startswith("/") or path.startswith("//") or "\\" in path:
        return "/dashboard"
    return path


def current_user(app: App) -> User | None:
    """The user of this page's client; checked again at each act that sends orders."""
    request = ui.context.client.request
    return user_of(app, request) if request is not None else None
