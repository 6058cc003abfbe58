"""A module whose own import is missing."""

import a_module_that_nobody_has  # noqa: F401
