// The verbs that read recordings, and the flags of those that write one.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/config/config.hpp"
#include "agent/recording/replay.hpp"

namespace CLI {
class App;
}

namespace doctor {

struct RecordingFlags {
  std::string file;
  std::string bytes_max;
  int files_max{0};   // 0: as the configuration says
  double seconds{0};  // 0: until stopped
  bool redact{false};
};

/// `file_flag`: "--record" where recording is an aside, "--output" where it is the purpose.
void add_recording_flags(CLI::App& verb, const std::string& file_flag, RecordingFlags& flags);
/// What to judge with, and how to print it: of every verb that judges what is over.
struct JudgingFlags {
  std::string from;
  std::string to;
  std::vector<std::string> set;
  std::string format{"text"};
};

void add_judging_flags(CLI::App& verb, JudgingFlags& flags, const std::string& from_help,
                       const std::string& to_help);
Result<ReplayOptions> options_from(const JudgingFlags& flags);
/// To standard output; what is missing or damaged to standard error.
void print(const Replayed& replayed, const std::string& format);

/// What the flags say wins over the file.
Status apply(const RecordingFlags& flags, Config& config);

/// replay and diff.
void add_recording_verbs(CLI::App& app, int& code);

}  // namespace doctor
