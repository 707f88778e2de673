// Timeline: what became of findings, judgement by judgement.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/judge.hpp"

namespace doctor {

/// A finding that began, fired, got worse or better, or ended, as it was then.
struct Change {
  TimestampMs at{};
  ReportedFinding reported;
};

class Timeline {
 public:
  /// What changed before `from` is noted and not told.
  explicit Timeline(std::optional<TimestampMs> from) : from_(from) {}

  /// After a judgement.
  void note(const Judge& judge, TimestampMs at);

  std::vector<Change> take() { return std::move(changes_); }  // by time, then by id
  std::uint64_t untold() const { return untold_; }            // beyond the cap

 private:
  struct Seen {
    FindingState state;
    Severity severity;
    Confidence confidence;
    bool operator==(const Seen&) const = default;
  };

  std::optional<TimestampMs> from_;
  std::map<std::string, Seen> seen_;  // by id
  std::vector<Change> changes_;
  std::uint64_t untold_{0};
};

}  // namespace doctor
