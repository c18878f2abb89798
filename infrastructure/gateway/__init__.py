"""Gateways: processes at the addresses of deployments that pass requests on to their servers.

Start with `proxy.py`; `gateways.py` starts and ends the processes.
"""
