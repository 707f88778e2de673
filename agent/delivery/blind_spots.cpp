#include "agent/delivery/blind_spots.hpp"

#include <algorithm>
#include <cctype>
#include <optional>
#include <set>
#include <utility>

#include "detectors/advice.hpp"
#include "detectors/kernel_sight.hpp"
#include "detectors/registry.hpp"

namespace doctor {
namespace {

std::optional<Sources> column_of(const SourceHealth& source) {
  switch (source.kind) {
    case SourceKind::reporter:
      // A JobManager's alone tells nothing of tasks.
      if (source.role == "jobmanager") return std::nullopt;
      return Sources::reporters;
    case SourceKind::probe:
      return Sources::probe;
    case SourceKind::containers:
      return Sources::kubernetes;
    case SourceKind::logs:
      return Sources::logs;
    case SourceKind::rest:
    case SourceKind::kubernetes:
      return std::nullopt;
  }
  return std::nullopt;
}

/// Those that answer.
std::set<Sources> columns_of(const ClusterView& cluster) {
  std::set<Sources> columns;
  for (const SourceHealth& source : cluster.sources) {
    const std::optional<Sources> column = column_of(source);
    if (column && source.up) columns.insert(*column);
  }
  return columns;
}

bool rest_answers(const ClusterView& cluster) {
  return std::any_of(
      cluster.sources.begin(), cluster.sources.end(),
      [](const SourceHealth& source) { return source.kind == SourceKind::rest && source.up; });
}

/// The catalogue's words for it, up to what they say of special values.
std::string noun_of(Metric metric) {
  std::string text(info(metric).help.substr(0, info(metric).help.find(';')));
  if (!text.empty()) {
    text.front() = static_cast<char>(std::tolower(static_cast<unsigned char>(text.front())));
  }
  return text;
}

void add_lines(std::vector<std::string>& lines, std::vector<std::string> more) {
  for (std::string& line : more) {
    if (std::find(lines.begin(), lines.end(), line) == lines.end())
      lines.push_back(std::move(line));
  }
}

BlindSpot spot_of(const ClusterView& cluster, const DetectorReport& report,
                  const std::set<Sources>& columns) {
  BlindSpot spot{report.detector, Capability::judges, "", report.enable};
  const Detector* detector = find_detector(report.detector);
  const std::vector<Metric> missing =
      detector == nullptr ? std::vector<Metric>{} : unseen(*detector, columns, cluster.version);
  for (const Metric metric : missing) {
    spot.unseen += (spot.unseen.empty() ? "" : ", ") + noun_of(metric);
    add_lines(spot.enable, tells(Sources::reporters, metric)
                               ? lines_not_set(cluster.facts.get(), reporter_lines())
                               : probe_lines(cluster.sources));
  }
  if (!missing.empty()) spot.capability = Capability::suspects;
  if (report.state == DetectorState::blind) {
    spot.capability = Capability::blind;
    spot.unseen.clear();
  }
  return spot;
}

}  // namespace

std::vector<BlindSpot> blind_spots(const ClusterView& cluster) {
  std::vector<BlindSpot> spots;
  if (!rest_answers(cluster)) return spots;
  const std::set<Sources> columns = columns_of(cluster);
  for (const DetectorReport& report : cluster.detectors) {
    BlindSpot spot = spot_of(cluster, report, columns);
    const bool sees_all = spot.capability == Capability::judges && spot.enable.empty();
    if (!sees_all) spots.push_back(std::move(spot));
  }
  return spots;
}

bool is_for_us(const std::string& line) {
  return line.starts_with("--") || line.starts_with("clusters[]");
}

}  // namespace doctor
