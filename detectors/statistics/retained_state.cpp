#include "detectors/statistics/retained_state.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "model/reporter_name.hpp"

namespace doctor {
namespace {

constexpr std::size_t kCheckpointsMin = 8;
constexpr double kZMin = 3.5;
constexpr double kTauMin = 0.8;

bool keeps_state_on_heap(const JobFacts& job) {
  static constexpr std::array<std::string_view, 4> kHeapBackends{
      "HashMapStateBackend", "hashmap", "MemoryStateBackend", "FsStateBackend"};
  if (!job.checkpoint_config) return false;
  const std::string& backend = job.checkpoint_config->state_backend;
  return std::any_of(kHeapBackends.begin(), kHeapBackends.end(), [&](std::string_view name) {
    return backend.find(name) != std::string::npos;
  });
}

bool runs_on(const Window& window, const JobFacts& job, EntityId process) {
  const std::string& name = window.entities->name(process);
  for (const VertexFacts& vertex : job.vertices) {
    for (const SubtaskFacts& subtask : vertex.subtasks) {
      if (is_filtered_to(subtask.task_manager, name)) return true;
    }
  }
  return false;
}

std::optional<double> lowest_watermark(const Window& window, const JobFacts& job) {
  std::optional<double> lowest;
  const EntityId of_job = window.entities->find(Level::job, kClusterEntity, job.id);
  if (of_job == kNoEntity) return lowest;
  for (const EntityId vertex : window.entities->children(of_job, Level::vertex)) {
    for (const EntityId subtask : window.entities->children(vertex, Level::subtask)) {
      const auto watermark = window.latest(Metric::task_input_watermark, subtask);
      if (watermark) lowest = std::min(lowest.value_or(*watermark), *watermark);
    }
  }
  return lowest;
}

std::optional<RetainedState> growth_of(const Window& window, const JobFacts& job,
                                       TimestampMs since) {
  const CheckpointLog* log = window.features->checkpoints(job.id);
  if (log == nullptr) return std::nullopt;
  std::vector<double> t, sizes;
  for (const CheckpointRecord& record : log->records()) {
    const bool counts = record.status == CheckpointRecord::Status::completed && !record.savepoint &&
                        record.state_size && record.triggered >= since;
    if (!counts) continue;
    t.push_back(static_cast<double>(record.triggered - since));
    sizes.push_back(*record.state_size);
  }
  if (sizes.size() < kCheckpointsMin) return std::nullopt;
  const std::optional<RobustTrend> trend = robust_trend(t, sizes, kZMin);
  if (!trend || trend->tau < kTauMin || !(trend->slope.low > 0)) {
    return std::nullopt;
  }
  RetainedState state;
  state.job = window.lineage(job);
  state.first = trend->at(t.front());
  state.last = sizes.back();
  state.from = since + static_cast<TimestampMs>(t.front());
  state.to = since + static_cast<TimestampMs>(t.back());
  state.trend = *trend;
  state.checkpoints = static_cast<int>(sizes.size());
  if (const auto watermark = lowest_watermark(window, job)) {
    const auto behind = window.now - static_cast<TimestampMs>(*watermark);
    if (behind > window.now - state.from) state.watermark_behind_ms = behind;
  }
  return state;
}

}  // namespace

std::optional<RetainedState> retained_state(const Window& window, EntityId process,
                                            TimestampMs since) {
  std::optional<RetainedState> most;
  for (const JobFactsPtr& job : window.jobs) {
    if (job->is_terminal() || !keeps_state_on_heap(*job) || !runs_on(window, *job, process)) {
      continue;
    }
    std::optional<RetainedState> state = growth_of(window, *job, since);
    if (!state) continue;
    if (!most || state->last - state->first > most->last - most->first) most = std::move(state);
  }
  return most;
}

}  // namespace doctor
