"""MLflow: runs that are tracked on its server, and models that it serves."""
