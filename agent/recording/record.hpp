// Records: what a recording is made of, in order. A file begins with one Opening, then what the
// judges remembered, then entities and items as they came.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "agent/judge.hpp"
#include "model/entity.hpp"
#include "model/stream.hpp"

namespace doctor {

struct Opening {
  std::uint64_t recording{};  // the same in all files of one run
  std::uint64_t segment{};    // counts these files, from 0
  std::string program;        // version of the agent
  TimestampMs at{};
  bool redacted{false};
  std::uint64_t lost{};               // items that never reached the disk, since the file before
  std::vector<JudgeConfig> clusters;  // by ClusterIndex
  std::vector<std::string> exported;  // names of metrics kept beyond what detectors read
  std::uint64_t series_max{};         // that all judges kept together at most; 0: no limit
};

/// What an earlier life of the agent, or of the recording, had learned of one cluster: images as
/// agent/history/image.hpp makes them; empty is nothing.
struct Memory {
  ClusterIndex cluster{};
  TimestampMs at{};
  std::string findings_image;
  std::string features_image;
};

/// A node of a cluster's table of entities, before the first item that speaks of it.
struct EntityMade {
  ClusterIndex cluster{};
  EntityId id{kNoEntity};
  Level level{};
  EntityId parent{kNoEntity};
  std::uint32_t index{};
  std::string name;
};

/// An item that came in an earlier file and still holds when this one begins: who reads both files
/// leaves it out.
struct Standing {
  StreamItem item;
};

using Record = std::variant<Opening, Memory, EntityMade, Standing, StreamItem>;

}  // namespace doctor
