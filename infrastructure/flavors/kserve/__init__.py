"""KServe: its model deployer and model server.

Start with `model_deployer.py`.
"""
