"""What the model deployers share: server processes and the Open Inference Protocol.

Start with `served_locally.py`.
"""
