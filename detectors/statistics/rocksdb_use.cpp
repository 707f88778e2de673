#include "detectors/statistics/rocksdb_use.hpp"

#include <algorithm>
#include <cctype>

#include "detectors/advice.hpp"

namespace doctor {

namespace {

// With the default write-buffer ratio .5 the cache gets (3 - .5)/3 of the share.
constexpr double kDefaultWriteBufferRatio = 0.5;

bool names_rocksdb(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text.find("rocksdb") != std::string::npos || text.find("forst") != std::string::npos;
}

void take_largest(std::optional<double>& largest, std::optional<double> value) {
  if (value) largest = std::max(largest.value_or(0), *value);
}

void add_column_family(const Window& window, EntityId family, double arena_block_bytes,
                       RocksDbInstance& instance) {
  const auto usage = window.latest(Metric::rocksdb_block_cache_usage, family);
  const auto memtables = window.latest(Metric::rocksdb_memtables, family);
  if (!usage && !memtables) return;
  ++instance.column_families;
  take_largest(instance.cache_usage, usage);
  take_largest(instance.cache_capacity,
               window.latest(Metric::rocksdb_block_cache_capacity, family));
  take_largest(instance.cache_pinned,
               window.latest(Metric::rocksdb_block_cache_pinned_usage, family));
  instance.cache_usage_sum += usage.value_or(0);
  if (memtables) {
    instance.memtables = instance.memtables.value_or(0) + *memtables;
    instance.memtables_touched += std::max(0.0, *memtables - arena_block_bytes);
  }
  instance.table_readers += window.latest(Metric::rocksdb_table_readers, family).value_or(0);
}

void add_subtask(const Window& window, const JobFacts& job, EntityId subtask,
                 double arena_block_bytes, RocksDbProcesses& processes) {
  const EntityTable& entities = *window.entities;
  for (const EntityId op : entities.children(subtask, Level::operator_)) {
    RocksDbInstance instance;
    for (const EntityId family : entities.children(op, Level::column_family)) {
      add_column_family(window, family, arena_block_bytes, instance);
    }
    if (instance.column_families == 0) continue;
    const EntityId process = window.features->process_of(subtask);
    if (process == kNoEntity) continue;
    const std::string& vertex_id = entities.name(entities.at(subtask).parent);
    const VertexFacts* vertex = job.vertex(vertex_id);
    instance.job = window.lineage(job);
    instance.vertex = vertex == nullptr ? vertex_id : vertex->name;
    instance.operator_ = entities.name(op);
    instance.subtask = static_cast<int>(entities.at(subtask).index);
    processes[{process, job.id}].instances.push_back(std::move(instance));
  }
}

std::optional<double> largest_capacity(const RocksDbProcess& process) {
  std::optional<double> largest;
  for (const RocksDbInstance& instance : process.instances) {
    take_largest(largest, instance.cache_capacity);
  }
  return largest;
}

double cache_share(const Window& window) {
  const auto set =
      first_option(window.cluster, {"state.backend.rocksdb.memory.write-buffer-ratio"});
  double ratio = kDefaultWriteBufferRatio;
  if (set) {
    const double parsed = std::strtod(set->c_str(), nullptr);
    if (parsed > 0 && parsed < 1) ratio = parsed;
  }
  return (3 - ratio) / 3;
}

// What the cluster's configuration says is only a default: a job may set its own. Where Flink shows
// what it did (reservation, capacity), that decides.
void decide_managed(const Window& window, RocksDbProcess& process) {
  const std::optional<double> capacity = largest_capacity(process);
  const bool has_slot_share = process.managed_total && process.slots > 0;
  const double slot_share = has_slot_share ? *process.managed_total / process.slots : 0;
  const double of_share = capacity && slot_share > 0 ? *capacity / slot_share : 0;
  const bool fits = of_share > 0.4 && of_share < 1.05;
  if (process.managed_used) {
    const bool reserved = *process.managed_used > 0 && (fits || !capacity || slot_share == 0);
    process.mode = reserved ? RocksDbMode::managed : RocksDbMode::unmanaged;
  } else if (first_option(window.cluster, {"state.backend.rocksdb.memory.managed"}) == "false") {
    process.mode = RocksDbMode::unmanaged;
  } else if (of_share > 0.7 && of_share < 0.95) {
    process.mode = RocksDbMode::managed;
  }
  // Unmanaged RocksDB leaves its share unused: that is what it was meant to live in.
  if (process.mode == RocksDbMode::unmanaged && has_slot_share) process.share = slot_share;
  if (process.mode != RocksDbMode::managed) return;
  const double expected = cache_share(window);
  if (has_slot_share && (!capacity || (of_share > 0.85 * expected && of_share < 1.15 * expected))) {
    process.share = slot_share;
    process.share_source = "managed memory of the TaskManager / " + std::to_string(process.slots) +
                           " slots (taskmanager.memory.managed.*)";
  } else if (capacity) {
    process.share = *capacity / expected;
    process.share_source = "block cache capacity / " + std::to_string(expected).substr(0, 5) +
                           " (state.backend.rocksdb.memory.write-buffer-ratio)";
  }
}

void decide_mode(const Window& window, RocksDbProcess& process) {
  const auto fixed = [&](std::string_view option, RocksDbMode mode) {
    const auto set = first_option(window.cluster, {option});
    const auto bytes = set ? parse_memory_bytes(*set) : std::nullopt;
    const auto capacity = largest_capacity(process);
    if (!bytes || *bytes <= 0 || (capacity && *capacity < 0.4 * *bytes)) return false;
    process.mode = mode;
    process.share = bytes;
    process.share_source = std::string(option);
    return true;
  };
  if (fixed("state.backend.rocksdb.memory.fixed-per-slot", RocksDbMode::fixed_per_slot)) return;
  if (process.managed_used.value_or(0) == 0 &&
      fixed("state.backend.rocksdb.memory.fixed-per-tm", RocksDbMode::fixed_per_tm)) {
    return;
  }
  decide_managed(window, process);
}

}  // namespace

RocksDbProcesses rocksdb_processes(const Window& window, double arena_block_bytes) {
  RocksDbProcesses processes;
  for (const JobFactsPtr& job : window.jobs) {
    if (job->is_terminal()) continue;
    const EntityId job_entity = window.entities->find(Level::job, kClusterEntity, job->id);
    if (job_entity == kNoEntity) continue;
    for (const EntityId vertex : window.entities->children(job_entity, Level::vertex)) {
      for (const EntityId subtask : window.entities->children(vertex, Level::subtask)) {
        add_subtask(window, *job, subtask, arena_block_bytes, processes);
      }
    }
  }
  for (auto& [place, process] : processes) {
    const EntityId id = place.first;
    process.process = id;
    process.managed_used = window.latest(Metric::managed_used, id);
    process.managed_total = window.latest(Metric::managed_total, id);
    if (const TaskManagerFacts* tm = window.task_manager_of(id)) {
      process.slots = tm->slots;
      process.overhead = tm->memory.overhead;
      process.process_size = tm->memory.total_process;
      if (!process.managed_total) process.managed_total = tm->memory.managed;
    }
    decide_mode(window, process);
  }
  return processes;
}

UsesRocksDb uses_rocksdb(const Window& window, const JobFacts& job) {
  if (job.checkpoint_config && !job.checkpoint_config->state_backend.empty()) {
    return names_rocksdb(job.checkpoint_config->state_backend) ? UsesRocksDb::yes : UsesRocksDb::no;
  }
  const auto set = first_option(window.cluster, {"state.backend.type", "state.backend"});
  if (set && names_rocksdb(*set)) return UsesRocksDb::yes;
  return UsesRocksDb::unknown;
}

}  // namespace doctor
