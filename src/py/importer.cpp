#include <ringhorn/py/importer.hpp>

#include <ringhorn/py/error.hpp>
#include <ringhorn/py/source.hpp>

#include "importer_source.hpp"

namespace ringhorn::py {

namespace {

/// The text for an exception that the user's code, or our own check, raised while importing.
std::string explain(PyObject* module, PyObject* exception) {
  Ref failure = Ref::steal(PyObject_GetAttrString(module, "ImportFailure"));
  if (failure && PyObject_IsInstance(exception, failure.get()) == 1) {
    return to_string(exception);
  }
  std::string text = format_exception(exception);
  Ref hint = Ref::steal(PyObject_CallMethod(module, "hint", "O", exception));
  if (!hint) {
    PyErr_Clear();
    return text;
  }
  return text + "\n" + to_string(hint.get());
}

}  // namespace

bool put_in_front(const std::string& app_dir) {
  const Ref module = run_source("ringhorn.importer", importer_source);
  return module &&
         Ref::steal(PyObject_CallMethod(module.get(), "put_in_front", "s", app_dir.c_str()));
}

base::Result<ImportedApp, std::string> import_app(const ImportRequest& request) {
  Ref module = run_source("ringhorn.importer", importer_source);
  if (!module) {
    return base::Failure{format_exception(fetch_exception().get())};
  }
  PyObject* const factory = request.factory ? Py_True : Py_False;
  const Ref pair =
      Ref::steal(request.loop == nullptr
                     ? PyObject_CallMethod(module.get(), "load", "sO", request.app.c_str(), factory)
                     : PyObject_CallMethod(module.get(), "run_load", "sOO", request.app.c_str(),
                                           factory, request.loop));
  if (!pair) {
    const Ref exception = fetch_exception();
    return base::Failure{explain(module.get(), exception.get())};
  }
  return ImportedApp{Ref::borrow(PyTuple_GetItem(pair.get(), 0)),
                     to_string(PyTuple_GetItem(pair.get(), 1))};
}

}  // namespace ringhorn::py
