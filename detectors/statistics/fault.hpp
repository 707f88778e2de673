// Reads Flink's exceptions as a doctor would: which faults are causes and which only their
// consequences, which are the same fault again, and what keeps a fault coming back.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "model/facts.hpp"
#include "model/finding.hpp"

namespace doctor {

enum class FaultKind {
  cause,
  consequence,        // of another fault: partition not found, no slot yet, cancelled, leader moved
  lost_task_manager,  // the process went without a word; the cause is not in the exceptions
};

/// One restart, with the fault that tells most about it: a cause before any consequence.
struct Restart {
  TimestampMs at{};
  FaultKind kind{FaultKind::cause};
  const ExceptionRecord* fault{nullptr};  // borrowed
};

FaultKind kind_of(const ExceptionRecord& fault);

/// Exceptions as restarts, oldest first: what several tasks throw in one attempt is one restart.
std::vector<Restart> restarts_of(std::span<const ExceptionRecord> faults);

/// Class of the root cause and the first frame that is neither Flink's nor Java's are equal. Where
/// the JVM left the frames out, the class decides; without any frames also the message's shape.
bool same_cause(const ExceptionRecord& a, const ExceptionRecord& b);

/// "java.lang.IllegalStateException: record cannot be decoded (at org.acme.Decode.map)", printable.
std::string cause_text(const ExceptionRecord& fault);

/// What keeps a fault coming back, recognised by its text.
struct Sustainer {
  std::string what;
  Remedy remedy;
};
std::optional<Sustainer> sustainer_of(const ExceptionRecord& fault, const ClusterFacts* cluster);

}  // namespace doctor
