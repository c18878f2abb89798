"""Which form the tables have; a log with another number is upgraded or refused."""

SCHEMA = 5
