"""API keys at rest: Fernet, with a key file that only its owner can read."""

import os
from pathlib import Path

from cryptography.fernet import Fernet
from cryptography.fernet import InvalidToken
from cryptography.fernet import MultiFernet

from algomirror.errors import AlgoMirrorError


class Undecipherable(AlgoMirrorError):  # noqa: N818 - says what is known of the stored text
    """The stored key was written with an encryption key we do not have."""


def secret_file(path: Path, make: str) -> str:
    """The text of a 0600 file; made from `make` at first run."""
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii").strip()
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(make)
    return make


class Cipher:
    """`keys`: one Fernet key, or two with a comma: the first encrypts, all decrypt."""

    def __init__(self, keys: str) -> None:
        self._fernet = MultiFernet([Fernet(k.strip()) for k in keys.split(",") if k.strip()])

    @classmethod
    def from_folder(cls, folder: Path, environment_key: str = "") -> "Cipher":
        """ENCRYPTION_KEY if given, else <data>/encryption.key, made at first run, never printed."""
        if environment_key:
            return cls(environment_key)
        return cls(secret_file(folder / "encryption.key", Fernet.generate_key().decode()))

    def encrypt(self, text: str) -> str:
        return self._fernet.encrypt(text.encode()).decode()

    def decrypt(self, text: str) -> str:
        try:
            return self._fernet.decrypt(text.encode()).decode()
        except InvalidToken:
            raise Undecipherable("stored key cannot be decrypted") from None
