#include "detectors/statistics/failure_share.hpp"

#include <algorithm>
#include <cmath>

namespace doctor {
namespace {

/// P(X >= k) for X ~ Binomial(n, p).
double binomial_tail(std::size_t k, std::size_t n, double p) {
  if (k == 0) return 1;
  if (p <= 0) return 0;
  if (p >= 1) return 1;
  const auto trials = static_cast<double>(n);
  const auto least = static_cast<double>(k);
  double term =
      std::exp(std::lgamma(trials + 1) - std::lgamma(least + 1) - std::lgamma(trials - least + 1) +
               least * std::log(p) + (trials - least) * std::log1p(-p));
  double sum = 0;
  for (std::size_t i = k; i <= n; ++i) {
    const auto x = static_cast<double>(i);
    sum += term;
    term *= (trials - x) / (x + 1) * p / (1 - p);
  }
  return std::min(sum, 1.0);
}

/// The share at which P(X >= k) has risen to `probability`; the tail rises with the share.
double share_with_tail(std::size_t k, std::size_t n, double probability) {
  double low = 0;
  double high = 1;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (binomial_tail(k, n, middle) < probability ? low : high) = middle;
  }
  return (low + high) / 2;
}

}  // namespace

Share failure_share(std::size_t k, std::size_t n, double confidence) {
  Share share;
  if (k > 0) share.low = share_with_tail(k, n, 1 - confidence);
  if (k < n) share.high = share_with_tail(k + 1, n, confidence);
  return share;
}

std::size_t failing_attempts(const std::vector<bool>& failed, const FailureGates& gates,
                             double confidence) {
  const double looks = failed.size() > gates.recent ? 2 : 1;
  const double each = 1 - (1 - confidence) / looks;
  for (const std::size_t count : {std::min(gates.recent, failed.size()), failed.size()}) {
    const auto begin = failed.end() - static_cast<std::ptrdiff_t>(count);
    const auto of_these = static_cast<std::size_t>(std::count(begin, failed.end(), true));
    if (of_these < gates.failures_min) continue;
    if (failure_share(of_these, count, each).low >= gates.share_min) return count;
  }
  return 0;
}

FailureCourse counted_failures(const std::vector<bool>& failed) {
  FailureCourse course;
  course.attempts = failed.size();
  std::size_t run = 0;
  for (std::size_t i = 0; i < failed.size(); ++i) {
    if (!failed[i]) {
      run = 0;
      ++course.since_last;
      continue;
    }
    ++course.failed;
    if (++run == 1) ++course.runs;
    if (i + 1 < failed.size()) ++course.followed;
    course.longest_run = std::max(course.longest_run, run);
    course.since_last = 0;
  }
  return course;
}

void add_bounds(FailureCourse& course, double confidence) {
  if (course.failed == 0) return;
  course.share = failure_share(course.failed, course.attempts, confidence);
  course.run_begins_low = failure_share(course.runs, course.attempts, confidence).low;
  course.run_goes_on_low =
      failure_share(course.failed - course.runs, course.followed, confidence).low;
}

FailureCourse failure_course(const std::vector<bool>& failed, double confidence) {
  FailureCourse course = counted_failures(failed);
  add_bounds(course, confidence);
  return course;
}

bool is_over(const FailureCourse& course, double confidence) {
  if (course.failed == 0) return true;
  const double share = static_cast<double>(course.failed) / static_cast<double>(course.attempts);
  return std::pow(1 - share, static_cast<double>(course.since_last)) < 1 - confidence;
}

bool has_ended(const std::vector<bool>& failed, std::size_t recent, double confidence) {
  const std::size_t since_last = counted_failures(failed).since_last;
  for (std::size_t later = 0; later <= since_last; ++later) {
    const std::size_t end = failed.size() - later;
    const std::size_t begin = end - std::min(end, recent);
    const std::vector<bool> then(failed.begin() + static_cast<std::ptrdiff_t>(begin),
                                 failed.begin() + static_cast<std::ptrdiff_t>(end));
    if (is_over(counted_failures(then), confidence)) return true;
  }
  return false;
}

double row_chance(const FailureCourse& course, std::int64_t tolerated, double attempts) {
  const double each = tolerated <= 0
                          ? course.share.low
                          : course.run_begins_low *
                                std::pow(course.run_goes_on_low, static_cast<double>(tolerated));
  return -std::expm1(-std::max(attempts, 0.0) * each);
}

}  // namespace doctor
