#include "tests/scenarios/parser.hpp"

#include <algorithm>
#include <utility>

#include "tests/scenarios/expectation.hpp"
#include "tests/scenarios/expression.hpp"
#include "tests/scenarios/lines.hpp"

namespace doctor::scenario {
namespace {

void parse_at(Words& words, Case& scenario) {
  const DurationMs at = words.duration_word("a time");
  const std::string what = words.word("job, checkpoint or fault");
  if (what == "job") {
    parse_state_change(words, at, scenario);
  } else if (what == "checkpoint") {
    parse_checkpoint(words, at, scenario);
  } else if (what == "fault") {
    parse_fault(words, at, scenario);
  } else {
    words.fail("\"at\" knows job, checkpoint and fault, not \"" + what + "\"");
  }
}

void parse_series(Words& words, int number, Case& scenario) {
  SeriesLine line;
  line.line = number;
  const std::string text = words.word("a metric");
  const std::optional<Labelled> labelled = parse_labelled(text);
  const auto& catalogue = metric_catalogue();
  const auto known = std::find_if(catalogue.begin(), catalogue.end(), [&](const MetricInfo& about) {
    return labelled && about.name == labelled->name;
  });
  if (known == catalogue.end()) return words.fail("\"" + text + "\" is not a metric");
  line.metric = known->metric;
  for (const auto& [label, value] : labelled->labels) {
    if (label == "process")
      line.process = value;
    else if (label == "job")
      line.job = value;
    else if (label == "vertex")
      line.vertex = value;
    else if (label == "operator")
      line.operator_ = value;
    else if (label == "column_family")
      line.column_family = value;
    else if (label == "collector")
      line.collector = value;
    else if (label == "subtask" && value == "*")
      line.subtask.reset();
    else if (label == "subtask" && parse_number(value))
      line.subtask = static_cast<int>(*parse_number(value));
    else
      words.fail("a series has no label " + label + "=\"" + value + "\"");
  }
  const Level level = known->level;
  if (level == Level::split || level == Level::job_process || level == Level::directory)
    words.fail("cannot be drawn yet");
  const bool of_cluster = level == Level::cluster;
  const bool of_process = level == Level::process || level == Level::collector;
  if (of_process && line.process.empty()) words.fail("needs {process=…}");
  if (!of_cluster && !of_process && line.job.empty()) words.fail("needs {job=…}");
  if (!of_cluster && !of_process && level != Level::job && line.vertex.empty())
    words.fail("needs {vertex=…}");
  if (level == Level::collector && line.collector.empty()) words.fail("needs {collector=…}");
  if (level == Level::column_family && line.column_family.empty()) {
    words.fail("needs {column_family=…}");
  }
  line.values = parse_expression(words, scenario.every);
  scenario.series.push_back(std::move(line));
}

void parse_line(const std::string& verb, const std::string& text, Words& words, int number,
                Case& scenario) {
  if (verb == "every") {
    if (!scenario.series.empty()) words.fail("every must come before the series");
    scenario.every = words.duration_word("a period");
    if (scenario.every < kSecondMs) words.fail("every must be 1s at least");
  } else if (verb == "for") {
    scenario.length = words.duration_word("a duration");
  } else if (verb == "cluster") {
    parse_cluster(words, scenario);
  } else if (verb == "option") {
    const std::string key = words.word("a key");
    scenario.options[key] = words.word("a value");
  } else if (verb == "jobmanager") {
    scenario.job_manager_metaspace = words.number("metaspace_limit");
  } else if (verb == "taskmanager") {
    parse_task_manager(words, scenario);
  } else if (verb == "job") {
    scenario.jobs.push_back(parse_job_options(words, words.word("the job's name")));
  } else if (verb == "submit") {
    parse_submit(words, scenario);
  } else if (verb == "at") {
    parse_at(words, scenario);
  } else if (verb == "checkpoint") {
    parse_checkpoint(words, std::nullopt, scenario);
  } else if (verb == "fault") {
    parse_fault(words, std::nullopt, scenario);
  } else if (verb == "reporter") {
    const std::string process = words.word("a process");
    scenario.reporters.push_back({process, interval(words)});
  } else if (verb == "series") {
    parse_series(words, number, scenario);
  } else if (verb == "expect") {
    Expectation expectation = parse_expectation(words);
    expectation.line = number;
    expectation.text = text;
    scenario.expectations.push_back(std::move(expectation));
  } else {
    words.fail("\"" + verb + "\" is not the beginning of a line");
  }
}

/// A line that names nobody would silently test nothing.
class References {
 public:
  References(const Case& scenario, std::vector<std::string>& errors)
      : scenario_(scenario), errors_(errors) {}

  void check() {
    if (scenario_.expectations.empty()) complain(scenario_.line, "expects nothing");
    for (const JobLine& job : scenario_.jobs) {
      for (const std::string& name : job.on) process(scenario_.line, name);
    }
    for (const auto& line : scenario_.checkpoints) job(scenario_.line, line.job);
    for (const auto& line : scenario_.faults) job(scenario_.line, line.job);
    for (const auto& line : scenario_.changes) job(scenario_.line, line.job);
    for (const auto& line : scenario_.reporters) process(scenario_.line, line.process);
    for (const SeriesLine& line : scenario_.series) series(line);
    for (const Expectation& line : scenario_.expectations) {
      if (line.what != Expected::none && line.at > scenario_.length) {
        complain(line.line, "expects something after the end of the case");
      }
    }
  }

 private:
  void series(const SeriesLine& line) {
    if (!line.process.empty()) process(line.line, line.process);
    if (line.job.empty()) return;
    const JobLine* of = job(line.line, line.job);
    if (of == nullptr || line.vertex.empty()) return;
    if (std::find(of->vertices.begin(), of->vertices.end(), line.vertex) == of->vertices.end()) {
      complain(line.line, "job \"" + line.job + "\" has no vertex \"" + line.vertex + "\"");
    }
  }
  void process(int line, const std::string& name) {
    const auto& all = scenario_.task_managers;
    const bool known = name == "jobmanager" ||
                       std::any_of(all.begin(), all.end(),
                                   [&](const TaskManagerLine& tm) { return tm.name == name; });
    if (!known) complain(line, "there is no taskmanager \"" + name + "\"");
  }
  const JobLine* job(int line, const std::string& name) {
    const auto& all = scenario_.jobs;
    const auto known = std::find_if(all.begin(), all.end(),
                                    [&](const JobLine& other) { return other.name == name; });
    if (known != all.end()) return &*known;
    complain(line, "there is no job \"" + name + "\"");
    return nullptr;
  }
  void complain(int line, const std::string& what) {
    errors_.push_back(scenario_.file + ":" + std::to_string(line) + ": case " + scenario_.name +
                      " " + what);
  }

  const Case& scenario_;
  std::vector<std::string>& errors_;
};

}  // namespace

Parsed parse(std::string_view text, const std::string& file) {
  Parsed parsed;
  int number = 0;
  while (!text.empty()) {
    ++number;
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    Words words(line);
    text.remove_prefix(std::min(text.size(), end + 1));
    if (words.empty() && words.error().empty()) continue;
    const std::string verb = words.has_word() ? words.word("") : "";
    if (verb == "case") {
      Case& fresh = parsed.cases.emplace_back();
      fresh.file = file;
      fresh.line = number;
      fresh.name = words.word("the case's name");
    } else if (parsed.cases.empty()) {
      words.fail("expected \"case NAME\" first");
    } else {
      parse_line(verb, std::string(line), words, number, parsed.cases.back());
    }
    words.finish();
    if (words.error().empty()) continue;
    parsed.errors.push_back(file + ":" + std::to_string(number) + ": " + words.error());
  }
  for (const Case& scenario : parsed.cases) References(scenario, parsed.errors).check();
  if (parsed.cases.empty()) parsed.errors.push_back(file + ":1: holds no case");
  return parsed;
}

}  // namespace doctor::scenario
