// Detector: a constant value with a pure function, listed in one visible registry
// (detectors/registry.cpp). Hold, hysteresis and re-arm are not its business: incidents do that.
#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/finding.hpp"
#include "model/window.hpp"

namespace doctor {

struct Param {
  std::string_view name;  // unit last: "hold_ms", "ratio_min"
  double value;
  std::string_view meaning;
};

/// Parameters that several detectors declare, followed by a detector's own.
template <std::size_t Shared, std::size_t Own>
constexpr std::array<Param, Shared + Own> joined(const std::array<Param, Shared>& shared,
                                                 const std::array<Param, Own>& own) {
  std::array<Param, Shared + Own> all{};
  for (std::size_t i = 0; i < Shared; ++i) all[i] = shared[i];
  for (std::size_t i = 0; i < Own; ++i) all[Shared + i] = own[i];
  return all;
}

/// The parameters of one detector with the configuration's overrides applied.
class Params {
 public:
  explicit Params(std::span<const Param> defaults,
                  const std::map<std::string, double>* overrides = nullptr)
      : defaults_(defaults), overrides_(overrides) {}
  double operator[](std::string_view name) const;  // asserts that the name was declared

 private:
  std::span<const Param> defaults_;
  const std::map<std::string, double>* overrides_;
};

enum class DetectorState { ok, firing, learning, blind };
std::string_view to_string(DetectorState state);

/// What a detector says of a cluster. `why` explains learning and blind ("14 h left", "no
/// reporter"), and names what was not seen when only a part was; `enable` holds the exact Flink
/// configuration lines that would give more sight.
struct Verdict {
  DetectorState state{DetectorState::ok};
  std::string why;
  std::vector<std::string> enable;
  std::vector<Finding> findings;
  /// Subjects (job names, process hosts) that could not be judged this time: what fires about them
  /// stays as it is instead of resolving.
  std::vector<std::string> unjudged;
  /// Signs of a fault that have not lasted for long enough yet: the next sample may complete them.
  bool near{false};
  /// It says the same at every moment up to this one, unless something new is told. 0: time alone
  /// may change it, as it changes every text that has an age in it.
  TimestampMs same_until{0};

  static Verdict blind(std::string why, std::vector<std::string> enable = {});
  static Verdict learning(std::string why);
  void add(Finding finding);  // and state becomes firing
};

enum class Lane { page, ticket, advice };  // the highest severity it may reach

struct Detector {
  std::string_view name;
  std::string_view summary;
  Lane lane;
  DurationMs cadence_ms;
  DurationMs hold_ms;   // how long a condition must last before it fires
  DurationMs clear_ms;  // how long it must be away before it resolves
  std::span<const Read> reads;
  std::span<const Param> params;
  Verdict (*detect)(const Window& window, const Params& params);
  /// Judges also while the cluster does not answer (facts are then the last known ones). All others
  /// that need facts are blind meanwhile: old facts must not look like the present.
  bool judges_outage{false};
};

/// Whether metrics are enough for it: all that it cannot do without is told of whole processes.
/// Below a process, metrics mean nothing without the job's graph, its state and its configuration.
bool judges_metrics_alone(const Detector& detector);

}  // namespace doctor
