"""What the model deployers kserve, mlflow and seldon share: their servers, here and in a cluster.

Start with `process_deployer.py`. `served_model.py` and what it imports run in the servers.
"""
