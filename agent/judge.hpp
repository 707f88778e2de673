// Judge: one cluster's fold. Absorbs the stream in order, judges when a tick comes, and can say at
// any time what it knows. No clock, no network, no disk: live, scenario and replay share it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/history/features.hpp"
#include "agent/incidents/incidents.hpp"
#include "agent/view.hpp"
#include "model/detector.hpp"
#include "model/limits.hpp"
#include "model/result.hpp"
#include "model/stream.hpp"

namespace doctor {

struct JudgeConfig {
  std::string cluster;  // name
  std::string url;
  std::string namespace_;
  std::vector<std::string> expected_jobs;
  std::map<std::string, std::string> labels;                             // owner labels
  std::map<std::string, std::map<std::string, double>> detector_params;  // detector → overrides
  std::vector<std::string> disabled_detectors;
  bool one_shot{false};
  /// No Flink is asked: what a store knows of the past is all there is, and detectors that need
  /// more say so.
  bool metrics_alone{false};
};

class Judge {
 public:
  /// `budget`: of series, shared with other judges; null: only the cluster's own limit counts.
  Judge(JudgeConfig config, std::span<const Detector* const> detectors, const FeaturePlan& plan,
        const Limits& limits, std::shared_ptr<SeriesBudget> budget = nullptr);

  void absorb(const StreamItem& item);
  /// Judges every detector that is due at `now`.
  void judge(TimestampMs now);

  bool has_judged() const;
  /// Something was told that may complete the evidence of what is urgent: worth a judgement at
  /// once.
  bool has_news() const { return news_; }
  /// What an earlier life of the agent had learned; before the first item.
  Status restore(const std::string& features_image, TimestampMs now);

  ClusterView view() const;
  Window window(TimestampMs now) const;
  const Incidents& incidents() const { return incidents_; }
  Incidents& incidents() { return incidents_; }
  EntityTable& entities() { return entities_; }
  const FeatureStore& features() const { return features_; }
  const JudgeConfig& config() const { return config_; }

 private:
  /// One detector, and what it said last.
  struct Seat {
    const Detector* detector{nullptr};
    Params params;
    TimestampMs judged_at{0};
    bool near{false};  // it waits for a sample or two
    /// What was told when it said this, and until when that stands if nothing else is.
    std::uint64_t told{0};
    TimestampMs same_until{0};
    Verdict verdict{};  // while it stands; its texts are in the report
    std::optional<DetectorReport> report{};
  };

  // Each says whether detectors could tell the difference.
  bool take(const StreamItem& item);
  bool absorb_cluster(const ClusterFactsPtr& facts, TimestampMs at);
  bool absorb_source(const SourceHealth& health, TimestampMs at);
  void absorb_job(const JobFactsPtr& job, TimestampMs at);
  std::string predecessor_of(const JobFacts& job) const;
  void absorb_pods(const KubernetesFactsPtr& facts);
  void remember_vanished(const ClusterFacts& before, const ClusterFacts& after, TimestampMs at);
  void update_status(TimestampMs now);
  bool is_due(const Seat& seat, TimestampMs now, bool news) const;
  bool stands(const Seat& seat, TimestampMs now) const;
  void judge_one(Seat& seat, Window& window);
  Verdict verdict_of(const Seat& seat, const Window& window) const;
  void forget(TimestampMs now);

  JudgeConfig config_;
  std::vector<Seat> seats_;  // of the detectors, in their order
  EntityTable entities_;
  FeatureStore features_;
  Incidents incidents_;
  ClusterFactsPtr facts_;
  std::map<std::string, JobFactsPtr> jobs_;  // by id; only listed ones
  std::vector<JobFactsPtr> listed_;
  std::vector<LastSeenJob> vanished_, ended_;
  std::vector<SourceHealth> sources_;
  TaskManagerPast task_manager_past_;
  LogTallies logs_;
  std::vector<KubernetesFactsPtr> kubernetes_;  // of each watch of pods
  bool news_{false};                            // since the last judgement
  ClusterStatus status_{ClusterStatus::unreachable};
  TimestampMs status_since_{0};
  TimestampMs watched_since_{0};
  TimestampMs facts_at_{0};
  TimestampMs forgot_at_{0};
  bool has_past_{false};        // a store told of the time before the first item
  std::uint64_t told_{0};       // how often something new was
  std::uint64_t listed_at_{0};  // told_, when listed_ was made
};

/// What a judge knows of its cluster, and its findings, into a view. Without curated samples.
ClusterView& show(const Judge& judge, View& view);

}  // namespace doctor
