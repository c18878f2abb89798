"""Model servers on a cluster: manifests of resources that controllers such as KServe's serve.

Start with `open_inference_deployer.py` and `cluster_resources.py`.
"""
