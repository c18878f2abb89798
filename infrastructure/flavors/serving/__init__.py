"""What runs in the process of a model server.

Its environment may be another than Stackfold's, with none of its dependencies: outside functions,
only the standard library is imported here.
"""
