/// Getting at the application, in a worker or in a template process. Needs the GIL.
#pragma once

#include <string>

#include <ringhorn/base/result.hpp>
#include <ringhorn/config/options.hpp>
#include <ringhorn/py/ref.hpp>
#include <ringhorn/telemetry/log.hpp>

namespace ringhorn::worker {

/// The application that the options name, imported with what --env-file adds to the environment.
/// `loop` (borrowed) runs meanwhile; null: none does. On failure the text for the log. REQUIRES:
/// --app-dir is in front of the path
base::Result<py::Ref, std::string> load_app(const config::Options& options, PyObject* loop,
                                            telemetry::Log& log);

/// The supervisor ends a process that stands still by SIGABRT: where every thread stood is then in
/// the log, whoever holds the GIL. False with an exception set.
bool show_stacks_on_abort();

}  // namespace ringhorn::worker
