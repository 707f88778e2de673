// Expectations: reads `expect` lines, and holds what the judge said against them.
#pragma once

#include <string>
#include <vector>

#include "agent/view.hpp"
#include "tests/scenarios/scenario.hpp"
#include "tests/scenarios/words.hpp"

namespace doctor::scenario {

/// An `expect` line without its first word.
Expectation parse_expectation(Words& words);

/// What the judge says after one tick.
struct Observation {
  DurationMs at{};  // from the case's start
  std::vector<ReportedFinding> findings;
  std::vector<DetectorReport> detectors;
};

/// Takes the observations of a case in order of time.
class Checker {
 public:
  explicit Checker(const Case& scenario);
  void observe(const Observation& seen);
  void finish();
  const std::vector<std::string>& failures() const { return failures_; }

 private:
  struct Open {
    const Expectation* expectation;
    bool done{false};
    bool looked{false};
  };
  void check(Open& open, const Observation& seen);
  void fail(Open& open, const Observation& seen, const std::string& found);

  const Case& scenario_;
  std::vector<Open> open_;
  std::vector<std::string> failures_;
};

}  // namespace doctor::scenario
