// Judgement: what a replay found, as text for people, as JSON for programs, and as what two of them
// differ in.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "agent/recording/replay.hpp"
#include "model/result.hpp"

namespace doctor {

/// A timeline, then the verdict of every detector.
std::string judgement_text(const Replayed& replayed);

/// {"version": 1, "recording": {…}, "timeline": [{"at", "finding": {…}}], "verdicts": {…}}:
/// findings and verdicts as in the findings document (agent/delivery/document.hpp).
std::string judgement_json(const Replayed& replayed);

/// A judgement without its words.
struct Outline {
  struct Step {
    std::string at;  // RFC 3339, so that text order is order in time
    std::string state, severity;
    bool operator==(const Step&) const = default;
  };
  std::map<std::string, std::vector<Step>> findings;  // by id
  std::map<std::string, std::string> detectors;       // "cluster: detector" → state at the end
};

Outline outline(const Replayed& replayed);
/// Of judgement_json(); malformed when it is none.
Result<Outline> parse_outline(const std::string& json);

/// What appeared, vanished, moved or changed from `a` to `b`, one line each, by id. Empty: they are
/// the same.
std::vector<std::string> differences(const Outline& a, const Outline& b);

}  // namespace doctor
