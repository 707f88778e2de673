// Features: small fixed-size summaries of a series, updated as samples arrive, so that detectors
// need no raw history. A detector declares which it reads; selection, memory and the capability
// matrix derive from that.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "model/metric.hpp"
#include "model/time.hpp"

namespace doctor {

struct Sample {
  TimestampMs at{};
  double value{};
};

/// The level of a series between two submissions.
struct Plateau {
  TimestampMs from{};       // the event that began it
  std::uint32_t events{0};  // submissions it stands for (several may fall between two samples)
  std::uint32_t samples{0};
  double min{};
  double last{};
};

inline constexpr std::size_t kPlateausMax = 64;

/// The last plateaus of a series; the newest is still open. All series of one process are cut by
/// the same events, so their plateaus can be compared index by index.
class Plateaus {
 public:
  /// A submission at `at`. Events without a sample between them share a plateau.
  void cut(TimestampMs at);
  void add(const Sample& sample);
  void restore(const Plateau& plateau);  // as the newest; oldest first
  void clear() { *this = Plateaus{}; }
  std::size_t size() const { return size_; }
  const Plateau& at(std::size_t i) const { return plateaus_[(start_ + i) % kPlateausMax]; }
  const Plateau& back() const { return at(size_ - 1); }
  /// Index of the oldest plateau since the epoch began; grows as old ones are dropped.
  std::uint64_t dropped() const { return dropped_; }

 private:
  std::array<Plateau, kPlateausMax> plateaus_{};
  std::size_t start_{0};
  std::size_t size_{0};
  std::uint64_t dropped_{0};
};

/// How much a counter rose in each of the last minutes, whatever the pace of its samples: a rise is
/// spread evenly over the time since the sample before. A fall begins anew, a long silence is a
/// gap.
class MinuteRises {
 public:
  static constexpr std::size_t kMinutes = 17;  // three times five, and the two at the ends
  static constexpr DurationMs kSilenceMaxMs = 5 * kMinuteMs;

  void add(const Sample& sample);
  /// Rise per second over whole minutes [from, to); nothing when less than half of it was seen.
  std::optional<double> per_second(TimestampMs from, TimestampMs to) const;
  const Sample& last() const { return last_; }

 private:
  void open(std::int64_t minute);

  std::array<float, kMinutes> rises_{};            // by minute since the epoch, modulo kMinutes
  std::array<std::uint16_t, kMinutes> seen_ms_{};  // of that minute
  std::int64_t newest_{-1};                        // minute since the epoch
  Sample last_{};
};

/// When a gauge last moved, and how long it uses to stand still in between.
class Moves {
 public:
  static constexpr DurationMs kSilenceMaxMs = 2 * kMinuteMs;

  void add(const Sample& sample);
  const Sample& last() const { return last_; }
  TimestampMs moved_at() const { return moved_at_; }  // when it was first seen, if it never did
  std::uint32_t count() const { return count_; }
  /// The second longest standstill of the last one to two hours: what came twice is a habit, what
  /// came once may have been a fault. 0 before the second move. As long as it was seen to stand,
  /// and of the time in which it was not looked at no more than half a minute.
  DurationMs usual_pause_ms() const;

 private:
  using Longest = std::array<std::uint32_t, 2>;  // ms, longest first
  static void take(Longest& longest, std::uint32_t pause_ms);

  Sample last_{};
  TimestampMs moved_at_{};
  TimestampMs hour_began_{};
  Longest hour_{}, hour_before_{};
  std::uint32_t count_{0};
};

enum class Feature : std::uint8_t {
  latest,         // the last sample
  raw,            // RawRing (model/raw_ring.hpp)
  plateaus,       // Plateaus, cut at job submissions
  floors,         // Floors (model/floors.hpp), and what is left of the JVMs before this one
  minutes,        // MinuteRises, for counters
  moves,          // Moves, for gauges that go on and on
  source_floors,  // Floors, of a job's sources: of subtasks of vertices without inputs
};

/// One thing a detector reads. `required` inputs make it blind when missing; the others sharpen it.
struct Read {
  Metric metric;
  Feature feature;
  bool required;
};

}  // namespace doctor
