"""What the model deployers kserve, mlflow and seldon share.

`process_deployer.py` starts servers as processes of this machine and `cluster_manifest.py` writes
manifests; `served_model.py` and what it imports run in the servers.
"""
