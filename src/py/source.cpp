#include <ringhorn/py/source.hpp>

#include <string>
#include <utility>

namespace ringhorn::py {

Ref run_source(const char* name, std::string_view source) {
  Ref module = Ref::steal(PyModule_New(name));
  return module && run_source_in(module.get(), name, source) ? std::move(module) : Ref();
}

bool run_source_in(PyObject* module, const char* name, std::string_view source) {
  const std::string text(source);
  const std::string file = "<" + std::string(name) + ">";
  const Ref code = Ref::steal(Py_CompileString(text.c_str(), file.c_str(), Py_file_input));
  const Ref builtins = Ref::steal(PyImport_ImportModule("builtins"));
  PyObject* globals = PyModule_GetDict(module);
  return code && builtins && PyDict_SetItemString(globals, "__builtins__", builtins.get()) == 0 &&
         Ref::steal(PyEval_EvalCode(code.get(), globals, globals));
}

}  // namespace ringhorn::py
