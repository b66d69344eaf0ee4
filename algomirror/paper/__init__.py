"""The paper exchange: an OpenAlgo-compatible server of our own."""
