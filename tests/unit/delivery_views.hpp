// Views for the tests of agent/delivery: one that shows every member, and hostile names.
#pragma once

#include <memory>
#include <string>

#include "agent/view.hpp"

namespace doctor::test {

inline constexpr TimestampMs kNow = 1'795'250'000'000;  // 2026-11-21T08:33:20.000Z

inline const std::string kHostile =
    "a\"b\\c\nd\r\x1b[31m\xff\xc3\"><img src=x onerror=alert(1)>\xe2\x80\xae";

inline ReportedFinding leak(const std::string& host = "host-3",
                            Severity severity = Severity::critical) {
  ReportedFinding reported;
  Finding& finding = reported.finding;
  finding.detector = "metaspace_leak";
  finding.severity = severity;
  finding.confidence = Confidence::imminent;
  finding.subject.cluster = "prod";
  finding.subject.host = host;
  finding.subject.process = "taskmanager";
  finding.subject.task_manager = host + ":35211-ab12";
  finding.summary = "Classes of finished jobs stay loaded.";
  Evidence evidence;
  evidence.metric = "jvm_metaspace_used";
  evidence.from = kNow - 10 * kMinuteMs;
  evidence.to = kNow;
  evidence.value = 201326592;
  evidence.unit = "bytes";
  evidence.limit = 268435456;
  evidence.limit_source = "taskmanager.memory.jvm-metaspace.size";
  evidence.sentence = "Metaspace grew by 18 MiB at each of 8 submissions.";
  finding.evidence.push_back(evidence);
  finding.remedy.push_back({"This buys time until the leak is fixed.",
                            "taskmanager.memory.jvm-metaspace.size", "256m", "512m"});
  finding.next_test = "Run jcmd 1 GC.run and look at classes unloaded.";
  finding.forecast = Forecast{kNow + kHourMs, kNow + 30 * kMinuteMs, std::nullopt};
  reported.state = FindingState::firing;
  reported.since = kNow - 12 * kMinuteMs;
  return reported;
}

inline SourceHealth rest_source() {
  SourceHealth source;
  source.address = "jm:8081";
  source.up = source.ever_up = true;
  source.last_success = kNow - kSecondMs;
  source.exchanges = 12;
  source.bytes = 4096;
  source.busy_ms = 250;
  return source;
}

inline SourceHealth dead_reporter() {
  SourceHealth source;
  source.kind = SourceKind::reporter;
  source.address = "tm:9249";
  source.role = "taskmanager";
  source.last_error = Error{ErrorCode::refused, "nothing listens on tm:9249"};
  source.errors[ErrorCode::refused] = 3;
  source.exchanges = 3;
  return source;
}

inline View one_cluster() {
  View view;
  view.generated_at = kNow;
  view.agent.version = "0.1.0";
  view.agent.last_judgement = kNow;
  view.agent.store_state = "off";
  ClusterView cluster;
  cluster.name = "prod";
  cluster.url = "http://jm:8081";
  cluster.version = FlinkVersion{1, 20, "1.20.5"};
  cluster.detectors = {{"metaspace_leak", DetectorState::firing, "", {}},
                       {"native_overrun",
                        DetectorState::blind,
                        "no reporter",
                        {"metrics.reporters: prom", "state.backend.rocksdb.metrics: x"}},
                       {"backpressure", DetectorState::ok, "", {"metrics.reporters: prom"}},
                       {"checkpoint_absent", DetectorState::learning, "4 min left", {}}};
  cluster.sources = {rest_source(), dead_reporter()};
  view.clusters.push_back(cluster);
  return view;
}

inline View sick_cluster() {
  View view = one_cluster();
  view.findings.push_back(leak());
  return view;
}

/// Every text of a finding and a cluster is hostile.
inline View hostile_view() {
  View view = sick_cluster();
  ClusterView& cluster = view.clusters.front();
  cluster.name = cluster.url = kHostile;
  cluster.version->text = kHostile;
  for (DetectorReport& report : cluster.detectors) report.why = kHostile;
  cluster.detectors.front().enable = {kHostile};
  for (SourceHealth& source : cluster.sources) source.address = source.role = kHostile;
  cluster.sources.back().last_error->message = kHostile;
  ReportedFinding& reported = view.findings.front();
  Finding& finding = reported.finding;
  for (std::string* name : {&finding.summary,
                            &finding.next_test,
                            &finding.explained_by,
                            &finding.subject.cluster,
                            &finding.subject.namespace_,
                            &finding.subject.job_name,
                            &finding.subject.job_id,
                            &finding.subject.vertex,
                            &finding.subject.vertex_id,
                            &finding.subject.operator_,
                            &finding.subject.task_manager,
                            &finding.subject.host,
                            &finding.subject.process,
                            &finding.evidence.front().sentence,
                            &finding.evidence.front().limit_source,
                            &finding.evidence.front().unit,
                            &finding.remedy.front().sentence,
                            &finding.remedy.front().current,
                            &finding.remedy.front().value,
                            &finding.remedy.front().option,
                            &reported.incident}) {
    *name = kHostile;
  }
  reported.labels = {{kHostile, kHostile}, {"team", kHostile}};
  return view;
}

inline bool is_clean(const std::string& text, bool newlines_allowed = true) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && !(newlines_allowed && c == '\n')) || byte == 0x7F || byte == 0xFF) {
      return false;
    }
  }
  return text.find("\xe2\x80\xae") == std::string::npos;
}

}  // namespace doctor::test
