#include "detectors/registry.hpp"

#include <algorithm>
#include <array>

// One line declares a detector and lists it. Its value ends detectors/<name>.cpp:
//   namespace doctor::detectors { extern const Detector <name>{…}; }
// Its runbook is detectors/<name>.md.
#define DOCTOR_DETECTORS(X)  \
  X(job_down)                \
  X(restart_loop)            \
  X(checkpoint_absent)       \
  X(checkpoint_failing)      \
  X(backpressure)            \
  X(data_skew)               \
  X(slow_instance)           \
  X(watermark_stalled)       \
  X(catch_up)                \
  X(checkpoint_size_outlier) \
  X(checkpoint_slow)         \
  X(state_growth)            \
  X(metaspace_leak)          \
  X(heap_leak)               \
  X(resource_leak)           \
  X(native_leak)             \
  X(native_overrun)          \
  X(pattern_change)

namespace doctor {

namespace detectors {
#define DECLARE(name) extern const Detector name;
DOCTOR_DETECTORS(DECLARE)
#undef DECLARE
}  // namespace detectors

std::span<const Detector* const> all_detectors() {
#define LIST(name) &detectors::name,
  static constexpr std::array kAll{DOCTOR_DETECTORS(LIST)};
#undef LIST
  return kAll;
}

const Detector* find_detector(std::string_view name) {
  const std::span<const Detector* const> all = all_detectors();
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const Detector* detector) { return detector->name == name; });
  return found == all.end() ? nullptr : *found;
}

}  // namespace doctor
