"""Nothing committed looks like a key, an absolute path of a machine, or a registry's address."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PATTERNS = {
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "a Fernet key": re.compile(r"\bgAAAAA[\w-]{40,}"),
    "a registry's address": re.compile(r"https?://(?:pypi|files\.pythonhosted|registry\.npmjs)\."),
    "an absolute path": re.compile(r"(?<![\w.])/(?:root|home|work)/\w+"),
}
TEXT = {".py", ".md", ".toml", ".lock", ".js", ".css", ".txt", ".yaml", ".mako", ""}


def problems(text: str) -> list[str]:
    return [name for name, pattern in PATTERNS.items() if pattern.search(text)]


def committed() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [ROOT / name for name in listed.stdout.splitlines()]


def main() -> int:
    found = 0
    for path in committed():
        if path.suffix not in TEXT or path == Path(__file__) or not path.exists():
            continue
        for problem in problems(path.read_text(encoding="utf-8", errors="replace")):
            print(f"{path.relative_to(ROOT)}: {problem}")
            found += 1
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
