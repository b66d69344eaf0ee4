"""One file per risk rule; rules.py joins them."""
