"""One file per question; each a pure fold of events into rows."""
