"""Register, sign in, sign out: plain forms that work without a live socket."""

import html
from asyncio import to_thread
from urllib.parse import quote

from fastapi import Request
from fastapi import Response
from fastapi.responses import HTMLResponse
from fastapi.responses import RedirectResponse
from nicegui import app as nicegui_app

from algomirror.app import App
from algomirror.services.users import CLOSED
from algomirror.services.users import InvalidInputs
from algomirror.services.users import RegistrationClosed
from algomirror.services.users import SignInRefused
from pages.guards import COOKIE
from pages.guards import safe_next
from pages.guards import user_of

_THEME = (
    "<script>document.documentElement.dataset.theme=localStorage.getItem('am-theme')||"
    "(matchMedia('(prefers-color-scheme: light)').matches?'light':'dark')</script>"
)
_LOGO = (
    '<div style="display:flex;gap:9px;align-items:center;font:600 15px/20px var(--font)">'
    '<span class="mark"><svg class="i" style="color:#fff" viewBox="0 0 24 24">'
    '<path d="M3 12h4l3-8 4 16 3-8h4"/></svg></span>AlgoMirror</div>'
)


def _page(title: str, body: str, status: int = 200) -> HTMLResponse:
    text = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<link rel="stylesheet" href="/static/tokens.css">'
        f'<link rel="stylesheet" href="/static/app.css">{_THEME}</head>'
        f'<body><main class="login">{body}</main></body></html>'
    )
    return HTMLResponse(text, status_code=status)


def _field(
    name: str, label: str, kind: str, value: str, error: str, autocomplete: str, extra: str = ""
) -> str:
    wrong = f'<div class="err" role="alert" id="{name}-error">{html.escape(error)}</div>'
    described = f' aria-describedby="{name}-error" aria-invalid="true"' if error else ""
    return (
        f'<div><label for="{name}">{label}</label><input id="{name}" name="{name}" type="{kind}" '
        f'value="{html.escape(value, quote=True)}" autocomplete="{autocomplete}"{described} '
        f"{extra}>{wrong if error else ''}</div>"
    )


def _register_form(values: dict[str, str], errors: dict[str, str]) -> str:
    rows = [
        _field("username", "Username", "text", values.get("username", ""),
               errors.get("username", ""), "username", "autofocus"),
        _field("email", "E-mail", "email", values.get("email", ""), errors.get("email", ""),
               "email"),
        _field("password", "Password", "password", "", errors.get("password", ""),
               "new-password"),
        _field("repeat", "Password again", "password", "", errors.get("repeat", ""),
               "new-password"),
    ]  # fmt: skip
    hint = (
        '<div class="f12 t3">8 characters or more with upper case, lower case, a digit and a '
        "sign. The first to register is the administrator; then registration closes.</div>"
    )
    return (
        f'<form method="post" action="/register" novalidate>{_LOGO}<h1>Create the administrator'
        f"</h1>{''.join(rows)}{hint}<button class='btn p' type='submit'>Register</button></form>"
    )


def _login_form(next_path: str, username: str, error: str, *, is_new: bool = False) -> str:
    wrong = f'<div class="err" role="alert">{html.escape(error)}</div>' if error else ""
    if is_new:
        wrong = '<div class="f12 t2" role="status">The administrator is created. Sign in now.</div>'
    return (
        f'<form method="post" action="/login">{_LOGO}<h1>Sign in</h1>{wrong}'
        f'<input type="hidden" name="next" value="{html.escape(next_path, quote=True)}">'
        + _field("username", "Username", "text", username, "", "username", "autofocus")
        + _field("password", "Password", "password", "", "", "current-password")
        + '<label style="display:flex;gap:8px;align-items:center"><input type="checkbox" '
        'name="remember" value="1"> Remember me for 30 days</label>'
        "<button class='btn p' type='submit'>Sign in</button>"
        '<div class="f12 t3">Forgotten the password? On this machine run '
        "<code>algomirror user set-password</code>.</div></form>"
    )


def register_routes(app: App) -> None:
    """/, /register, /login, /logout."""

    @nicegui_app.get("/")
    async def landing(request: Request) -> Response:
        if await to_thread(user_of, app, request):
            return RedirectResponse("/dashboard", 303)
        is_open = await to_thread(app.users.registration_open)
        word, path = ("Get started", "/register") if is_open else ("Sign in", "/login")
        tiles = "".join(
            f'<div class="card" style="padding:12px 14px"><b class="b5">{head}</b>'
            f'<div class="f12 t3">{line}</div></div>'
            for head, line in (
                ("Many accounts, one press", "Every chosen account trades in parallel."),
                ("Hedges first", "Shorts enter only as far as their hedges are filled."),
                ("Rules on the server", "Max loss and profit act with no browser open."),
                ("Nothing sent twice", "An unknown outcome is looked up, never resent."),
                ("Proven flat", "Closed means that the broker's books agree."),
                ("Every reason kept", "Orders, fills, events and causes in the books."),
            )
        )
        body = (
            f'<div style="max-width:720px">{_LOGO}<h1 style="font:600 32px/40px var(--font);'
            'margin:24px 0 8px">Run many OpenAlgo accounts as one.</h1>'
            '<p class="t2" style="margin-bottom:20px">Build a multi-leg option strategy, execute '
            "it on all accounts at once, watch every position live.</p>"
            f'<a class="btn p bl" href="{path}">{word}</a><div style="display:grid;gap:10px;'
            'grid-template-columns:repeat(auto-fit,minmax(210px,1fr));margin-top:28px">'
            f"{tiles}</div></div>"
        )
        return _page("AlgoMirror", body)

    @nicegui_app.get("/register")
    async def register_page() -> Response:
        if not await to_thread(app.users.registration_open):
            link = '<a class="btn p" href="/login">Sign in</a>'
            return _page("AlgoMirror", f"<form>{_LOGO}<p>{CLOSED}</p>{link}</form>")
        return _page("Register · AlgoMirror", _register_form({}, {}))

    @nicegui_app.post("/register")
    async def register(request: Request) -> Response:
        values = {k: str(v)[:300] for k, v in (await request.form()).items()}
        try:
            await to_thread(
                app.users.register,
                username=values.get("username", ""),
                email=values.get("email", ""),
                password=values.get("password", ""),
                repeat=values.get("repeat", ""),
            )
        except InvalidInputs as wrong:
            errors = {p.field: p.message for p in wrong.problems}
            return _page("Register · AlgoMirror", _register_form(values, errors), 422)
        except RegistrationClosed as closed:
            link = '<a class="btn p" href="/login">Sign in</a>'
            return _page("AlgoMirror", f"<form>{_LOGO}<p>{closed}</p>{link}</form>", 409)
        return RedirectResponse("/login?registered=1", 303)

    @nicegui_app.get("/login")
    async def login_page(next: str = "", registered: str = "") -> Response:
        if await to_thread(app.users.registration_open):
            return RedirectResponse("/register", 303)
        return _page(
            "Sign in · AlgoMirror", _login_form(safe_next(next), "", "", is_new=bool(registered))
        )

    @nicegui_app.post("/login")
    async def login(request: Request) -> Response:
        values = {k: str(v)[:300] for k, v in (await request.form()).items()}
        next_path = safe_next(values.get("next"))
        try:
            found = await to_thread(
                app.users.sign_in,
                username=values.get("username", ""),
                password=values.get("password", ""),
                address=request.client.host if request.client else "",
                remember="remember" in values,
            )
        except SignInRefused as refused:
            form = _login_form(next_path, values.get("username", ""), str(refused))
            return _page("Sign in · AlgoMirror", form, 401)
        answer = RedirectResponse(next_path, 303)
        answer.set_cookie(
            COOKIE,
            found.token,
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
            max_age=30 * 86400 if "remember" in values else None,
        )
        return answer

    @nicegui_app.get("/logout")
    async def logout(request: Request) -> Response:
        await to_thread(app.users.sign_out, request.cookies.get(COOKIE, ""))
        answer = RedirectResponse("/login", 303)
        answer.delete_cookie(COOKIE)
        return answer


def login_url(path: str) -> str:
    return f"/login?next={quote(path)}"
