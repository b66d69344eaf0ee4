"""The acceptance catalogue: its scenarios, and which tests prove them."""
