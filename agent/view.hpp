// View: everything the outside may see, as one immutable value per judgement. The loop publishes
// it; HTTP threads, the alert client and the reports only read it. One of the three ports.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "model/detector.hpp"
#include "model/facts.hpp"
#include "model/finding.hpp"
#include "model/log.hpp"
#include "model/pod.hpp"
#include "model/series_limit.hpp"
#include "model/source.hpp"
#include "model/window.hpp"

namespace doctor {

struct ReportedFinding {
  Finding finding;
  FindingState state{FindingState::pending};
  TimestampMs since{};  // first seen true; startsAt of the alert; kept over restarts of the agent
  std::optional<TimestampMs> resolved_at;
  std::string incident;                       // id of the group it belongs to
  std::map<std::string, std::string> labels;  // owner labels from the configuration
};

struct DetectorReport {
  std::string detector;
  DetectorState state{};
  std::string why;
  std::vector<std::string> enable;
};

/// A curated Flink value for re-export, with its entity spelled out.
struct CuratedSample {
  Metric metric{};
  std::string job_name, vertex, host, process, task_manager, operator_, column_family, collector,
      split, directory;
  std::optional<int> subtask;
  double value{};
};

using CuratedSamples = std::shared_ptr<const std::vector<CuratedSample>>;

struct ClusterView {
  std::string name;
  std::string url;
  std::string namespace_;
  std::optional<FlinkVersion> version;
  ClusterStatus status{};
  TimestampMs status_since{};
  std::vector<DetectorReport> detectors;
  std::vector<SourceHealth> sources;
  std::vector<LogTally> logs;
  std::vector<KubernetesFactsPtr> kubernetes;  // of each watch of pods
  ClusterFactsPtr facts;
  std::vector<JobFactsPtr> jobs;
  SeriesLimit own_limit, shared_limit;  // on series: of each cluster, and of all together
  CuratedSamples samples;  // null: none yet; shared by the views until they are made anew
};

/// How far reading the past of a cluster from a store has come.
struct BackfillHealth {
  std::string cluster;
  std::string state;  // "running", "done", or why there is none
  double share_done{};
  std::uint64_t samples{};
};

/// The agent's own cost and health.
struct AgentHealth {
  std::string version;
  TimestampMs started{};
  std::uint64_t judgements{};
  double judgement_seconds_sum{};
  TimestampMs last_judgement{};
  std::uint64_t series{};
  std::uint64_t series_max{};  // of all clusters together; 0: not told
  std::uint64_t findings_dropped{};
  std::string store_state;  // "ok", "off", or what is wrong
  std::uint64_t store_errors{};
  std::vector<BackfillHealth> backfills;  // of clusters that have a store
  std::string shard;                      // "1/3"; empty: all clusters are ours
  std::size_t clusters_elsewhere{};       // configured, and of other shards
  std::uint64_t history_lost{};           // scrapes that were never written
  std::uint64_t history_damaged{};        // rows, chunks and files that could not be read
  std::uint64_t history_bytes{};          // on disk
  std::string recorder_state;             // "ok", or why nothing is written; empty: not asked for
  std::uint64_t recorder_lost{};          // items that were never written
};

struct View {
  TimestampMs generated_at{};
  std::vector<ClusterView> clusters;
  std::vector<ReportedFinding> findings;  // ordered by id; resolved ones stay for 15 minutes
  AgentHealth agent;
};

using ViewPtr = std::shared_ptr<const View>;

/// Where the newest View hangs. A mutex, since atomic<shared_ptr> of GCC 12 is reported by TSan.
class ViewPort {
 public:
  void publish(ViewPtr view) {
    const std::scoped_lock lock(mutex_);
    view_ = std::move(view);
  }
  ViewPtr read() const {  // null until the first judgement
    const std::scoped_lock lock(mutex_);
    return view_;
  }

 private:
  mutable std::mutex mutex_;
  ViewPtr view_;
};

}  // namespace doctor
