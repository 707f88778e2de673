#include "detectors/statistics/task_times.hpp"

#include <algorithm>
#include <cmath>

namespace doctor {
namespace {

/// Looks up one sample after another of a ring, from the newest back.
class Backwards {
 public:
  explicit Backwards(std::span<const Sample> samples) : samples_(samples), left_(samples.size()) {}
  /// Null when there is none of that very time. `at` never grows from call to call.
  const Sample* find(TimestampMs at) {
    while (left_ > 0 && samples_[left_ - 1].at > at) --left_;
    const Sample* found = left_ == 0 ? nullptr : &samples_[left_ - 1];
    return found != nullptr && found->at == at && std::isfinite(found->value) ? found : nullptr;
  }

 private:
  std::span<const Sample> samples_;
  std::size_t left_;
};

std::size_t copy(const RawRing* ring, std::span<Sample, RawRing::kSamples> samples) {
  return ring == nullptr ? 0 : ring->copy(samples);
}

}  // namespace

/// Added up in the order of time.
struct TaskTimes::Sum {
  double covered{0}, total{0}, backpressured{0}, busy{0};

  /// The part of the delta that lies in [from, to).
  void add(const Delta& delta, TimestampMs from, TimestampMs to) {
    const DurationMs overlap = std::min(to, delta.to) - std::max(from, delta.from);
    if (overlap <= 0) return;
    const DurationMs whole = delta.to - delta.from;
    const double part =
        overlap == whole ? 1 : static_cast<double>(overlap) / static_cast<double>(whole);
    covered += static_cast<double>(overlap);
    total += part * delta.total;
    backpressured += part * delta.backpressured;
    busy += part * delta.busy;
  }
  std::optional<TaskShares> shares(double covered_min_ms, bool tells_busy) const {
    if (covered < covered_min_ms || total <= 0) return std::nullopt;
    TaskShares shares;
    shares.backpressured = std::min(1.0, backpressured / total);
    if (tells_busy) shares.busy = std::min(1.0, busy / total);
    return shares;
  }
};

bool TaskTimes::read(const Features& features, EntityId entity, const Clocks& clocks, int tasks) {
  first_reading_ = RawRing::kSamples;
  deltas_size_ = 0;
  const std::size_t readings = copy(features.raw(clocks.backpressured, entity), backpressured_);
  if (readings == 0) return false;
  const std::size_t busy = copy(features.raw(clocks.busy, entity), busy_);
  tells_busy_ = busy != 0;
  join(readings, busy, copy(features.raw(clocks.idle, entity), idle_));
  if (first_reading_ == RawRing::kSamples) return false;
  find_deltas(tasks, clocks.gap_max_ms);
  return true;
}

/// Samples count where all times were told together.
void TaskTimes::join(std::size_t readings, std::size_t busy, std::size_t idle) {
  const auto told_with = [&](const Ring& ring, std::size_t size) {
    return size == readings &&
           std::equal(ring.begin(), ring.begin() + static_cast<std::ptrdiff_t>(size),
                      backpressured_.begin(),
                      [](const Sample& a, const Sample& b) { return a.at == b.at; });
  };
  if (told_with(idle_, idle) && (!tells_busy_ || told_with(busy_, busy))) return zip(readings);
  Backwards busy_back({busy_.data(), busy});
  Backwards idle_back({idle_.data(), idle});
  for (std::size_t i = readings; i-- > 0;) {
    const Sample& sample = backpressured_[i];
    const Sample* const idle_then = idle_back.find(sample.at);
    const Sample* const busy_then = busy_back.find(sample.at);
    if (!std::isfinite(sample.value) || idle_then == nullptr) continue;
    if (tells_busy_ && busy_then == nullptr) continue;
    readings_[--first_reading_] = {sample.at, tells_busy_ ? busy_then->value : 0, sample.value,
                                   idle_then->value};
  }
}

/// The same where every sample has its neighbours, as in nearly all of them.
void TaskTimes::zip(std::size_t readings) {
  for (std::size_t i = readings; i-- > 0;) {
    const double busy = tells_busy_ ? busy_[i].value : 0;
    const double backpressured = backpressured_[i].value;
    const double idle = idle_[i].value;
    if (!std::isfinite(busy) || !std::isfinite(backpressured) || !std::isfinite(idle)) continue;
    readings_[--first_reading_] = {backpressured_[i].at, busy, backpressured, idle};
  }
}

void TaskTimes::find_deltas(int tasks, DurationMs gap_max_ms) {
  const std::span<const Reading> all = std::span(readings_).subspan(first_reading_);
  const Reading* last = &all.front();  // where the times last moved
  for (const Reading& reading : all.subspan(1)) {
    const double backpressured = reading.backpressured - last->backpressured;
    const double idle = reading.idle - last->idle;
    const double rise = reading.busy - last->busy + backpressured + idle;
    // Busy is what Flink is left with (TimerGauge, TaskIOMetricGroup): it takes back what turns out
    // to have been a wait. Only a new attempt lets all three together fall.
    const bool falls = backpressured < 0 || idle < 0 || rise < 0;
    const double busy = std::max(0.0, reading.busy - last->busy);
    double total = busy + backpressured + idle;
    if (!falls && total == 0) continue;  // frozen: REST repeats itself; not a new reading
    const DurationMs passed = reading.at - last->at;
    if (!tells_busy_) total = std::max(total, tasks * static_cast<double>(passed));
    if (!falls && passed <= gap_max_ms) {
      deltas_[deltas_size_++] = {last->at, reading.at, busy, backpressured, total};
    }
    last = &reading;  // a fall is a new attempt: counted from here
  }
}

TaskShares TaskTimes::life() const {
  const Reading& newest = readings_.back();
  const double total = newest.busy + newest.backpressured + newest.idle;
  TaskShares life;
  if (total <= 0) return life;
  life.backpressured = newest.backpressured / total;
  if (tells_busy_) life.busy = newest.busy / total;
  return life;
}

std::optional<TaskShares> TaskTimes::shares_in(TimestampMs from, TimestampMs to,
                                               double covered_min_ms) const {
  Sum sum;
  for (const Delta& delta : deltas()) sum.add(delta, from, to);
  return sum.shares(covered_min_ms, tells_busy_);
}

void TaskTimes::shares_of_each(TimestampMs begin, DurationMs width_ms, double covered_min_ms,
                               std::span<std::optional<TaskShares>> shares) const {
  std::span<const Delta> left = deltas();
  for (std::size_t i = 0; i < shares.size(); ++i) {
    const TimestampMs from = begin + static_cast<DurationMs>(i) * width_ms;
    // Readings are in the order of time: what ends before this window is before the next, too.
    while (!left.empty() && left.front().to <= from) left = left.subspan(1);
    Sum sum;
    for (const Delta& delta : left) {
      if (delta.from >= from + width_ms) break;
      sum.add(delta, from, from + width_ms);
    }
    shares[i] = sum.shares(covered_min_ms, tells_busy_);
  }
}

}  // namespace doctor
