#include "model/log.hpp"

#include <algorithm>

namespace doctor {
namespace {

// 16 sources × 3 kinds of process × some 40 texts.
constexpr std::size_t kTalliesMax = 2048;

}  // namespace

void LogTallies::absorb(const LogEvent& event) {
  auto tally = std::find_if(tallies_.begin(), tallies_.end(), [&](const LogTally& known) {
    return known.source == event.source && known.pattern == event.pattern &&
           known.process == event.process;
  });
  if (tally == tallies_.end()) {
    if (tallies_.size() >= kTalliesMax) {
      ++dropped_;
      return;
    }
    tally = tallies_.insert(tallies_.end(), LogTally{});
    tally->source = event.source;
    tally->pattern = event.pattern;
    tally->process = event.process;
  }
  tally->severity = event.severity;
  tally->file = event.file;
  tally->line = event.line;
  if (event.backlog) {
    tally->backlog += event.count;
    return;
  }
  if (tally->count == 0) tally->first = event.first;
  tally->count += event.count;
  tally->last = std::max(tally->last, event.last);
}

}  // namespace doctor
