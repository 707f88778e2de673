#include "detectors/statistics/job_loaders.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>
#include <vector>

#include "detectors/statistics/finished_loaders.hpp"
#include "detectors/statistics/stepped_growth.hpp"
#include "detectors/statistics/trend.hpp"

namespace doctor {
namespace {

constexpr double kKeptMin = 0.15;
constexpr double kProvenKeptMin = 0.5;
constexpr double kKeptMax = 1.15;          // costs per submission are only known so well
constexpr double kAllKeptMin = 0.85;       // of a job of which a single collection took nothing
constexpr double kTolerance = 0.2;         // of what the job should have left behind …
constexpr double kToleranceLoaders = 0.5;  // … and so many loaders
constexpr double kOthersMin = 0.5;         // of the others' classes given back, over several looks
constexpr double kOthersOnceMin = 0.9;     // the same, when there was one look
constexpr int kFinishedMin = 2;
constexpr int kFinishedOnceMin = 4;
constexpr int kMoreFinishedMin = 3;  // from the first look to the last

using Costs = std::map<std::string_view, double>;  // by job

/// What one submission of each job loads: the median of those that began a plateau alone.
Costs costs_of(std::span<const SteppedPoint> steps) {
  std::map<std::string_view, std::vector<double>> loads;
  for (std::size_t i = 1; i < steps.size(); ++i) {
    if (steps[i].names.size() != 1 || steps[i].first_time) continue;
    if (!steps[i].loaded || !steps[i - 1].loaded) continue;
    loads[steps[i].names.front()].push_back(*steps[i].loaded - *steps[i - 1].loaded);
  }
  Costs costs;
  for (const auto& [name, of] : loads) costs[name] = median(of).value();
  return costs;
}

/// One collection: finished submissions by job, and what was unloaded up to it.
struct Look {
  std::map<std::string_view, int> finished;
  double due{};  // classes that finished jobs had loaded
  double unloaded{};
  bool full{};
};

std::vector<Look> looks_of(std::span<const SteppedPoint> steps,
                           std::span<const Opportunity> opportunities, const Costs& costs,
                           DurationMs soft_age_ms) {
  std::vector<Look> looks;
  for (const Opportunity& opportunity : opportunities) {
    if (opportunity.outcome == Reclaim::none) continue;
    Look look;
    look.full = opportunity.full;
    for (const SteppedPoint& step : steps) {
      if (step.from > opportunity.from) break;
      for (std::size_t i = 0; i < step.names.size(); ++i) {
        const auto cost = costs.find(step.names[i]);
        if (cost == costs.end() || step.ends[i] > opportunity.from - soft_age_ms) continue;
        if (opportunity.tenured_only && !is_tenured(step, opportunity.young_collections)) continue;
        ++look.finished[step.names[i]];
        look.due += cost->second;
      }
      if (step.unloaded && steps.front().unloaded) {
        look.unloaded = *step.unloaded - *steps.front().unloaded;
      }
    }
    looks.push_back(std::move(look));
  }
  return looks;
}

int finished_of(const Look& look, std::string_view job) {
  const auto found = look.finished.find(job);
  return found == look.finished.end() ? 0 : found->second;
}

struct Fit {
  double kept{};   // ratio, by least squares
  double error{};  // mean square, classes
  bool holds{true};
};

Fit fit_of(const std::vector<Look>& looks, std::string_view job, double cost) {
  Fit fit;
  double product = 0, square = 0;
  for (const Look& look : looks) {
    const double own = cost * finished_of(look, job);
    product += own * (look.due - look.unloaded);
    square += own * own;
  }
  fit.kept = square > 0 ? std::clamp(product / square, 0.0, kKeptMax) : 0;
  for (const Look& look : looks) {
    const double own = cost * finished_of(look, job);
    const double off = look.due - look.unloaded - fit.kept * own;
    fit.error += off * off / static_cast<double>(looks.size());
    fit.holds = fit.holds && std::abs(off) <= kTolerance * own + kToleranceLoaders * cost;
  }
  return fit;
}

bool is_proven(const JobLoaders& loaders, const Fit& fit, const std::vector<Look>& looks) {
  if (!fit.holds || loaders.kept_ratio < kProvenKeptMin) return false;
  const int more = loaders.finished - finished_of(looks.front(), loaders.job);
  const bool again = looks.size() >= 2 && more >= kMoreFinishedMin &&
                     finished_of(looks.front(), loaders.job) >= kFinishedMin;
  if (again) return loaders.others_ratio >= kOthersMin;
  return looks.back().full && loaders.finished >= kFinishedOnceMin &&
         loaders.kept_ratio >= kAllKeptMin && loaders.others_ratio >= kOthersOnceMin;
}

}  // namespace

std::optional<JobLoaders> kept_loaders(std::span<const SteppedPoint> steps,
                                       std::span<const Opportunity> opportunities,
                                       DurationMs soft_age_ms) {
  const Costs costs = costs_of(steps);
  if (costs.size() < 2) return std::nullopt;
  const std::vector<Look> looks = looks_of(steps, opportunities, costs, soft_age_ms);
  if (looks.empty()) return std::nullopt;
  std::optional<JobLoaders> best;
  Fit best_fit;
  for (const auto& [job, cost] : costs) {
    const int finished = finished_of(looks.back(), job);
    const Fit fit = fit_of(looks, job, cost);
    if (finished < kFinishedMin || fit.kept < kKeptMin || cost <= 0) continue;
    if (best && fit.error >= best_fit.error) continue;
    const double others = looks.back().due - cost * finished;
    const double taken = looks.back().unloaded - (1 - std::min(1.0, fit.kept)) * cost * finished;
    best = JobLoaders{
        std::string(job), finished, cost, fit.kept, others > 0 ? taken / others : 0, false};
    best_fit = fit;
  }
  if (best) best->proven = is_proven(*best, best_fit, looks);
  return best;
}

std::optional<std::string> steepest_job(std::span<const SteppedPoint> steps) {
  constexpr double kNamedMin = 0.5, kShareMin = 0.4, kLeadMin = 1.5;
  std::map<std::string_view, double> rise;
  double named = 0, total = 0;
  for (std::size_t i = 1; i < steps.size(); ++i) {
    const double up = std::max(0.0, steps[i].last - steps[i - 1].last);
    total += up;
    for (const std::string_view name : steps[i].names) {
      const double share = up / static_cast<double>(steps[i].names.size());
      rise[name] += share;
      named += share;
    }
  }
  std::string_view most;
  double first = 0, second = 0;
  for (const auto& [name, of] : rise) {
    second = std::max(second, std::min(first, of));
    if (of <= first) continue;
    first = of;
    most = name;
  }
  const bool clear = first > 0 && named >= kNamedMin * total && first >= kShareMin * named &&
                     first >= kLeadMin * second;
  return clear ? std::optional<std::string>(most) : std::nullopt;
}

}  // namespace doctor
