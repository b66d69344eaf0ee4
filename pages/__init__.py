"""The screens: one file a route, built from components."""

from nicegui import app as nicegui_app

from algomirror.app import App
from pages import accounts
from pages import attention
from pages import books
from pages import builder
from pages import dashboard
from pages import run
from pages import runs
from pages import strategies
from pages.kill import register_kill
from pages.layout import STATIC
from pages.layout import register_shell
from pages.security import OriginGuard
from pages.security import SecurityHeaders
from pages.signin import register_routes


def register(app: App) -> None:
    """Every route, static file and guard; called once before the server starts."""
    nicegui_app.add_static_files("/static", str(STATIC), max_cache_age=60)
    nicegui_app.add_middleware(SecurityHeaders)
    nicegui_app.add_middleware(OriginGuard)
    register_routes(app)
    register_kill(app)
    register_shell(
        app,
        {
            "/dashboard": dashboard.build,
            "/accounts": accounts.build,
            "/accounts/new": accounts.new,
            "/accounts/{account_id}": accounts.edit,
            "/strategies": strategies.build,
            "/strategies/{strategy_id}": builder.build,
            "/runs": runs.build,
            "/runs/{run_id}": run.build,
            "/orders": books.orders,
            "/trades": books.trades,
            "/positions": books.positions,
            "/activity": books.activity,
            "/attention": attention.build,
        },
    )
