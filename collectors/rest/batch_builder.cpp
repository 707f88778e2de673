#include "collectors/rest/batch_builder.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "collectors/batch_of.hpp"

namespace doctor::rest {
namespace {

/// Values are asked for every 10 s or more seldom, so that most polls read no clock.
constexpr DurationMs kUnreadMaxMs = 30 * kSecondMs;

bool is_clock(Metric metric) {
  return metric == Metric::jvm_cpu_time || metric == Metric::task_accumulated_busy ||
         metric == Metric::task_accumulated_backpressured ||
         metric == Metric::task_accumulated_idle || metric == Metric::vertex_accumulated_busy ||
         metric == Metric::vertex_accumulated_backpressured ||
         metric == Metric::vertex_accumulated_idle;
}

/// The thing that is read as a whole: a collector's values come with its process, an operator's and
/// a column family's with their task.
EntityId whole(EntityId entity, const EntityTable& entities) {
  const Entity& node = entities.at(entity);
  if (node.level == Level::collector) return node.parent;
  const EntityId subtask = entities.ancestor(entity, Level::subtask);
  return subtask == kNoEntity ? entity : subtask;
}

}  // namespace

void BatchBuilder::add(KeyedValues values) {
  std::move(values.begin(), values.end(), std::back_inserter(gathered_));
}

std::optional<Batch> BatchBuilder::finish(TimestampMs at, const EntityTable& entities) {
  drop_stale(at, entities);
  std::stable_sort(gathered_.begin(), gathered_.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  const auto same = [](const auto& a, const auto& b) { return a.first == b.first; };
  gathered_.erase(std::unique(gathered_.begin(), gathered_.end(), same), gathered_.end());
  if (gathered_.size() > series_max_) {
    dropped_ += gathered_.size() - series_max_;
    gathered_.resize(series_max_);
  }
  if (gathered_.empty()) return std::nullopt;

  Batch batch = batch_of(source_, at, kNoEntity, gathered_, layout_);
  layout_ = batch.layout;
  gathered_.clear();
  return batch;
}

void BatchBuilder::drop_stale(TimestampMs at, const EntityTable& entities) {
  std::unordered_map<EntityId, double> now;
  for (const auto& [key, value] : gathered_) {
    if (is_clock(key.metric)) now[key.entity] += value;
  }
  std::erase_if(gathered_, [&](const auto& entry) {
    const EntityId entity = whole(entry.first.entity, entities);
    const auto shown = now.find(entity);
    const auto before = clocks_.find(entity);
    return shown != now.end() && before != clocks_.end() && shown->second == before->second;
  });
  if (!now.empty()) read_at_ = at;
  if (at - read_at_ > kUnreadMaxMs) moved_at_ = 0;
  for (const auto& [entity, clock] : now) {
    const auto [before, fresh] = clocks_.try_emplace(entity, clock);
    if (fresh || before->second != clock || moved_at_ == 0) moved_at_ = at;
    before->second = clock;
  }
}

}  // namespace doctor::rest
