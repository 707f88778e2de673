#include "agent/delivery/document.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "agent/delivery/blind_spots.hpp"
#include "agent/delivery/pods.hpp"
#include "agent/delivery/unseen.hpp"
#include "model/text.hpp"

namespace doctor {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kNameBytesMax = 256;
constexpr std::size_t kSentenceBytesMax = 1000;
constexpr std::size_t kDeploymentsMax = 100;

void put(Json& object, const char* key, const std::string& text,
         std::size_t bytes_max = kNameBytesMax) {
  if (!text.empty()) object[key] = printable(text, bytes_max);
}

void put(Json& object, const char* key, std::optional<double> value) {
  if (value && std::isfinite(*value)) object[key] = *value;
}

void put_time(Json& object, const char* key, std::optional<TimestampMs> at) {
  if (at) object[key] = format_rfc3339(*at);
}

void put_list(Json& object, const char* key, Json list) {
  if (!list.empty()) object[key] = std::move(list);
}

/// `spot` null: it sees all it reads.
Json detector_json(const DetectorReport& report, const BlindSpot* spot) {
  Json json;
  put(json, "detector", report.detector);
  json["state"] = to_string(report.state);
  put(json, "why", report.why, kSentenceBytesMax);
  if (spot != nullptr && spot->capability == Capability::suspects) {
    json["sight"] = to_string(Capability::suspects);
    put(json, "unseen", spot->unseen, kSentenceBytesMax);
  }
  Json enable = Json::array();
  for (const std::string& line : spot != nullptr ? spot->enable : report.enable) {
    enable.push_back(printable(line, kSentenceBytesMax));
  }
  put_list(json, "enable", std::move(enable));
  return json;
}

Json source_json(const SourceHealth& source) {
  Json json;
  json["kind"] = to_string(source.kind);
  put(json, "address", source.address);
  json["up"] = source.up;
  put_time(json, "last_success", source.last_success);
  if (source.pods) json["pods"] = *source.pods;
  if (source.up && source.series_unseen > 0) {
    json["series_not_seen"] = source.series_unseen;
    put(json, "not_seen", unseen_sentence(source), kSentenceBytesMax);
  }
  if (!source.up && source.last_error) {
    json["reason"] = to_string(source.last_error->code);
    put(json, "message", source.last_error->message, kSentenceBytesMax);
  }
  return json;
}

Json pod_end_json(const PodEnd& end) {
  Json json;
  put(json, "namespace", end.pod->namespace_);
  put(json, "pod", end.pod->name);
  put(json, "role", std::string(to_string(end.pod->role)));
  put(json, "container", end.container->name);
  put(json, "reason", end.end->reason);
  json["exit_code"] = end.end->exit_code;
  if (end.end->signal) json["signal"] = *end.end->signal;
  put_time(json, "finished", end.end->finished_at);
  put(json, "memory_limit_bytes", end.container->memory_limit);
  put_time(json, "pod_gone", end.gone_at);
  return json;
}

Json deployment_json(const FlinkDeploymentFacts& deployment) {
  Json json;
  put(json, "namespace", deployment.namespace_);
  put(json, "name", deployment.name);
  put(json, "lifecycle_state", deployment.lifecycle_state);
  put(json, "job_state", deployment.job_state);
  put(json, "error", deployment.error, kSentenceBytesMax);
  return json;
}

/// All that may be read: who reads the document judges for himself which are in trouble.
Json deployments_json(std::span<const KubernetesFactsPtr> kubernetes) {
  Json list = Json::array();
  for (const KubernetesFactsPtr& facts : kubernetes) {
    if (!facts->deployments) continue;
    for (const FlinkDeploymentFacts& one : *facts->deployments) {
      if (list.size() < kDeploymentsMax) list.push_back(deployment_json(one));
    }
  }
  return list;
}

Json cluster_json(const ClusterView& cluster) {
  Json json;
  put(json, "name", cluster.name);
  put(json, "url", cluster.url, kSentenceBytesMax);
  if (cluster.version) put(json, "flink_version", cluster.version->text);
  json["status"] = to_string(cluster.status);
  json["detectors"] = Json::array();
  const std::vector<BlindSpot> spots = blind_spots(cluster);
  for (const DetectorReport& report : cluster.detectors) {
    const auto spot = std::find_if(spots.begin(), spots.end(), [&](const BlindSpot& of) {
      return of.detector == report.detector;
    });
    json["detectors"].push_back(detector_json(report, spot == spots.end() ? nullptr : &*spot));
  }
  Json sources = Json::array();
  for (const SourceHealth& source : cluster.sources) {
    // Findings do not rest on log files, so the document does not show them either.
    if (source.kind != SourceKind::logs) sources.push_back(source_json(source));
  }
  put_list(json, "sources", std::move(sources));
  Json ends = Json::array();
  for (const PodEnd& end : pod_ends(cluster.kubernetes)) ends.push_back(pod_end_json(end));
  put_list(json, "pod_ends", std::move(ends));
  put_list(json, "flink_deployments", deployments_json(cluster.kubernetes));
  return json;
}

Json entity_json(const Subject& subject) {
  Json json = Json::object();
  put(json, "cluster", subject.cluster);
  put(json, "namespace", subject.namespace_);
  put(json, "job_name", subject.job_name);
  put(json, "job_id", subject.job_id);
  put(json, "vertex_id", subject.vertex_id);
  put(json, "vertex", subject.vertex);
  put(json, "operator", subject.operator_);
  if (subject.subtask) json["subtask"] = *subject.subtask;
  put(json, "task_manager", subject.task_manager);
  put(json, "host", subject.host);
  put(json, "process", subject.process);
  return json;
}

Json evidence_json(const Evidence& evidence) {
  Json json = Json::object();
  put(json, "metric", evidence.metric);
  put_time(json, "from", evidence.from);
  put_time(json, "to", evidence.to);
  put(json, "value", evidence.value);
  put(json, "unit", evidence.unit);
  put(json, "limit", evidence.limit);
  put(json, "limit_source", evidence.limit_source, kSentenceBytesMax);
  put(json, "sentence", evidence.sentence, kSentenceBytesMax);
  return json;
}

Json remedy_json(const Remedy& remedy) {
  Json json = Json::object();
  put(json, "sentence", remedy.sentence, kSentenceBytesMax);
  put(json, "option", remedy.option);
  put(json, "current", remedy.current);
  put(json, "value", remedy.value);
  return json;
}

Json forecast_json(const Forecast& forecast) {
  Json json;  // null when nothing is known
  put_time(json, "exhausted_at", forecast.exhausted_at);
  put_time(json, "low", forecast.low);
  put_time(json, "high", forecast.high);
  return json;
}

void put_arguments(Json& json, const Finding& finding) {
  put(json, "summary", finding.summary, kSentenceBytesMax);
  Json evidence = Json::array();
  for (const Evidence& item : finding.evidence) evidence.push_back(evidence_json(item));
  put_list(json, "evidence", std::move(evidence));
  Json remedy = Json::array();
  for (const Remedy& item : finding.remedy) remedy.push_back(remedy_json(item));
  put_list(json, "remedy", std::move(remedy));
  put(json, "next_test", finding.next_test, kSentenceBytesMax);
}

Json finding_json(const ReportedFinding& reported) {
  const Finding& finding = reported.finding;
  Json json;
  put(json, "id", finding.id(), kSentenceBytesMax * 2);
  put(json, "detector", finding.detector);
  json["severity"] = to_string(finding.severity);
  json["state"] = to_string(reported.state);
  json["confidence"] = to_string(finding.confidence);
  json["entity"] = entity_json(finding.subject);
  put_arguments(json, finding);
  json["since"] = format_rfc3339(reported.since);
  put_time(json, "resolved_at", reported.resolved_at);
  if (finding.forecast) put_list(json, "forecast", forecast_json(*finding.forecast));
  put(json, "incident", reported.incident);
  put(json, "explained_by", finding.explained_by, kSentenceBytesMax * 2);
  put(json, "runbook", runbook_path(finding.detector));
  Json labels = Json::object();
  for (const auto& [name, value] : reported.labels) labels[printable(name)] = printable(value);
  put_list(json, "labels", std::move(labels));
  return json;
}

}  // namespace

std::string findings_document(const View& view) {
  Json json;
  json["version"] = kDocumentVersion;
  json["generated_at"] = format_rfc3339(view.generated_at);
  json["clusters"] = Json::array();
  for (const ClusterView& cluster : view.clusters)
    json["clusters"].push_back(cluster_json(cluster));
  json["findings"] = Json::array();
  for (const ReportedFinding& finding : view.findings) {
    json["findings"].push_back(finding_json(finding));
  }
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string runbook_path(const std::string& detector) { return "detectors/" + detector + ".md"; }

}  // namespace doctor
