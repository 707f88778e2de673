// Finding: a diagnosis with its evidence, the limit and where the limit comes from, the forecast
// and the setting to change. Its identity is made of names that survive restarts, never of ids,
// attempts or measured values.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/time.hpp"

namespace doctor {

enum class Severity { info, warning, critical };
enum class Confidence { suspected, confirmed, imminent };
enum class FindingState { pending, firing, resolved };

std::string_view to_string(Severity severity);
std::string_view to_string(Confidence confidence);
std::string_view to_string(FindingState state);

/// What a finding is about. Empty members are absent. cluster, namespace_, job_name, vertex,
/// operator_, host and process are identity; the ids are for people and links.
struct Subject {
  std::string cluster, namespace_;
  std::string job_name, job_id;
  std::string vertex, vertex_id;
  std::string operator_;
  std::optional<int> subtask;
  std::string task_manager, host, process;  // process: "jobmanager" or "taskmanager"
};

struct Evidence {
  std::string metric;
  std::optional<TimestampMs> from, to;
  std::optional<double> value;
  std::string unit;
  std::optional<double> limit;
  std::string limit_source;  // where the limit comes from: an option, a JVM flag, arithmetic
  std::string sentence;
};

struct Remedy {
  std::string sentence;
  std::string option;  // exists in that Flink version
  std::string current;
  std::string value;
};

struct Forecast {
  std::optional<TimestampMs> exhausted_at, low, high;  // high absent = unbounded
};

struct Finding {
  std::string detector;
  Severity severity{Severity::info};
  Confidence confidence{Confidence::suspected};
  Subject subject;
  std::string summary;
  std::vector<Evidence> evidence;
  std::vector<Remedy> remedy;
  std::string next_test;  // the cheapest test that would tell the hypotheses apart
  std::optional<Forecast> forecast;
  std::string explained_by;  // id of the finding that causes this one

  /// Stable over restarts of job, TaskManager and agent: "detector/cluster/…".
  std::string id() const;
};

}  // namespace doctor
