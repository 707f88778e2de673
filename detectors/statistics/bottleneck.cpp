#include "detectors/statistics/bottleneck.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <optional>

#include "detectors/statistics/robust.hpp"

namespace doctor {
namespace {

constexpr double kVictimMin = 0.05;
constexpr double kOwnMax = 0.06;
constexpr double kOwnShare = 0.5;  // of the victim's
constexpr double kVariesMin = 0.03;
constexpr std::size_t kPairsMin = 6;

using Indexes = std::map<std::string, std::size_t>;

Indexes indexes_of(std::span<const VertexLoad> loads) {
  Indexes indexes;
  for (std::size_t i = 0; i < loads.size(); ++i) indexes[loads[i].vertex->id] = i;
  return indexes;
}

/// Everything downstream of what is held up, itself included.
std::vector<bool> downstream(std::span<const VertexLoad> loads, const Indexes& indexes,
                             std::span<const std::size_t> symptoms) {
  std::vector<bool> reached(loads.size(), false);
  for (const std::size_t symptom : symptoms) reached[symptom] = true;
  for (bool changed = true; changed;) {
    changed = false;
    for (std::size_t i = 0; i < loads.size(); ++i) {
      if (reached[i]) continue;
      for (const Edge& edge : loads[i].vertex->inputs) {
        const auto from = indexes.find(edge.from);
        if (from == indexes.end() || !reached[from->second]) continue;
        reached[i] = changed = true;
      }
    }
  }
  return reached;
}

double co_movement_of(const VertexLoad& suspect, const VertexLoad& victim) {
  std::vector<double> busy;
  std::vector<double> held;
  for (std::size_t i = 0; i < suspect.busy_max.size(); ++i) {
    if (!suspect.busy_max[i] || !victim.backpressured_max[i]) continue;
    busy.push_back(*suspect.busy_max[i]);
    held.push_back(*victim.backpressured_max[i]);
  }
  if (busy.size() < kPairsMin || standard_deviation(held) <= kVariesMin) return 0;
  return correlation(busy, held);
}

/// Windows in which the victim waited less than half as much as at most say little about who is the
/// limit when it waits.
std::vector<std::optional<double>> busy_while_held(const VertexLoad& suspect,
                                                   const VertexLoad& victim) {
  constexpr double kHeldShare = 0.5;
  double most = kVictimMin;
  for (const auto& held : victim.backpressured_max) most = std::max(most, held.value_or(0));
  std::vector<std::optional<double>> busy(suspect.busy_max.size());
  for (std::size_t i = 0; i < busy.size(); ++i) {
    if (victim.backpressured_max[i].value_or(0) >= kHeldShare * most) busy[i] = suspect.busy_max[i];
  }
  return busy;
}

/// By how much a is busier than b in the windows that both have, in standard errors of the mean
/// difference; 0 of fewer than four.
double busier(const Candidate& a, const Candidate& b) {
  constexpr std::size_t kWindowsMin = 4;
  constexpr double kSdMin = 0.002;  // measured times are no better
  std::vector<double> differences;
  for (std::size_t i = 0; i < std::min(a.while_held.size(), b.while_held.size()); ++i) {
    if (a.while_held[i] && b.while_held[i]) {
      differences.push_back(*a.while_held[i] - *b.while_held[i]);
    }
  }
  if (differences.size() < kWindowsMin) return 0;
  return mean(differences) / std::max(kSdMin, standard_deviation(differences)) *
         std::sqrt(static_cast<double>(differences.size()));
}

std::optional<std::size_t> worst_predecessor(std::span<const VertexLoad> loads,
                                             const Indexes& indexes,
                                             const std::vector<bool>& reached, std::size_t vertex) {
  std::optional<std::size_t> worst;
  for (const Edge& edge : loads[vertex].vertex->inputs) {
    const auto from = indexes.find(edge.from);
    if (from == indexes.end() || !reached[from->second]) continue;
    const std::optional<double> held = loads[from->second].backpressured();
    if (!held || *held < kVictimMin) continue;
    if (!worst || *held > *loads[*worst].backpressured()) worst = from->second;
  }
  return worst;
}

/// How long a vertex has been held up, window after window.
class Holdup {
 public:
  void add(std::optional<double> share, double backpressured_min) {
    const std::size_t window = windows_++;
    if (!share) return;
    if (*share < backpressured_min) {
      ++calm_;
      return;
    }
    recurs_ = recurs_ || (first_ && calm_ >= kPause);
    if (!first_) first_ = window;
    spans_ = window - *first_ + 1;
    calm_ = 0;
  }
  /// From the first to the last, or again after a pause.
  bool is_long(std::size_t lasts) const { return first_ && (spans_ >= lasts || recurs_); }
  /// With so many more windows of it behind these.
  bool is_long_with(std::size_t more, std::size_t lasts) const {
    return first_ && (windows_ - *first_ + more >= lasts || calm_ >= kPause);
  }

 private:
  static constexpr std::size_t kPause = 2;

  std::optional<std::size_t> first_;
  std::size_t windows_{0}, spans_{0};
  std::size_t calm_{0};  // windows since it was last held up
  bool recurs_{false};
};

Holdup holdup_of(const VertexLoad& fine, double backpressured_min) {
  Holdup holdup;
  for (const auto& share : fine.backpressured_max) holdup.add(share, backpressured_min);
  return holdup;
}

}  // namespace

std::vector<std::size_t> held_up(std::span<const VertexLoad> loads, const SymptomLimits& limits) {
  std::vector<std::size_t> symptoms;
  for (std::size_t i = 0; i < loads.size(); ++i) {
    if (loads[i].windows_with(limits.backpressured_min) >= limits.windows_min) {
      symptoms.push_back(i);
    }
  }
  return symptoms;
}

bool soon_held_up_for_long(const VertexLoad& fine, double backpressured_min, std::size_t lasts,
                           std::size_t more) {
  const Holdup holdup = holdup_of(fine, backpressured_min);
  return holdup.is_long(lasts) || holdup.is_long_with(more, lasts);
}

std::vector<std::size_t> held_up_for_long(std::span<const std::size_t> symptoms,
                                          std::span<const VertexLoad> fine,
                                          double backpressured_min, std::size_t lasts) {
  const auto lasting = [&](std::size_t symptom) {
    return symptom < fine.size() && holdup_of(fine[symptom], backpressured_min).is_long(lasts);
  };
  std::vector<std::size_t> long_ones;
  std::copy_if(symptoms.begin(), symptoms.end(), std::back_inserter(long_ones), lasting);
  return long_ones;
}

bool is_tie(const Candidate& best, const Candidate& second, double gap_min) {
  static constexpr double kIdleMin = 0.01;  // measured times are no better
  constexpr double kIdleRatio = 3;
  constexpr double kBusierMin = 2;  // standard errors
  const auto idle = [](const Candidate& of) {
    return std::max(kIdleMin, 1 - of.busy - of.backpressured);
  };
  return std::abs(best.score - second.score) < gap_min && idle(second) < kIdleRatio * idle(best) &&
         busier(best, second) < kBusierMin;
}

std::vector<Candidate> bottlenecks(std::span<const VertexLoad> loads,
                                   std::span<const VertexLoad> fine,
                                   std::span<const std::size_t> symptoms, double gap_min) {
  const Indexes indexes = indexes_of(loads);
  const std::vector<bool> reached = downstream(loads, indexes, symptoms);
  std::vector<Candidate> candidates;
  for (std::size_t i = 0; i < loads.size(); ++i) {
    const std::optional<double> busy = loads[i].busy();
    const std::optional<double> own = loads[i].backpressured();
    const auto victim = worst_predecessor(loads, indexes, reached, i);
    if (!busy || !own || !victim) continue;
    const double held = *loads[*victim].backpressured();
    if (*own > std::max(kOwnMax, kOwnShare * held)) continue;
    candidates.push_back({i, *victim, *busy, *own, held, 0, *busy, {}});
    if (i >= fine.size()) continue;
    Candidate& candidate = candidates.back();
    candidate.co_movement = co_movement_of(fine[i], fine[*victim]);
    candidate.score += candidate.co_movement;
    candidate.while_held = busy_while_held(fine[i], fine[*victim]);
  }
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const Candidate& a, const Candidate& b) { return a.score > b.score; });
  const auto alike = std::find_if(candidates.begin(), candidates.end(), [&](const Candidate& c) {
    return candidates.front().score - c.score >= gap_min;
  });
  // Among those whose scores say the same, whoever is busier than the first takes its place.
  for (auto rival = candidates.begin(); rival != alike; ++rival) {
    if (busier(*rival, candidates.front()) > 0) std::rotate(candidates.begin(), rival, rival + 1);
  }
  return candidates;
}

}  // namespace doctor
