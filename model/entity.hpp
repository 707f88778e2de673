// Entities: the things a series or a finding is about, as a tree per cluster.
//   cluster → job → vertex → subtask → operator → column family, split
//   cluster → process (JobManager or TaskManager) → collector, directory, job on that process
// A node is 16 bytes; ids are dense indexes into one table per cluster, reused only after
// release(). Names are kept as the reporter filters them or as REST gives them (see job facts for
// the unfiltered ones).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/flat_index.hpp"

namespace doctor {

using EntityId = std::uint32_t;
inline constexpr EntityId kNoEntity = 0xFFFFFFFFU;
inline constexpr EntityId kClusterEntity = 0;

enum class Level : std::uint8_t {
  cluster,
  job,            // name = job id (hex)
  vertex,         // name = vertex id (hex, the reporter's task_id)
  subtask,        // index = subtask_index
  operator_,      // name = operator name, reporter-filtered
  column_family,  // name = RocksDB column family, reporter-filtered
  split,          // name = a source's split, or "topic-partition", reporter-filtered
  process,        // name = "jobmanager" or the TaskManager's id, reporter-filtered
  collector,      // name = garbage collector, reporter-filtered
  directory,      // name = "role:path" as the process sees it
  job_process     // name = job id (hex), below the process that runs tasks of it
};

std::string_view to_string(Level level);

struct Entity {
  Level level{Level::cluster};
  EntityId parent{kNoEntity};
  std::uint32_t index{0};  // subtask index; 0 elsewhere
  std::uint32_t name{0};   // index into the table's names
};

class EntityTable {
 public:
  explicit EntityTable(std::size_t entities_max);

  /// Finds or makes a node. kNoEntity when the table is full (the caller drops and counts).
  EntityId intern(Level level, EntityId parent, std::string_view name, std::uint32_t index = 0);
  /// Finds only.
  EntityId find(Level level, EntityId parent, std::string_view name, std::uint32_t index = 0) const;

  /// Forgets a node and everything below it. The caller has dropped every series of them before.
  void release(EntityId id);
  /// How many nodes were released so far, for whoever keeps ids.
  std::uint64_t releases() const { return releases_; }
  /// Whether `id` is the node that it was when releases() gave `releases`.
  bool stands_since(EntityId id, std::uint64_t releases) const { return born_.at(id) <= releases; }

  const Entity& at(EntityId id) const { return nodes_.at(id); }
  const std::string& name(EntityId id) const { return names_.at(nodes_.at(id).name); }
  std::size_t size() const { return nodes_.size() - free_nodes_.size(); }
  /// The nearest ancestor (or the node itself) of that level; kNoEntity when there is none.
  EntityId ancestor(EntityId id, Level level) const;
  /// Direct children of a level, in order of creation.
  std::vector<EntityId> children(EntityId parent, Level level) const;

  /// For who records the table: from now on every id goes there when it is made. Null ends it.
  void tell_made(std::vector<EntityId>* made) { made_ = made; }

 private:
  std::uint32_t intern_name(std::string_view name);
  void release_name(std::uint32_t name);
  std::uint64_t hash_of(EntityId id) const;
  void index(EntityId id);

  std::size_t entities_max_;
  std::vector<Entity> nodes_;
  std::vector<std::vector<EntityId>> children_;
  std::vector<EntityId> free_nodes_;
  std::vector<std::uint64_t> born_;  // releases_ when the node was made; never, of free ones
  std::uint64_t releases_{0};
  std::vector<std::string> names_;
  std::vector<std::uint32_t> name_uses_;
  std::vector<std::uint32_t> free_names_;
  std::unordered_map<std::string, std::uint32_t> name_index_;
  FlatIndex node_index_;  // by what makes a node one: level, parent, index and name
  std::vector<EntityId>* made_{nullptr};
};

}  // namespace doctor
