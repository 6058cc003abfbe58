#include <ringhorn/py/source.hpp>

#include <string>

namespace ringhorn::py {

Ref run_source(const char* name, std::string_view source) {
  const std::string text(source);
  const std::string file = "<" + std::string(name) + ">";
  Ref code = Ref::steal(Py_CompileString(text.c_str(), file.c_str(), Py_file_input));
  Ref module = code ? Ref::steal(PyModule_New(name)) : Ref();
  if (!module) {
    return {};
  }
  PyObject* globals = PyModule_GetDict(module.get());
  Ref builtins = Ref::steal(PyImport_ImportModule("builtins"));
  if (!builtins || PyDict_SetItemString(globals, "__builtins__", builtins.get()) < 0 ||
      !Ref::steal(PyEval_EvalCode(code.get(), globals, globals))) {
    return {};
  }
  return module;
}

}  // namespace ringhorn::py
