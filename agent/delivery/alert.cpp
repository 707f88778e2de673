#include "agent/delivery/alert.hpp"

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>
#include <tuple>

#include "agent/delivery/document.hpp"
#include "model/text.hpp"

namespace doctor {
namespace {

constexpr std::size_t kLabelBytesMax = 200;
constexpr std::size_t kAnnotationBytesMax = 2000;
constexpr std::size_t kOwnerLabelsMax = 16;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string label_name(std::string_view name) {
  std::string legal(name.substr(0, kLabelBytesMax));
  for (char& c : legal) {
    if (!is_letter(c) && !is_digit(c)) c = '_';
  }
  if (!legal.empty() && is_digit(legal.front())) legal.insert(legal.begin(), '_');
  return legal;
}

std::string clean_value(std::string_view value) {
  std::string clean = printable(value, kLabelBytesMax);
  const auto blank = [](char c) { return c == ' '; };
  return std::all_of(clean.begin(), clean.end(), blank) ? std::string() : clean;
}

void put(std::map<std::string, std::string>& to, const char* key, std::string_view text) {
  std::string clean = printable(text, kAnnotationBytesMax);
  if (!clean.empty()) to[key] = std::move(clean);
}

std::string remedy_text(const Remedy& remedy) {
  std::string text = remedy.sentence;
  if (remedy.option.empty()) return text;
  if (!text.empty()) text += " ";
  text += "Set " + remedy.option + ": " + remedy.value;
  if (!remedy.current.empty()) text += " (now " + remedy.current + ")";
  return text + ".";
}

std::string description(const Finding& finding) {
  std::string text;
  const auto append = [&](const std::string& sentence) {
    if (sentence.empty()) return;
    if (!text.empty()) text += " ";
    text += sentence;
  };
  for (const Evidence& item : finding.evidence) append(item.sentence);
  for (const Remedy& remedy : finding.remedy) append(remedy_text(remedy));
  if (!finding.next_test.empty()) append("Next test: " + finding.next_test);
  return text;
}

/// Alertmanager refuses what is not a URI.
std::string safe_url(std::string_view url) {
  const bool http = url.starts_with("http://") || url.starts_with("https://");
  const auto plain = [](char c) {
    return c > ' ' && c < 0x7F && std::string_view("\"<>\\^`{|}").find(c) == std::string_view::npos;
  };
  return http && std::all_of(url.begin(), url.end(), plain) ? std::string(url) : std::string();
}

std::string flink_url(std::string_view cluster_url, const Subject& subject) {
  std::string url = safe_url(cluster_url);
  const auto hex = [](char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; };
  const bool id =
      subject.job_id.size() == 32 && std::all_of(subject.job_id.begin(), subject.job_id.end(), hex);
  if (url.empty() || !id) return url;
  while (url.ends_with('/')) url.pop_back();
  return url + "/#/job/running/" + subject.job_id + "/overview";
}

std::string_view url_of(const View& view, const std::string& cluster) {
  for (const ClusterView& candidate : view.clusters) {
    if (candidate.name == cluster) return candidate.url;
  }
  return {};
}

Alert alert_of(const ReportedFinding& finding, const View& view) {
  const std::string_view url = url_of(view, finding.finding.subject.cluster);
  return {alert_labels(finding), alert_annotations(finding, url), safe_url(url), finding.since,
          finding.state == FindingState::resolved
              ? std::optional(finding.resolved_at.value_or(view.generated_at))
              : std::nullopt};
}

using Group = std::vector<const ReportedFinding*>;
using GroupKey = std::tuple<std::string, std::string, Severity>;

/// Oldest first: what was told once keeps its place when more arrive.
void order_by_age(Group& group) {
  std::stable_sort(group.begin(), group.end(),
                   [](const ReportedFinding* a, const ReportedFinding* b) {
                     if (a->since != b->since) return a->since < b->since;
                     return a->finding.id() < b->finding.id();
                   });
}

AlertLabels common_owner_labels(const Group& group) {
  std::map<std::string, std::string> common = group.front()->labels;
  for (const ReportedFinding* finding : group) {
    std::erase_if(common, [&](const auto& label) {
      const auto same = finding->labels.find(label.first);
      return same == finding->labels.end() || same->second != label.second;
    });
  }
  return common;
}

Alert and_more(const Group& group, std::size_t alerts_max, const View& view) {
  ReportedFinding stand_in;
  const Finding& first = group[alerts_max]->finding;
  const std::string count = std::to_string(group.size() - alerts_max);
  stand_in.finding.detector = first.detector;
  stand_in.finding.severity = first.severity;
  stand_in.finding.subject.cluster = first.subject.cluster;
  stand_in.finding.subject.namespace_ = first.subject.namespace_;
  stand_in.since = group[alerts_max]->since;
  stand_in.state = FindingState::firing;
  stand_in.labels = common_owner_labels(group);
  stand_in.finding.summary =
      first.detector + ": " + std::to_string(alerts_max) + " alerts and " + count + " more";
  stand_in.finding.evidence.push_back({});
  stand_in.finding.evidence.back().sentence =
      "All are listed by flink-doctor under /api/v1/findings.";
  Alert alert = alert_of(stand_in, view);
  alert.labels["more"] = "true";
  alert.annotations.erase("finding_id");
  alert.annotations.erase("confidence");
  return alert;
}

/// Equal labels are one alert: the earliest start stays, and firing wins over resolved.
void merge(std::map<AlertLabels, Alert>& alerts, Alert alert) {
  const auto [known, fresh] = alerts.try_emplace(alert.labels, alert);
  if (fresh) return;
  Alert& kept = known->second;
  if (kept.resolved_at.has_value() == alert.resolved_at.has_value()) {
    kept.starts_at = std::min(kept.starts_at, alert.starts_at);
    if (alert.resolved_at) kept.resolved_at = std::max(*kept.resolved_at, *alert.resolved_at);
  } else if (kept.resolved_at) {
    kept = std::move(alert);
  }
}

}  // namespace

std::string alert_name(std::string_view detector) {
  std::string name = "Flink";
  bool upper = true;
  for (const char c : detector) {
    if (!is_letter(c) && !is_digit(c)) {
      upper = true;
      continue;
    }
    name.push_back(upper ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c);
    upper = false;
  }
  return name;
}

AlertLabels alert_labels(const ReportedFinding& reported) {
  AlertLabels labels;
  for (const auto& [name, value] : reported.labels) {
    if (labels.size() >= kOwnerLabelsMax) break;
    if (std::string legal = label_name(name); !legal.empty()) labels[legal] = clean_value(value);
  }
  const Finding& finding = reported.finding;
  const Subject& subject = finding.subject;
  labels["alertname"] = alert_name(finding.detector);
  labels["detector"] = clean_value(finding.detector);
  labels["severity"] = to_string(finding.severity);
  labels["cluster"] = clean_value(subject.cluster);
  labels["namespace"] = clean_value(subject.namespace_);
  labels["job"] = clean_value(subject.job_name);
  labels["vertex"] = clean_value(subject.vertex);
  labels["operator"] = clean_value(subject.operator_);
  labels["host"] = clean_value(subject.host);
  labels["process"] = clean_value(subject.process);
  std::erase_if(labels, [](const auto& label) { return label.second.empty(); });
  return labels;
}

std::map<std::string, std::string> alert_annotations(const ReportedFinding& reported,
                                                     std::string_view cluster_url) {
  const Finding& finding = reported.finding;
  std::map<std::string, std::string> annotations;
  put(annotations, "summary", finding.summary);
  put(annotations, "description", description(finding));
  put(annotations, "job_id", finding.subject.job_id);
  put(annotations, "task_manager", finding.subject.task_manager);
  put(annotations, "confidence", to_string(finding.confidence));
  put(annotations, "runbook", runbook_path(finding.detector));
  put(annotations, "flink_url", flink_url(cluster_url, finding.subject));
  put(annotations, "finding_id", finding.id());
  put(annotations, "explained_by", finding.explained_by);
  put(annotations, "incident", reported.incident);
  return annotations;
}

std::vector<Alert> alerts_of(const View& view, std::size_t alerts_max) {
  std::map<GroupKey, Group> groups;
  std::map<AlertLabels, Alert> alerts;
  for (const ReportedFinding& finding : view.findings) {
    const Finding& told = finding.finding;
    if (told.severity == Severity::info || finding.state == FindingState::pending) continue;
    if (finding.state == FindingState::resolved) {
      merge(alerts, alert_of(finding, view));
    } else {
      groups[{told.subject.cluster, told.detector, told.severity}].push_back(&finding);
    }
  }
  for (auto& [key, group] : groups) {
    order_by_age(group);
    const std::size_t named = std::min(group.size(), alerts_max);
    for (std::size_t i = 0; i < named; ++i) merge(alerts, alert_of(*group[i], view));
    if (group.size() > named) merge(alerts, and_more(group, named, view));
  }
  std::vector<Alert> ordered;
  ordered.reserve(alerts.size());
  for (auto& [labels, alert] : alerts) ordered.push_back(std::move(alert));
  return ordered;
}

std::string alerts_json(std::span<const Alert> alerts, TimestampMs firing_ends_at) {
  using Json = nlohmann::ordered_json;
  Json list = Json::array();
  for (const Alert& alert : alerts) {
    Json json;
    json["labels"] = alert.labels;
    json["annotations"] = alert.annotations;
    json["startsAt"] = format_rfc3339(alert.starts_at);
    // An end before the start is refused; clocks may have been set back.
    json["endsAt"] =
        format_rfc3339(std::max(alert.starts_at, alert.resolved_at.value_or(firing_ends_at)));
    if (!alert.generator_url.empty()) json["generatorURL"] = alert.generator_url;
    list.push_back(std::move(json));
  }
  return list.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace doctor
