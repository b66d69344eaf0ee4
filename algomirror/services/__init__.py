"""What pages may do besides trading."""
