"""Python values as JSON that gives back exactly the same values, kinds included.

What JSON has is written as it is. Anything else is an object with one key that begins with `$`,
such as `{"$tuple": [1, 2]}`; so is a dictionary that could be mistaken for one.
"""
