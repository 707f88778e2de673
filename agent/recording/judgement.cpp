#include "agent/recording/judgement.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "agent/delivery/document.hpp"
#include "model/text.hpp"

namespace doctor {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kJudgementVersion = 1;
constexpr std::size_t kSentenceBytesMax = 1000;

/// As the document that holds nothing but this finding has it.
Json finding_json(const ReportedFinding& reported) {
  View alone;
  alone.findings.push_back(reported);
  return Json::parse(findings_document(alone)).at("findings").at(0);
}

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.resize(width, ' ');
  return text;
}

std::string sentence(const std::string& text) { return printable(text, kSentenceBytesMax); }

void add_change(std::string& text, const Change& change) {
  const Finding& finding = change.reported.finding;
  text += format_rfc3339(change.at) + "  " +
          padded(std::string(to_string(change.reported.state)), 8) + "  " +
          padded(std::string(to_string(finding.severity)), 8) + "  " + sentence(finding.id()) +
          "\n";
  if (change.reported.state == FindingState::resolved) return;
  text += "    " + sentence(finding.summary) + "\n";
  if (change.reported.state != FindingState::firing) return;
  for (const Evidence& evidence : finding.evidence) {
    text += "    evidence  " + sentence(evidence.sentence) + "\n";
  }
}

/// How `steps` read in one line.
std::string told(const std::vector<Outline::Step>& steps) {
  std::string text;
  for (const Outline::Step& step : steps) {
    text.append(text.empty() ? "" : ", ")
        .append(step.state + "/" + step.severity + " at " + step.at);
  }
  return text;
}

void compare_findings(const Outline& a, const Outline& b, std::vector<std::string>& lines) {
  for (const auto& [id, steps] : a.findings) {
    const auto other = b.findings.find(id);
    if (other == b.findings.end()) {
      lines.push_back("vanished  " + id + ": was " + told(steps));
    } else if (steps != other->second) {
      const bool same_but_times =
          std::equal(steps.begin(), steps.end(), other->second.begin(), other->second.end(),
                     [](const Outline::Step& x, const Outline::Step& y) {
                       return x.state == y.state && x.severity == y.severity;
                     });
      lines.push_back((same_but_times ? "moved     " : "changed   ") + id + ": was " + told(steps) +
                      "; is " + told(other->second));
    }
  }
  for (const auto& [id, steps] : b.findings) {
    if (!a.findings.contains(id)) lines.push_back("appeared  " + id + ": " + told(steps));
  }
}

}  // namespace

std::string judgement_text(const Replayed& replayed) {
  std::string text;
  for (const Change& change : replayed.timeline) add_change(text, change);
  if (replayed.timeline.empty()) text += "nothing was found\n";
  if (replayed.changes_untold > 0) {
    text += "and " + std::to_string(replayed.changes_untold) + " more changes\n";
  }
  for (const ClusterView& cluster : replayed.verdicts->clusters) {
    text += "\n" + printable(cluster.name) +
            " at the end: " + std::string(to_string(cluster.status)) + "\n";
    for (const DetectorReport& report : cluster.detectors) {
      text += "  " + padded(std::string(to_string(report.state)), 9) + " " +
              padded(report.detector, 26) + sentence(report.why) + "\n";
    }
  }
  return text;
}

std::string judgement_json(const Replayed& replayed) {
  Json json;
  json["version"] = kJudgementVersion;
  Json& recording = json["recording"];
  recording["program"] = printable(replayed.opening.program);
  recording["redacted"] = replayed.opening.redacted;
  recording["files"] = replayed.files;
  recording["began"] = format_rfc3339(replayed.began);
  recording["ended"] = format_rfc3339(replayed.ended);
  recording["items"] = replayed.items;
  recording["notes"] = Json::array();
  for (const std::string& note : replayed.notes) recording["notes"].push_back(sentence(note));
  json["timeline"] = Json::array();
  for (const Change& change : replayed.timeline) {
    json["timeline"].push_back(
        {{"at", format_rfc3339(change.at)}, {"finding", finding_json(change.reported)}});
  }
  json["changes_untold"] = replayed.changes_untold;
  json["verdicts"] = Json::parse(findings_document(*replayed.verdicts));
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Outline outline(const Replayed& replayed) {
  // By way of the document, so that both kinds of input are compared in the same words.
  return *parse_outline(judgement_json(replayed));
}

Result<Outline> parse_outline(const std::string& text) {
  try {
    const Json json = Json::parse(text);
    if (json.at("version") != kJudgementVersion) {
      return Error{ErrorCode::malformed, "a judgement of another version"};
    }
    Outline outline;
    for (const Json& change : json.at("timeline")) {
      const Json& finding = change.at("finding");
      outline.findings[finding.at("id")].push_back(
          {change.at("at"), finding.at("state"), finding.at("severity")});
    }
    for (const Json& cluster : json.at("verdicts").at("clusters")) {
      for (const Json& report : cluster.at("detectors")) {
        const std::string detector = report.at("detector");
        outline.detectors[cluster.value("name", "") + ": " + detector] = report.at("state");
      }
    }
    return outline;
  } catch (const Json::exception& fault) {
    return Error{ErrorCode::malformed, fault.what()};
  }
}

std::vector<std::string> differences(const Outline& a, const Outline& b) {
  std::vector<std::string> lines;
  compare_findings(a, b, lines);
  for (const auto& [detector, state] : a.detectors) {
    const auto other = b.detectors.find(detector);
    if (other == b.detectors.end()) {
      lines.push_back("vanished  " + detector + ": was " + state + " at the end");
    } else if (other->second != state) {
      lines.push_back("changed   " + detector + ": was " + state + " at the end, is " +
                      other->second);
    }
  }
  for (const auto& [detector, state] : b.detectors) {
    if (!a.detectors.contains(detector)) {
      lines.push_back("appeared  " + detector + ": " + state + " at the end");
    }
  }
  return lines;
}

}  // namespace doctor
