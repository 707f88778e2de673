// flink-doctor: the command line. Every verb parses its flags here and calls one function.

#include <cstdio>
#include <exception>

#include "agent/cli/commands.hpp"

int main(int argc, char** argv) {
  try {
    return doctor::run_command_line(argc, argv);
  } catch (const std::exception& bug) {
    std::fprintf(stderr, "flink-doctor: internal error: %s\n", bug.what());
    return 70;
  }
}
