#include "detectors/statistics/record_cost.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "detectors/statistics/peer_outlier.hpp"
#include "detectors/statistics/robust.hpp"
#include "detectors/statistics/task_load.hpp"
#include "detectors/statistics/trend.hpp"

namespace doctor {
namespace {

/// Of one subtask, over all windows.
struct Work {
  EntityId entity{kNoEntity};
  int index{};
  EntityId process{kNoEntity};
  std::vector<double> busy, records;  // per window
  double busy_sum() const { return sum(busy); }
  double record_sum() const { return sum(records); }
  static double sum(const std::vector<double>& values) {
    return mean(values) * static_cast<double>(values.size());
  }
};

Metric records_metric(const VertexFacts& vertex) {
  return vertex.inputs.empty() ? Metric::task_records_out : Metric::task_records_in;
}

/// Of one subtask in one window.
struct Spent {
  EntityId entity{kNoEntity};
  double busy{}, records{};
};

/// Those seen in the window, in the order of the load's subtasks.
std::vector<Spent> work_in(const Window& window, const VertexLoad& load, const WindowSpec& spec) {
  std::vector<Spent> work;
  if (!load.busy_max.front()) return work;
  const TimestampMs from = spec.end - spec.width_ms;
  for (const SubtaskLoad& subtask : load.subtasks) {
    if (!subtask.shares || !subtask.shares->busy) continue;
    const MinuteRises* rises =
        window.features->minutes(records_metric(*load.vertex), subtask.entity);
    const auto rate = rises == nullptr ? std::nullopt : rises->per_second(from, spec.end);
    if (!rate) continue;
    const double records = *rate * static_cast<double>(spec.width_ms) / kSecondMs;
    if (records >= 1) work.push_back({subtask.entity, *subtask.shares->busy, records});
  }
  return work;
}

/// Who is less busy than that in every window is not looked at.
bool is_any_busy(const VertexLoad& load, double busy_min) {
  return std::any_of(load.subtasks.begin(), load.subtasks.end(), [&](const SubtaskLoad& subtask) {
    return subtask.shares && subtask.shares->busy.value_or(0) >= busy_min;
  });
}

/// The newest first.
std::vector<WindowSpec> specs_of(const Window& window, const CostRules& rules) {
  const TimestampMs end = std::min(rules.newest, window.now) / kMinuteMs * kMinuteMs;
  const DurationMs width = rules.minutes * kMinuteMs;
  std::vector<WindowSpec> specs;
  for (std::size_t i = 0; i < rules.windows; ++i) {
    const TimestampMs to = end - static_cast<DurationMs>(i) * width;
    if (to - width < rules.not_before) break;
    specs.push_back({to, width, 1});
  }
  return specs;
}

std::vector<Work> work_of(const Window& window, const JobFacts& job, const VertexFacts& vertex,
                          const CostRules& rules, std::size_t& windows) {
  std::vector<Work> all;
  for (const EntityId entity : subtasks_of(window, job, vertex)) {
    all.push_back({entity,
                   static_cast<int>(window.entities->at(entity).index),
                   window.features->process_of(entity),
                   {},
                   {}});
  }
  const std::vector<WindowSpec> specs = specs_of(window, rules);
  const std::vector<VertexLoad> loads = load_of_each(window, job, vertex, specs);
  if (std::none_of(loads.begin(), loads.end(),
                   [&](const VertexLoad& load) { return is_any_busy(load, rules.busy_min); })) {
    return {};
  }
  for (std::size_t i = 0; i < specs.size(); ++i) {
    const std::vector<Spent> work = work_in(window, loads[i], specs[i]);
    if (work.size() < 2 || 2 * static_cast<int>(work.size()) <= vertex.parallelism) break;
    ++windows;
    auto of = all.begin();  // both go through the subtasks in one order
    for (const Spent& spent : work) {
      while (of->entity != spent.entity) ++of;
      of->busy.push_back(spent.busy);
      of->records.push_back(spent.records);
    }
  }
  std::erase_if(all, [&](const Work& of) { return of.busy.size() < windows; });
  return all;
}

Peer cost_of(double busy, double records) {
  return {std::log(std::max(1e-6, busy)) - std::log(records), 1 / (1 + records)};
}

/// Subtasks, or processes with all their subtasks, by what a record costs them.
std::vector<std::size_t> outliers(const std::vector<std::vector<const Work*>>& groups,
                                  std::size_t windows) {
  std::vector<Peer> whole;
  std::vector<std::vector<Peer>> parts(windows);
  for (const auto& group : groups) {
    double busy = 0;
    double records = 0;
    for (const Work* of : group) {
      busy += of->busy_sum();
      records += of->record_sum();
    }
    whole.push_back(cost_of(busy, records));
    for (std::size_t i = 0; i < windows; ++i) {
      busy = records = 0;
      for (const Work* of : group) {
        busy += of->busy[i];
        records += of->records[i];
      }
      parts[i].push_back(cost_of(busy, records));
    }
  }
  return persistent_outliers(whole, parts);
}

std::set<const Work*> expensive(const std::vector<Work>& all, std::size_t windows) {
  std::vector<std::vector<const Work*>> alone;
  std::map<EntityId, std::vector<const Work*>> by_process;
  for (const Work& of : all) {
    alone.push_back({&of});
    if (of.process != kNoEntity) by_process[of.process].push_back(&of);
  }
  std::set<const Work*> found;
  for (const std::size_t i : outliers(alone, windows)) found.insert(alone[i].front());
  std::vector<std::vector<const Work*>> together;
  for (auto& [process, group] : by_process) together.push_back(std::move(group));
  if (together.size() < 2 || together.size() == all.size()) return found;
  for (const std::size_t i : outliers(together, windows)) {
    found.insert(together[i].begin(), together[i].end());
  }
  return found;
}

/// To the median of those that are not slow.
SlowSubtask slow_of(const JobFacts& job, const VertexFacts& vertex, const std::vector<Work>& all,
                    const std::set<const Work*>& slow, const Work& of) {
  std::vector<double> costs;
  std::vector<double> records;
  std::vector<double> busy;
  for (const Work& other : all) {
    if (slow.contains(&other)) continue;
    costs.push_back(other.busy_sum() / other.record_sum());
    records.push_back(other.record_sum());
    busy.push_back(mean(other.busy));
  }
  SlowSubtask found{&job, &vertex, of.index, of.process, 1, 1, mean(of.busy), 0};
  if (costs.empty()) return found;
  found.cost_ratio = of.busy_sum() / of.record_sum() / std::max(1e-9, median(costs).value());
  found.record_ratio = of.record_sum() / std::max(1e-9, median(records).value());
  found.typical_busy = median(busy).value();
  return found;
}

}  // namespace

CostView slow_subtasks(const Window& window, const JobFacts& job, const VertexFacts& vertex,
                       const CostRules& rules) {
  CostView view;
  const std::vector<Work> all = work_of(window, job, vertex, rules, view.windows);
  if (view.windows < rules.windows_min || all.size() < 2) return view;
  const bool any_busy = std::any_of(
      all.begin(), all.end(), [&](const Work& of) { return mean(of.busy) >= rules.busy_min; });
  if (!any_busy) return view;
  const std::set<const Work*> slow = expensive(all, view.windows);
  for (const Work* of : slow) {
    const SlowSubtask found = slow_of(job, vertex, all, slow, *of);
    if (found.busy < rules.busy_min || found.record_ratio > rules.records_equal) continue;
    view.slow.push_back(found);
  }
  std::sort(view.slow.begin(), view.slow.end(),
            [](const SlowSubtask& a, const SlowSubtask& b) { return a.cost_ratio > b.cost_ratio; });
  return view;
}

}  // namespace doctor
