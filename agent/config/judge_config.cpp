#include "agent/config/judge_config.hpp"

namespace doctor {

JudgeConfig judge_config(const ClusterConfig& cluster, const Config& config, bool one_shot) {
  JudgeConfig judge;
  judge.cluster = cluster.name;
  judge.url = cluster.flink.empty() ? "" : cluster.flink.front().url();
  judge.namespace_ = cluster.namespace_;
  judge.expected_jobs = cluster.expected_jobs;
  judge.labels = cluster.labels;
  judge.detector_params = config.detector_params;
  judge.disabled_detectors = config.disabled_detectors;
  judge.one_shot = one_shot;
  return judge;
}

}  // namespace doctor
