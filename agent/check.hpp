// One shot: two polls of each cluster, one judgement, one report.
#pragma once

#include <string>

#include "agent/config/config.hpp"
#include "agent/view.hpp"
#include "model/result.hpp"

namespace doctor {

struct CheckOptions {
  Config config;                       // its clusters are looked at together
  DurationMs wait_ms{12 * kSecondMs};  // between the polls: a little over Flink's metric fetch
  bool strict{false};
  bool progress{true};  // on standard error
};

inline constexpr int kExitWell = 0;
inline constexpr int kExitWarning = 1;
inline constexpr int kExitCritical = 2;
inline constexpr int kExitCannotJudge = 3;

struct CheckResult {
  ViewPtr view;
  int exit_code{kExitCannotJudge};
  std::string why;  // one line for every code but kExitWell
};

CheckResult check(CheckOptions options);

/// The exit code of a judged view, that of its worst cluster, and why.
std::pair<int, std::string> verdict_of(const View& view, bool strict);

}  // namespace doctor
