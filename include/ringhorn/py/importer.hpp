/// Importing the user's application: `module:attribute`, with messages that say what to do when it
/// is not there. Needs the GIL.
#pragma once

#include <string>

#include <ringhorn/base/result.hpp>
#include <ringhorn/py/ref.hpp>

namespace ringhorn::py {

/// Has modules looked for in `app_dir` first. False with an exception set on failure.
bool put_in_front(const std::string& app_dir);

struct ImportRequest {
  std::string app;       ///< `module:attribute`, the attribute may be dotted
  bool factory = false;  ///< call what was found, to get the application
  PyObject* loop;        ///< borrowed: runs while the module is imported; null: none does
};

struct ImportedApp {
  Ref app;
  std::string warning;  ///< one sentence, empty if none
};

/// On failure the text for the user: the traceback of their code, if it was their code that failed,
/// and one line that says what to do. SystemExit and KeyboardInterrupt are failures too.
base::Result<ImportedApp, std::string> import_app(const ImportRequest& request);

}  // namespace ringhorn::py
