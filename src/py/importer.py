"""Find the application that the command line names, or say precisely why it is not there."""

import difflib
import importlib
import inspect
import os
import pkgutil
import sys
import types


class ImportFailure(Exception):
    """One sentence for the user."""


def put_in_front(app_dir):
    sys.path.insert(0, app_dir)
    importlib.invalidate_caches()


def load(app, factory):
    """Return (application, warning); raises ImportFailure, or what the user's code raised."""
    module_name, _, path = app.partition(":")
    module = import_module(module_name)
    found = walk(module, module_name, path)
    return call_factory(found, app) if factory else detect_factory(found, app)


def import_module(name):
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        # Only the module that was asked for (or a package around it) is our message to give: a
        # failing import inside the user's code is the user's traceback.
        if error.name is None or not (name == error.name or name.startswith(error.name + ".")):
            raise
        raise ImportFailure(missing_module(error.name)) from None


def missing_module(name):
    parent, _, leaf = name.rpartition(".")
    try:
        places = importlib.import_module(parent).__path__ if parent else [sys.path[0] or "."]
    except (ImportError, AttributeError):
        places = []
    known = {module.name for module in pkgutil.iter_modules(places)}
    close = difflib.get_close_matches(leaf, known, n=1)
    prefix = parent + "." if parent else ""
    if close:
        return f"no module named '{name}': did you mean '{prefix}{close[0]}'?"
    where = places[0] if places else "."
    return (
        f"no module named '{name}' in {os.path.abspath(where)}: "
        "start in the directory that holds it, or name that with --app-dir"
    )


def walk(module, module_name, path):
    found = module
    for name in path.split("."):
        try:
            found = getattr(found, name)
        except AttributeError:
            owner = f"module '{module_name}'" if found is module else f"'{type(found).__name__}'"
            raise ImportFailure(missing_attribute(found, name, owner)) from None
    if not callable(found):
        raise ImportFailure(
            f"'{module_name}:{path}' is {article(type(found).__name__)}, not an ASGI application: "
            "name a callable"
        )
    return found


def article(noun):
    return ("an " if noun[:1].lower() in "aeiou" else "a ") + noun


def missing_attribute(owner, name, described):
    candidates = [key for key, value in vars(owner).items() if looks_like_app(key, value)]
    close = difflib.get_close_matches(name, candidates, n=1)
    candidates.sort(key=lambda key: key not in close)
    if not candidates:
        return f"attribute '{name}' not found in {described}; it has nothing that could be an app"
    return f"attribute '{name}' not found in {described}; it has: {', '.join(candidates[:5])}"


def looks_like_app(name, value):
    if name.startswith("_"):
        return False
    if isinstance(value, (type, types.ModuleType, types.BuiltinFunctionType)):
        return False
    if not callable(value):
        return False
    if isinstance(value, types.FunctionType):
        return count_required(value) in (0, 3)
    return count_required(value) == 3


def count_required(function):
    """Positional parameters without a default; None when Python cannot tell, or `*args`."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(each.kind is inspect.Parameter.VAR_POSITIONAL for each in parameters):
        return None
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(1 for each in parameters if each.kind in kinds and each.default is each.empty)


def call_factory(factory, app):
    if count_required(factory) not in (0, None):
        raise ImportFailure(
            f"'{app}' needs arguments, but --factory calls it without: leave --factory out if it "
            "is the application itself"
        )
    made = factory()
    if not callable(made):
        raise ImportFailure(
            f"the factory '{app}' returned {article(type(made).__name__)}, not an application"
        )
    return made, ""


def detect_factory(found, app):
    if isinstance(found, type) or count_required(found) != 0:
        return check_interface(found, app), ""
    if inspect.iscoroutinefunction(found):
        raise ImportFailure(
            f"'{app}' is a coroutine function without parameters, not an application"
        )
    made, _ = call_factory(found, app)
    return made, (
        "ASGI app factory detected. Using it, but please consider setting the --factory flag "
        "explicitly."
    )


def check_interface(found, app):
    if not isinstance(found, type) and count_required(found) == 2:
        raise ImportFailure(
            f"'{app}' takes two arguments, like a WSGI application: Ringhorn serves ASGI "
            "applications (scope, receive, send); wrap it, for instance with a2wsgi"
        )
    if count_required(found) == 1:
        raise ImportFailure(
            f"'{app}' takes one argument, like an ASGI 2 application: Ringhorn serves ASGI 3; wrap "
            "it with asgiref.compatibility.guarantee_single_callable"
        )
    return found


def hint(error):
    """One line behind the user's traceback, when there is something to say about it."""
    if isinstance(error, RuntimeError) and "no running event loop" in str(error):
        return "start tasks in a startup handler (lifespan), not while the module is imported"
    if isinstance(error, ModuleNotFoundError) and error.name:
        return (
            f"the application needs the module '{error.name}', which is not installed for "
            f"{sys.executable}"
        )
    if isinstance(error, SyntaxError):
        return f"correct {error.filename}, line {error.lineno}"
    return "the application could not be imported: its code raised the error above"


async def load_in_loop(app, factory):
    """As load(), with the event loop running: what a module does with it at import works."""
    return load(app, factory)


def run_load(app, factory, loop):
    return loop.run_until_complete(load_in_loop(app, factory))
