// The families, in the order of the table. One line declares and lists one; its value ends a file
// in families/ (or wherever its generator lives).
#include <array>

#include "tests/detection/family.hpp"

#define DETECTION_FAMILIES(X) \
  X(checkpoints_stop)         \
  X(checkpoints_slow)         \
  X(checkpoint_jumps)         \
  X(checkpoint_tides)         \
  X(restart_loops)            \
  X(restarts_in_peace)        \
  X(metaspace_leaks)          \
  X(metaspace_partial)        \
  X(metaspace_churn)          \
  X(rocksdb_overruns)         \
  X(rocksdb_fills)            \
  X(heap_leaks)               \
  X(heap_restarted)           \
  X(heap_peace)               \
  X(native_leaks)             \
  X(native_peace)             \
  X(bottlenecks)              \
  X(catch_ups)                \
  X(drains)                   \
  X(overloads)                \
  X(lags_grow)                \
  X(lags_in_peace)            \
  X(weeks_change)             \
  X(weeks_as_usual)           \
  X(skews)                    \
  X(even_keys)                \
  X(watermark_stalls)         \
  X(watermarks_in_peace)      \
  X(jobs_down)                \
  X(jobs_that_end)            \
  X(cluster_weeks)            \
  X(disturbed_weeks)

namespace doctor::detection {

namespace families {
#define DECLARE(name) extern const Family name;
DETECTION_FAMILIES(DECLARE)
#undef DECLARE
}  // namespace families

std::span<const Family* const> all_families() {
#define LIST(name) &families::name,
  static constexpr std::array kAll{DETECTION_FAMILIES(LIST)};
#undef LIST
  return kAll;
}

}  // namespace doctor::detection
