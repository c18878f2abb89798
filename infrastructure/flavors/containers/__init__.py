"""Containers: images that are built by the tools of this machine, and pushed."""
