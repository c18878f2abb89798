"""YAML files that users write: run configurations and stack documents.

Start with `yaml.py`.
"""
