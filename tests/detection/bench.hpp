// Plays cases and gathers what everybody who watched was worth.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "tests/detection/family.hpp"
#include "tests/detection/product.hpp"
#include "tests/detection/scoring.hpp"

namespace doctor::detection {

struct BenchOptions {
  std::vector<const Family*> families;
  std::uint64_t seed_first{1}, seed_last{20};
  RangeOverrides overrides;
  double widen{0};
  std::size_t nab_files{0};  // loaded; played once each beside the families
  std::size_t traces{0};     // likewise
  unsigned threads{1};
  bool baselines{true};
};

/// How long what was watched, in the units that false alarms are counted by.
struct Exposure {
  double job_weeks{0}, process_weeks{0}, cluster_weeks{0};
  double of(const std::string& detector) const;  // in its own unit
  static std::string_view unit_of(const std::string& detector);
};

struct FamilyTally {
  std::uint64_t cases{0};
  Exposure exposure;
  Tally product;
  double seconds{0};  // of this machine
};

/// A false alarm that can be played again.
struct Culprit {
  std::string family;
  std::uint64_t seed{};
  FalseAlarm alarm;
};
/// A goal nobody reached, likewise.
struct Miss {
  std::string family;
  std::uint64_t seed{};
  std::string goal;
};

struct BenchResult {
  Tally product;
  std::map<std::string, Tally> others;  // baselines and controls, by name
  std::map<std::string, FamilyTally> families;
  Exposure exposure;
  Cost cost;  // of all; series and bytes summed
  double bytes_per_series_max{0};
  std::vector<Culprit> false_alarms;
  std::vector<Miss> misses;
};

BenchResult run_bench(const BenchOptions& options);

}  // namespace doctor::detection
