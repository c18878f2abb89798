"""Lets a cluster run schedules: by CronJobs of Kubernetes, or recurring runs of Kubeflow.

Start with `cluster.py`.
"""
