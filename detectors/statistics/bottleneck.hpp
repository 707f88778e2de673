// Which vertex causes backpressure: the one behind which it ends, busiest, and busy when the others
// wait. Works on the graph and on the maximum over subtasks, never on means: one hot subtask is
// enough to stop everybody.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "detectors/statistics/task_load.hpp"

namespace doctor {

struct SymptomLimits {
  double backpressured_min{0.10};
  std::size_t windows_min{3};
};

/// Indexes of the vertices that are held up.
std::vector<std::size_t> held_up(std::span<const VertexLoad> loads, const SymptomLimits& limits);

/// Of those, the ones that a single passing burst does not explain: held up from the first to the
/// last for `lasts` windows of `fine`, or again after a pause of two windows.
std::vector<std::size_t> held_up_for_long(std::span<const std::size_t> symptoms,
                                          std::span<const VertexLoad> fine,
                                          double backpressured_min, std::size_t lasts);

/// Whether so many windows more in which this vertex is held up would make it so.
bool soon_held_up_for_long(const VertexLoad& fine, double backpressured_min, std::size_t lasts,
                           std::size_t more);

struct Candidate {
  std::size_t vertex{};
  std::size_t victim{};    // its most backpressured predecessor
  double busy{};           // mean of the busiest subtask
  double backpressured{};  // its own
  double victim_backpressured{};
  double co_movement{};  // -1 … 1: its busy time against the victim's backpressure
  double score{};        // busy + co_movement
  /// Its busy share in each of the fine windows in which the victim was held up.
  std::vector<std::optional<double>> while_held;
};

/// Whether the best of them is no clearer than the second: as busy for all that can be told. A
/// vertex that really is the limit has no idle time while the others wait, so one that has three
/// times as much is no rival, nor is one that is less busy in the same windows (paired t-test).
bool is_tie(const Candidate& best, const Candidate& second, double gap_min);

/// Candidates behind the vertices that are held up, best first: by score, and those whose scores
/// are within `gap_min` of the best by how busy they are while the others wait. `fine` holds the
/// same vertices in shorter windows.
std::vector<Candidate> bottlenecks(std::span<const VertexLoad> loads,
                                   std::span<const VertexLoad> fine,
                                   std::span<const std::size_t> symptoms, double gap_min = 0);

enum class LoadClass {
  skew,               // one subtask gets the records
  slow_instance,      // one subtask is slow with its equal share
  uneven,             // one subtask is busy, its records are unknown
  collecting,         // garbage collection eats the time
  waiting,            // busy without using a processor: a call to somewhere else
  under_provisioned,  // all subtasks compute all the time
  saturated,          // all are busy; whether they compute or wait cannot be seen
  unclear,            // not even busy
};

struct Diagnosis {
  LoadClass load_class{LoadClass::unclear};
  int hot_subtask{-1};
  std::string text;  // one sentence with its figures
};

Diagnosis diagnose(const Window& window, const VertexLoad& load);

}  // namespace doctor
