// The capability matrix: what each detector can do with which sources, derived from what it
// declares that it reads. Facts (jobs, checkpoints, exceptions, placement, configuration) come from
// the REST interface, which is always there.
#pragma once

#include <array>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "model/detector.hpp"
#include "model/facts.hpp"

namespace doctor {

enum class Capability {
  judges,    // has all it reads
  suspects,  // has what it needs; without the rest some of its verdicts stay suspicions
  blind      // lacks what it needs
};
std::string_view to_string(Capability capability);

/// REST, and one more. The order of the matrix' columns.
enum class Sources { rest, reporters, probe, kubernetes, logs };
inline constexpr std::array kSources{Sources::rest, Sources::reporters, Sources::probe,
                                     Sources::kubernetes, Sources::logs};

Capability capability(const Detector& detector, Sources sources);

/// What the detector reads and these sources do not tell of such a Flink, although others would.
/// What Flink and the kernel both tell is not missing where one of them does.
std::vector<Metric> unseen(const Detector& detector, const std::set<Sources>& sources,
                           const std::optional<FlinkVersion>& version);
/// Whether it is told there, beside what REST tells.
bool tells(Sources sources, Metric metric);

/// A Markdown table, a detector a row, as in the README.
std::string capability_matrix();

}  // namespace doctor
