// The product's own code path under test: stream → FeatureStore → detectors → Incidents, as class
// Judge has it. It judges at each tick of the simulation, which comes at scrape cadence; the live
// agent ticks once a second, but nothing new is there to judge between two scrapes.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>

#include "agent/judge.hpp"
#include "tests/detection/watch.hpp"

namespace doctor::detection {

/// What it cost.
struct Cost {
  std::uint64_t samples{0};
  double absorb_s{0}, judge_s{0};
  std::uint64_t series{0};  // at the end
  std::uint64_t bytes{0};   // held at the end; 0 when not measured
};

class Product : public Watch {
 public:
  Product(std::span<const Detector* const> detectors, const FeaturePlan& plan);
  void absorb(const StreamItem& item) override;
  EntityTable& entities() { return judge_->entities(); }
  /// At the end: frees the judge, to see what it held.
  Cost finish();

 private:
  void take_alarms(TimestampMs at);

  struct Peak {
    Severity severity{};
    Confidence confidence{};
    bool firing{false};
  };

  Limits limits_;
  std::unique_ptr<Judge> judge_;
  std::map<std::string, Peak> peaks_;  // by incident
  Cost cost_;
};

/// Bytes this thread has freed while counting was on; the program that replaces operator delete
/// counts, others say 0.
using FreedBytes = std::uint64_t (*)(const std::function<void()>& work);
extern FreedBytes freed_bytes;

}  // namespace doctor::detection
