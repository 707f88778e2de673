// Which metrics of reporters to keep: compiled once from what detectors read and what is
// re-exported, asked once per family.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/metric.hpp"

namespace doctor {

/// Lets maps keyed by std::string be asked with a std::string_view.
struct StringHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>{}(text);
  }
};

/// How reporters may call a metric, '*' standing for a collector or column family.
std::vector<std::string> reporter_families(Metric metric);

class Selection {
 public:
  explicit Selection(std::vector<Metric> metrics);
  struct Match {
    Metric metric;
    std::string_view star;  // what '*' stood for: collector or column family; views into `family`
  };
  /// `family` as exposed ("flink_taskmanager_job_task_numRecordsIn"). The pseudo-collector "All"
  /// (Flink ≥ 1.19), the sum of the others, never matches: sums over collectors would count twice.
  std::optional<Match> match(std::string_view family) const;
  /// Of a summary the reporters write a series for each quantile: which metric a series of the
  /// family is that matched. Nothing when that one is not wanted.
  std::optional<Metric> of_series(Metric matched, std::string_view quantile) const;
  bool contains(Metric metric) const;
  std::vector<Metric> metrics() const;

 private:
  struct Pattern {
    std::string prefix, suffix;
    Metric metric;
  };
  void add(Metric metric, std::string_view family);

  std::vector<bool> selected_;                                                  // by metric
  std::unordered_map<std::string, Metric, StringHash, std::equal_to<>> exact_;  // by family
  std::unordered_map<Metric, std::vector<Metric>>
      others_;  // of the same family, by the matching one
  std::unordered_map<std::uint32_t, std::vector<Pattern>> patterns_;  // by how suffixes end
};

}  // namespace doctor
