// What an engineer reads in the terminal: the diagnosis with its evidence, what to set, what each
// detector could judge, and what would let it see more.
#pragma once

#include <string>

#include "agent/view.hpp"

namespace doctor {

struct ReportStyle {
  bool colour{false};
  int width{100};  // 0 = never wrap
};

std::string text_report(const View& view, ReportStyle style);

/// "critical metaspace_leak (imminent) TaskManager host-3: summary", for logs.
std::string one_line(const ReportedFinding& finding);

/// What a finding is about: "job orders › vertex Sink › subtask 3 on host-3".
std::string place(const Subject& subject);

}  // namespace doctor
