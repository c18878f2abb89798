"""The base classes of all aggregates and events."""
