#include "tests/scenarios/expectation.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "model/text.hpp"

namespace doctor::scenario {
namespace {

std::optional<Severity> severity_named(std::string_view text) {
  for (const Severity severity : {Severity::info, Severity::warning, Severity::critical}) {
    if (text == to_string(severity)) return severity;
  }
  return std::nullopt;
}

std::optional<Confidence> confidence_named(std::string_view text) {
  for (const Confidence confidence :
       {Confidence::suspected, Confidence::confirmed, Confidence::imminent}) {
    if (text == to_string(confidence)) return confidence;
  }
  return std::nullopt;
}

std::optional<DetectorState> state_named(std::string_view text) {
  for (const DetectorState state :
       {DetectorState::ok, DetectorState::firing, DetectorState::learning, DetectorState::blind}) {
    if (text == to_string(state)) return state;
  }
  return std::nullopt;
}

void parse_detector(Words& words, Expectation& expected) {
  const std::string text = words.word("a detector");
  const std::optional<Labelled> labelled = parse_labelled(text);
  if (!labelled) return words.fail("\"" + text + "\" is not DETECTOR{label=\"value\"}");
  expected.detector = labelled->name;
  expected.labels = labelled->labels;
  for (const auto& [label, value] : expected.labels) {
    static constexpr std::array<std::string_view, 9> kLabels{
        "job", "vertex", "operator", "subtask", "host", "process", "tm", "cluster", "namespace"};
    if (std::find(kLabels.begin(), kLabels.end(), label) == kLabels.end()) {
      words.fail("a finding has no label \"" + label + "\"");
    }
  }
}

/// Severity, confidence and state of a finding, in any order.
void parse_qualities(Words& words, Expectation& expected) {
  while (words.has_word()) {
    const std::string text = words.word("");
    if (const auto severity = severity_named(text)) {
      expected.severity = severity;
    } else if (const auto confidence = confidence_named(text)) {
      expected.confidence = confidence;
    } else if (text == "pending") {
      expected.finding_state = FindingState::pending;
    } else if (text == "resolved") {
      expected.finding_state = FindingState::resolved;
    } else {
      words.fail("\"" + text + "\" is not a severity, confidence or state");
    }
  }
}

void parse_none(Words& words, Expectation& expected) {
  expected.what = Expected::none;
  if (const auto at = words.duration_after("at")) expected.range = {*at, *at + 1};
  if (const auto after = words.duration_after("after")) expected.range.from = *after;
  if (const auto before = words.duration_after("before")) expected.range.to = *before;
  const std::string next = words.peek();
  const bool is_quality = severity_named(next) || confidence_named(next) || next == "pending";
  if (!next.empty() && !is_quality) parse_detector(words, expected);
  parse_qualities(words, expected);
}

std::string subject_label(const Subject& subject, const std::string& label) {
  if (label == "job") return subject.job_name;
  if (label == "vertex") return subject.vertex;
  if (label == "operator") return subject.operator_;
  if (label == "subtask") return subject.subtask ? std::to_string(*subject.subtask) : "";
  if (label == "host") return subject.host;
  if (label == "process") return subject.process;
  if (label == "tm") return subject.task_manager;
  if (label == "cluster") return subject.cluster;
  return subject.namespace_;
}

/// Everything a person would read of it.
std::string words_of(const Finding& finding) {
  std::string text = finding.summary;
  for (const Evidence& evidence : finding.evidence) text += "\n" + evidence.sentence;
  for (const Remedy& remedy : finding.remedy) text += "\n" + remedy.sentence;
  return text + "\n" + finding.next_test;
}

bool matches_text(const Expectation& expected, const Finding& finding) {
  for (const auto& [key, text] : expected.with) {
    const std::string& value = text;  // clang 14 lets no lambda see a structured binding
    if (key == "says" && words_of(finding).find(value) == std::string::npos) return false;
    if (key == "explained_by" && !finding.explained_by.starts_with(value)) return false;
    const auto is_option = [&](const Remedy& remedy) { return remedy.option == value; };
    if (key == "remedy" && std::none_of(finding.remedy.begin(), finding.remedy.end(), is_option)) {
      return false;
    }
  }
  return true;
}

bool is_about(const Expectation& expected, const Finding& finding) {
  if (!expected.detector.empty() && finding.detector != expected.detector) return false;
  return std::all_of(expected.labels.begin(), expected.labels.end(), [&](const auto& label) {
    return subject_label(finding.subject, label.first) == label.second;
  });
}

bool is_expected(const Expectation& expected, const ReportedFinding& reported) {
  const Finding& finding = reported.finding;
  return reported.state == expected.finding_state && is_about(expected, finding) &&
         (!expected.severity || finding.severity == *expected.severity) &&
         (!expected.confidence || finding.confidence == *expected.confidence) &&
         matches_text(expected, finding);
}

bool is_forbidden(const Expectation& expected, const ReportedFinding& reported) {
  const bool stands =
      reported.state == FindingState::firing ||
      (reported.state == FindingState::pending && expected.finding_state == FindingState::pending);
  return stands && is_about(expected, reported.finding) &&
         reported.finding.severity >= expected.severity.value_or(Severity::info) &&
         (!expected.confidence || reported.finding.confidence >= *expected.confidence);
}

const DetectorReport* report_of(const Observation& seen, const std::string& detector) {
  const auto found =
      std::find_if(seen.detectors.begin(), seen.detectors.end(),
                   [&](const DetectorReport& report) { return report.detector == detector; });
  return found == seen.detectors.end() ? nullptr : &*found;
}

std::string describe(const ReportedFinding& reported) {
  const Finding& finding = reported.finding;
  std::string text = "    " + std::string(to_string(reported.state)) + " " +
                     std::string(to_string(finding.severity)) + " " +
                     std::string(to_string(finding.confidence)) + " " + finding.id() + ": " +
                     finding.summary;
  for (const Evidence& evidence : finding.evidence) text += "\n        - " + evidence.sentence;
  if (!finding.explained_by.empty()) text += "\n        explained by " + finding.explained_by;
  return text + "\n";
}

std::string describe(const Observation& seen) {
  std::string text = "  at " + format_duration_ms(static_cast<double>(seen.at)) + " there were " +
                     std::to_string(seen.findings.size()) + " findings\n";
  for (const ReportedFinding& reported : seen.findings) text += describe(reported);
  for (const DetectorReport& report : seen.detectors) {
    text += "    " + report.detector + " is " + std::string(to_string(report.state));
    text += report.why.empty() ? "\n" : " (" + report.why + ")\n";
  }
  return text;
}

}  // namespace

Expectation parse_expectation(Words& words) {
  Expectation expected;
  for (const char* key : {"says", "why", "remedy", "explained_by"}) {
    if (auto text = words.option(key)) expected.with[key] = std::move(*text);
  }
  const std::string first = words.word("at, by, none or a state");
  if (first == "none") {
    parse_none(words, expected);
  } else if (const auto state = state_named(first)) {
    expected.what = Expected::state;
    expected.state = *state;
    const auto at = words.duration_after("at");
    if (!at) words.fail("needs \"at TIME\"");
    expected.at = at.value_or(0);
    parse_detector(words, expected);
  } else if (first == "at" || first == "by") {
    expected.what = first == "at" ? Expected::finding : Expected::finding_by;
    expected.at = words.duration_word("a time");
    parse_detector(words, expected);
    parse_qualities(words, expected);
  } else {
    words.fail("expected at, by, none, ok, firing, learning or blind");
  }
  if (expected.what != Expected::state && expected.with.contains("why")) {
    words.fail("why= belongs to states; says= to findings");
  }
  return expected;
}

Checker::Checker(const Case& scenario) : scenario_(scenario) {
  for (const Expectation& expectation : scenario.expectations) open_.push_back({&expectation});
}

void Checker::observe(const Observation& seen) {
  for (Open& open : open_) {
    if (!open.done) check(open, seen);
  }
}

void Checker::check(Open& open, const Observation& seen) {
  const Expectation& expected = *open.expectation;
  const auto& all = seen.findings;
  if (expected.what == Expected::none) {
    const bool once = expected.range.to == expected.range.from + 1;  // at the first tick from then
    if (seen.at < expected.range.from || (!once && seen.at >= expected.range.to)) return;
    open.looked = true;
    open.done = once;
    const auto bad = std::find_if(all.begin(), all.end(), [&](const ReportedFinding& reported) {
      return is_forbidden(expected, reported);
    });
    if (bad != all.end()) fail(open, seen, "but there is " + bad->finding.id());
    return;
  }
  if (expected.what == Expected::state) {
    if (seen.at < expected.at) return;
    const DetectorReport* report = report_of(seen, expected.detector);
    const auto why = expected.with.find("why");
    const bool met =
        report != nullptr && report->state == expected.state &&
        (why == expected.with.end() || report->why.find(why->second) != std::string::npos);
    if (!met) fail(open, seen, "but it is not so");
    open.done = true;
    return;
  }
  const bool due = seen.at >= expected.at;
  if (expected.what == Expected::finding && !due) return;
  const bool met = std::any_of(all.begin(), all.end(), [&](const ReportedFinding& reported) {
    return is_expected(expected, reported);
  });
  if (!met && due) fail(open, seen, "but no finding is like that");
  open.done = met || due;
}

void Checker::finish() {
  for (Open& open : open_) {
    const Expected what = open.expectation->what;
    if (open.done || (what == Expected::none && open.looked)) continue;
    fail(open, {scenario_.length, {}, {}}, "but the case ended before that could be seen");
  }
}

void Checker::fail(Open& open, const Observation& seen, const std::string& found) {
  failures_.push_back(scenario_.file + ":" + std::to_string(open.expectation->line) + ": case " +
                      scenario_.name + "\n  expected " + open.expectation->text + "\n  " + found +
                      "\n" + describe(seen));
  open.done = true;
}

}  // namespace doctor::scenario
