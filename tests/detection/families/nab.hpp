// Files of the Numenta Anomaly Benchmark (MIT) as the sizes of a job's checkpoints: their labelled
// windows apart, whatever is pushed about them is false; and the windows are what pattern_change,
// which is advice, should find, and nothing else. They hold no leak and no Flink; they are here
// because nobody here drew them.
#pragma once

#include <string>
#include <vector>

#include "model/result.hpp"
#include "tests/detection/family.hpp"

namespace doctor::detection {

/// Reads DIR/windows.json and every file that it names and that is there, or a checkout of the
/// benchmark: DIR/labels/combined_windows.json and DIR/data.
Result<std::size_t> load_nab(const std::string& directory);

/// Seed N plays the N-th file; to be played after load_nab.
extern const Family kNabFamily;

}  // namespace doctor::detection
