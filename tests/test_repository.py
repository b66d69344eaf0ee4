"""What must never be committed is looked for, and the look can fail."""

from tests import secrets_check


def test_no_secret_path_or_registry_is_committed() -> None:
    """Keys, absolute paths and registry addresses stay out."""
    assert secrets_check.main() == 0


def test_the_look_finds_what_it_is_for() -> None:
    """Each pattern matches a bad line."""
    bad = (
        "-----BEGIN RSA " + "PRIVATE KEY-----\n"
        + "gAAAAA" + "x" * 50 + "\n"
        + "https://" + "pypi.org/simple\n"
        + " /ro" + "ot/secret\n"
    )  # fmt: skip

    assert len(secrets_check.problems(bad)) == 4
