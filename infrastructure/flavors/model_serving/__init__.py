"""What the model deployers kserve, mlflow and seldon share: their servers and requests to them.

Start with `process_deployer.py`. `served_model.py` and what it imports run in the servers.
"""
