"""YAML files that users write: run configurations and stack documents."""
