#include "tests/detection/product.hpp"

#include <time.h>

#include <algorithm>
#include <utility>

namespace doctor::detection {
namespace {

JudgeConfig config() {
  JudgeConfig config;
  config.cluster = "simulated";
  config.url = "http://jobmanager:8081";
  return config;
}

/// Of this thread alone: other load on the machine must not show in what the product costs.
double thread_cpu_s() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

std::uint64_t not_measured(const std::function<void()>& work) {
  work();
  return 0;
}

}  // namespace

FreedBytes freed_bytes = not_measured;

Product::Product(std::span<const Detector* const> detectors, const FeaturePlan& plan)
    : judge_(std::make_unique<Judge>(config(), detectors, plan, limits_)) {}

void Product::absorb(const StreamItem& item) {
  const bool is_tick = std::holds_alternative<Tick>(item.what);
  if (const auto* batch = std::get_if<Batch>(&item.what)) cost_.samples += batch->values.size();
  const double before = thread_cpu_s();
  judge_->absorb(item);
  const double seconds = thread_cpu_s() - before;
  (is_tick ? cost_.judge_s : cost_.absorb_s) += seconds;
  if (is_tick) take_alarms(item.at);
}

void Product::take_alarms(TimestampMs at) {
  for (auto& [id, peak] : peaks_) peak.firing = false;
  for (ReportedFinding& reported : judge_->incidents().report()) {
    if (reported.state != FindingState::firing) continue;
    Finding& finding = reported.finding;
    const std::string id = finding.id();
    const auto [entry, fresh] = peaks_.try_emplace(id);
    Peak& peak = entry->second;
    peak.firing = true;
    const bool higher = fresh || finding.severity > peak.severity ||
                        (finding.severity == peak.severity && finding.confidence > peak.confidence);
    if (!higher) continue;
    peak.severity = finding.severity;
    peak.confidence = std::max(peak.confidence, finding.confidence);
    alarms_.push_back({at, id, finding.detector, std::move(finding.subject), finding.severity,
                       finding.confidence, std::move(finding.summary), finding.forecast,
                       !finding.explained_by.empty()});
  }
  std::erase_if(peaks_, [](const auto& entry) { return !entry.second.firing; });
}

Cost Product::finish() {
  cost_.series = judge_->features().series();
  cost_.bytes = freed_bytes([this] { judge_.reset(); });
  return cost_;
}

}  // namespace doctor::detection
