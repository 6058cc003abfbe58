# ruff: noqa
def app(:
    pass
