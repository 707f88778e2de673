// The table of texts worth recognising in the logs of Flink's processes, and who wrote a file.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "collectors/logs/needles.hpp"
#include "model/finding.hpp"

namespace doctor {

enum class LogProcess { unknown, jobmanager, taskmanager };
std::string_view to_string(LogProcess process);

/// Told by the path, its last telling part first: "flink-root-taskexecutor-0-host.log",
/// "/var/log/pods/orders-taskmanager-1-1/main/0.log".
LogProcess process_of(std::string_view path);

/// One row of patterns.inc.
struct LogPattern {
  std::string_view identifier;
  Severity severity;
  LogProcess process;  // unknown: any may say it
  std::string_view needle;
  std::string_view also;  // empty: nothing else is needed
  int since, until;       // 116 = Flink 1.16; 0 = no bound known
  std::string_view source;
  std::string_view title;  // for people
};

/// All rows; wordings of one identifier stand together.
std::span<const LogPattern> log_patterns();
/// Null for an identifier of none of ours.
const LogPattern* find_log_pattern(std::string_view identifier);

/// By index of the first row of an identifier, so that wordings of one thing are one.
using LogMatches = Needles::Found;

/// The table, ready to be searched for. Immutable; any thread may use it.
class LogMatcher {
 public:
  /// One for all, and for as long as anybody holds it: threads that read logs are not waited for.
  static std::shared_ptr<const LogMatcher> shared();

  LogMatches find(std::string_view line, LogProcess writer) const;

 private:
  struct Row {
    std::size_t needle{}, also{};  // indexes of needles
    std::size_t match{};           // index of the identifier's first row
    LogProcess process{};
  };
  struct Plan {
    std::vector<std::string_view> needles;
    std::vector<Row> rows;
  };
  LogMatcher() : LogMatcher(plan()) {}
  explicit LogMatcher(const Plan& plan) : needles_(plan.needles), rows_(plan.rows) {}
  static Plan plan();

  Needles needles_;
  std::vector<Row> rows_;
};

}  // namespace doctor
