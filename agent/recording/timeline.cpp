#include "agent/recording/timeline.hpp"

namespace doctor {
namespace {

constexpr std::size_t kChangesMax = 100'000;

}  // namespace

void Timeline::note(const Judge& judge, TimestampMs at) {
  judge.incidents().each([&](const std::string& id, const ReportedFinding& reported) {
    const Seen now{reported.state, reported.finding.severity, reported.finding.confidence};
    const auto [seen, is_new] = seen_.try_emplace(id, now);
    if (!is_new && seen->second == now) return;
    seen->second = now;
    if (from_ && at < *from_) return;
    if (changes_.size() >= kChangesMax) {
      ++untold_;
      return;
    }
    changes_.push_back({at, reported});
    changes_.back().reported.labels = judge.config().labels;
  });
}

}  // namespace doctor
