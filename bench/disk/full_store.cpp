// doctor_bench_store DIR [TASK_MANAGERS]: a data directory as an agent leaves it that has watched
// the cluster "bench" for seven days until now, 350 kept series of each of 200 TaskManagers: sealed
// days in bins, yesterday, a journal of two hours, and an image of what the judges learned.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "agent/clock.hpp"
#include "agent/history/archive.hpp"
#include "agent/history/features.hpp"
#include "agent/history/history_files.hpp"
#include "agent/history/image.hpp"
#include "agent/history/series_names.hpp"
#include "agent/history/state_file.hpp"
#include "bench/disk/writing.hpp"
#include "detectors/registry.hpp"

namespace doctor::bench {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kSeriesPerProcess = 350;
constexpr std::size_t kJobs = 20;
constexpr DurationMs kLearnedMs = kMinuteMs;  // apart: floors and plateaus need no more
constexpr DurationMs kTodayMs = 4 * kHourMs;
constexpr DurationMs kImageAgeMs = 20 * kSecondMs;

/// Series of one TaskManager: all of the process itself that detectors read, the rest of its tasks.
class Worker {
 public:
  Worker(EntityTable& entities, const FeaturePlan& plan, std::size_t number) {
    const std::string name = "tm-" + std::to_string(number);
    process_ = entities.intern(Level::process, kClusterEntity, name);
    const EntityId collector = entities.intern(Level::collector, process_, "G1_Young_Generation");
    std::vector<Metric> of_tasks;
    for (const Metric metric : plan.metrics()) {
      const Level level = info(metric).level;
      if (level == Level::process) own_.push_back({metric, process_});
      if (level == Level::collector) own_.push_back({metric, collector});
      if (level == Level::subtask) of_tasks.push_back(metric);
    }
    all_ = own_;
    const std::string job = std::to_string(number % kJobs);
    const EntityId vertex = entities.intern(
        Level::vertex, entities.intern(Level::job, kClusterEntity, "job-" + job), "vertex-" + job);
    for (std::uint32_t subtask = 0; all_.size() < kSeriesPerProcess; ++subtask) {
      const auto index = static_cast<std::uint32_t>(number * kSeriesPerProcess) + subtask;
      const EntityId task = entities.intern(Level::subtask, vertex, "", index);
      for (const Metric metric : of_tasks) {
        if (all_.size() < kSeriesPerProcess) all_.push_back({metric, task});
      }
    }
  }

  std::vector<std::string> names(const EntityTable& entities) const {
    std::vector<std::string> names;
    for (const SeriesKey& key : all_) names.push_back(series_name(entities, key));
    return names;
  }

  /// Counters rise; gauges wander about a level, never below.
  Batch sample(TimestampMs at, SourceId source) {
    if (!layout_) {
      Layout layout;
      layout.source = source;
      layout.process = process_;
      layout.keys = own_;
      layout_ = std::make_shared<const Layout>(std::move(layout));
    }
    Batch batch{source, at, layout_, {}};
    for (std::size_t i = 0; i < own_.size(); ++i) {
      const auto minutes = static_cast<double>(at / kMinuteMs);
      const bool counts = info(own_[i].metric).kind == Kind::counter;
      const double phase = minutes / 31 + static_cast<double>(i + source);
      batch.values.push_back(counts ? 100 * minutes : 1e8 * (1.5 + std::sin(phase)));
    }
    return batch;
  }

 private:
  EntityId process_{kNoEntity};
  std::vector<SeriesKey> own_, all_;
  std::shared_ptr<const Layout> layout_;
};

JobFacts job_facts(std::size_t number, TimestampMs now) {
  JobFacts job;
  job.id = "job-" + std::to_string(number);
  job.state = "RUNNING";
  for (std::int64_t id = 0; id < 10'000; id += 100) {
    CheckpointRecord record;
    record.id = id;
    record.status = CheckpointRecord::Status::completed;
    record.type = "CHECKPOINT";
    record.triggered = now - (10'000 - id) * kMinuteMs;
    record.ended = record.triggered + 4000;
    record.checkpointed_size = record.state_size = 3e9;
    record.duration = 4000;
    job.checkpoints.push_back(std::move(record));
  }
  return job;
}

std::vector<Source> sources(const std::vector<Worker>& workers, const EntityTable& entities) {
  std::vector<Source> all;
  for (std::size_t i = 0; i < workers.size(); ++i) {
    all.push_back({Mix(kSeriesPerProcess, i + 1), static_cast<std::int64_t>(i) + 1,
                   workers[i].names(entities)});
  }
  return all;
}

/// A day stays in one part.
HistorySettings unbounded() {
  HistorySettings settings;
  settings.bytes_max = 1ULL << 40U;
  return settings;
}

/// A day is written once, and stands for all days like it.
bool write_past(const std::string& directory, const std::vector<Worker>& workers,
                const EntityTable& entities, TimestampMs today) {
  const std::string draft = directory + "/draft";
  fs::create_directories(draft);
  const TimestampMs yesterday = today - kDayMs;
  const HistorySettings settings = unbounded();
  {
    std::vector<Source> all = sources(workers, entities);
    Archive archive(draft, settings);
    if (!write(archive, all, yesterday, today, {})) return false;
  }
  Archive archive(draft, settings);
  if (!settle(archive, today)) return false;
  fs::copy(history_path(draft, yesterday, 0, false), history_path(directory, yesterday, 0, false));
  if (!settle(archive, today + 2 * kDayMs)) return false;
  for (int day = 2; day < 7; ++day) {
    fs::copy(history_path(draft, yesterday, 0, true),
             history_path(directory, today - day * kDayMs, 0, true));
  }
  fs::remove_all(draft);
  return true;
}

/// The last hours, of this day: a journal, and what is sealed of it already.
bool write_today(const std::string& directory, const std::vector<Worker>& workers,
                 const EntityTable& entities, TimestampMs from, TimestampMs now) {
  std::vector<Source> all = sources(workers, entities);
  Archive archive(directory, unbounded());
  return write(archive, all, from, now, {});
}

/// What the judge of the cluster would have learned; the bytes of its image.
Result<std::size_t> write_image(const std::string& directory, std::vector<Worker>& workers,
                                EntityTable& entities, const FeaturePlan& plan, TimestampMs from,
                                TimestampMs now) {
  const Limits limits;
  FeatureStore features(plan, entities, limits);
  const TimestampMs end = now - kImageAgeMs;
  for (TimestampMs at = end - 7 * kDayMs; at <= end; at += kLearnedMs) {
    for (std::size_t i = 0; i < workers.size(); ++i) {
      features.absorb(workers[i].sample(at, static_cast<SourceId>(i)));
    }
    if (at / kHourMs % 24 == 0 && at % kHourMs < kLearnedMs) features.submitted(at);
  }
  for (std::size_t i = 0; i < kJobs; ++i) features.absorb(job_facts(i, now), end);
  const Result<StateFile> file = StateFile::open(directory + "/state.db");
  if (!file) return file.error();
  // Numbers of rows are as write() gives them.
  const auto rows = static_cast<std::int64_t>(workers.size());
  const std::int64_t mark = from * 1000 + (end - from) / kScrapeMs * rows;
  const Image image{features_image(features), mark};
  if (const Status ok = file->write({{"features/bench", image}}); !ok) return ok.error();
  return image.body.size();
}

int fill(const std::string& directory, std::size_t task_managers) {
  EntityTable entities(1U << 20U);
  const FeaturePlan plan(all_detectors());
  std::vector<Worker> workers;
  for (std::size_t i = 0; i < task_managers; ++i) workers.emplace_back(entities, plan, i);
  if (!write_past(directory, workers, entities, midnight(now_ms()))) return 1;
  const TimestampMs now = now_ms();  // that took minutes
  const TimestampMs from = std::max(midnight(now), now - kTodayMs);
  if (!write_today(directory, workers, entities, from, now)) return 1;
  const Result<std::size_t> image = write_image(directory, workers, entities, plan, from, now);
  if (!image) {
    std::fprintf(stderr, "doctor_bench_store: %s\n", image.error().message.c_str());
    return 1;
  }
  const std::size_t series = task_managers * kSeriesPerProcess;
  const double expected =
      expected_history_bytes(unbounded(), kScrapeMs, static_cast<double>(series));
  std::printf("series %zu\nstore_bytes %.0f\nexpected_bytes_at_most %.0f\nimage_bytes %zu\n",
              series, bytes_in(directory), expected, *image);
  return 0;
}

}  // namespace
}  // namespace doctor::bench

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs("doctor_bench_store DIR [TASK_MANAGERS]\n", stderr);
    return 2;
  }
  return doctor::bench::fill(argv[1], argc > 2 ? std::stoul(argv[2]) : 200);
}
