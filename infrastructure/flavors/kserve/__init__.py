"""KServe: its model deployer and model server."""
