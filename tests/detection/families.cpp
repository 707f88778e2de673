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
  X(bottlenecks)              \
  X(catch_ups)                \
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
