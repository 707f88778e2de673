// The command line of doctor_detection.
#pragma once

#include <span>
#include <string>

#include "model/result.hpp"
#include "tests/detection/bench.hpp"

namespace doctor::detection {

inline constexpr const char* kUsage =
    R"(doctor_detection [OPTION...]: how well the detectors judge, on clusters that were drawn

  --seeds A-B            seeds to play (1-40); 1-999 are for development
  --families F,F,…       only these (all); "" for none
  --ranges FILE          ranges to draw from, {"family": {"range": [low, high]}}
  --set F.R=LOW:HIGH     one range; repeatable
  --widen PERCENT        stretches every range that is not set by so much (0)
  --task-managers N      of the simulated whole cluster
  --jobs N               of the simulated whole cluster
  --nab DIR              also the files of the Numenta Anomaly Benchmark there
  --traces DIR           also the real JVMs recorded there
  --short                a tenth: seeds 1-4, a small cluster; with --baseline the gate of CI
  --baseline FILE        fails when macro-F1 fell by .01 or false alarms rose by 20 %
  --write-baseline FILE  writes that file
  --without-baselines    the product and the controls only
  --threads N            (as many as there are cores)
  --format text|json
  --print-ranges         what is drawn from, and ends
)";

struct Options {
  BenchOptions bench;
  std::string baseline, write_baseline;
  bool json{false};
  bool print_ranges{false};
  bool help{false};
};

Result<Options> parse_options(std::span<const char* const> arguments);

}  // namespace doctor::detection
