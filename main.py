"""Start AlgoMirror: parse flags, build the app, register the pages, serve."""

import argparse
import asyncio
import logging
import sys

from nicegui import app as nicegui_app
from nicegui import ui

import pages
from algomirror.app import App
from algomirror.demo import Demo
from algomirror.engine.ports import JournalUnavailable
from algomirror.errors import LeaseHeld
from algomirror.logs import begin_logging
from algomirror.settings import BadSetting
from algomirror.settings import Settings
from algomirror.settings import claim_folder
from algomirror.settings import read_settings

log = logging.getLogger(__name__)

EXIT_BAD_SETTING = 2
EXIT_LEASE_HELD = 3
EXIT_NO_JOURNAL = 4


def flags(arguments: list[str] | None = None) -> Settings:
    parser = argparse.ArgumentParser(prog="algomirror", description=__doc__)
    parser.add_argument("--demo", action="store_true", help="three accounts on a paper exchange")
    parser.add_argument("--host")
    parser.add_argument("--port", type=int)
    parser.add_argument("--data-dir")
    parser.add_argument("--no-browser", action="store_true")
    given = parser.parse_args(arguments)
    return read_settings(
        data_dir=given.data_dir,
        host=given.host,
        port=given.port,
        is_demo=given.demo,
        opens_browser=not given.no_browser,
    )


def main(arguments: list[str] | None = None) -> int:
    """Serve until stopped; 2 for a setting we refuse, 3 when another process owns the data, 4 when
    the database or what its fallback journal holds cannot be used.
    """
    try:
        settings = flags(arguments)
        claim_folder(settings)
        begin_logging(settings.data_dir, settings.log_level)
        app = App(settings)
        app.open()
    except BadSetting as refused:
        sys.stderr.write(f"{refused}\n")
        return EXIT_BAD_SETTING
    except LeaseHeld as held:
        sys.stderr.write(f"{held}. This one stops.\n")
        return EXIT_LEASE_HELD
    demo = Demo(app) if settings.is_demo else None
    if demo is not None:
        demo.start()
    try:
        app.start()
    except JournalUnavailable as unavailable:
        sys.stderr.write(f"Not started, nothing was sent: {unavailable}\n")
        app.lease.release()
        if demo is not None:
            demo.stop()
        return EXIT_NO_JOURNAL
    pages.register(app)

    async def stop() -> None:
        await asyncio.to_thread(app.stop)
        if demo is not None:
            await asyncio.to_thread(demo.stop)

    nicegui_app.on_shutdown(stop)
    sys.stdout.write(f"AlgoMirror at http://{settings.host}:{settings.port}\n")
    sys.stdout.flush()
    ui.run(
        host=settings.host,
        port=settings.port,
        title="AlgoMirror",
        favicon="📈",
        reload=False,
        show=settings.opens_browser,
        show_welcome_message=False,
        dark=None,
        reconnect_timeout=30,
        message_history_length=100,
        binding_refresh_interval=0.5,
        storage_secret=app.secret(),
        session_middleware_kwargs={"same_site": "lax", "session_cookie": "am_session"},
        timeout_graceful_shutdown=5,
        server_header=False,
    )
    return 0


if __name__ in {"__main__", "__mp_main__"}:
    sys.exit(main())
