"""Pure rules of trading: no clock, no I/O, no threads, no logging."""
