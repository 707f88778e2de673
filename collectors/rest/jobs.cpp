// /jobs/overview: all jobs that the cluster remembers, living and ended.
#include <algorithm>
#include <limits>
#include <tuple>

#include "collectors/rest/json.hpp"
#include "collectors/rest/parse.hpp"
#include "model/text.hpp"

namespace doctor::rest {
namespace {

JobSummary summary_of(const Node& row, const Limits& limits) {
  JobSummary job;
  const Node id = row["jid"];
  job.id = id.text();
  id.expect(is_id(job.id), "is not a job id");
  job.name = printable(row["name"].text(), limits.name_bytes_max);
  job.state = printable(row["state"].text(), limits.name_bytes_max);
  job.start = row["start-time"].integer();
  job.last_modification = row["last-modification"].integer_if().value_or(job.start);
  const std::optional<std::int64_t> end = row["end-time"].integer_if();
  if (end && *end > 0) job.end = end;
  const Node tasks = row["tasks"];
  job.tasks_total = tasks["total"].count();
  job.tasks_finished = std::min(tasks["finished"].count_or_0(), job.tasks_total);
  const std::int64_t running =
      std::int64_t{tasks["running"].count_or_0()} + std::int64_t{job.tasks_finished};
  job.tasks_running = static_cast<int>(std::min<std::int64_t>(running, job.tasks_total));
  return job;
}

void keep_most_telling(std::vector<JobSummary>& jobs, std::size_t jobs_max) {
  if (jobs.size() <= jobs_max) return;
  std::sort(jobs.begin(), jobs.end(), [](const JobSummary& a, const JobSummary& b) {
    const bool a_ended = is_terminal_state(a.state);
    const bool b_ended = is_terminal_state(b.state);
    if (a_ended != b_ended) return b_ended;
    const TimestampMs a_time = a_ended ? -a.end.value_or(0) : a.start;
    const TimestampMs b_time = b_ended ? -b.end.value_or(0) : b.start;
    return std::tie(a_time, a.id) < std::tie(b_time, b.id);
  });
  jobs.resize(jobs_max);
}

}  // namespace

Result<std::vector<JobSummary>> parse_jobs_overview(std::string_view body, const Limits& limits) {
  const Result<Json> json = load(body, limits.json_depth_max);
  if (!json.ok()) return json.error();
  std::optional<Error> fault;
  const Node root(*json, fault);
  std::vector<JobSummary> jobs;
  // Read beyond the cap, which is about what is kept; the body was capped before.
  root["jobs"].for_each(std::numeric_limits<std::size_t>::max(), [&](const Node& row) {
    if (!fault) jobs.push_back(summary_of(row, limits));
  });
  if (fault) return *fault;
  keep_most_telling(jobs, limits.jobs_max);
  const auto order = [](const JobSummary& a, const JobSummary& b) {
    return std::tie(a.start, a.id) < std::tie(b.start, b.id);
  };
  std::sort(jobs.begin(), jobs.end(), order);
  const auto same = [](const JobSummary& a, const JobSummary& b) { return a.id == b.id; };
  jobs.erase(std::unique(jobs.begin(), jobs.end(), same), jobs.end());
  return jobs;
}

}  // namespace doctor::rest
