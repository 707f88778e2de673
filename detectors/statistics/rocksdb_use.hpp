// What RocksDB uses in each TaskManager, as its native metrics tell it, and against which budget.
// Managed: one block cache per slot, to which memtables are charged; every column family reports
// that same cache, so it counts once. Unmanaged: each column family has a cache and memtables of
// its own, and all of them add up.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "model/window.hpp"

namespace doctor {

enum class RocksDbMode { unknown, managed, fixed_per_slot, fixed_per_tm, unmanaged };

/// One operator subtask: one RocksDB instance. Sums are over its column families.
struct RocksDbInstance {
  std::string job, vertex, operator_;
  int subtask{};
  int column_families{0};
  std::optional<double> cache_usage, cache_capacity, cache_pinned;  // largest of them
  double cache_usage_sum{0};
  std::optional<double> memtables;  // whole arena blocks
  double memtables_touched{0};      // without the last, partly touched block of each
  double table_readers{0};
  double touched() const { return memtables_touched + cache_usage_sum + table_readers; }
  double reserved() const { return memtables.value_or(0) + cache_usage_sum + table_readers; }
};

/// RocksDB of one job in one process.
struct RocksDbProcess {
  EntityId process{kNoEntity};
  RocksDbMode mode{RocksDbMode::unknown};
  std::vector<RocksDbInstance> instances;
  std::optional<double> managed_total, managed_used, overhead, process_size;
  int slots{0};
  /// M, what one slot (one TaskManager with fixed-per-tm) may use, and where that comes from.
  std::optional<double> share;
  std::string share_source;
};

/// By process and job, since a slot belongs to one job and a job may set its own mode; only those
/// with fresh native metrics.
using RocksDbProcesses = std::map<std::pair<EntityId, std::string>, RocksDbProcess>;
RocksDbProcesses rocksdb_processes(const Window& window, double arena_block_bytes);

enum class UsesRocksDb { no, yes, unknown };
UsesRocksDb uses_rocksdb(const Window& window, const JobFacts& job);

}  // namespace doctor
