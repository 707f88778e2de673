#include "agent/delivery/log_series.hpp"

#include <map>
#include <string>
#include <utility>

#include "collectors/logs/patterns.hpp"

namespace doctor {

void add_log_series(Families& families, const ClusterView& cluster) {
  std::map<std::pair<std::string, std::string>, std::uint64_t> counts;  // (pattern, process)
  for (const SourceHealth& source : cluster.sources) {
    if (!source.logs) continue;
    for (const std::string& process : source.logs->processes) {
      for (const LogPattern& pattern : log_patterns()) {
        counts.try_emplace({std::string(pattern.identifier), process}, 0);
      }
    }
    const LabelSet labels{{"cluster", cluster.name}, {"source", source.address}};
    families.add(Kind::gauge, "flink_doctor_log_files", "Log files that are followed", labels,
                 static_cast<double>(source.logs->files));
    families.add(Kind::counter, "flink_doctor_log_lines_total", "Lines of log files searched",
                 labels, static_cast<double>(source.logs->lines));
    families.add(Kind::counter, "flink_doctor_log_cut_lines_total",
                 "Lines of log files of which only the beginning was searched", labels,
                 static_cast<double>(source.logs->lines_cut));
    families.add(Kind::counter, "flink_doctor_log_skipped_bytes_total",
                 "Bytes of log files not read, since a file grew faster than the budget", labels,
                 static_cast<double>(source.logs->bytes_skipped));
  }
  for (const LogTally& tally : cluster.logs) {
    counts[{tally.pattern, tally.process}] += tally.count;
  }
  for (const auto& [key, count] : counts) {
    families.add(Kind::counter, "flink_doctor_log_matches_total",
                 "Log entries with a known text, written while the agent watched",
                 {{"cluster", cluster.name}, {"pattern", key.first}, {"process", key.second}},
                 static_cast<double>(count));
  }
}

}  // namespace doctor
