"""Log lines as JSON in the data folder, with secrets taken out on the way."""

import json
import logging
import re
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path

MAX_BYTES = 10_000_000
KEPT = 10
_SECRET = re.compile(
    r"(?i)((?:api_?key|password|token|secret|cookie|authorization)['\"]?\s*[:=]\s*['\"]?"
    r"(?:bearer\s+)?)[^\s'\",;&}]+"
)


def redacted(text: str) -> str:
    """The text with the values of keys, tokens, passwords and cookies replaced."""
    return _SECRET.sub(r"\1***", text)


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, thread, logger, text, traceback."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": self.formatTime(record),
            "level": record.levelname,
            "thread": record.threadName,
            "logger": record.name,
            "text": redacted(record.getMessage()),
        }
        if record.exc_info:
            line["traceback"] = redacted(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)


class Plain(logging.Formatter):
    """For the terminal."""

    def format(self, record: logging.LogRecord) -> str:
        return redacted(super().format(record))


def begin_logging(folder: Path, level: str) -> None:
    (folder / "logs").mkdir(parents=True, exist_ok=True)
    to_file = RotatingFileHandler(
        folder / "logs" / "algomirror.log", maxBytes=MAX_BYTES, backupCount=KEPT, encoding="utf-8"
    )
    to_file.setFormatter(JsonLines())
    to_terminal = logging.StreamHandler(sys.stderr)
    to_terminal.setFormatter(Plain("%(asctime)s %(levelname)s %(threadName)s %(message)s"))
    root = logging.getLogger()
    root.setLevel(level)
    root.handlers[:] = [to_file, to_terminal]
    logging.getLogger("httpx").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
