"""Read queries: plain SQL over the read models and the log, one file per subject."""
