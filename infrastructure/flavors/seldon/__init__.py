"""Seldon: its model deployer, model server and runtime."""
