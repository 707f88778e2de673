// Pure parsers of Flink's REST answers: text in, facts out, no network. Unknown members and new
// enum values are ignored; wrong types and missing members that matter are ErrorCode::malformed
// with the path of the member. Depth and counts are capped by Limits. All text that people will see
// is made printable here. A parser that fails leaves what it should have filled as it was. Field
// lists per version: Flink's rest_api_v1.snapshot, 1.13 to 2.3.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "collectors/rest/task_times.hpp"
#include "model/batch.hpp"
#include "model/entity.hpp"
#include "model/facts.hpp"
#include "model/limits.hpp"
#include "model/result.hpp"

namespace doctor::rest {

/// /config or /overview: the version; major 0 when Flink does not know its own ("<unknown>").
/// ErrorCode::not_flink when it is JSON (or not even that) without a Flink version.
Result<FlinkVersion> parse_version(std::string_view body);

/// /jobs/overview, ordered by start and id. tasks_running counts tasks that run or have finished.
/// Beyond the cap, jobs that live go before those that ended, and these by their end, newest first.
Result<std::vector<JobSummary>> parse_jobs_overview(std::string_view body, const Limits& limits);

/// /jobs/:id.
struct JobPage {
  JobFacts job;  // id, name, state, type, times, vertices with edges of the plan, no subtasks
  std::vector<std::optional<TaskTimes>> times;  // of all tasks of each vertex together
};
Result<JobPage> parse_job(std::string_view body, const Limits& limits);

/// /jobs/:id/config: restart strategy into `job`.
Status parse_job_config(std::string_view body, JobFacts& job);

/// /jobs/:id/checkpoints and …/checkpoints/config into `job`. The last savepoint and the last
/// failure stand among the records although Flink's history has forgotten them. Sizes and durations
/// are those of completed checkpoints; what others say is of a part only.
Status parse_checkpoints(std::string_view body, const Limits& limits, JobFacts& job);
Status parse_checkpoint_config(std::string_view body, JobFacts& job);
/// Whether the 404 to one of these says that checkpointing is off, and not that the job is gone.
bool says_checkpointing_off(std::string_view body);

/// /jobs/:id/exceptions into `job`, oldest first, concurrent ones among them; consequences stay,
/// judging them is not ours. Of the same fault told twice (the job's and its task's) one record is
/// kept, with the task's place.
Status parse_exceptions(std::string_view body, const Limits& limits, JobFacts& job);

/// /jobs/:id/vertices/:vid into `vertex`, and the subtasks' accumulated times and record counts as
/// values keyed by (metric, subtask entity) where the answer has them complete: Flink writes zeros
/// for what the JobManager has not fetched yet.
using KeyedValues = std::vector<std::pair<SeriesKey, double>>;
Status parse_vertex(std::string_view body, const Limits& limits, const std::string& job_id,
                    EntityTable& entities, VertexFacts& vertex, KeyedValues& values);

/// /taskmanagers
Result<std::vector<TaskManagerFacts>> parse_task_managers(std::string_view body,
                                                          const Limits& limits);

/// /jobs/:id/checkpoints/details/:checkpoint: how it is spread over the vertices.
Result<CheckpointDetails> parse_checkpoint_details(std::string_view body, const Limits& limits);

/// …/checkpoints/details/:checkpoint/subtasks/:vertex: `slowest` and `waits_for` into `vertex`.
Status parse_checkpoint_subtasks(std::string_view body, const Limits& limits,
                                 VertexCheckpoint& vertex);

/// /jobmanager/config: keys that are set. Values that Flink masked stay masked.
Result<std::map<std::string, std::string>> parse_configuration(std::string_view body,
                                                               const Limits& limits);

/// /jobmanager/environment: jvm.options.
Result<std::vector<std::string>> parse_jvm_options(std::string_view body, const Limits& limits);

/// [{"id","value":"…"}] as ids and numbers; what is no number ("NaN", a path) is left out.
Result<std::vector<std::pair<std::string, double>>> parse_metric_values(std::string_view body,
                                                                        const Limits& limits);

/// /jobmanager/metrics?get=…, /taskmanagers/:id/metrics?get=… or /jobs/:id/metrics?get=…:
/// [{"id","value":"…"}] into values of `entity`, a process or a job (garbage collector ids into the
/// process' collectors). Ids that are not in the catalogue at that level are ignored.
Status parse_metrics(std::string_view body, EntityId entity, EntityTable& entities,
                     KeyedValues& values);
/// The same answer without `get`: the list of ids.
Result<std::vector<std::string>> parse_metric_ids(std::string_view body, const Limits& limits);

/// What an answer that is not 2xx means: leader_election for Flink's 503, gone for 404 and for the
/// 500 of an unknown TaskManager, not_flink for bodies without Flink's error shape (except a
/// gateway's 502 to 504: those tell of something before Flink), else http_status. Quotes at most
/// the first line of the first error, printable.
Error classify_failure(int status, std::string_view body);

/// "-XX:MaxMetaspaceSize=268435456" → bytes.
std::optional<double> metaspace_limit(const std::vector<std::string>& jvm_options);

}  // namespace doctor::rest
