#include "agent/recording/timeline.hpp"

#include <utility>

namespace doctor {
namespace {

constexpr std::size_t kChangesMax = 100'000;

}  // namespace

void Timeline::note(const Judge& judge, TimestampMs at) {
  for (ReportedFinding& reported : judge.incidents().report()) {
    const Seen now{reported.state, reported.finding.severity, reported.finding.confidence};
    const auto [seen, is_new] = seen_.try_emplace(reported.finding.id(), now);
    if (!is_new && seen->second == now) continue;
    seen->second = now;
    if (from_ && at < *from_) continue;
    if (changes_.size() >= kChangesMax) {
      ++untold_;
    } else {
      reported.labels = judge.config().labels;
      changes_.push_back({at, std::move(reported)});
    }
  }
}

}  // namespace doctor
