// The verb `probe` of the command line.
#pragma once

namespace CLI {
class App;
}

namespace doctor {

/// Adds it to `app`; when chosen it runs and leaves its exit code in `code`.
void add_probe_verb(CLI::App& app, int& code);

}  // namespace doctor
