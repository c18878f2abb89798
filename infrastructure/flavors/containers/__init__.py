"""Container images: built with the engines on this machine, and pushed to registries.

Start with `local_image_builder.py`.
"""
