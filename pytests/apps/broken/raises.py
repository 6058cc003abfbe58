"""A module that fails deep inside its own code."""


def connect():
    raise ValueError("no settings")


def setup():
    connect()


setup()
