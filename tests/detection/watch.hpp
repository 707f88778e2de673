// Who watches a case: the product's judge, or a baseline. Both see the same stream and say the same
// thing, alarms.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/finding.hpp"
#include "model/stream.hpp"

namespace doctor::detection {

/// That an incident fires, or has become more severe or more certain than it ever was.
struct Alarm {
  TimestampMs at{};
  std::string id;  // of the incident
  std::string detector;
  Subject subject;
  Severity severity{};
  Confidence confidence{};
  std::string summary;
  std::optional<Forecast> forecast;
  bool explained{false};  // another incident of the same job is named as its cause

  bool is_pushed() const { return severity >= Severity::warning; }
  bool is_certain() const { return confidence >= Confidence::confirmed; }
};

class Watch {
 public:
  virtual ~Watch() = default;
  virtual void absorb(const StreamItem& item) = 0;
  const std::vector<Alarm>& alarms() const { return alarms_; }

 protected:
  std::vector<Alarm> alarms_;
};

/// A rule that others use, by which the same stream is judged.
struct Baseline {
  std::string_view name;
  std::string_view detector;  // the one whose job it does
  std::string_view source;    // where the rule comes from
  std::unique_ptr<Watch> (*make)(const EntityTable& entities);
};

std::span<const Baseline> all_baselines();

}  // namespace doctor::detection
