#include <ringhorn/py/error.hpp>

#include <string_view>

namespace ringhorn::py {

namespace {

std::string_view utf8(PyObject* text) {
  Py_ssize_t size = 0;
  const char* data = PyUnicode_AsUTF8AndSize(text, &size);
  if (data == nullptr) {
    PyErr_Clear();
    return "(text that is not UTF-8)";
  }
  return {data, static_cast<std::size_t>(size)};
}

bool starts_with(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

/// True for a frame that says nothing about the user's code.
bool is_plumbing(PyObject* traceback) {
  PyFrameObject* frame = reinterpret_cast<PyTracebackObject*>(traceback)->tb_frame;
  Ref code = Ref::steal(reinterpret_cast<PyObject*>(PyFrame_GetCode(frame)));
  const std::string_view file = utf8(reinterpret_cast<PyCodeObject*>(code.get())->co_filename);
  return starts_with(file, "<ringhorn") || starts_with(file, "<frozen importlib") ||
         file.find("/importlib/__init__.py") != std::string_view::npos ||
         file.find("/asyncio/base_events.py") != std::string_view::npos;
}

/// The traceback without the plumbing at its outer end.
Ref strip_plumbing(PyObject* exception) {
  Ref traceback = Ref::steal(PyException_GetTraceback(exception));
  while (traceback && is_plumbing(traceback.get())) {
    traceback = Ref::borrow(reinterpret_cast<PyObject*>(
        reinterpret_cast<PyTracebackObject*>(traceback.get())->tb_next));
  }
  return traceback;
}

}  // namespace

Ref fetch_exception() {
  PyObject *type = nullptr, *value = nullptr, *traceback = nullptr;
  PyErr_Fetch(&type, &value, &traceback);
  if (type == nullptr) {
    return {};
  }
  PyErr_NormalizeException(&type, &value, &traceback);
  if (traceback != nullptr) {
    PyException_SetTraceback(value, traceback);
  }
  Py_XDECREF(traceback);
  Py_DECREF(type);
  return Ref::steal(value);
}

void raise(Ref exception) {
  PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(exception.get())), exception.get());
}

bool ends_program(PyObject* exception) {
  return PyErr_GivenExceptionMatches(exception, PyExc_SystemExit) != 0 ||
         PyErr_GivenExceptionMatches(exception, PyExc_KeyboardInterrupt) != 0;
}

std::string format_exception(PyObject* exception) {
  Ref traceback = strip_plumbing(exception);
  Ref module = Ref::steal(PyImport_ImportModule("traceback"));
  Ref lines = module ? Ref::steal(PyObject_CallMethod(module.get(), "format_exception", "OOO",
                                                      Py_TYPE(exception), exception,
                                                      traceback ? traceback.get() : Py_None))
                     : Ref();
  Ref empty = Ref::steal(PyUnicode_FromString(""));
  Ref text = lines && empty ? Ref::steal(PyUnicode_Join(empty.get(), lines.get())) : Ref();
  if (!text) {
    PyErr_Clear();
    return Py_TYPE(exception)->tp_name;
  }
  std::string result = to_string(text.get());
  while (!result.empty() && result.back() == '\n') {
    result.pop_back();
  }
  return result;
}

std::string to_string(PyObject* object) {
  Ref text = Ref::steal(PyObject_Str(object));
  if (!text) {
    PyErr_Clear();
    return "(an object without a text)";
  }
  // Lone surrogates (undecodable file names) must not lose the whole message.
  Ref bytes = Ref::steal(PyUnicode_AsEncodedString(text.get(), "utf-8", "backslashreplace"));
  if (!bytes) {
    PyErr_Clear();
    return "(text that is not UTF-8)";
  }
  return {PyBytes_AS_STRING(bytes.get()), static_cast<std::size_t>(PyBytes_GET_SIZE(bytes.get()))};
}

}  // namespace ringhorn::py
