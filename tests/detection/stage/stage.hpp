// Where a case is played: what is sent here reaches the product's judge and the baselines alike.
#pragma once

#include "model/entity.hpp"
#include "model/metric.hpp"
#include "model/stream.hpp"

namespace doctor::detection {

class Stage {
 public:
  virtual ~Stage() = default;
  virtual void send(StreamItem item) = 0;
  virtual EntityTable& entities() = 0;
  /// Whether anybody reads it; what nobody reads is not scraped.
  virtual bool selected(Metric metric) const = 0;
};

/// When every case begins: Monday, 2026-01-05T00:00:00Z.
inline constexpr TimestampMs kCaseStart = 1'767'571'200'000;
inline constexpr DurationMs kWeekMs = 7 * kDayMs;

}  // namespace doctor::detection
