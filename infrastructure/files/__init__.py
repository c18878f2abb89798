"""Files that users provide: run configurations and stack documents in YAML, and stdin.

Start with `yaml.py`.
"""
