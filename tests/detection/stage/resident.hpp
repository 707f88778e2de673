// What of a process is resident, part by part: heap, caches and buffers that are touched for the
// first time within hours and then stay, malloc's arenas that settle after every restart, what
// leaks; with the budgets that Flink and the JVM tell beside it.
#pragma once

#include "tests/detection/stage/cluster.hpp"

namespace doctor::detection {

/// Bytes, but for shares and times.
struct ResidentSpec {
  double heap{}, managed{};
  double nonheap{180e6}, direct{350e6};
  double native{};          // stacks, the collector, libraries
  double arenas{};          // by which malloc's arenas settle
  double overhead_share{};  // of all budgets, left to the container's limit
  double fill_ms{};         // until heap and managed memory are touched
  double noise{};
};

class Resident {
 public:
  Resident(const ResidentSpec& spec, Random noise, TimestampMs start)
      : spec_(spec), noise_(noise), start_(start), settles_from_(start) {}

  const ResidentSpec& spec() const { return spec_; }
  double leaked{0}, tide{0}, overrun{0};  // of the day; of managed memory, that caches take beyond

  double budget() const { return spec_.heap + spec_.nonheap + spec_.direct + spec_.managed; }
  double limit() const { return budget() * (1 + spec_.overhead_share) + spec_.native; }
  double at(TimestampMs at) const;
  /// A job restarts on the process.
  void settle_anew(TimestampMs at) { settles_from_ = at; }
  /// Its series, for the process. It must outlive that.
  void join(Process& process);

 private:
  ResidentSpec spec_;
  Random noise_;
  double wobble_{0};  // neighbours in time resemble each other
  TimestampMs start_, settles_from_;
};

}  // namespace doctor::detection
