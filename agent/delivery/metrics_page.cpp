#include "agent/delivery/metrics_page.hpp"

#include <prometheus/collectable.h>
#include <prometheus/text_serializer.h>

#include <array>

#include "agent/delivery/families.hpp"
#include "agent/delivery/flink_series.hpp"
#include "agent/delivery/log_series.hpp"

namespace doctor {
namespace {

double seconds(TimestampMs at) { return static_cast<double>(at) / kSecondMs; }

void add_findings(Families& families, const View& view) {
  for (const ReportedFinding& reported : view.findings) {
    const Finding& finding = reported.finding;
    const Subject& subject = finding.subject;
    const LabelSet labels{{"cluster", subject.cluster},
                          {"namespace", subject.namespace_},
                          {"detector", finding.detector},
                          {"severity", std::string(to_string(finding.severity))},
                          {"confidence", std::string(to_string(finding.confidence))},
                          {"job", subject.job_name},
                          {"vertex", subject.vertex},
                          {"operator", subject.operator_},
                          {"host", subject.host},
                          {"process", subject.process}};
    if (reported.state == FindingState::resolved) continue;
    if (reported.state == FindingState::firing) {
      families.add(Kind::gauge, "flink_doctor_finding_active", "1 for each finding that fires",
                   labels, 1);
    } else {
      families.add(Kind::gauge, "flink_doctor_finding_pending",
                   "1 for each finding that is true but not yet for long enough", labels, 1);
    }
    families.add_earliest("flink_doctor_finding_since_timestamp_seconds",
                          "When the finding was first seen true", labels, seconds(reported.since));
  }
}

void add_cluster_states(Families& families, const ClusterView& cluster) {
  constexpr std::array kStatuses{ClusterStatus::ok, ClusterStatus::unreachable,
                                 ClusterStatus::leader_election, ClusterStatus::partial,
                                 ClusterStatus::gone};
  for (const ClusterStatus status : kStatuses) {
    families.add(Kind::gauge, "flink_doctor_cluster_status", "1 for the status of the cluster",
                 {{"cluster", cluster.name}, {"status", std::string(to_string(status))}},
                 cluster.status == status ? 1 : 0);
  }
  constexpr std::array kStates{DetectorState::ok, DetectorState::firing, DetectorState::learning,
                               DetectorState::blind};
  for (const DetectorReport& report : cluster.detectors) {
    for (const DetectorState state : kStates) {
      families.add(Kind::gauge, "flink_doctor_detector_state",
                   "1 for the state of the detector; learning and blind cannot judge",
                   {{"cluster", cluster.name},
                    {"detector", report.detector},
                    {"state", std::string(to_string(state))}},
                   report.state == state ? 1 : 0);
    }
  }
}

std::string role(const SourceHealth& source) {
  return source.kind == SourceKind::rest ? "jobmanager" : source.role;
}

void add_source(Families& families, const ClusterView& cluster, const SourceHealth& source) {
  const LabelSet labels{{"cluster", cluster.name}, {"source", source.address}};
  const auto counter = [&](std::string_view name, std::string_view help, double value) {
    families.add(Kind::counter, name, help, labels, value);
  };
  counter("flink_doctor_source_requests_total", "Exchanges with the source",
          static_cast<double>(source.exchanges));
  counter("flink_doctor_source_received_bytes_total", "Bytes received from the source",
          static_cast<double>(source.bytes));
  counter("flink_doctor_source_exchange_seconds_total", "Time spent in exchanges with the source",
          seconds(source.busy_ms));
  counter("flink_doctor_source_samples_dropped_total",
          "Samples of series that were left out at a limit of the source",
          static_cast<double>(source.series_dropped));
  counter("flink_doctor_source_skipped_total",
          "Turns to be asked that were skipped, since the exchange before had not ended",
          static_cast<double>(source.turns_skipped));
  families.add(Kind::gauge, "flink_doctor_source_samples", "Samples kept of the last scrape",
               labels, static_cast<double>(source.samples_kept));
  if (source.last_success) {
    families.add(Kind::gauge, "flink_doctor_source_last_success_timestamp_seconds",
                 "When the source last answered well", labels, seconds(*source.last_success));
  }
  const auto by_reason = [&](std::string_view name, std::string_view help, const auto& counts) {
    for (const auto& [reason, count] : counts) {
      families.add(Kind::counter, name, help,
                   {{"cluster", cluster.name},
                    {"source", source.address},
                    {"reason", std::string(to_string(reason))}},
                   static_cast<double>(count));
    }
  };
  by_reason("flink_doctor_source_errors_total", "Exchanges that failed, by reason", source.errors);
  by_reason("flink_doctor_source_malformed_lines_total",
            "Lines that were not the promised syntax, by reason", source.line_faults);
}

/// Every sample counts: an alert must not end while there is still no room.
void add_series_limits(Families& families, const ClusterView& cluster) {
  const auto dropped = [&](const char* limit, const SeriesLimit& reached) {
    families.add(
        Kind::counter, "flink_doctor_samples_dropped_total",
        "Samples of series that found no room in memory: limit=\"cluster\" is on the series "
        "of one cluster, \"agent\" (series_max) on those of all together",
        {{"cluster", cluster.name}, {"limit", limit}},
        static_cast<double>(reached.samples_dropped));
  };
  dropped("cluster", cluster.own_limit);
  dropped("agent", cluster.shared_limit);
}

void add_sources(Families& families, const ClusterView& cluster) {
  // Up or down of all before the details of any: the cap cuts from the end.
  for (const SourceHealth& source : cluster.sources) {
    families.add(Kind::gauge, "flink_doctor_source_up", "1 when the last exchange went well",
                 {{"cluster", cluster.name},
                  {"source", source.address},
                  {"kind", std::string(to_string(source.kind))},
                  {"role", role(source)}},
                 source.up ? 1 : 0);
  }
  for (const SourceHealth& source : cluster.sources) add_source(families, cluster, source);
}

void add_backfill(Families& families, const BackfillHealth& backfill) {
  const LabelSet labels{{"cluster", backfill.cluster}};
  families.add(Kind::gauge, "flink_doctor_backfill_done_ratio",
               "How much of the past that was wanted of a store has been read", labels,
               backfill.share_done);
  families.add(Kind::counter, "flink_doctor_backfill_samples_total",
               "Samples of the past that were read from a store", labels,
               static_cast<double>(backfill.samples));
}

void add_agent(Families& families, const AgentHealth& agent) {
  const auto put = [&](Kind kind, std::string_view name, std::string_view help, double value) {
    families.add(kind, name, help, {}, value);
  };
  put(Kind::counter, "flink_doctor_judgements_total", "Judgements made",
      static_cast<double>(agent.judgements));
  put(Kind::counter, "flink_doctor_judgement_seconds_total", "Time spent judging",
      agent.judgement_seconds_sum);
  put(Kind::gauge, "flink_doctor_last_judgement_timestamp_seconds", "When the last judgement ended",
      seconds(agent.last_judgement));
  put(Kind::gauge, "flink_doctor_series", "Series held in memory",
      static_cast<double>(agent.series));
  if (agent.series_max > 0) {
    put(Kind::gauge, "flink_doctor_series_max", "Series that are held in memory at most",
        static_cast<double>(agent.series_max));
  }
  put(Kind::counter, "flink_doctor_findings_dropped_total", "Findings dropped at a limit",
      static_cast<double>(agent.findings_dropped));
  if (!agent.shard.empty()) {
    families.add(Kind::gauge, "flink_doctor_shard_info", "1; which clusters this agent takes",
                 {{"shard", agent.shard}}, 1);
    put(Kind::gauge, "flink_doctor_shard_clusters_elsewhere",
        "Configured clusters that agents of other shards watch",
        static_cast<double>(agent.clusters_elsewhere));
  }
  for (const BackfillHealth& backfill : agent.backfills) add_backfill(families, backfill);
  if (!agent.recorder_state.empty()) {
    put(Kind::gauge, "flink_doctor_recording_up", "1 when the stream is being recorded",
        agent.recorder_state == "ok" ? 1 : 0);
    put(Kind::counter, "flink_doctor_recording_lost_items_total",
        "Items of the stream that were judged but never recorded",
        static_cast<double>(agent.recorder_lost));
  }
  if (agent.store_state.empty() || agent.store_state == "off") return;
  put(Kind::gauge, "flink_doctor_store_up", "1 when the history on disk works",
      agent.store_state == "ok" ? 1 : 0);
  put(Kind::counter, "flink_doctor_store_errors_total", "Failures of the history on disk",
      static_cast<double>(agent.store_errors));
  put(Kind::counter, "flink_doctor_history_lost_scrapes_total",
      "Scrapes that were judged but never reached the disk",
      static_cast<double>(agent.history_lost));
  put(Kind::counter, "flink_doctor_history_damaged_total",
      "Rows, chunks and files of the history that could not be read",
      static_cast<double>(agent.history_damaged));
  put(Kind::gauge, "flink_doctor_history_bytes", "Size of the history on disk",
      static_cast<double>(agent.history_bytes));
}

void add_members(Families& families, const std::vector<MemberStats>& members) {
  for (const MemberStats& member : members) {
    const LabelSet labels{{"alertmanager", member.member}};
    if (member.up) {
      families.add(Kind::gauge, "flink_doctor_alertmanager_up",
                   "1 when the member answered the last exchange", labels, *member.up ? 1 : 0);
    }
    families.add(Kind::counter, "flink_doctor_alertmanager_sent_total",
                 "Alerts that the member took, repeats included", labels,
                 static_cast<double>(member.sent));
    families.add(Kind::counter, "flink_doctor_alertmanager_errors_total",
                 "Exchanges with the member that failed", labels,
                 static_cast<double>(member.errors));
    families.add(Kind::counter, "flink_doctor_alertmanager_rejected_total",
                 "Alerts that the member called invalid", labels,
                 static_cast<double>(member.rejected));
  }
}

void add_process(Families& families, const ProcessStats& process) {
  const auto put = [&](Kind kind, std::string_view name, std::string_view help,
                       std::optional<double> value) {
    if (value) families.add(kind, name, help, {}, *value);
  };
  put(Kind::counter, "process_cpu_seconds_total", "User and system CPU time of this process",
      process.cpu_seconds);
  put(Kind::gauge, "process_resident_memory_bytes", "Resident memory of this process",
      process.resident_bytes);
  put(Kind::gauge, "process_virtual_memory_bytes", "Virtual memory of this process",
      process.virtual_bytes);
  put(Kind::gauge, "process_open_fds", "Open file descriptors", process.open_fds);
  put(Kind::gauge, "process_max_fds", "Limit on open file descriptors", process.max_fds);
  put(Kind::gauge, "process_start_time_seconds", "Start of this process since the Unix epoch",
      process.start_seconds);
  put(Kind::gauge, "process_threads", "Threads of this process", process.threads);
}

/// The View as prometheus-cpp wants it. Made for one page; nothing stale survives.
class PageCollectable final : public prometheus::Collectable {
 public:
  explicit PageCollectable(const MetricsInput& input) : input_(input) {}

  std::vector<prometheus::MetricFamily> Collect() const override {
    Families families(input_.series_max);
    families.add(Kind::gauge, "flink_doctor_build_info", "1; the version is the label",
                 {{"version", input_.version}}, 1);
    add_process(families, input_.process);
    add_members(families, input_.members);
    if (input_.view != nullptr) add_view(families, *input_.view);
    auto page = families.take();
    Families tail(1);  // always fits, whatever the cap cut
    tail.add(Kind::gauge, "flink_doctor_page_series_omitted",
             "Series left out of this page by its cap", {},
             static_cast<double>(families.omitted()));
    page.push_back(std::move(tail.take().front()));
    return page;
  }

 private:
  static void add_view(Families& families, const View& view) {
    add_agent(families, view.agent);
    add_findings(families, view);
    for (const ClusterView& cluster : view.clusters) add_cluster_states(families, cluster);
    for (const ClusterView& cluster : view.clusters) add_series_limits(families, cluster);
    for (const ClusterView& cluster : view.clusters) add_sources(families, cluster);
    for (const ClusterView& cluster : view.clusters) add_log_series(families, cluster);
    for (const ClusterView& cluster : view.clusters) add_job_series(families, cluster);
    for (const ClusterView& cluster : view.clusters) add_curated_series(families, cluster);
  }

  const MetricsInput& input_;
};

}  // namespace

std::string metrics_page(const MetricsInput& input) {
  return prometheus::TextSerializer().Serialize(PageCollectable(input).Collect());
}

}  // namespace doctor
