"""A module that leaves while it is imported."""

import sys

sys.exit("the module had enough")
