// The verbs of the command line.
#pragma once

namespace doctor {

/// Parses and runs; the process's exit code.
int run_command_line(int argc, const char* const* argv);

}  // namespace doctor
