"""The schema version: a log with an older one is upgraded, one with a newer one is rejected."""

SCHEMA = 11
