#include "agent/delivery/report.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "agent/delivery/blind_spots.hpp"
#include "agent/delivery/log_sentence.hpp"
#include "agent/delivery/pods.hpp"
#include "agent/delivery/terminal.hpp"
#include "agent/delivery/unseen.hpp"
#include "model/text.hpp"

namespace doctor {
namespace {

constexpr std::size_t kSentenceBytesMax = 1000;

std::string sentence(std::string_view text) { return printable(text, kSentenceBytesMax); }

Ink ink_of(Severity severity) {
  switch (severity) {
    case Severity::info:
      return Ink::blue;
    case Severity::warning:
      return Ink::yellow;
    case Severity::critical:
      return Ink::red;
  }
  return Ink::plain;
}

Ink ink_of(DetectorState state) {
  switch (state) {
    case DetectorState::ok:
      return Ink::green;
    case DetectorState::firing:
      return Ink::red;
    case DetectorState::learning:
      return Ink::blue;
    case DetectorState::blind:
      return Ink::yellow;
  }
  return Ink::plain;
}

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return out;
}

std::string quantity(double value, const std::string& unit) {
  if (unit == "bytes") return format_bytes(value);
  if (unit == "milliseconds") return format_duration_ms(value);
  if (unit == "seconds") return format_duration_ms(value * kSecondMs);
  std::string text = format_number(value);
  if (!unit.empty() && unit != "count") text += " " + printable(unit, 40);
  return text;
}

std::string limit_text(const Evidence& evidence) {
  std::string text;
  if (evidence.limit) text = quantity(*evidence.limit, evidence.unit);
  if (evidence.limit_source.empty()) return text;
  return text.empty() ? sentence(evidence.limit_source)
                      : text + " (" + sentence(evidence.limit_source) + ")";
}

std::string forecast_text(const Forecast& forecast, TimestampMs now) {
  std::string text;
  if (forecast.exhausted_at) {
    const auto left = static_cast<double>(*forecast.exhausted_at - now);
    text = "exhausted " + (left > 0 ? "in " + format_duration_ms(left) : std::string("by now")) +
           ", at " + moment(*forecast.exhausted_at);
  }
  if (!forecast.low) return text;
  text += text.empty() ? "exhausted " : "; ";
  if (forecast.high) return text + moment(*forecast.low) + " to " + moment(*forecast.high);
  return text + "not before " + moment(*forecast.low) + ", possibly never";
}

std::string setting_text(const Remedy& remedy) {
  if (remedy.option.empty()) return {};
  std::string text = printable(remedy.option) + ": ";
  if (!remedy.current.empty()) text += printable(remedy.current) + " → ";
  return text + printable(remedy.value);
}

std::string state_text(const ReportedFinding& reported, TimestampMs now) {
  const TimestampMs until = reported.resolved_at.value_or(now);
  const auto lasted = static_cast<double>(until - reported.since);
  std::string text(to_string(reported.finding.confidence));
  if (reported.state != FindingState::firing) {
    text += std::string(", ").append(to_string(reported.state));
  }
  if (lasted >= kSecondMs) text += ", for " + format_duration_ms(lasted);
  return text;
}

void write_finding(Terminal& out, const ReportedFinding& reported, TimestampMs now) {
  const Finding& finding = reported.finding;
  const bool over = reported.state == FindingState::resolved;
  const Ink ink = over ? Ink::dim : ink_of(finding.severity);
  const std::string head = upper(to_string(finding.severity)) + " " + printable(finding.detector);
  out.line(out.paint(ink, "● " + head) + "  " + out.paint(Ink::bold, place(finding.subject)) +
           out.paint(Ink::dim, "  " + state_text(reported, now)));
  constexpr int kIndent = 12;
  const auto part = [&](const char* name, const std::string& text, Ink text_ink = Ink::plain) {
    if (text.empty()) return;
    out.paragraph("  " + out.paint(Ink::dim, padded(name, kIndent - 2)), kIndent, text, text_ink);
  };
  out.paragraph("  ", 2, sentence(finding.summary), Ink::bold);
  for (const Evidence& item : finding.evidence) {
    part("evidence", sentence(item.sentence));
    part("limit", limit_text(item));
  }
  if (finding.forecast) part("forecast", forecast_text(*finding.forecast, now));
  for (const Remedy& remedy : finding.remedy) {
    part("set", setting_text(remedy), Ink::green);
    part(remedy.option.empty() ? "do" : "", sentence(remedy.sentence));
  }
  part("next test", sentence(finding.next_test));
  part("cause", printable(finding.explained_by, 400));
  out.line();
}

bool is_watched(const View& view, const std::string& cluster) {
  return std::any_of(view.clusters.begin(), view.clusters.end(),
                     [&](const ClusterView& watched) { return watched.name == cluster; });
}

/// Null: those of clusters that the View does not hold.
std::vector<const ReportedFinding*> findings_of(const View& view, const ClusterView* cluster) {
  std::vector<const ReportedFinding*> findings;
  for (const ReportedFinding& finding : view.findings) {
    const std::string& name = finding.finding.subject.cluster;
    const bool wanted = cluster != nullptr ? cluster->name == name : !is_watched(view, name);
    if (wanted) findings.push_back(&finding);
  }
  const auto rank = [](const ReportedFinding* finding) {
    return std::pair(finding->state == FindingState::resolved,
                     -static_cast<int>(finding->finding.severity));
  };
  std::stable_sort(findings.begin(), findings.end(),
                   [&](const auto* a, const auto* b) { return rank(a) < rank(b); });
  return findings;
}

void write_header(Terminal& out, const ClusterView& cluster, TimestampMs now) {
  std::string text = out.paint(Ink::bold, printable(cluster.name));
  if (cluster.version) text += "  Flink " + printable(cluster.version->text, 40);
  text += "  " + printable(cluster.url) + "  ";
  const bool ok = cluster.status == ClusterStatus::ok;
  std::string status(to_string(cluster.status));
  std::replace(status.begin(), status.end(), '_', ' ');
  text += out.paint(ok ? Ink::green : Ink::red, status);
  out.line(text + out.paint(Ink::dim, "  " + moment(now)));
  out.line();
}

void write_detectors(Terminal& out, const ClusterView& cluster) {
  if (cluster.detectors.empty()) return;
  constexpr int kStateColumns = 13;
  int name_columns = 0;
  for (const DetectorReport& report : cluster.detectors) {
    name_columns = std::max(name_columns, columns(printable(report.detector)));
  }
  out.line(out.paint(Ink::bold, "Detectors"));
  for (const DetectorReport& report : cluster.detectors) {
    const std::string state = report.state == DetectorState::blind
                                  ? "cannot judge"
                                  : std::string(to_string(report.state));
    const std::string name = printable(report.detector);
    // Padded only when something follows, so that no line ends in blanks.
    out.paragraph("  " + out.paint(ink_of(report.state), padded(state, kStateColumns)) +
                      (report.why.empty() ? name : padded(name, name_columns + 2)),
                  2 + kStateColumns + name_columns + 2, sentence(report.why));
  }
  out.line();
}

std::string source_text(const SourceHealth& source, TimestampMs now) {
  if (source.up) {
    std::string text =
        source.pods ? std::to_string(*source.pods) + " pods" : printable(source.role, 20);
    const auto append = [&](const std::string& more) {
      if (!more.empty()) text += (text.empty() ? "" : "; ") + more;
    };
    if (source.last_error) {
      append("not all could be read: " + sentence(source.last_error->message));
    }
    append(unseen_sentence(source));
    return text;
  }
  std::string text = source.last_error ? std::string(to_string(source.last_error->code)) + ": " +
                                             sentence(source.last_error->message)
                                       : std::string("not asked yet");
  if (source.last_success) {
    const auto age = static_cast<double>(now - *source.last_success);
    text += " (last answer " + format_duration_ms(age) + " ago)";
  }
  return text;
}

void write_sources(Terminal& out, const ClusterView& cluster, TimestampMs now) {
  if (cluster.sources.empty()) return;
  int kind_columns = 10;
  for (const SourceHealth& source : cluster.sources) {
    kind_columns = std::max(kind_columns, columns(to_string(source.kind)) + 2);
  }
  out.line(out.paint(Ink::bold, "Sources"));
  for (const SourceHealth& source : cluster.sources) {
    const std::string address = printable(source.address, 80);
    const std::string state = padded(source.up ? "up" : "down", 6);
    const std::string kind = padded(to_string(source.kind), kind_columns);
    const std::string text = source.kind == SourceKind::logs && source.up
                                 ? log_sentence(cluster, source, now)
                                 : source_text(source, now);
    out.paragraph("  " + out.paint(source.up ? Ink::green : Ink::red, state) + kind + address +
                      (text.empty() ? "" : "  "),
                  2 + 6 + kind_columns + columns(address) + 2, text);
  }
  out.line();
}

/// What was there first stays; the rest no detector sees.
void write_limits(Terminal& out, const ClusterView& cluster) {
  const std::string ours =
      unseen_sentence(cluster.own_limit, "this cluster has", " of one cluster");
  const std::string of_all = unseen_sentence(
      cluster.shared_limit, "all clusters of this agent together have",
      " (series_max): raise that if there is memory, or spread the clusters over several agents "
      "(--shard)");
  if (ours.empty() && of_all.empty()) return;
  out.line(out.paint(Ink::bold, "Not all is seen"));
  if (!ours.empty()) out.paragraph("  ", 2, ours);
  if (!of_all.empty()) out.paragraph("  ", 2, of_all);
  out.line();
}

/// A blind spot of tomorrow: what is not remembered will not be known after a restart.
void write_store(Terminal& out, const AgentHealth& agent) {
  if (agent.store_state.empty() || agent.store_state == "off" || agent.store_state == "ok") return;
  out.line(out.paint(Ink::bold, "Not remembered on disk"));
  out.paragraph("  ", 2, sentence(agent.store_state));
  out.paragraph("  ", 2, "Judging goes on in memory; a restart now would forget what was learned.");
  out.line();
}

void write_recorder(Terminal& out, const AgentHealth& agent) {
  if (agent.recorder_state.empty() || agent.recorder_state == "ok") return;
  out.line(out.paint(Ink::bold, "Not recorded"));
  out.paragraph("  ", 2, sentence(agent.recorder_state));
  out.paragraph("  ", 2, "A replay will not know of what comes meanwhile.");
  out.line();
}

std::string_view word_of(const BlindSpot& spot) {
  switch (spot.capability) {
    case Capability::judges:
      return "in part";
    case Capability::suspects:
      return "suspects";
    case Capability::blind:
      return "cannot judge";
  }
  return "";
}

/// The detectors that the same lines open, those that lack the same in one line.
void write_eye(Terminal& out, const std::vector<const BlindSpot*>& eye) {
  constexpr int kWordColumns = 13;
  std::vector<std::pair<const BlindSpot*, std::string>> rows;
  for (const BlindSpot* spot : eye) {
    const auto alike = std::find_if(rows.begin(), rows.end(), [&](const auto& row) {
      return row.first->capability == spot->capability && row.first->unseen == spot->unseen;
    });
    if (alike == rows.end()) {
      rows.emplace_back(spot, printable(spot->detector));
    } else {
      alike->second += ", " + printable(spot->detector);
    }
  }
  for (const auto& [spot, names] : rows) {
    const std::string unseen = spot->unseen.empty() ? "" : ": does not see " + spot->unseen;
    out.paragraph("  " + out.paint(Ink::yellow, padded(word_of(*spot), kWordColumns)),
                  2 + kWordColumns, names + unseen);
  }
  for (const bool for_us : {false, true}) {
    bool headed = false;
    for (const std::string& line : eye.front()->enable) {
      if (is_for_us(line) != for_us) continue;
      if (!std::exchange(headed, true)) {
        out.line(for_us ? "    give flink-doctor:" : "    add to Flink's configuration:");
      }
      out.line("      " + printable(line, 400));
      if (line.starts_with("--probe")) {
        out.paragraph("        ", 8,
                      "(`flink-doctor probe` runs there; in Kubernetes kubelets do as well: "
                      "clusters[].containers)");
      }
    }
  }
}

/// What opens the eyes of this cluster's detectors, each eye with its lines.
void write_blind_spots(Terminal& out, const ClusterView& cluster) {
  std::vector<std::vector<const BlindSpot*>> eyes;
  const std::vector<BlindSpot> spots = blind_spots(cluster);
  for (const BlindSpot& spot : spots) {
    // What no line opens is said where it is blind, or of the source that does not answer.
    if (spot.enable.empty() && spot.unseen.empty()) continue;
    const auto eye = std::find_if(eyes.begin(), eyes.end(), [&](const auto& other) {
      return other.front()->enable == spot.enable;
    });
    (eye == eyes.end() ? eyes.emplace_back() : *eye).push_back(&spot);
  }
  if (eyes.empty()) return;
  out.line(out.paint(Ink::bold, "To see more of " + printable(cluster.name)));
  for (const auto& eye : eyes) write_eye(out, eye);
  out.line();
}

}  // namespace

std::string text_report(const View& view, ReportStyle style) {
  Terminal out(style.colour, style.width);
  if (view.clusters.empty()) out.line("No cluster is watched.");
  for (const ClusterView& cluster : view.clusters) {
    write_header(out, cluster, view.generated_at);
    const auto findings = findings_of(view, &cluster);
    for (const ReportedFinding* finding : findings) {
      write_finding(out, *finding, view.generated_at);
    }
    if (findings.empty()) {
      out.line("No finding.");
      out.line();
    }
    write_detectors(out, cluster);
    write_sources(out, cluster, view.generated_at);
    write_limits(out, cluster);
    write_pods(out, cluster, view.generated_at);
    write_blind_spots(out, cluster);
  }
  for (const ReportedFinding* finding : findings_of(view, nullptr)) {
    write_finding(out, *finding, view.generated_at);
  }
  write_store(out, view.agent);
  write_recorder(out, view.agent);
  return out.take();
}

std::string one_line(const ReportedFinding& reported) {
  const Finding& finding = reported.finding;
  std::string text(to_string(finding.severity));
  text += " " + printable(finding.detector) + " (" + std::string(to_string(finding.confidence));
  if (reported.state != FindingState::firing) {
    text += std::string(", ").append(to_string(reported.state));
  }
  return text + ") " + place(finding.subject) + ": " + sentence(finding.summary);
}

std::string place(const Subject& subject) {
  std::string text;
  const auto append = [&](const char* what, const std::string& name) {
    if (name.empty()) return;
    if (!text.empty()) text += " › ";
    text += what + printable(name, 80);
  };
  append("job ", subject.job_name);
  append("vertex ", subject.vertex);
  append("operator ", subject.operator_);
  if (subject.subtask) append("subtask ", std::to_string(*subject.subtask));
  const std::string process = subject.process == "jobmanager"    ? "JobManager"
                              : subject.process == "taskmanager" ? "TaskManager"
                                                                 : subject.process;
  const std::string& where = subject.host.empty() ? subject.task_manager : subject.host;
  if (!process.empty()) {
    append("", where.empty() ? process : process + " " + where);
  } else {
    append("", where);
  }
  return text.empty() ? "cluster " + printable(subject.cluster, 80) : text;
}

}  // namespace doctor
