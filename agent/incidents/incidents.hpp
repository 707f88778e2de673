// Incidents: the life of findings. Detectors say what is true now; here that becomes pending,
// firing and resolved, with hold, hysteresis and a start time that survives the agent's restart.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/view.hpp"
#include "model/detector.hpp"
#include "model/limits.hpp"

namespace doctor {

class Incidents {
 public:
  explicit Incidents(const Limits& limits) : limits_(limits) {}

  /// One judgement of one detector over one cluster. `cluster` and `namespace_` scope what may
  /// resolve. With `one_shot` nothing is held back.
  void update(const Detector& detector, const std::string& cluster, const Verdict& verdict,
              TimestampMs now, bool one_shot);
  /// Names causes: a finding that another firing one explains points to it. Once per judgement.
  void explain();
  /// Drops what was resolved long enough ago to have been sent.
  void expire(TimestampMs now);

  /// Ordered by id.
  std::vector<ReportedFinding> report() const;
  /// The same without copies: `visit(id, reported)`.
  template <class Visit>
  void each(Visit visit) const {
    for (const auto& [id, incident] : incidents_) visit(id, incident.reported);
  }
  std::uint64_t dropped() const { return dropped_; }
  /// How often a finding began to fire, changed its severity or was resolved.
  std::uint64_t transitions() const { return transitions_; }

  /// From an earlier life of the agent: identity, state and start. Content follows when judged.
  void restore(ReportedFinding finding, TimestampMs now);

 private:
  struct Incident {
    ReportedFinding reported;
    TimestampMs last_true{};    // when the detector last said so
    TimestampMs last_judged{};  // when it could last be judged
    TimestampMs peak_at{};      // when the present severity was last reached
  };

  void is_true(const Detector& detector, Incident& incident, const Finding& finding,
               TimestampMs now, bool one_shot);
  void explain_twins();
  void is_absent(const Detector& detector, Incident& incident, TimestampMs now);

  const Limits& limits_;
  std::map<std::string, Incident> incidents_;  // by finding id
  std::uint64_t dropped_{0};
  std::uint64_t transitions_{0};
};

}  // namespace doctor
