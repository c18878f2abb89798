"""An HTTP service for stacks: a log per tenant, approvals, ETags. Start with `app.py`."""
