// Attempts that either work or fail: how large the share of failures is at least, how they follow
// each other, and how likely it is that too many fail in a row.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace doctor {

struct Share {
  double low{0};
  double high{1};
};

/// Exact (Clopper-Pearson) bounds of the share behind k failures among n attempts; each of the two
/// holds with this confidence. Nothing is known of it when n is 0.
Share failure_share(std::size_t k, std::size_t n, double confidence);

struct FailureGates {
  std::size_t recent{};        // attempts
  std::size_t failures_min{};  // among them
  double share_min{};          // that fails at least
};
/// Of attempts, oldest first, how many of the newest show that such a share fails: the recent ones,
/// which a fault that has just begun fills first, or else all, which show a smaller share. 0 when
/// neither do. Both looks together err with what the confidence leaves.
std::size_t failing_attempts(const std::vector<bool>& failed, const FailureGates& gates,
                             double confidence);

/// A row of attempts, oldest first. Bounds hold with the confidence they were made with.
struct FailureCourse {
  std::size_t attempts{0};
  std::size_t failed{0};
  std::size_t runs{0};         // of failures
  std::size_t followed{0};     // failures of which the next attempt is known
  std::size_t longest_run{0};  // of failures
  std::size_t since_last{0};   // that worked after it
  Share share{};
  double run_begins_low{0};   // share of the attempts with which a run of failures begins, at least
  double run_goes_on_low{0};  // chance that a failure is followed by another, at least
};
/// Counts alone, without bounds.
FailureCourse counted_failures(const std::vector<bool>& failed);
/// Exact ones, which are dear: for a course of which enough has failed.
void add_bounds(FailureCourse& course, double confidence);
/// Both.
FailureCourse failure_course(const std::vector<bool>& failed, double confidence);

/// Whether what failed has gone: as many successes as came since would hardly come by chance, were
/// the share what it was among these attempts.
bool is_over(const FailureCourse& course, double confidence);

/// Whether that was so at any time since the last failure, of so many of the newest at a time: that
/// the failures leave these one by one does not bring them back.
bool has_ended(const std::vector<bool>& failed, std::size_t recent, double confidence);

/// The chance that of so many further attempts more than `tolerated` fail in a row, at least: runs
/// are taken to begin and to go on as often as they are known to.
double row_chance(const FailureCourse& course, std::int64_t tolerated, double attempts);

}  // namespace doctor
