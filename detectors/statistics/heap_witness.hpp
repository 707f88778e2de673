// Does a rising floor show a leak, or garbage that no collection has looked at yet? A floor counts
// what young collections left behind, and a collector that is in no hurry lets garbage lie in the
// old generation for days: then a healthy heap draws the same line as a leak.
#pragma once

#include <optional>
#include <vector>

#include "detectors/statistics/heap_process.hpp"
#include "detectors/statistics/trend.hpp"

namespace doctor {

enum class HeapWitness {
  none,
  collections,    // what collections left rises too
  level,          // so full that the old generation must have been collected
  unprecedented,  // nothing like it in a long quiet past: garbage would have piled up then too
};

struct HeapWitnessRules {
  double p_max{};                // exact Mann-Kendall over the troughs
  double level_ratio{};          // of the limit
  double unprecedented_ratio{};  // rise as a multiple of the range before
};

struct HeapTestimony {
  HeapWitness witness{HeapWitness::none};
  std::vector<double> troughs;  // levels after collections, oldest first
  double full_collections{};    // counted by the JVM within the window
  RisingTest rising;            // of the troughs
  /// It has risen since the JVM was first seen: then a cache that fills draws the same line.
  bool since_start{false};
};

HeapTestimony testify(const HeapProcess& process, const FloorGrowth& growth,
                      const HeapWitnessRules& rules);

}  // namespace doctor
