// Which metrics are asked for in place of reporters: what detectors read, or all.
#pragma once

#include <vector>

#include "model/metric.hpp"

namespace doctor::rest {

class Wanted {
 public:
  /// Empty: the whole catalogue.
  explicit Wanted(const std::vector<Metric>& metrics)
      : wanted_(metric_catalogue().size(), metrics.empty()) {
    for (const Metric metric : metrics) wanted_[static_cast<std::size_t>(metric)] = true;
  }
  bool contains(Metric metric) const { return wanted_[static_cast<std::size_t>(metric)]; }

 private:
  std::vector<bool> wanted_;
};

}  // namespace doctor::rest
