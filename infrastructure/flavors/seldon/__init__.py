"""Seldon: its model deployer, model server and runtime.

Start with `model_deployer.py`.
"""
