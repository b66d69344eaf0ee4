"""The one writer of live trading state and its limbs."""
