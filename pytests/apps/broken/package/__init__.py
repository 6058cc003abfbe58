"""A package whose submodule is the application."""
