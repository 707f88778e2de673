#include "collectors/logs/patterns.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace doctor {
namespace {

// The table says "any" where the type says that no process is known.
constexpr LogProcess any = LogProcess::unknown;
constexpr LogProcess jobmanager = LogProcess::jobmanager;
constexpr LogProcess taskmanager = LogProcess::taskmanager;

constexpr auto kRows = std::to_array<LogPattern>({
#define P(identifier, severity, process, needle, also, since, until, source, title) \
  {#identifier, Severity::severity, process, needle, also, since, until, source, title},
#include "collectors/logs/patterns.inc"
#undef P
});
constexpr std::size_t kNoNeedle = Needles::kMax;

LogProcess process_of_part(std::string_view name) {
  constexpr auto kWords = std::to_array<std::pair<std::string_view, LogProcess>>({
      {"taskexecutor", taskmanager},
      {"taskmanager", taskmanager},
      {"standalonesession", jobmanager},
      {"standalonejob", jobmanager},
      {"kubernetes-session", jobmanager},
      {"kubernetes-application", jobmanager},
      {"jobmanager", jobmanager},
  });
  for (const auto& [word, process] : kWords) {
    if (name.find(word) != std::string_view::npos) return process;
  }
  return LogProcess::unknown;
}

}  // namespace

std::string_view to_string(LogProcess process) {
  switch (process) {
    case LogProcess::unknown:
      return "unknown";
    case LogProcess::jobmanager:
      return "jobmanager";
    case LogProcess::taskmanager:
      return "taskmanager";
  }
  return "unknown";
}

LogProcess process_of(std::string_view path) {
  while (!path.empty()) {
    const std::size_t slash = path.rfind('/');
    const std::size_t begin = slash == std::string_view::npos ? 0 : slash + 1;
    const LogProcess process = process_of_part(path.substr(begin));
    if (process != LogProcess::unknown || slash == std::string_view::npos) return process;
    path = path.substr(0, slash);
  }
  return LogProcess::unknown;
}

std::span<const LogPattern> log_patterns() { return kRows; }

const LogPattern* find_log_pattern(std::string_view identifier) {
  const auto row = std::find_if(kRows.begin(), kRows.end(), [&](const LogPattern& pattern) {
    return pattern.identifier == identifier;
  });
  return row == kRows.end() ? nullptr : &*row;
}

std::shared_ptr<const LogMatcher> LogMatcher::shared() {
  static const std::shared_ptr<const LogMatcher> matcher(new LogMatcher);
  return matcher;
}

LogMatcher::Plan LogMatcher::plan() {
  Plan plan;
  const auto index_of = [&](std::string_view text) {
    if (text.empty()) return kNoNeedle;
    const auto known = std::find(plan.needles.begin(), plan.needles.end(), text);
    if (known != plan.needles.end()) return static_cast<std::size_t>(known - plan.needles.begin());
    plan.needles.push_back(text);
    return plan.needles.size() - 1;
  };
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    const LogPattern& row = kRows[i];
    const bool wording = i > 0 && kRows[i - 1].identifier == row.identifier;
    const std::size_t match = wording ? plan.rows[i - 1].match : i;
    plan.rows.push_back({index_of(row.needle), index_of(row.also), match, row.process});
  }
  return plan;
}

LogMatches LogMatcher::find(std::string_view line, LogProcess writer) const {
  LogMatches matches;
  const Needles::Found found = needles_.find(line);
  if (found.none()) return matches;
  for (const Row& row : rows_) {
    const bool said_by_others = row.process != any && writer != any && row.process != writer;
    if (said_by_others || !found[row.needle]) continue;
    if (row.also == kNoNeedle || found[row.also]) matches.set(row.match);
  }
  return matches;
}

}  // namespace doctor
