"""Adapters that speak to OpenAlgo."""
