// One cluster through the REST interface of its JobManagers. A poll asks for the overview of jobs,
// then for the details that are due as far as the budget of calls and the time of the poll reach,
// and emits what it learned: Events, ClusterFacts, JobFacts that changed, a Batch, SourceHealth.
// Whoever owns it decides when to poll. It reads, it never changes anything.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "collectors/http.hpp"
#include "collectors/rest/agenda.hpp"
#include "collectors/rest/batch_builder.hpp"
#include "collectors/rest/bodies.hpp"
#include "collectors/rest/connection.hpp"
#include "collectors/rest/known.hpp"
#include "collectors/rest/wanted.hpp"
#include "model/entity.hpp"
#include "model/limits.hpp"
#include "model/stream.hpp"

namespace doctor {

struct RestSourceConfig {
  ClusterIndex cluster{};
  SourceId source{};
  std::string name;                  // of the cluster
  std::vector<Endpoint> candidates;  // JobManagers of one cluster; none: see set_job_manager()
  /// A single diagnosis: everything is wanted at once, and the burst of calls may be larger.
  bool one_shot{false};
  /// Asked for where there are no reporters. Empty: the whole catalogue.
  std::vector<Metric> metrics{};
};

class RestSource {
 public:
  using Clock = std::function<TimestampMs()>;
  using Emit = std::function<void(StreamItem)>;

  /// `http` and `entities` must outlive the source.
  RestSource(RestSourceConfig config, Http& http, EntityTable& entities, const Limits& limits,
             Clock clock, Emit emit);

  /// One whole poll. Ends within four REST deadlines. When the JobManager does not answer the
  /// overview, only SourceHealth (down, with the reason) is emitted; when the coroutine is
  /// cancelled, nothing is.
  boost::asio::awaitable<void> poll();
  /// The jobs that are listed, and nothing is emitted; none when the JobManager does not answer.
  boost::asio::awaitable<std::vector<JobSummary>> listed_jobs();

  /// Where the JobManager is now; an error: it is not to be found, and why.
  void set_job_manager(Result<Endpoint> found);
  /// Whose metrics come from Prometheus reporters: those are not asked for here.
  void set_reporters_present(bool job_manager, bool task_managers);

  /// Polls that were due while one still ran.
  void count_skipped(std::uint64_t turns) { health_.turns_skipped += turns; }

  /// last_error while up: some details could not be read in the last poll.
  const SourceHealth& health() const { return health_; }
  bool partial() const { return health_.up && health_.last_error.has_value(); }

 private:
  using Errand = rest::Errand;

  // One poll, in order (source.cpp).
  boost::asio::awaitable<Result<std::vector<JobSummary>>> overview();
  boost::asio::awaitable<Status> identify();
  void absorb_overview(const std::vector<JobSummary>& jobs);
  boost::asio::awaitable<void> run_errands();
  void publish();
  void publish_changes(TimestampMs now);
  void publish_jobs();
  DurationMs pace_ms() const;
  DurationMs process_pace_ms();
  void report_down(const Error& error);

  // Errands (errands.cpp) and their answers (answers.cpp).
  boost::asio::awaitable<void> run(Errand errand);
  std::string target_of(const Errand& errand) const;
  rest::Part* part_of(const Errand& errand);
  Status take(const Errand& errand, const std::string& body);
  Status take_job_manager(Errand::Ask ask, const std::string& body);
  Status take_job(rest::KnownJob& job, const std::string& body, bool changed);
  void take_times(rest::KnownJob& job, const std::vector<std::optional<rest::TaskTimes>>& times);
  Status take_checkpoint_details(rest::KnownJob& job, const std::string& body);
  Status take_checkpoint_subtasks(rest::KnownJob& job, const Errand& errand,
                                  const std::string& body);
  Status take_vertex(rest::KnownJob& job, const std::string& id, const std::string& body);
  Status take_task_managers(const std::string& body);
  Status take_metrics(const Errand& errand, const std::string& body);
  Status refuse(const Errand& errand, const rest::Answer& answer);
  Status take_metric_ids(rest::KnownProcess& process, const std::string& body);
  Status take_vertex_metric_ids(const rest::KnownJob& job, const Errand& errand,
                                const std::string& body);
  Status take_vertex_metrics(const rest::KnownJob& job, const Errand& errand,
                             const std::string& body);

  boost::asio::awaitable<Result<std::string>> get(std::string target);
  rest::AgendaRules rules();
  int parts_of(const Errand& errand) const;
  bool has_budget(const Errand& errand);
  void forget_job_manager();
  void note(const Error& error);
  void emit(decltype(StreamItem::what) what);

  RestSourceConfig config_;
  EntityTable& entities_;
  Limits limits_;
  Clock clock_;
  Emit emit_;
  rest::Connection connection_;
  rest::Wanted wanted_;
  bool vertex_metrics_wanted_;
  rest::KnownCluster known_;
  rest::BatchBuilder batch_;
  rest::Bodies bodies_;
  SourceHealth health_;
  bool job_manager_reporter_{false};
  bool task_manager_reporters_{false};

  std::int64_t round_{0};
  std::optional<Error> not_found_;            // where there is no address to ask
  std::optional<TimestampMs> identified_at_;  // of the address that answers
  std::optional<Error> trouble_;              // the first of this round
  int calls_failed_{0};                       // of this round, without any answer
  bool task_managers_read_{false};            // since they were last published
  TimestampMs connected_at_{0};
  std::optional<std::vector<JobSummary>> jobs_before_;
  std::optional<std::vector<TaskManagerFacts>> task_managers_before_;
};

}  // namespace doctor
