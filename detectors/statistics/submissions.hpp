// The jobs that a window knows of, running or ended, in the order of their submission. Made once
// for a look, since every process of a cluster is held against the same jobs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/window.hpp"

namespace doctor {

struct Submission {
  static constexpr TimestampMs kNever = kForEver;

  std::string_view id, name;  // of the window's, which must outlive this
  TimestampMs start{};
  TimestampMs end{};  // kNever while it lives
  /// Processes that its tasks run in, sorted, names reporter-filtered; empty when any is not known.
  std::vector<std::string> processes;
  bool is_first{};  // of its name

  /// It runs, and no task of it in this process. Of the JobManager no job is elsewhere.
  bool is_elsewhere(std::string_view process) const;
};

/// By start.
std::vector<Submission> submissions(const Window& window);

}  // namespace doctor
