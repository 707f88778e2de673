// Catching up: what the journal knows beyond an image of features, so that a crash costs the
// seconds of one commit and not the time since the last image, and a restart no minutes of looking
// at tasks before they can be judged again.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "agent/history/features.hpp"
#include "agent/history/history_row.hpp"
#include "agent/history/state_file.hpp"

namespace doctor {

/// How far back the journal is read at start: what the features of tasks remember, and more.
inline constexpr DurationMs kTailMs = 10 * kMinuteMs;

/// The newest rows of the journal, in order of seq, each once.
struct Tail {
  struct Source {
    std::string cluster;
    SourceId number{};
    std::vector<std::string> names;  // by column
  };
  struct Row {
    std::int64_t seq{};
    TimestampMs at{};
    std::shared_ptr<const Source> source;
    std::vector<double> values;
  };
  std::vector<Row> rows;
  std::int64_t last_seq{0};           // of everything in the directory
  std::vector<std::string> problems;  // what could not be read, one line each
};

/// Of the last ten minutes before the newest row. Fails for a directory that a newer version has
/// written.
Result<Tail> read_tail(const std::string& directory);

/// The image as if it had been made after the last row of the tail. The same image when nothing
/// came after it.
std::string catch_up(const Image& image, const std::string& cluster, const Tail& tail,
                     const FeaturePlan& plan, const Limits& limits);

/// What no image keeps: the samples of vertices and their tasks within kTailMs before `now`, as the
/// batches of a store that knows the past.
std::vector<Batch> samples_of_tasks(const std::string& cluster, const Tail& tail, TimestampMs now,
                                    EntityTable& entities);

}  // namespace doctor
