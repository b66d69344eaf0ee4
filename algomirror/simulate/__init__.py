"""Seeded trading days: the real engine against the paper exchange on a fake clock."""
