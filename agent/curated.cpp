#include "agent/curated.hpp"

#include <algorithm>

namespace doctor {
namespace {

/// Fills in the names of the entity and of everything above it.
void name_entity(const EntityTable& entities, const Window& window, EntityId entity,
                 CuratedSample& sample) {
  for (EntityId at = entity; at != kNoEntity; at = entities.at(at).parent) {
    const std::string& name = entities.name(at);
    switch (entities.at(at).level) {
      case Level::cluster:
        break;
      case Level::job:
      case Level::job_process:
        for (const JobFactsPtr& job : window.jobs) {
          if (job->id == name) sample.job_name = window.lineage(*job);
        }
        break;
      case Level::vertex:
        sample.vertex = name;
        for (const JobFactsPtr& job : window.jobs) {
          if (const VertexFacts* vertex = job->vertex(name)) sample.vertex = vertex->name;
        }
        break;
      case Level::subtask:
        sample.subtask = static_cast<int>(entities.at(at).index);
        break;
      case Level::operator_:
        sample.operator_ = name;
        break;
      case Level::column_family:
        sample.column_family = name;
        break;
      case Level::directory:
        sample.directory = name;
        break;
      case Level::split:
        sample.split = name;
        break;
      case Level::collector:
        sample.collector = name;
        break;
      case Level::process: {
        const Subject subject = window.subject_of_process(at);
        sample.process = subject.process;
        sample.host = subject.host;
        sample.task_manager = subject.task_manager;
        break;
      }
    }
  }
}

}  // namespace

CuratedSamples curated_samples(const Judge& judge, TimestampMs now, std::size_t samples_max) {
  const Window window = judge.window(now);
  std::vector<std::pair<SeriesKey, Sample>> latest = judge.features().all_latest();
  std::erase_if(latest,
                [&](const auto& entry) { return !window.fresh(entry.first.metric, entry.second); });
  const auto shown =
      latest.begin() + static_cast<std::ptrdiff_t>(std::min(latest.size(), samples_max));
  std::partial_sort(latest.begin(), shown, latest.end(),
                    [](const auto& a, const auto& b) { return a.first < b.first; });
  latest.erase(shown, latest.end());
  auto all = std::make_shared<std::vector<CuratedSample>>();
  std::vector<CuratedSample>& samples = *all;
  samples.reserve(latest.size());
  for (const auto& [key, value] : latest) {
    CuratedSample sample;
    sample.metric = key.metric;
    sample.value = value.value;
    name_entity(*window.entities, window, key.entity, sample);
    const bool of_a_job = window.entities->ancestor(key.entity, Level::job) != kNoEntity;
    if (of_a_job && sample.job_name.empty()) continue;  // ended, or not known by name yet
    samples.push_back(std::move(sample));
  }
  return all;
}

DurationMs curated_samples_last_ms(const Judge& judge) {
  constexpr std::size_t kSeriesPerMs = 5;
  return static_cast<DurationMs>(judge.features().series() / kSeriesPerMs);
}

}  // namespace doctor
