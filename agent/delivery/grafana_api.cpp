#include "agent/delivery/grafana_api.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "agent/delivery/alert.hpp"
#include "agent/delivery/document.hpp"
#include "detectors/registry.hpp"
#include "model/text.hpp"

namespace doctor {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kPrometheusVersion = "2.42.0";  // whose shapes these are

ApiAnswer success(Json data) {
  Json json;
  json["status"] = "success";
  json["data"] = std::move(data);
  return {200, json.dump(-1, ' ', false, Json::error_handler_t::replace)};
}

ApiAnswer bad_data(const char* why) {
  Json json;
  json["status"] = "error";
  json["errorType"] = "bad_data";
  json["error"] = why;
  return {400, json.dump()};
}

Json alert_json(const ReportedFinding& finding, std::string_view cluster_url) {
  Json json;
  json["labels"] = alert_labels(finding);
  json["annotations"] = alert_annotations(finding, cluster_url);
  json["state"] = to_string(finding.state);
  json["activeAt"] = format_rfc3339(finding.since);
  json["value"] = "1e+00";
  return json;
}

bool is_active(const ReportedFinding& finding) { return finding.state != FindingState::resolved; }

std::string in_quotes(std::string_view text) {
  std::string escaped = "\"";
  for (const char c : printable(text)) {
    if (c == '"' || c == '\\') escaped.push_back('\\');
    escaped.push_back(c);
  }
  return escaped + "\"";
}

std::string rule_query(const ClusterView& cluster, const std::string& detector) {
  return "flink_doctor_finding_active{cluster=" + in_quotes(cluster.name) +
         ",detector=" + in_quotes(detector) + "} > 0";
}

const char* rule_state(const Json& alerts) {
  const auto has = [&](const char* state) {
    return std::any_of(alerts.begin(), alerts.end(),
                       [&](const Json& alert) { return alert["state"] == state; });
  };
  return has("firing") ? "firing" : has("pending") ? "pending" : "inactive";
}

Json rule_annotations(const DetectorReport& report, const Detector* detector) {
  Json annotations;
  if (detector != nullptr) annotations["summary"] = std::string(detector->summary);
  annotations["runbook"] = printable(runbook_path(report.detector));
  return annotations;
}

Json rule_json(const ClusterView& cluster, const DetectorReport& report, const View& view) {
  const Detector* detector = find_detector(report.detector);
  const bool judged = report.state == DetectorState::ok || report.state == DetectorState::firing;
  Json alerts = Json::array();
  for (const ReportedFinding& finding : view.findings) {
    const bool own = finding.finding.subject.cluster == cluster.name &&
                     finding.finding.detector == report.detector;
    if (own && is_active(finding)) alerts.push_back(alert_json(finding, cluster.url));
  }
  Json json;
  json["state"] = rule_state(alerts);
  json["name"] = alert_name(report.detector);
  json["query"] = rule_query(cluster, report.detector);
  json["duration"] = detector == nullptr ? 0 : detector->hold_ms / kSecondMs;
  json["labels"] = {{"cluster", printable(cluster.name)}, {"detector", printable(report.detector)}};
  json["annotations"] = rule_annotations(report, detector);
  json["alerts"] = std::move(alerts);
  json["health"] = judged ? "ok" : "unknown";
  if (!judged) json["lastError"] = printable(report.why, 1000);
  json["evaluationTime"] = 0;
  json["lastEvaluation"] = format_rfc3339(view.agent.last_judgement);
  json["type"] = "alerting";
  return json;
}

Json group_json(const ClusterView& cluster, const View& view, bool with_rules) {
  Json json;
  json["name"] = printable(cluster.name);
  json["file"] = "flink-doctor";
  json["rules"] = Json::array();
  for (const DetectorReport& report : cluster.detectors) {
    if (with_rules) json["rules"].push_back(rule_json(cluster, report, view));
  }
  json["interval"] = 10;
  json["limit"] = 0;
  json["evaluationTime"] = 0;
  json["lastEvaluation"] = format_rfc3339(view.agent.last_judgement);
  return json;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string form_decoded(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '%' && i + 2 < text.size();
    const int high = escape ? hex_digit(text[i + 1]) : -1;
    const int low = escape ? hex_digit(text[i + 2]) : -1;
    if (high >= 0 && low >= 0) {
      decoded.push_back(static_cast<char>(high * 16 + low));
      i += 2;
    } else {
      decoded.push_back(text[i] == '+' ? ' ' : text[i]);
    }
  }
  return decoded;
}

}  // namespace

ApiAnswer prometheus_buildinfo(std::string_view agent_version) {
  Json data;
  data["version"] = kPrometheusVersion;
  data["revision"] = printable(agent_version);
  data["branch"] = "flink-doctor";
  data["buildUser"] = "";
  data["buildDate"] = "";
  data["goVersion"] = "";
  return success(std::move(data));
}

ApiAnswer prometheus_rules(const View& view, std::string_view query) {
  const std::string type = query_parameter(query, "type");
  if (!type.empty() && type != "alert" && type != "record") {
    return bad_data("not supported value for type: alert or record");
  }
  Json groups = Json::array();
  for (const ClusterView& cluster : view.clusters) {
    groups.push_back(group_json(cluster, view, type != "record"));
  }
  Json data;
  data["groups"] = std::move(groups);
  return success(std::move(data));
}

ApiAnswer prometheus_alerts(const View& view) {
  Json alerts = Json::array();
  for (const ReportedFinding& finding : view.findings) {
    if (!is_active(finding)) continue;
    std::string_view url;
    for (const ClusterView& cluster : view.clusters) {
      if (cluster.name == finding.finding.subject.cluster) url = cluster.url;
    }
    alerts.push_back(alert_json(finding, url));
  }
  Json data;
  data["alerts"] = std::move(alerts);
  return success(std::move(data));
}

ApiAnswer prometheus_query(std::string_view query, TimestampMs now) {
  std::string expression = query_parameter(query, "query");
  std::erase(expression, ' ');
  // "1+1" sent unescaped decodes to "1 1".
  if (expression != "1+1" && expression != "11") {
    return bad_data("flink-doctor has no query language; scrape /metrics with Prometheus instead");
  }
  Json data;
  data["resultType"] = "scalar";
  data["result"] = {static_cast<double>(now) / kSecondMs, "2"};
  return success(std::move(data));
}

ApiAnswer prometheus_labels() { return success(Json::array()); }

std::string query_parameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    if (form_decoded(pair.substr(0, equals)) == name) {
      return form_decoded(pair.substr(std::min(equals + 1, pair.size())));
    }
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
  }
  return {};
}

}  // namespace doctor
