#include "model/entity.hpp"

#include <limits>

namespace doctor {
namespace {

/// Parents are ids and indexes small: both are spread before they meet.
std::uint64_t hash_node(Level level, EntityId parent, std::string_view name, std::uint32_t index) {
  constexpr std::uint64_t kOdd = 0x9E3779B97F4A7C15U;
  const std::uint64_t place = (static_cast<std::uint64_t>(parent) << 32U | index) * kOdd;
  return (std::hash<std::string_view>{}(name) ^ (place >> 29U) ^ place) +
         static_cast<std::uint64_t>(level);
}

}  // namespace

std::string_view to_string(Level level) {
  switch (level) {
    case Level::cluster:
      return "cluster";
    case Level::job:
      return "job";
    case Level::vertex:
      return "vertex";
    case Level::subtask:
      return "subtask";
    case Level::operator_:
      return "operator";
    case Level::column_family:
      return "column family";
    case Level::split:
      return "split";
    case Level::process:
      return "process";
    case Level::collector:
      return "collector";
    case Level::directory:
      return "directory";
    case Level::job_process:
      return "job on a process";
  }
  return "unknown";
}

EntityTable::EntityTable(std::size_t entities_max) : entities_max_(entities_max) {
  intern(Level::cluster, kNoEntity, "");
}

EntityId EntityTable::intern(Level level, EntityId parent, std::string_view name,
                             std::uint32_t index) {
  if (const EntityId known = find(level, parent, name, index); known != kNoEntity) return known;
  if (size() >= entities_max_) return kNoEntity;
  auto id = static_cast<EntityId>(nodes_.size());
  if (free_nodes_.empty()) {
    nodes_.emplace_back();
    children_.emplace_back();
    born_.emplace_back();
  } else {
    id = free_nodes_.back();
    free_nodes_.pop_back();
  }
  nodes_[id] = {level, parent, index, intern_name(name)};
  born_[id] = releases_;
  if (parent != kNoEntity) children_.at(parent).push_back(id);
  this->index(id);
  if (made_ != nullptr) made_->push_back(id);
  return id;
}

EntityId EntityTable::find(Level level, EntityId parent, std::string_view name,
                           std::uint32_t index) const {
  static_assert(kNoEntity == FlatIndex::kNone);
  return node_index_.find(hash_node(level, parent, name, index), [&](EntityId id) {
    const Entity& node = nodes_[id];
    return node.level == level && node.parent == parent && node.index == index &&
           names_[node.name] == name;
  });
}

void EntityTable::release(EntityId id) {
  const std::vector<EntityId> below = std::move(children_.at(id));
  children_[id].clear();
  for (const EntityId child : below) release(child);
  const Entity node = nodes_[id];
  if (node.parent != kNoEntity) std::erase(children_[node.parent], id);
  node_index_.remove(id, [this](EntityId of) { return hash_of(of); });
  release_name(node.name);
  born_[id] = std::numeric_limits<std::uint64_t>::max();
  ++releases_;
  free_nodes_.push_back(id);
}

EntityId EntityTable::ancestor(EntityId id, Level level) const {
  while (id != kNoEntity && nodes_.at(id).level != level) id = nodes_.at(id).parent;
  return id;
}

std::vector<EntityId> EntityTable::children(EntityId parent, Level level) const {
  std::vector<EntityId> found;
  if (parent >= children_.size()) return found;
  for (const EntityId child : children_[parent]) {
    if (nodes_[child].level == level) found.push_back(child);
  }
  return found;
}

std::uint32_t EntityTable::intern_name(std::string_view name) {
  if (const auto known = name_index_.find(std::string(name)); known != name_index_.end()) {
    ++name_uses_[known->second];
    return known->second;
  }
  auto id = static_cast<std::uint32_t>(names_.size());
  if (free_names_.empty()) {
    names_.emplace_back(name);
    name_uses_.push_back(1);
  } else {
    id = free_names_.back();
    free_names_.pop_back();
    names_[id] = name;
    name_uses_[id] = 1;
  }
  name_index_.emplace(name, id);
  return id;
}

void EntityTable::release_name(std::uint32_t name) {
  if (--name_uses_[name] != 0) return;
  name_index_.erase(names_[name]);
  names_[name].clear();
  free_names_.push_back(name);
}

std::uint64_t EntityTable::hash_of(EntityId id) const {
  const Entity& node = nodes_[id];
  return hash_node(node.level, node.parent, names_[node.name], node.index);
}

void EntityTable::index(EntityId id) {
  if (node_index_.add(hash_of(id), id)) return;
  // Only a table without free nodes grows.
  node_index_.rebuild(nodes_.size(), nodes_.size() + nodes_.size() / 2 + 1,
                      [this](EntityId of) { return hash_of(of); });
}

}  // namespace doctor
