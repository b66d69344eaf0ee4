"""AlgoMirror: run many OpenAlgo broker accounts as one."""

__version__ = "2.0.0"
